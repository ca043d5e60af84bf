"""Credentials that must not let anybody in, made from a valid token and from known keys."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from betterguard.live.attack.people import claims_of
from betterguard.testing.forgery import forgeries
from betterguard.testing.tokens import SharedSecretKey, TokenIssuer, compact, encode_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from betterguard.live.attack.people import Person
    from betterguard.testing.tokens import SigningKey

__all__ = ["Credential", "Keys", "credentials", "forged"]

HOUR = 3600
_FORGED_KINDS = (
    ("alg-none", r"alg-(none|None|NONE|nOnE)(-signature-kept)?"),
    ("odd-algorithm", r"alg-.*"),
    ("public-key-as-secret", r"public-key-.*"),
    ("guessed-secret", r"blank-secret"),
    ("key-in-header", r"(embedded-jwk|jku|x5u|x5c)-.*"),
    ("key-id", r"kid-.*"),
    ("changed-signature", r"signature-(null|truncated|extended|zero|halved|doubled|bit)"),
    ("changed-payload", r"payload-changed"),
    ("header-extension", r"crit-.*|b64-false|zip"),
    ("changed-text", r"(header|payload|signature|in-front)-.*"),
    ("oversize-token", r"oversize-.*"),
    ("other-serialisation", r"empty|segments-.*|jwe|pbes2|json-.*"),
)
"""Which attack a forgery of `betterguard.testing.forgery` belongs to; the first that matches."""

GUESSED_SECRETS = (
    "better-auth-secret-12345678901234567890",
    "secret",
    "your-secret-key",
    "your-secret-key-change-in-production",
    "your_better_auth_secret",
    "change-me",
    "changeme",
    "supersecret",
    "dev-secret",
    "development-secret-key",
    "test",
)
_KINDS = ("better-auth.session-cache+jwt", "logout+jwt", "secevent+jwt")
"""Types of tokens that one key set signs beside those for the API."""
IDENTITY_HEADERS = ("X-User-Id", "X-User", "User-Id", "X-Authenticated-User", "X-Forwarded-User")
IDENTITY_PARAMETERS = ("user_id", "userId", "uid", "user")
TOKEN_PARAMETERS = ("token", "access_token", "jwt", "auth")


@dataclass(frozen=True, slots=True)
class Keys:
    """What is known of the application's keys: none, published ones, the secret, a private one."""

    jwks: Mapping[str, Any] = field(default_factory=lambda: {"keys": []})
    signing: SigningKey | SharedSecretKey | None = field(default=None, repr=False)
    expired: str | None = field(default=None, repr=False)
    """A genuine token whose time is over."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One variant of an attack: headers and query that go with a request."""

    attack: str
    variant: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def credentials(alice: Person, bob: Person, keys: Keys) -> Iterator[Credential]:
    """Make every credential that can be made; those that cannot be sent are left out."""
    made = (
        *_malformed(alice.token),
        *(forged(attack, variant, token) for attack, variant, token in _forged(alice, bob, keys)),
        *_signed(alice, keys),
        *_doors(alice),
        *_elsewhere(alice),
    )
    yield Credential("missing-credential", "no header")
    yield from (one for one in made if all(_sendable(value) for _, value in one.headers))


def forged(attack: str, variant: str, token: str) -> Credential:
    """Carry a token as a bearer token."""
    return Credential(attack, variant, (("Authorization", f"Bearer {token}"),))


def _sendable(value: str) -> bool:
    return value.isprintable() and value == value.strip(" ")


def _malformed(token: str) -> Iterator[Credential]:
    forms = {
        "empty": "",
        "scheme alone": "Bearer",
        "no scheme": token,
        "Basic": f"Basic {token}",
        "Token": f"Token {token}",
        "JWT": f"JWT {token}",
        "Bearer twice": f"Bearer Bearer {token}",
        "no space": f"Bearer{token}",
        "colon": f"Bearer: {token}",
        "equals sign": f"Bearer={token}",
        "null": "Bearer null",
        "undefined": "Bearer undefined",
        "something behind": f"Bearer {token} x",
        "Basic of the token": "Basic " + base64.b64encode(f":{token}".encode()).decode(),
    }
    for variant, value in forms.items():
        yield Credential("malformed-credential", variant, (("Authorization", value),))
    for scheme in ("bearer", "BEARER"):
        yield Credential("scheme-case", scheme, (("Authorization", f"{scheme} {token}"),))
    bad = _bent(token)
    pairs = {
        "forged first": (("Authorization", f"Bearer {bad}"), ("Authorization", f"Bearer {token}")),
        "valid first": (("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {bad}")),
        "in one header": (("Authorization", f"Bearer {bad}, Bearer {token}"),),
    }
    for variant, headers in pairs.items():
        yield Credential("doubled-credential", variant, headers)


def _bent(token: str) -> str:
    """Change a character in the middle of the signature."""
    at = token.rfind(".") + 10
    other = "A" if token[at : at + 1] != "A" else "B"
    return token[:at] + other + token[at + 1 :]


