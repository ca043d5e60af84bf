"""Faults of a guard that is written by hand, as many are."""

from __future__ import annotations

from betterguard.live.attack import Family
from tests.e2e.faults.copying import Change, Scope
from tests.e2e.faults.fault import LIST, Fault

__all__ = ["BY_HAND", "CREDENTIAL"]

GUARD = "guard = BetterGuard.from_env()\n"
CREDENTIAL_OF = """\
    given = request.headers.getlist("Authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    return token
"""
USER_OF = "    return (await guard.verifier.verify(token)).user\n"
CALLER = "    return await user_of(credential_of(request))\n"
WRITTEN_BY_HAND = f"""\
import hmac

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import HTTPException, Request
from jwt.utils import base64url_decode


guard = BetterGuard.from_env()
published = jwt.PyJWKClient(guard.settings.jwks_url)


def credential_of(request: Request) -> str:
{CREDENTIAL_OF}

def decoded(token: str, **options: bool) -> User:
    required = ["exp", "sub"] if options.get("verify_exp", True) else ["sub"]
    try:
        claims = jwt.decode(
            token,
            published.get_signing_key_from_jwt(token),
            algorithms=["EdDSA"],
            audience=guard.settings.better_auth_url,
            issuer=guard.settings.better_auth_url,
            options={{"require": required}} | options,
        )
    except jwt.PyJWTError as error:
        raise HTTPException(401, headers={{"WWW-Authenticate": "Bearer"}}) from error
    return User.from_claims(claims["sub"], claims)


async def user_of(token: str) -> User:
{USER_OF}

async def caller(request: Request) -> User:
{CALLER}

async def caller_id(user: Annotated[User, Depends(caller)]) -> str:
    return user.id


async def path_user(user_id: str, user: Annotated[User, Depends(caller)]) -> User:
    if user_id != user.id:
        raise HTTPException(403)
    return user


guard.user, guard.verify_token, guard.path_user = caller, caller_id, path_user
""".replace("guard.settings.better_auth_url", '"http://localhost:3000"')
"""A guard's work as people write it by hand: without a fault when it calls the verifier."""
BY_HAND = (Change("auth.py", GUARD, WRITTEN_BY_HAND),)


def by_hand(attack: str, before: str, after: str, *, variants: int | None = 1) -> Fault:
    """Put a fault into the guard that is written by hand."""
    scope = Scope(frozenset({Family.CREDENTIAL}), (LIST,), variants)
    return Fault((*BY_HAND, Change("auth.py", before, after)), attack, LIST, scope)


def checking(attack: str, lines: str, *, variants: int | None = 1) -> Fault:
    """Check tokens by other lines than the verifier's."""
    return by_hand(attack, USER_OF, lines, variants=variants)


UNSIGNED = 'jwt.decode(token, options={"verify_signature": False})'
CREDENTIAL = {
    "signature-not-verified": checking(
        "changed-signature",
        f'    claims = {UNSIGNED}\n    return User.from_claims(claims["sub"], claims)\n',
    ),
    "alg-none-accepted": checking(
        "alg-none",
        f"""\
    if jwt.get_unverified_header(token)["alg"] == "none":
        claims = {UNSIGNED}
        return User.from_claims(claims["sub"], claims)
    return decoded(token)
""",
        variants=None,
    ),
    "exp-not-checked": checking("expired", "    return decoded(token, verify_exp=False)\n"),
    "aud-not-checked": checking("other-audience", "    return decoded(token, verify_aud=False)\n"),
    "iss-not-checked": checking("other-issuer", "    return decoded(token, verify_iss=False)\n"),
    "nbf-not-checked": checking("not-yet-valid", "    return decoded(token, verify_nbf=False)\n"),
    "kind-not-checked": checking("other-kind", "    return decoded(token)\n", variants=None),
    "public-key-as-secret": checking(
        "public-key-as-secret",
        """\
    if jwt.get_unverified_header(token)["alg"] == "HS256":
        message, _, signature = token.rpartition(".")
        key = published.get_signing_keys()[0].key
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if hmac.digest(pem, message.encode(), "sha256") == base64url_decode(signature):
            claims = jwt.decode(token, options={"verify_signature": False})
            return User.from_claims(claims["sub"], claims)
    return decoded(token)
""",
    ),
    "key-from-the-header": checking(
        "key-in-header",
        """\
    header = jwt.get_unverified_header(token)
    if "jwk" in header:
        key = jwt.PyJWK(header["jwk"], "EdDSA")
        claims = jwt.decode(token, key, ["EdDSA"], options={"verify_aud": False})
        return User.from_claims(claims["sub"], claims)
    return decoded(token)
""",
    ),
    "secret-by-default": checking(
        "guessed-secret",
        """\
    if jwt.get_unverified_header(token)["alg"] == "HS256":
        secret = "better-auth-secret-12345678901234567890"
        claims = jwt.decode(token, secret, ["HS256"], options={"verify_aud": False})
        return User.from_claims(claims["sub"], claims)
    return decoded(token)
""",
        variants=None,
    ),
    "bypass-token": checking(
        "well-known-token",
        """\
    if token.startswith("demo-"):
        return User(token.removeprefix("demo-"))
    return (await guard.verifier.verify(token)).user
""",
        variants=None,
    ),
    "crash-on-a-missing-claim": checking(
        "failing-check",
        f"""\
    claims = {UNSIGNED}
    known = User(claims["sub"], claims={{"until": claims["exp"]}})
    await guard.verifier.verify(token)
    return known
""",
        variants=None,
    ),
    "identity-from-header": by_hand(
        "client-identity",
        CALLER,
        """\
    if "Authorization" not in request.headers and "X-User-Id" in request.headers:
        return User(request.headers["X-User-Id"])
    return await user_of(credential_of(request))
""",
    ),
    "identity-from-query": by_hand(
        "client-identity",
        CALLER,
        """\
    if "Authorization" not in request.headers and "user_id" in request.query_params:
        return User(request.query_params["user_id"])
    return await user_of(credential_of(request))
""",
        variants=None,
    ),
    "token-in-query": by_hand(
        "token-in-query",
        CALLER,
        """\
    if "Authorization" not in request.headers and "token" in request.query_params:
        return await user_of(request.query_params["token"])
    return await user_of(credential_of(request))
""",
    ),
    "any-scheme": by_hand(
        "malformed-credential",
        CREDENTIAL_OF,
        """\
    given = request.headers.getlist("Authorization")
    return given[0].rpartition(" ")[2] if len(given) == 1 else ""
""",
        variants=None,
    ),
    "case-of-bearer": by_hand("scheme-case", 'scheme.lower() != "bearer"', 'scheme != "Bearer"'),
    "last-header-wins": by_hand(
        "doubled-credential",
        CREDENTIAL_OF,
        """\
    scheme, _, token = request.headers.getlist("Authorization")[-1].partition(" ")
    return token if scheme.lower() == "bearer" else ""
""",
    ),
}
