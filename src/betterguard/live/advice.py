"""What to change for each reason that a token is refused for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.errors import Reason

if TYPE_CHECKING:
    from betterguard.errors import AuthError

__all__ = ["advice_for"]

SEND_IT_AS_IT_CAME = "send the token of /api/auth/token as it came, not the session's"
USE_A_LIBRARY = "issue the token with a JOSE library, as Better Auth's jwt plugin does"

# Reason → what is wrong, and the setting or the thing to change. docs/tokens.md has the same.
_ADVICE = {
    Reason.TOKEN_TOO_LARGE: (
        "the token, its header or its signature is larger than any of Better Auth's",
        "make `definePayload` return less",
    ),
    Reason.TOKEN_MALFORMED: ("it is not three segments of ASCII", SEND_IT_AS_IT_CAME),
    Reason.BASE64URL_MALFORMED: (
        "a segment has padding, blanks, line breaks or stray characters",
        SEND_IT_AS_IT_CAME,
    ),
    Reason.JSON_MALFORMED: ("a segment is not strict JSON", USE_A_LIBRARY),
    Reason.HEADER_MALFORMED: ("alg, kid or typ is missing or of a wrong type", USE_A_LIBRARY),
    Reason.HEADER_EXTENSION_REFUSED: ("the header has crit, b64, zip or enc", USE_A_LIBRARY),
    Reason.ALGORITHM_REFUSED: (
        "the settings have no key for this algorithm",
        "check BETTER_AUTH_TOKENS: jwks, secret or both",
    ),
    Reason.KEY_UNKNOWN: (
        "no published key has this id and algorithm",
        "set BETTER_AUTH_URL (or BETTER_AUTH_JWKS_URL) to the server that signed",
    ),
    Reason.KEY_AMBIGUOUS: (
        "several keys fit and nothing tells which",
        "give every published key an id of its own",
    ),
    Reason.KEY_SET_UNREACHABLE: (
        "the key set cannot be had",
        "check BETTER_AUTH_JWKS_URL and the network: `betterguard doctor --only keys`",
    ),
    Reason.SIGNATURE_MISMATCH: (
        "the signature is not this key's",
        (
            "compare the secret on both sides: `betterguard doctor --only secret` prints its "
            "fingerprint; else the token is a forgery or of another server"
        ),
    ),
    Reason.KIND_REFUSED: (
        "the token is for another purpose",
        "send the token of /api/auth/token",
    ),
    Reason.CLAIM_MISSING: ("a claim is missing", "let `jwt.sign` set exp, iss, aud and sub"),
    Reason.CLAIM_MALFORMED: (
        "the claim is of a wrong type or out of bounds",
        "let `jwt.sign` or `definePayload` write it as RFC 7519 says",
    ),
    Reason.ISSUER_MISMATCH: ("the issuer is another", "set BETTER_AUTH_ISSUER"),
    Reason.AUDIENCE_MISMATCH: ("the audience is another", "set BETTER_AUTH_AUDIENCE"),
    Reason.IDENTITY_AMBIGUOUS: (
        "sub, user_id and id name different users",
        "set BETTER_AUTH_USER_ID_CLAIM",
    ),
    Reason.LIFETIME_TOO_LONG: (
        "the token lives too long",
        "shorten expirationTime, or raise BETTER_AUTH_MAX_LIFETIME",
    ),
    Reason.NOT_YET_VALID: ("iat or nbf lies in the future", "synchronise the clocks (NTP)"),
    Reason.EXPIRED: (
        "exp has passed",
        "fetch a new token; where every token has expired, compare the clocks",
    ),
}


def advice_for(error: AuthError) -> tuple[str, str]:
    """Give what is wrong and what to change; the error's own hint says the former best."""
    found, action = _ADVICE.get(Reason(error.reason), (error.detail, "see docs/tokens.md"))
    return error.hint or found, action
