"""Every error that betterguard raises, each with a stable code, a status and a public detail.

BetterGuardError
├── ConfigurationError          the start is refused; all faults listed at once
├── UnsafeStatement             a statement that cannot be kept to the user's own rows
├── InvalidTimestamp            a value that is no certain moment (betterguard.schema)
└── AuthError                   an answer to a request
    ├── MissingToken            401  missing_token
    ├── InvalidToken            401  invalid_token
    │   ├── ExpiredToken        401  token_expired
    │   ├── RevokedToken        401  token_revoked
    │   └── MalformedCredential 401  invalid_request
    ├── Forbidden               403  forbidden
    ├── KeysUnavailable         503  keys_unavailable
    ├── RevocationsUnavailable  503  revocations_unavailable
    └── InternalError           500  internal_error

``code`` and ``detail`` are for the caller and never change. ``reason`` and ``hint`` are for
the log: a `Reason` is a stable word, a hint a sentence that never holds a token or a secret.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AuthError",
    "BetterGuardError",
    "ConfigurationError",
    "ExpiredToken",
    "Forbidden",
    "InternalError",
    "InvalidToken",
    "KeysUnavailable",
    "MalformedCredential",
    "MissingToken",
    "Reason",
    "RevocationsUnavailable",
    "RevokedToken",
    "UnsafeStatement",
]


class Reason(StrEnum):
    """Why a request was refused: stable words for logs and metrics, never for the caller."""

    # The credential.
    CREDENTIAL_MISSING = "credential_missing"
    CREDENTIAL_MALFORMED = "credential_malformed"
    CREDENTIALS_SEVERAL = "credentials_several"
    ORIGIN_REFUSED = "origin_refused"
    # The structure of the token.
    TOKEN_TOO_LARGE = "token_too_large"  # noqa: S105 - a name, not a password
    TOKEN_MALFORMED = "token_malformed"  # noqa: S105 - a name, not a password
    BASE64URL_MALFORMED = "base64url_malformed"
    JSON_MALFORMED = "json_malformed"
    HEADER_MALFORMED = "header_malformed"
    HEADER_EXTENSION_REFUSED = "header_extension_refused"
    # The key and the signature.
    ALGORITHM_REFUSED = "algorithm_refused"
    KEY_UNKNOWN = "key_unknown"
    KEY_AMBIGUOUS = "key_ambiguous"
    KEY_SET_UNREACHABLE = "key_set_unreachable"
    SIGNATURE_MISMATCH = "signature_mismatch"
    # The claims.
    KIND_REFUSED = "kind_refused"
    CLAIM_MISSING = "claim_missing"
    CLAIM_MALFORMED = "claim_malformed"
    ISSUER_MISMATCH = "issuer_mismatch"
    AUDIENCE_MISMATCH = "audience_mismatch"
    IDENTITY_AMBIGUOUS = "identity_ambiguous"
    LIFETIME_TOO_LONG = "lifetime_too_long"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    USER_REFUSED = "user_refused"
    # The revocations.
    USER_REVOKED = "user_revoked"
    SESSION_REVOKED = "session_revoked"
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a name, not a password
    REVOCATIONS_UNREACHABLE = "revocations_unreachable"
    # The right to do it.
    OTHER_USER = "other_user"
    PREDICATE_FAILED = "predicate_failed"
    # The rows.
    USER_MISSING = "user_missing"
    OWNER_SET = "owner_set"
    FOREIGN_OWNER = "foreign_owner"
    FOREIGN_PARENT = "foreign_parent"
    FOREIGN_OBJECT = "foreign_object"


class BetterGuardError(Exception):
    """The root of the tree: catch it to catch whatever betterguard raises."""


class ConfigurationError(BetterGuardError):
    """The application is set up wrongly and must not start.

    ``faults`` holds one sentence a fault, all of them: what was expected, what came, what to
    do; never a secret.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        count = f"{len(self.faults)} configuration fault{'s' * (len(self.faults) != 1)}"
        super().__init__("\n".join([f"{count}:", *(f"  - {fault}" for fault in self.faults)]))

    def __reduce__(self) -> tuple[type[ConfigurationError], tuple[tuple[str, ...]]]:
        """Come out of another process as it went in: with its faults, not with its message."""
        return type(self), (self.faults,)


class UnsafeStatement(BetterGuardError):
    """A statement cannot be kept to the user's own rows, so it is refused and never runs.

    It is the program's fault, not the caller's; the message says what to write instead.
    """


class AuthError(BetterGuardError):
    """A request is refused.

    ``status`` is the HTTP status, ``detail`` the public text, ``code`` its machine-readable
    twin; ``reason`` says in one stable word why, for logs and metrics only. ``retry_after`` is
    how many whole seconds to wait before the next try makes sense, None where none does.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    detail: ClassVar[str]
    retry_after: int | None = None

    def __init__(self, reason: str = "", hint: str = "") -> None:
        self.reason = reason or self.code
        self.hint = hint
        super().__init__(f"{self.detail} ({self.reason})")


class MissingToken(AuthError):
    """No credential came with the request."""

    code = "missing_token"
    status = 401
    detail = "Missing token"


class InvalidToken(AuthError):
    """A token came and is not to be believed, whatever the reason."""

    code = "invalid_token"
    status = 401
    detail = "Invalid token"


class ExpiredToken(InvalidToken):
    """The token was good once: its ``exp`` lies in the past."""

    code = "token_expired"
    detail = "Token expired"


class RevokedToken(InvalidToken):
    """The token was good and has been revoked: by a sign-out, a ban, or the application."""

    code = "token_revoked"
    detail = "Token revoked"


class MalformedCredential(InvalidToken):
    """The credential is not one well-formed ``Authorization: Bearer`` header (RFC 6750)."""

    code = "invalid_request"


class Forbidden(AuthError):
    """The caller is known and names something that is someone else's."""

    code = "forbidden"
    status = 403
    detail = "Forbidden"


class KeysUnavailable(AuthError):
    """The keys that could check the token cannot be had now: neither a pass nor a 401."""

    code = "keys_unavailable"
    status = 503
    detail = "Authentication temporarily unavailable"

    def __init__(self, reason: str = "", hint: str = "", *, retry_after: int = 5) -> None:
        super().__init__(reason, hint)
        self.retry_after = retry_after


class RevocationsUnavailable(AuthError):
    """Whether the token has been revoked cannot be known now: neither a pass nor a 401."""

    code = "revocations_unavailable"
    status = 503
    detail = "Authentication temporarily unavailable"
    retry_after = 1


class InternalError(AuthError):
    """A bug: the public half of a 500, which says nothing of the inside."""

    code = "internal_error"
    status = 500
    detail = "Internal Server Error"