def _forged(alice: Person, bob: Person, keys: Keys) -> Iterator[tuple[str, str, str]]:
    if not _is_jwt(alice.token):
        return
    for forgery in forgeries(alice.token, keys.jwks):
        if forgery.token != forgery.token.strip(" "):
            continue  # spaces around a token are HTTP's, not the token's
        yield _attack_of(forgery.attack), forgery.attack, forgery.token
    header, payload, signature = alice.token.split(".")
    claims = claims_of(alice.token)
    other = {
        name: bob.user_id if value == alice.user_id else value for name, value in claims.items()
    }
    changed = {"another user": other, "more time": {**claims, "exp": int(time.time()) + 10 * HOUR}}
    for variant, content in changed.items():
        text = base64.urlsafe_b64encode(encode_json(content)).decode().rstrip("=")
        yield "changed-payload", variant, f"{header}.{text}.{signature}"
    for secret in GUESSED_SECRETS:
        token = TokenIssuer(SharedSecretKey(secret)).sign(claims)
        yield "guessed-secret", f"secret {secret!r}", token
    yield "alg-none", "two segments", f"{_header(alg='none')}.{payload}."


def _attack_of(forgery: str) -> str:
    return next(
        attack for attack, pattern in _FORGED_KINDS if re.fullmatch(pattern, forgery, re.DOTALL)
    )


def _is_jwt(token: str) -> bool:
    return token.count(".") == 2 and bool(claims_of(token))  # noqa: PLR2004  compact form


def _header(**members: str) -> str:
    return base64.urlsafe_b64encode(encode_json(members)).decode().rstrip("=")


def _signed(alice: Person, keys: Keys) -> Iterator[Credential]:
    """Make well-signed tokens that are wrong in what they say."""
    if keys.expired is not None:
        yield forged("expired", "a genuine token", keys.expired)
    if keys.signing is None:
        return
    issuer = TokenIssuer(keys.signing)
    claims = claims_of(alice.token)
    for attack, variant, content, header in _wrong_claims(claims, keys.signing.header()):
        yield forged(attack, variant, issuer.sign(content, header))


def _wrong_claims(
    claims: dict[str, Any], header: dict[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    now = int(time.time())
    changes: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("expired", "an hour ago", {"iat": now - 2 * HOUR, "exp": now - HOUR}),
        ("expired", "a minute and a half ago", {"iat": now - HOUR, "exp": now - 90}),
        ("not-yet-valid", "nbf in an hour", {"nbf": now + HOUR}),
        ("other-audience", "another service", {"aud": "https://other.example"}),
        ("other-audience", "a list of others", {"aud": ["https://other.example"]}),
        ("other-issuer", "another issuer", {"iss": "https://other.example"}),
        ("odd-claims", "no exp", {"exp": None}),
        ("odd-claims", "exp is text", {"exp": "never"}),
        ("odd-claims", "sub is a number", {"sub": 1, "id": 1}),
        ("odd-claims", "sub is a list", {"sub": [claims.get("sub")], "id": []}),
        ("odd-claims", "sub is empty", {"sub": "", "id": ""}),
        ("odd-claims", "no user", dict.fromkeys(("sub", "id", "user_id", "userId", "email"))),
    )
    for attack, variant, change in changes:
        if change.keys() <= {"aud", "iss"} - claims.keys():
            continue  # tokens that name none are held to none
        changed = {name: one for name, one in (claims | change).items() if one is not None}
        yield attack, variant, changed, header
    user, email = claims.get("sub") or claims.get("id"), claims.get("email", "a@example.com")
    times = {"iat": now, "exp": now + HOUR}
    verification = {"email": email, "userId": user, **times}
    yield "other-kind", "e-mail verification", verification, header
    session = {"session": {"userId": user, "token": "x"}, "user": {"id": user, "email": email}}
    cached = {**session, "updatedAt": now * 1000, "version": "1", **times}
    yield "other-kind", "session cache", cached, header
    for kind in () if header.get("alg") == "HS256" else _KINDS:
        yield "other-kind", f"typ {kind}", claims, {**header, "typ": kind}


def _doors(alice: Person) -> Iterator[Credential]:
    """Give back doors that were seen in public back ends, for the victim's id."""
    claims = {"sub": alice.user_id, "id": alice.user_id, "user_id": alice.user_id}
    claims["email"] = claims_of(alice.token).get("email", "a@example.com")
    text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    unsigned = compact(encode_json({"alg": "none"}), encode_json(claims), b"")
    tokens = (
        "test",
        "demo",
        "dev",
        "admin",
        "mock-token",
        "test-token",
        "demo-token",
        alice.user_id,
        f"demo.{text}.",
        f"demo.{text}.signature",
        f"bypass.{text}.bypass",
        f"{unsigned}bypass",
        f"{_header(alg='HS256')}.{text}.bypass-signature",
        f"mock.{text}.mock",
        f"user-{alice.user_id}",
        f"demo-{alice.user_id}",
        f"bypass-{alice.user_id}",
        text,
    )
    for token in tokens:
        yield forged("well-known-token", token.replace(text, "<claims>")[:40], token)


def _elsewhere(alice: Person) -> Iterator[Credential]:
    """Put the token, or the bare user id, where neither belongs."""
    for name in TOKEN_PARAMETERS:
        yield Credential("token-in-query", name, query=((name, alice.token),))
    for name in IDENTITY_HEADERS:
        yield Credential("client-identity", f"header {name}", ((name, alice.user_id),))
    for name in IDENTITY_PARAMETERS:
        yield Credential("client-identity", f"query {name}", query=((name, alice.user_id),))
