"""A back end that expects another kind of signature than its Better Auth makes."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.visit import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.decoding import Decode
    from betterguard.audit.frontend import AuthServer


def check(code: Code) -> Iterator[Hit]:
    """Find verified decodings whose algorithms do not fit the nearest ``betterAuth({…})``."""
    for decode in code.decodes:
        if not decode.verified:
            continue
        names = tokens.algorithm_names(code, decode)
        secret = _uses_better_auth_secret(decode) and not tokens.is_own_kind(code, decode)
        server = _nearest(code, decode.file.path)
        fault = _fault(names, server, secret=secret, others=_verifies_asymmetric(code, decode))
        if fault:
            yield Hit(
                decode.file.path,
                decode.call.pos,
                fault,
                confidence=Confidence.HIGH if server is not None else Confidence.MEDIUM,
                evidence=(f"{server.path}:{server.line}",) if server is not None else (),
            )


def _fault(names: set[str], server: AuthServer | None, *, secret: bool, others: bool) -> str:
    shared = any(name.startswith("HS") for name in names)
    if shared and not any(not name.startswith("HS") for name in names):
        if server is not None and server.cookie_jwt:
            return (
                "HS256 works only for Better Auth's cached session cookie: identity without "
                "revocation until the cache ends"
            )
        if server is not None and server.jwt_plugin and not server.custom_sign and not others:
            return f"HS256 is expected, Better Auth's jwt plugin signs with {server.algorithm}"
        if server is None and secret and not others:
            return "HS256 with the shared secret: Better Auth's jwt plugin never signs that way"
        return ""
    known = names & {"EdDSA", "ES256", "ES512", "PS256", "RS256"}
    if (
        known
        and server is not None
        and server.jwt_plugin
        and not server.custom_sign
        and server.algorithm not in names
    ):
        return f"{', '.join(sorted(known))} expected, Better Auth signs with {server.algorithm}"
    return ""


def _uses_better_auth_secret(decode: Decode) -> bool:
    key = argument(decode.call, 1, "key")
    if key is None or key.kind != "name":
        return False
    return "better_auth" in key.text.lower()


def _verifies_asymmetric(code: Code, decode: Decode) -> bool:
    """Whether the same file also verifies with a key set: HS256 is then one of several ways."""
    return any(
        name in {"EdDSA", "ES256", "RS256", "PS256", "ES512"}
        for other in code.decodes
        if other.file is decode.file and other.call.pos != decode.call.pos
        for name in tokens.algorithm_names(code, other)
    )


def _nearest(code: Code, path: str) -> AuthServer | None:
    """Give the auth server that shares the most folders with a file."""
    prefix = code.environment.prefix

    def folders(name: str) -> list[str]:
        return posixpath.normpath(posixpath.join(prefix, name)).split("/")[:-1]

    here = folders(path)

    def shared(server: AuthServer) -> tuple[int, int]:
        there = folders(server.path)
        count = 0
        for left, right in zip(here, there, strict=False):
            if left != right:
                break
            count += 1
        return count, -len(there)

    return max(code.environment.servers, key=shared, default=None)


_DECODE = """
import jwt
def current_user(token: str):
    return jwt.decode(token, settings.better_auth_secret, algorithms=["HS256"])
"""

RULE = Rule(
    id="BG211",
    name="wrong-key-kind",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=347,
    message="The back end expects another signature than its Better Auth makes.",
    why=(
        "The `jwt` plugin signs with EdDSA (or ES256, ES512, PS256, RS256) from a key set and "
        "never with HS256. HS256 with `BETTER_AUTH_SECRET` exists only for "
        "`cookieCache.strategy: 'jwt'`, for e-mail verification links and where somebody wrote "
        "`jwt.sign`: a back end that expects it refuses every real token, or takes one kind of "
        "token for another."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet(
            {
                "auth.ts": "export const auth = betterAuth({ plugins: [jwt()] });",
                "app.py": _DECODE.replace("HS256", "EdDSA"),
            }
        ),
        Snippet.of("""
import jwt
def widget_session(user_id: str):
    made = {"sub": user_id, "type": "widget"}
    return jwt.encode(made, settings.better_auth_secret, algorithm="HS256")
def widget_user(token: str):
    payload = jwt.decode(token, settings.better_auth_secret, algorithms=["HS256"])
    return payload["sub"] if payload.get("type") == "widget" else None
"""),
    ),
    invalid=(
        Snippet(
            {
                "auth.ts": "export const auth = betterAuth({ plugins: [jwt()] });",
                "app.py": _DECODE,
            }
        ),
        Snippet(
            {
                "auth.ts": 'betterAuth({ session: { cookieCache: { strategy: "jwt" } } });',
                "app.py": _DECODE,
            }
        ),
        Snippet.of(_DECODE),
        Snippet(
            {
                "auth.ts": "export const auth = betterAuth({ plugins: [jwt()] });",
                "app.py": """
import jwt
from fastapi import Header, HTTPException
def get_current_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization, SECRET, algorithms=["HS256"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
""",
            }
        ),
    ),
    fixed=(
        None,
        None,
        None,
        Snippet(
            {
                "auth.ts": """\
export const auth = betterAuth({ plugins: [jwt()] });""",
                "app.py": """
from betterguard import BetterGuard

guard = BetterGuard.from_env()


get_current_user = guard.verify_token
""",
            }
        ),
    ),
)
