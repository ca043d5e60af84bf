"""The environment, read once and checked as a whole: every fault is told at once.

The names are those that people have already: Better Auth's own and ``FRONTEND_URL``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from betterguard.addresses import (
    Address,
    AddressRefused,
    is_loopback,
    key_set_fault,
    parse_address,
    parse_origin,
    parse_preview,
    split_list,
)
from betterguard.environment import Environment
from betterguard.errors import ConfigurationError
from betterguard.limits import (
    DEFAULT_LEEWAY,
    DEFAULT_MAX_LIFETIME,
    IDENTITY_CLAIMS,
    MAX_LEEWAY,
)
from betterguard.secret import secret_faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Settings", "TokenSource"]

T = TypeVar("T")

DEFAULT_API_PATH = "/api/auth"
DEFAULT_COOKIE_PREFIX = "better-auth"
DEFAULT_MAX_STALENESS = 300.0  # seconds
REVOCATION_STORES = ("redis", "rediss", "unix", "postgresql+asyncpg", "postgresql+psycopg")
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"", "0", "false", "no", "off"})


class TokenSource(StrEnum):
    """Which keys tokens are checked with."""

    JWKS = "jwks"
    SECRET = "secret"  # noqa: S105 - a choice, not a secret
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Settings:
    """What an application's guard is to do; made by `Settings.from_env`, or by hand in tests.

    ``issuers`` and ``audiences`` compare as exact strings; None demands the claim and accepts
    any value, possible only with a shared secret. Times are in seconds.
    """

    tokens: TokenSource
    issuers: frozenset[str] | None
    audiences: frozenset[str] | None
    jwks_url: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    frontend_origins: tuple[str, ...] = ()
    frontend_preview: str | None = None
    """A regular expression for preview deployments."""
    user_id_claim: str | None = None
    leeway: float = DEFAULT_LEEWAY
    max_lifetime: float = DEFAULT_MAX_LIFETIME
    allow_http: bool = False
    cookie_cache: bool = False
    cookie_prefix: str = DEFAULT_COOKIE_PREFIX
    session_cache_issuers: frozenset[str] | None = None
    revocation_store: str | None = field(default=None, repr=False)
    """Where revocations are kept; the address may hold a password."""
    revocation_secret: str | None = field(default=None, repr=False)
    """What signs the messages to the webhook for revocations."""
    revocation_max_staleness: float = DEFAULT_MAX_STALENESS
    warnings: tuple[str, ...] = ()
    """What is allowed and yet unwise; told once at the start."""

    @classmethod
    def from_env(cls, env_file: str | Path | None = ".env") -> Settings:
        """Read the environment and ``.env`` (the environment wins).

        Raises `ConfigurationError` with every fault that was found.
        """
        # pydantic-settings takes _env_file; pyright sees only the fields.
        return check(Environment(_env_file=env_file))  # pyright: ignore[reportCallIssue]


def check(environment: Environment) -> Settings:
    """Turn variables into settings, or raise `ConfigurationError` with every fault."""
    return _Check(environment).settings()


class _Check:
    """One pass over the variables that gathers faults instead of stopping at the first."""

    def __init__(self, environment: Environment) -> None:
        self.env = environment
        self.faults: list[str] = []
        self.warnings: list[str] = []

    def settings(self) -> Settings:
        base = self._address("BETTER_AUTH_URL", self.env.better_auth_url)
        jwks = self._address("BETTER_AUTH_JWKS_URL", self.env.better_auth_jwks_url)
        tokens = self._tokens(has_address=bool(base or jwks))
        issuers = self._issuers(base, tokens)
        values: dict[str, Any] = {
            "tokens": tokens,
            "issuers": issuers,
            "audiences": self._audiences(base, issuers),
            "jwks_url": self._jwks_url(base, jwks, tokens),
            "secrets": self._secrets(tokens),
            "session_cache_issuers": self._session_cache_issuers(base, tokens),
            **self._front_ends(),
            **self._limits(),
            **self._revocation(),
        }
        if self.faults:
            del values  # it holds the secrets, and a crash report shows locals
            raise ConfigurationError(self.faults)
        return Settings(**values, warnings=tuple(self.warnings))

    def _tokens(self, *, has_address: bool) -> TokenSource:
        text = self.env.better_auth_tokens.strip().lower()
        if text in {source.value for source in TokenSource}:
            return TokenSource(text)
        if text:
            self._fault("BETTER_AUTH_TOKENS", "must be jwks, secret or both")
        elif not has_address and not self.env.given_secrets:
            self._fault(
                "BETTER_AUTH_URL",
                "is not set, nor BETTER_AUTH_SECRET: set BETTER_AUTH_URL to Better Auth's "
                "baseURL (its key set is used), or BETTER_AUTH_SECRET for HS256 tokens",
            )
        return TokenSource.JWKS if has_address or text else TokenSource.SECRET

    def _jwks_url(
        self, base: Address | None, jwks: Address | None, tokens: TokenSource
    ) -> str | None:
        if tokens is TokenSource.SECRET:
            return None
        if jwks is None and base is not None:
            jwks = Address(base.origin, (base.path or DEFAULT_API_PATH) + "/jwks")
        if jwks is None:
            if not (self.env.better_auth_url or self.env.better_auth_jwks_url).strip():
                need = f"BETTER_AUTH_TOKENS={tokens} needs it, or BETTER_AUTH_JWKS_URL"
                self._fault("BETTER_AUTH_URL", f"is not set: {need}")
            return None
        fault = key_set_fault(jwks, allow_http=self._flag("BETTER_AUTH_ALLOW_HTTP"))
        if fault is not None:
            self._fault("BETTER_AUTH_JWKS_URL (by default from BETTER_AUTH_URL)", fault)
        return str(jwks)

    def _issuers(self, base: Address | None, tokens: TokenSource) -> frozenset[str] | None:
        named = split_list(self.env.better_auth_issuer) or ([base.origin] if base else [])
        if named:
            return frozenset(named)
        if tokens is TokenSource.SECRET:
            self.warnings.append(
                "the issuer of tokens is not compared: set BETTER_AUTH_URL or BETTER_AUTH_ISSUER"
            )
        elif self.env.better_auth_jwks_url.strip():
            self._fault(
                "BETTER_AUTH_ISSUER",
                "is not set: with BETTER_AUTH_JWKS_URL alone, say which issuer signs (or set "
                "BETTER_AUTH_URL)",
            )
        return None

    def _audiences(
        self, base: Address | None, issuers: frozenset[str] | None
    ) -> frozenset[str] | None:
        # Better Auth's jwt plugin puts the origin of its baseURL into aud, as into iss.
        named = split_list(self.env.better_auth_audience) or ([base.origin] if base else [])
        return frozenset(named) or issuers

    def _session_cache_issuers(
        self, base: Address | None, tokens: TokenSource
    ) -> frozenset[str] | None:
        # plugins/jwt/cookie-cache.mjs: baseURL as it was written, or with the API's path.
        if base is not None:
            return frozenset(
                {base.origin, str(base), base.origin + (base.path or DEFAULT_API_PATH)}
            )
        cookies_of_a_key_set = tokens is not TokenSource.SECRET and self.env.better_auth_jwks_url
        if cookies_of_a_key_set and self._flag("BETTER_AUTH_COOKIE_CACHE"):
            self._fault(
                "BETTER_AUTH_URL",
                "is not set, or faulty: BETTER_AUTH_COOKIE_CACHE needs it for the issuer of its "
                "cookies, since BETTER_AUTH_JWKS_URL tells no issuer",
            )
        return None

    def _secrets(self, tokens: TokenSource) -> tuple[str, ...]:
        if tokens is TokenSource.JWKS and not self._flag("BETTER_AUTH_COOKIE_CACHE"):
            return ()
        secrets = self.env.given_secrets
        name = "BETTER_AUTH_SECRETS" if self.env.better_auth_secrets else "BETTER_AUTH_SECRET"
        if not secrets and self.env.better_auth_tokens.strip() and tokens is not TokenSource.JWKS:
            self._fault("BETTER_AUTH_SECRET", f"is not set: BETTER_AUTH_TOKENS={tokens} needs it")
        for secret in secrets:
            for fault in secret_faults(secret):
                self._fault(name, fault)
        return tuple(secrets)

    def _front_ends(self) -> dict[str, Any]:
        origins = []
        for item in split_list(self.env.frontend_url):
            origin = self._parsed("FRONTEND_URL", item, parse_origin)
            if origin is not None and origin.startswith("http:") and not is_loopback(origin):
                self.warnings.append(f"FRONTEND_URL: {origin} is not https")
            origins.append(origin)
        if not origins and self.env.production:
            self._fault("FRONTEND_URL", "is not set: name the front end's origin in production")
        preview = self.env.frontend_preview_url.strip()
        return {
            "frontend_origins": tuple(dict.fromkeys(filter(None, origins))),
            "frontend_preview": self._parsed("FRONTEND_PREVIEW_URL", preview, parse_preview)
            if preview
            else None,
        }

    def _limits(self) -> dict[str, Any]:
        claim = self.env.better_auth_user_id_claim.strip() or None
        if claim not in (None, *IDENTITY_CLAIMS):
            self._fault("BETTER_AUTH_USER_ID_CLAIM", f"must be one of {', '.join(IDENTITY_CLAIMS)}")
        return {
            "user_id_claim": claim,
            "leeway": self._seconds("BETTER_AUTH_LEEWAY", DEFAULT_LEEWAY, 0.0, MAX_LEEWAY),
            "max_lifetime": self._seconds(
                "BETTER_AUTH_MAX_LIFETIME", DEFAULT_MAX_LIFETIME, 1.0, math.inf
            ),
            "allow_http": self._flag("BETTER_AUTH_ALLOW_HTTP"),
            "cookie_cache": self._flag("BETTER_AUTH_COOKIE_CACHE"),
            "cookie_prefix": self.env.better_auth_cookie_prefix.strip() or DEFAULT_COOKIE_PREFIX,
        }

    def _revocation(self) -> dict[str, Any]:
        store = self.env.better_auth_revocation_store.strip()
        secret = self.env.better_auth_revocation_secret
        if store not in ("", "memory") and store.partition("://")[0] not in REVOCATION_STORES:
            # Not quoted: it may hold a password.
            known = ", ".join(f"{scheme}://" for scheme in REVOCATION_STORES)
            self._fault("BETTER_AUTH_REVOCATION_STORE", f"must be memory, or start with {known}")
        if store == "memory" and self.env.production:
            self.warnings.append(
                "BETTER_AUTH_REVOCATION_STORE is memory: what one process revokes, no other learns"
            )
        if secret and not store:
            self._fault(
                "BETTER_AUTH_REVOCATION_STORE",
                "is not set, and BETTER_AUTH_REVOCATION_SECRET has no use without it",
            )
        for fault in secret_faults(secret) if secret else ():
            self._fault("BETTER_AUTH_REVOCATION_SECRET", fault)
        if secret and secret in self.env.given_secrets:
            self._fault(
                "BETTER_AUTH_REVOCATION_SECRET", "must not be Better Auth's secret: make another"
            )
        return {
            "revocation_store": store or None,
            "revocation_secret": secret or None,
            "revocation_max_staleness": self._seconds(
                "BETTER_AUTH_REVOCATION_MAX_STALENESS", DEFAULT_MAX_STALENESS, 0.0, math.inf
            ),
        }

    def _seconds(self, name: str, default: float, least: float, most: float) -> float:
        text = getattr(self.env, name.lower()).strip()
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (least <= value <= most and math.isfinite(value)):
            limit = f"from {least:g} to {most:g}" if math.isfinite(most) else f"from {least:g} up"
            self._fault(name, f"must be a number of seconds {limit}")
            return default
        return value

    def _flag(self, name: str) -> bool:
        text = getattr(self.env, name.lower()).strip().lower()
        if text not in TRUE | FALSE:
            self._fault(name, "must be true or false")
        return text in TRUE

    def _address(self, name: str, text: str) -> Address | None:
        text = text.strip().strip("\"'")
        return self._parsed(name, text, parse_address) if text else None

    def _parsed(self, name: str, text: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(text)
        except AddressRefused as refused:
            self._fault(name, f"{_quoted(text)} {refused}")
            return None

    def _fault(self, name: str, fault: str) -> None:
        line = f"{name} {fault}"
        if line not in self.faults:
            self.faults.append(line)


def _quoted(text: str) -> str:
    """Quote an item of an address list, escaped and cut, without what may be a password."""
    _, at, rest = text.rpartition("@")
    return ascii((f"***@{rest}" if at else text)[:100])
