"""A comparison with the caller whose outcome changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _console as console
from betterguard.audit.visit import PAIR, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Stmt
    from betterguard.audit.symbols import FunctionRef

_CALLER = re.compile(r"current|token|auth|caller|me$|jwt|session|verified|logged", re.IGNORECASE)
_USER = re.compile(r"user|owner|(?:^|_)me$|sub$|uid", re.IGNORECASE)


def check(code: Code) -> Iterator[Hit]:
    """``if user_id != caller:`` with nothing but output in it."""
    for function in code.functions("fastapi", "starlette"):
        for stmt in function.statements:
            if (
                stmt.kind == "if"
                and stmt.exprs
                and not stmt.orelse
                and _only_logs(stmt)
                and _compares_users(code, function, stmt)
            ):
                yield Hit(
                    function.file.path,
                    stmt.pos,
                    "another user's id is noticed, logged, and let through",
                    evidence=(f"in {function.name}",),
                )


def _only_logs(stmt: Stmt) -> bool:
    calls = [expr for inner in stmt.body if inner.kind == "expr" for expr in inner.exprs]
    quiet = all(inner.kind in {"expr", "pass"} for inner in stmt.body)
    return (
        quiet
        and bool(calls or stmt.body)
        and all(
            call.kind == "call" and (console.is_print(call) or console.is_log(call))
            for call in calls
        )
    )


def _compares_users(code: Code, function: FunctionRef, stmt: Stmt) -> bool:
    for part in subexpressions(stmt.exprs[0]):
        if part.kind != "cmp" or part.text != "!=" or len(part.parts) != PAIR:
            continue
        if any(side.kind in {"str", "num", "const"} for side in part.parts):
            continue
        names = [list(names_in(side)) for side in part.parts]
        if not all(any(_USER.search(name) for name in side) for side in names):
            continue
        callers = code.security.principals(function)
        if any(mentions(side, callers) for side in part.parts):
            return True
        if any(_CALLER.search(name) for side in names for name in side):
            return True
    return False


RULE = Rule(
    id="BG304",
    name="mismatch-only-logged",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=639,
    message="A mismatch between the caller and the wanted user is only logged.",
    why=(
        "The check looks like isolation in review and is none at run time: the request goes on "
        "with the other user's id. Answer 403, or take the id from the token and drop the other "
        "one."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("""
from fastapi import HTTPException
def chat(user_id: str, current_user_id: str):
    if user_id != current_user_id:
        logger.warning("mismatch")
        raise HTTPException(403)
"""),
    ),
    invalid=(
        Snippet.of("""
from fastapi import FastAPI
def chat(user_id: str, current_user_id: str):
    if user_id != current_user_id:
        logger.warning("mismatch, proceeding anyway")
    return load(user_id)
"""),
    ),
    fixed=(
        Snippet.of("""
from fastapi import FastAPI, HTTPException
def chat(user_id: str, current_user_id: str):
    if user_id != current_user_id:
        logger.warning("mismatch, proceeding anyway")
        raise HTTPException(status_code=403, detail="Forbidden")
    return load(user_id)
"""),
    ),
)
