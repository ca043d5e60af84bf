"""A bad token that turns its bearer into a user for development."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit import credentials
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.gates import AUTH_NAMES
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.symbols import FunctionRef
from betterguard.audit.visit import keywords, method, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Stmt

_STANDS_IN = re.compile(
    r"(?:^|[^a-z])(?:dev(?:eloper|elopment)?|demo|test(?:er|ing)?|mock|fake|dummy|default|local"
    r"|sample)(?![a-z])",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"user|account|principal|identity|claims|payload|(?:^|_)(?:uid|sub)$", re.IGNORECASE
)
_FIELD = re.compile(r"^(?:sub|id|uid|user_?id|user_?name|e_?mail|name)$", re.IGNORECASE)


def check(code: Code) -> Iterator[Hit]:
    """Handlers around a verification, and tests for nobody, that go on with somebody."""
    for function in code.functions("jwt", "jose", "Bearer", "fastapi", "starlette"):
        for stmt in function.statements:
            for branch, start, end, sent in _branches(function, stmt):
                if _verifies(code, function, start, end):
                    yield from _stand_ins(function, branch, sent)


def _branches(function: FunctionRef, stmt: Stmt) -> Iterator[tuple[Stmt, int, int, str]]:
    """Give what runs for nobody: with the stretch of code that verifies, and what was sent."""
    if stmt.kind == "try":
        for handler in stmt.orelse:
            if handler.kind == "except":
                yield handler, stmt.pos, handler.pos, "a bad token"
    elif stmt.kind == "if" and stmt.exprs and _asks_for_nobody(stmt.exprs[0]):
        yield stmt, function.function.pos, function.function.end, "no good token"


def _verifies(code: Code, function: FunctionRef, start: int, end: int) -> bool:
    """Whether a stretch of code verifies a token, here or in a function of its own."""
    if any(d.verified and start <= d.call.pos < end for d in code.decodings.of(function)):
        return True
    return any(
        start <= call.pos < end
        and isinstance(target, FunctionRef)
        and AUTH_NAMES.search(target.name)
        and code.gates.of_function(target) == "required"
        for call, target in code.calls.callees(function)
    )


def _asks_for_nobody(condition: Expr) -> bool:
    """``not user_id``, ``token is None``."""
    if not condition.parts or condition.parts[0].kind != "name":
        return False
    none = condition.kind == "cmp" and condition.text == "is" and condition.parts[-1].text == "None"
    name = condition.parts[0].text
    return (condition.kind == "not" or none) and bool(
        tokens.IDENTITY_NAMES.search(name) or credentials.TOKEN_NAME.search(name)
    )


def _stand_ins(function: FunctionRef, branch: Stmt, sent: str) -> Iterator[Hit]:
    body = statements(branch.body, nested=False)
    if any(stmt.kind == "raise" for stmt in body):
        return
    for stmt in body:
        given = stmt.kind == "return" or (
            stmt.kind == "assign" and tokens.IDENTITY_NAMES.search(stmt.exprs[0].text)
        )
        if given and stmt.exprs and _is_stand_in(stmt.exprs[-1]):
            yield Hit(
                function.file.path,
                stmt.pos,
                f"whoever sends {sent} to {function.name} becomes a user for development",
                evidence=("this branch goes on with an identity instead of refusing",),
            )


def _is_stand_in(value: Expr) -> bool:
    if value.kind == "str":
        return _says(value)
    if value.kind == "name":
        return _names(value.text.rsplit(".", 1)[-1])
    if value.kind not in {"dict", "call"}:
        return False
    own = value.kind == "call" and _names(method(value))
    return own or any(_FIELD.match(name) and _says(part) for name, part in keywords(value))


def _names(name: str) -> bool:
    return bool(_STANDS_IN.search(name) and _PERSON.search(name))


def _says(literal: Expr) -> bool:
    return (
        literal.kind == "str" and " " not in literal.text and bool(_STANDS_IN.search(literal.text))
    )


_HEAD = """
import jwt
from fastapi import Header, HTTPException
DEV_USER = {"sub": "1"}
def get_current_user(authorization: str = Header()):
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])
"""

RULE = Rule(
    id="BG218",
    name="stand-in-identity",
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    cwe=287,
    message="A token that does not verify turns its bearer into a user for development.",
    why=(
        "Anything that is sent as a token is then somebody: the stand-in's rows are everybody's, "
        "and code that asks who is calling never hears that it does not know. Refuse with 401; "
        "for development, sign in as a user of the development database."
    ),
    check=check,
    valid=(
        Snippet.of(
            _HEAD + "    except jwt.PyJWTError as err:\n        raise HTTPException(401) from err\n"
        ),
        Snippet.of(_HEAD + "    except jwt.PyJWTError:\n        return None\n"),
        Snippet.of(
            "import jwt\ndef get_current_user(token):\n    if not token:\n        return None\n"
            '    return jwt.decode(token, KEY, algorithms=["EdDSA"])\n'
        ),
        Snippet.of(
            _HEAD + '    except jwt.PyJWTError:\n        return {"detail": "test failed"}\n'
        ),
    ),
    invalid=(
        Snippet.of(_HEAD + "    except jwt.PyJWTError:\n        return DEV_USER\n"),
        Snippet.of(_HEAD + '    except Exception:\n        return {"sub": "demo-user"}\n'),
        Snippet.of("""
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
app = FastAPI()
def verify_token(authorization: str) -> str:
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err
@app.get("/tasks")
def tasks(authorization: str = Header()):
    try:
        user_id = verify_token(authorization)
    except HTTPException:
        user_id = "dev-user"
    return load(user_id)
"""),
        Snippet.of("""
import jwt
from fastapi import Header
def get_current_user(authorization: str = Header(None)):
    user_id = None
    try:
        user_id = jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError:
        print("token validation failed")
    if not user_id:
        user_id = get_dev_user_id()
    return user_id
"""),
    ),
)
