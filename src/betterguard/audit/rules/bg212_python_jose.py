"""The library python-jose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code


def check(code: Code) -> Iterator[Hit]:
    """Find imports of ``jose`` in files that verify tokens with it."""
    verifying = {d.file.path for d in code.decodes if d.library.startswith("jose.")}
    for file in code.files("jose"):
        for imported in file.facts.imports:
            if file.path in verifying and imported.module.split(".")[0] == "jose":
                yield Hit(
                    file.path, imported.pos, "python-jose verifies tokens here: it has no EdDSA"
                )
                break


RULE = Rule(
    id="BG212",
    name="python-jose",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=1104,
    message="Tokens are verified with python-jose.",
    why=(
        "It cannot verify EdDSA, which Better Auth signs with by default, and it accepted 73 of "
        "424 forged or malformed tokens of a public test set in our measurement; PyJWT accepted "
        "28, and betterguard's own strict parsing in front of it refuses those too."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(Snippet.of("import jwt\ndef f(token):\n    return jwt.decode(token, K, ['EdDSA'])\n"),),
    invalid=(
        Snippet.of(
            "from jose import jwt\ndef f(token):\n    return jwt.decode(token, K, ['HS256'])\n"
        ),
        Snippet.of("""
from jose import JWTError, jwt
def claims(token):
    try:
        return jwt.decode(token, JWT_SECRET, algorithms=["HS256"], audience="api", issuer="app")
    except JWTError:
        return None
"""),
    ),
    fixed=(
        None,
        Snippet.of("""
import jwt
from jwt import PyJWTError as JWTError
def claims(token):
    try:
        return jwt.decode(token, JWT_SECRET, algorithms=["HS256"], audience="api", issuer="app")
    except JWTError:
        return None
"""),
    ),
)
