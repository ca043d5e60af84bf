"""Tokens accepted without an expiry, an audience or an issuer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import keyword, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.decoding import Decode


def check(code: Code) -> Iterator[Hit]:
    """Find verified decodings that demand neither ``exp`` nor an audience nor an issuer."""
    for decode in code.decodes:
        if not decode.verified or not decode.library.endswith(".decode"):
            continue
        options = code.decodings.options(decode.file, decode.call, decode.function)
        if any(
            name.startswith("verify_") and value.text == "False" for name, value in options.items()
        ):
            continue
        missing = _missing(decode, set(options))
        if missing:
            yield Hit(decode.file.path, decode.call.pos, f"does not demand {', '.join(missing)}")


def _missing(decode: Decode, options: set[str]) -> list[str]:
    given = keyword(decode.call, "options")
    texts = (
        {p.text for p in subexpressions(given) if p.kind == "str"} if given is not None else set()
    )
    if given is not None and given.kind == "name" and "require" not in options:
        return []
    required = "exp" in texts or "require_exp" in options or "require" in options
    bound = (
        keyword(decode.call, "audience") is not None or keyword(decode.call, "issuer") is not None
    )
    if required or bound or "**" in decode.call.names:
        return []
    return ["exp", "an audience", "an issuer"]


RULE = Rule(
    id="BG217",
    name="claims-not-required",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=613,
    message="A token without expiry, audience or issuer is accepted.",
    why=(
        "PyJWT checks `exp` when it is there and accepts a token that has none. Demand what "
        "Better Auth always sends: `options={'require': ['exp', 'sub', 'iss', 'aud']}`, "
        "`audience=` and `issuer=`."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"], audience=AUD, issuer=ISS)
"""),
        Snippet.of("""
import jwt
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"], options={"require": ["exp"]})
"""),
    ),
    invalid=(
        Snippet.of("""
import jwt
def current_user(token: str):
    return jwt.decode(token, KEY, algorithms=["EdDSA"])
"""),
        Snippet.of("""
import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
def get_current_user(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> str:
    token = credentials.credentials
    try:
        return jwt.decode(token, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
"""),
    ),
    fixed=(
        None,
        Snippet.of("""
from betterguard import BetterGuard

guard = BetterGuard.from_env()


get_current_user = guard.verify_token
"""),
    ),
)
