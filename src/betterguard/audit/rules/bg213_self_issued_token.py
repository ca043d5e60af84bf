"""A back end that signs tokens of its own with Better Auth's secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.visit import argument, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef


def check(code: Code) -> Iterator[Hit]:
    """``jwt.encode`` in a project whose tokens Better Auth issues."""
    if not code.uses_better_auth:
        return
    for function in code.functions("jwt", "jose"):
        for call in function.calls:
            if not code.project.qualify(function.file, call.text).endswith("jwt.encode"):
                continue
            if _is_test_tool(function) or not _is_shared(call):
                continue
            yield Hit(
                function.file.path,
                call.pos,
                f"{function.name} signs tokens itself: Better Auth's sign-out does not end them",
            )


def _is_shared(call: Expr) -> bool:
    """Signed with what may be Better Auth's secret, not with a key of another service."""
    key = argument(call, 1, "key")
    if key is None:
        return False
    return any("secret" in name.lower() or "key" in name.lower() for name in names_in(key))


def _is_test_tool(function: FunctionRef) -> bool:
    path = function.file.path.lower()
    return any(word in path for word in ("script", "tools/", "generate_", "debug", "example"))


_ENCODE = """
import os
import jwt
SECRET_KEY = os.environ["{name}"]
def make(user_id: str) -> str:
    return jwt.encode({{"sub": user_id}}, SECRET_KEY, algorithm="HS256")
"""

RULE = Rule(
    id="BG213",
    name="self-issued-token",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=287,
    message="The back end issues tokens itself although Better Auth signs people in.",
    why=(
        "Two issuers mean two places that check passwords, tokens that Better Auth's sign-out "
        "does not know, and a shared secret whose leak forges both. Let Better Auth issue, and "
        "the back end only verify."
    ),
    check=check,
    valid=(Snippet.of(_ENCODE.format(name="JWT_SECRET")),),
    invalid=(Snippet.of(_ENCODE.format(name="BETTER_AUTH_SECRET")),),
)
