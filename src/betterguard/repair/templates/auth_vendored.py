"""Who is calling: verifies Better Auth's tokens with FastAPI and PyJWT alone.

Written by ``betterguard init --vendor``; it is yours, and nothing updates it. It reads

- ``BETTER_AUTH_URL``: Better Auth's baseURL. Its origin is the issuer and the audience of
  tokens, its key set is fetched from ``/api/auth/jwks`` there;
- ``BETTER_AUTH_JWKS_URL``: the key set's address, where this process needs another one;
- ``BETTER_AUTH_ISSUER``, ``BETTER_AUTH_AUDIENCE``: where the tokens say something else;
- ``BETTER_AUTH_SECRET`` with ``BETTER_AUTH_TOKENS=secret``: HS256 tokens of a ``jwt.sign`` of
  your own, instead of the key set;
- ``BETTER_AUTH_ALLOW_HTTP=true``: a key set over http on a private network.

From the environment, and from ``.env`` where python-dotenv is installed.

It refuses the tokens that betterguard refuses, with these exceptions:

- RSA keys of the broken generator of CVE-2017-15361 (ROCA) are not told from sound ones;
- the session-cache cookie, rotating secrets, a secret beside a key set, a choice of the identity
  claim, CORS, error pages and row isolation are not in here: that is what the package is for.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import math
import os
import time
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn
from urllib.error import HTTPError
from urllib.parse import urlsplit

import jwt
from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CurrentUser", "PathUser", "User", "verify_token"]

logger = logging.getLogger(__name__)

MAX_TOKEN_BYTES = 16 * 1024
MAX_HEADER_CHARACTERS = 2048
MAX_ID_LENGTH = 256
MAX_NUMBER_LENGTH = 32
MAX_DEPTH = 32
MAX_LIFETIME = 24 * 60 * 60.0  # seconds between iat and exp
LATEST_DATE = 253_402_300_799  # the year 9999
LEEWAY = 5.0  # seconds that the clocks may differ
MIN_SECRET_BYTES = 32
MIN_RSA_BITS = 2048
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# The key decides the algorithm; a token's header only selects among what the keys allow.
KINDS = {
    ("OKP", "Ed25519"): ("EdDSA",),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-521"): ("ES512",),
    ("RSA", None): ("RS256", "PS256"),
}
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "enc"})  # they change what is signed


# --- what routes ask for ---------------------------------------------------------------------


@dataclass(frozen=True)
class User:
    """Who is calling; ``claims`` is everything that the token says."""

    id: str
    claims: dict[str, Any] = field(repr=False)

    @property
    def email(self) -> str | None:
        """The address, where the token has it."""
        return self.claims.get("email")


async def current_user(connection: HTTPConnection) -> User:
    """Give the person whom the bearer token names; 401 without a valid token."""
    claims = await verifier.verify(_bearer(connection))
    return User(_user_id(claims), claims)


CurrentUser = Annotated[User, Depends(current_user)]


async def path_user(user_id: str, user: CurrentUser) -> User:
    """Give the same person; 403 when the path's ``{user_id}`` is another's."""
    if user.id != user_id:
        raise HTTPException(403, "Forbidden")
    return user


PathUser = Annotated[User, Depends(path_user)]


async def verify_token(user: CurrentUser) -> str:
    """Give the caller's id alone: ``current_user_id: str = Depends(verify_token)``."""
    return user.id


# --- answers: RFC 6750, and no word of why ---------------------------------------------------


def _missing() -> HTTPException:
    return HTTPException(401, "Missing token", headers={"WWW-Authenticate": "Bearer"})


def _invalid(*, error: str = "invalid_token") -> HTTPException:
    return HTTPException(
        401, "Invalid token", headers={"WWW-Authenticate": f'Bearer error="{error}"'}
    )


def _expired() -> HTTPException:
    told = 'Bearer error="invalid_token", error_description="The access token expired"'
    return HTTPException(401, "Token expired", headers={"WWW-Authenticate": told})


def _unavailable(seconds: float) -> HTTPException:
    headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
    return HTTPException(503, "Authentication temporarily unavailable", headers=headers)


