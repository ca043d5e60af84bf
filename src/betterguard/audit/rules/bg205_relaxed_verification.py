"""Checks on claims that are switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code

_SWITCHES = ("verify_exp", "verify_aud", "verify_iss", "verify_nbf", "verify_iat", "verify_at_hash")


def check(code: Code) -> Iterator[Hit]:
    """Find verified decodings with ``verify_…: False`` in their options."""
    for decode in code.decodes:
        if not decode.verified:
            continue
        options = code.decodings.options(decode.file, decode.call, decode.function)
        off = [name for name in _SWITCHES if name in options and options[name].text == "False"]
        if off and off != ["verify_at_hash"]:
            yield Hit(
                decode.file.path,
                decode.call.pos,
                f"{', '.join(off)} switched off",
                Severity.HIGH if "verify_exp" in off else Severity.MEDIUM,
            )


RULE = Rule(
    id="BG205",
    name="relaxed-verification",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=345,
    message="A check of the audience, issuer or expiry is switched off.",
    why=(
        "One Better Auth key set signs several kinds of token, and one secret signs e-mail "
        "verification links and cached sessions as well: without the audience one passes for "
        "another. Without `exp` a stolen token works for ever."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"], audience=AUD, issuer=ISS)
"""),
    ),
    invalid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"], options={"verify_aud": False})
"""),
        Snippet.of("""
import jwt
OPTIONS = {"verify_exp": False}
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"], options=OPTIONS)
"""),
        Snippet.of("""
import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
def get_current_user(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> str:
    token = credentials.credentials
    try:
        return jwt.decode(token, KEY, algorithms=["EdDSA"], options={"verify_aud": False})["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
"""),
    ),
    fixed=(
        None,
        None,
        Snippet.of("""
from betterguard import BetterGuard

guard = BetterGuard.from_env()


get_current_user = guard.verify_token
"""),
    ),
)