def _bearer(connection: HTTPConnection) -> str:
    """Read exactly one credential; one that cannot be read is never taken for none."""
    headers = connection.headers.getlist("authorization")
    if not headers:
        raise _missing()
    scheme, _, token = headers[0].partition(" ")
    token = token.strip(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not token or len(token.split()) > 1:
        raise _invalid(error="invalid_request")
    return token


# --- keys ------------------------------------------------------------------------------------


class Key(NamedTuple):
    """A key that checks signatures of exactly one algorithm."""

    alg: str
    kid: str | None
    material: Any


class SharedSecret:
    """``BETTER_AUTH_SECRET``: its bytes as they are, for HS256 and nothing else."""

    def __init__(self, secret: str) -> None:
        if len(secret.encode()) < MIN_SECRET_BYTES or secret.lstrip().startswith(("-----", "{")):
            msg = (
                f"BETTER_AUTH_SECRET must be a secret of at least {MIN_SECRET_BYTES} bytes, no key"
            )
            raise ValueError(msg)
        self._key = Key("HS256", None, secret.encode())

    async def find(self, alg: str, kid: str | None) -> Key | None:  # noqa: ARG002 - a secret has no id
        """Give the secret, for its one algorithm."""
        return self._key if alg == self._key.alg else None


class KeySet:
    """Keys by id and algorithm; ``fetch`` gives the entries of Better Auth's key set.

    A request that has its key never waits for a fetch, unless the set is over ten minutes old.
    An unknown key id causes one fetch in 30 seconds, a failure the next try after 5 to 60.
    """

    LIFETIME, COOLDOWN, FIRST_BACK_OFF, LONGEST_BACK_OFF, STALE_FOR = (
        600.0,
        30.0,
        5.0,
        60.0,
        86_400.0,
    )

    def __init__(
        self, fetch: Callable[[], list[Any]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: tuple[Key, ...] = ()
        self._fetched_at = self._tried_at = -math.inf
        self._failures = 0
        self._lock = asyncio.Lock()

    async def find(self, alg: str, kid: str | None) -> Key | None:
        """Give the key that a header selects; None for one that is not published; 503."""
        found = self._selected(alg, kid)
        if self._is_due(unknown=found is None):
            async with self._lock:
                if self._is_due(unknown=self._selected(alg, kid) is None):
                    await self._refresh()
            found = self._selected(alg, kid)
        if found is None and self._failures:
            raise _unavailable(self._back_off())
        return found

    def _selected(self, alg: str, kid: str | None) -> Key | None:
        fitting = [key for key in self._keys if key.alg == alg]
        named = [key for key in fitting if key.kid == kid] if kid is not None else fitting
        return named[0] if len(named) == 1 else None

    def _is_due(self, *, unknown: bool) -> bool:
        now = self._clock()
        if self._failures:
            return now - self._tried_at >= self._back_off()
        return now - self._fetched_at >= (self.COOLDOWN if unknown else self.LIFETIME)

    def _back_off(self) -> float:
        return float(
            min(self.FIRST_BACK_OFF * 2 ** min(self._failures - 1, 8), self.LONGEST_BACK_OFF)
        )

    async def _refresh(self) -> None:
        self._tried_at = self._clock()
        try:
            # Of several seconds in all: urllib's own limit is for each read.
            entries = await asyncio.wait_for(asyncio.to_thread(self._fetch), 5)
            keys = read_keys(entries)
            _demand(bool(keys))
        except Exception as err:  # noqa: BLE001 - whatever failed: the last good set serves on
            self._failures += 1
            logger.warning("the key set could not be had: %s", type(err).__name__)
            if self._clock() - self._fetched_at > self.STALE_FOR:
                self._keys = ()
        else:
            self._keys, self._failures, self._fetched_at = keys, 0, self._clock()


def read_keys(entries: list[Any]) -> tuple[Key, ...]:
    """Read the keys that are fit; a bad one is left out and the rest stay."""
    found: dict[tuple[str, str | None, str], Key] = {}
    for entry in entries:
        try:
            key = _read_key(entry)
        except (ValueError, TypeError, KeyError, AttributeError, jwt.PyJWTError) as err:
            logger.warning("a key of the key set is not used: %s", type(err).__name__)
            continue
        found[key.alg, key.kid, json.dumps(entry, sort_keys=True)] = key
    return tuple(found.values())


def _read_key(entry: dict[str, Any]) -> Key:
    kid = entry.get("kid")
    allowed = KINDS[entry["kty"], entry.get("crv")]
    alg = entry.get("alg", allowed[0])
    if alg not in allowed or not PRIVATE_MEMBERS.isdisjoint(entry):
        msg = "a key that contradicts itself, or a private one"
        raise ValueError(msg)
    if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
        msg = "a key for another purpose"
        raise ValueError(msg)
    if not isinstance(kid, str | None):
        msg = "a key id that is no text"
        raise TypeError(msg)
    material: Any = jwt.PyJWK(entry, alg).key
    if alg in {"RS256", "PS256"} and (
        material.key_size < MIN_RSA_BITS or material.public_numbers().e < 3  # noqa: PLR2004 - 1 signs nothing
    ):
        msg = "a weak RSA key"
        raise ValueError(msg)
    return Key(alg, kid, material)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - urllib's shape
        """Follow none: the key set's address is the one in the settings."""


def fetch_key_set(url: str) -> list[Any]:
    """Fetch the entries of a key set: at most 256 KiB, no redirects. Runs in a thread."""
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(url, timeout=4) as response:
            body = response.read(256 * 1024 + 1)
    except HTTPError as err:
        err.close()
        raise
    if len(body) > 256 * 1024:
        msg = "the key set is too large"
        raise ValueError(msg)
    entries = json.loads(body)["keys"]
    return list(entries)[:64]


# --- tokens ----------------------------------------------------------------------------------


class Verifier:
    """Verifies tokens: structure, key, signature, claims; ``clock`` gives seconds since 1970.

    ``issuer`` and ``audience`` are compared as exact texts; ``leeway`` is in seconds.
    """

    def __init__(
        self,
        keys: KeySet | SharedSecret,
        *,
        issuer: str,
        audience: str,
        leeway: float = LEEWAY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keys, self.issuer, self.audience = keys, issuer, audience
        self.leeway, self.clock = leeway, clock

    async def verify(self, token: str) -> dict[str, Any]:
        """Give the claims of a valid token, or raise the answer to give: 401, or 503."""
        try:
            header, signature = _parsed(token)
        except (ValueError, KeyError, RecursionError):
            raise _invalid() from None
        key = await self.keys.find(header["alg"], header.get("kid"))
        signing_input = token.rpartition(".")[0]
        if key is None or not _is_signed(key, signing_input.encode(), signature):
            raise _invalid()
        try:
            claims = _object(signing_input.partition(".")[2])
            expires_at = self._checked(claims)
        except (ValueError, KeyError, RecursionError):
            raise _invalid() from None
        if self.clock() - self.leeway >= expires_at:  # last: the token was good in all else
            raise _expired()
        return claims

    def _checked(self, claims: dict[str, Any]) -> float:
        """Give ``exp`` of claims that are right in all else; KeyError or ValueError."""
        now = self.clock()
        expires_at = _date(claims["exp"])
        issued_at = _date(claims.get("iat", now))
        begins_at = max(issued_at, _date(claims.get("nbf", issued_at)))
        audience = claims["aud"]
        named = audience if isinstance(audience, list) else [audience]
        _user_id(claims)
        _demand(type(claims["iss"]) is str and claims["iss"] == self.issuer)
        _demand(all(type(name) is str and name for name in named) and self.audience in named)
        _demand(begins_at <= now + self.leeway and expires_at - issued_at <= MAX_LIFETIME)
        return expires_at


def _parsed(token: str) -> tuple[dict[str, Any], bytes]:
    """Give header and signature of a strict compact JWS (RFC 7515); ValueError or KeyError."""
    _demand(len(token) <= MAX_TOKEN_BYTES and token.isascii())
    head, _, signature = token.split(".")
    _demand(len(head) <= MAX_HEADER_CHARACTERS)
    header = _object(head)
    _demand(REFUSED_HEADERS.isdisjoint(header))
    _demand(isinstance(header["alg"], str))
    _demand("kid" not in header or _is_id(header["kid"]))
    # Better Auth writes no typ; other kinds of token under the same keys carry one.
    _demand(isinstance(header.get("typ", "JWT"), str) and header.get("typ", "JWT").lower() == "jwt")
    return header, _decoded(signature)


def _decoded(segment: str) -> bytes:
    """Decode base64url; only one text stands for the same bytes."""
    raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    _demand(base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == segment)
    return raw


def _object(segment: str) -> dict[str, Any]:
    """Read one JSON object: UTF-8, no member twice, no NaN, no endless number."""
    value = json.loads(
        _decoded(segment).decode(),
        object_pairs_hook=_members,
        parse_constant=_refuse,
        parse_int=lambda text: int(text) if len(text) <= MAX_NUMBER_LENGTH else _refuse(text),
        parse_float=lambda text: _finite(text) if len(text) <= MAX_NUMBER_LENGTH else _refuse(text),
    )
    json.dumps(value, ensure_ascii=False).encode()  # refuses lone surrogates
    _demand(isinstance(value, dict) and _depth(value) <= MAX_DEPTH)
    return dict(value)


def _depth(value: Any) -> int:  # noqa: ANN401 - JSON
    inner = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    _demand(len(members) == len(pairs))
    return members


def _finite(text: str) -> float:
    value = float(text)
    _demand(math.isfinite(value))
    return value


def _is_signed(key: Key, signing_input: bytes, signature: bytes) -> bool:
    if key.alg in {"RS256", "PS256"} and len(signature) != (key.material.key_size + 7) // 8:
        return False  # RFC 8017 §8.1.2, step 1: OpenSSL looks at the length of RS256's alone
    try:
        return jwt.get_algorithm_by_name(key.alg).verify(signing_input, key.material, signature)
    except Exception:  # noqa: BLE001 - a library's surprise at hostile input is a refusal
        return False


def _date(value: Any) -> float:  # noqa: ANN401 - JSON
    _demand(type(value) in {int, float} and 0 <= value <= LATEST_DATE)  # True is an int, too
    return float(value)


def _user_id(claims: dict[str, Any]) -> str:
    """Give the one id that the claims agree on; never ``userId``, which e-mail tokens carry."""
    ids = [claims[name] for name in ("sub", "user_id", "id") if name in claims]
    _demand(bool(ids) and all(_is_id(value) for value in ids) and len(set(ids)) == 1)
    return str(ids[0])


def _is_id(value: Any) -> bool:  # noqa: ANN401 - JSON
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_ID_LENGTH
        and value.isprintable()
        and value.strip() == value
    )


def _demand(condition: bool) -> None:  # noqa: FBT001 - as `assert`, and never left out
    if not condition:
        _refuse("")


def _refuse(_: str) -> NoReturn:
    msg = "not as it should be"
    raise ValueError(msg)


# --- settings --------------------------------------------------------------------------------


def verifier_from(settings: Mapping[str, str | None]) -> Verifier:
    """Make the verifier; a wrong setting stops the start."""

    def setting(name: str) -> str:
        return (settings.get(f"BETTER_AUTH_{name}") or "").strip()

    url = urlsplit(setting("URL").rstrip("/"))
    origin = f"{url.scheme}://{url.netloc}" if url.netloc else ""
    issuer = setting("ISSUER") or origin
    if not issuer:
        msg = "BETTER_AUTH_URL is not set: give Better Auth's baseURL"
        raise ValueError(msg)
    audience = setting("AUDIENCE") or issuer
    if setting("TOKENS") == "secret":
        return Verifier(SharedSecret(setting("SECRET")), issuer=issuer, audience=audience)
    address = setting("JWKS_URL") or f"{origin}{url.path or '/api/auth'}/jwks"
    parts = urlsplit(address)
    plain = parts.hostname in LOOPBACK or setting("ALLOW_HTTP") == "true"
    if parts.scheme != "https" and not (parts.scheme == "http" and plain):
        msg = "the key set's address must be https; BETTER_AUTH_ALLOW_HTTP=true admits http"
        raise ValueError(msg)
    keys = KeySet(lambda: fetch_key_set(address))
    return Verifier(keys, issuer=issuer, audience=audience)


def environment() -> dict[str, str | None]:
    """Give the environment, with what ``.env`` says below it."""
    try:
        from dotenv import dotenv_values  # noqa: PLC0415 - comes with uvicorn[standard]
    except ImportError:
        return dict(os.environ)
    return {**dotenv_values(".env"), **os.environ}


verifier = verifier_from(environment())
