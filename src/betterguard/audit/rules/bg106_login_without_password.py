"""Signing in, signing up again or changing a password without any proof of who asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import derived, mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.symbols import FunctionRef
from betterguard.audit.visit import fields, method, names_in, positional, statements, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Route
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Stmt

_SIGN_IN = re.compile(
    r"(?:^|[/_-])(?:log[_-]?in|sign[_-]?in|token|authenticate)(?:$|[/_-])", re.IGNORECASE
)
_SIGN_UP = re.compile(r"(?:^|[/_-])(?:register|sign[_-]?up|registration)(?:$|[/_-])", re.IGNORECASE)
_CHECKS = re.compile(
    r"verify|check|compare|authenticate|valid|match|sign_?in|login|hash", re.IGNORECASE
)
_STORED = re.compile(r"\.\w*(?:password|passwd|pwd)\w*$", re.IGNORECASE)
"""An attribute of an account that holds its password, or a digest of it."""
_PROOF = re.compile(
    r"token|(?:^|_)(?:code|otp|pin|secret|answer|signature|nonce|key|old|current)(?:_|$)",
    re.IGNORECASE,
)
_PROVES = re.compile(
    r"verif|consume|compare|(?:check|valid|confirm|redeem)\w*(?:token|code|otp|reset|link)",
    re.IGNORECASE,
)
_EXISTS = re.compile(r"exist|found|already|user|account", re.IGNORECASE)


def check(code: Code) -> Iterator[Hit]:
    """Sign-in routes that issue a token and compare no password; sign-up routes likewise."""
    for route in code.app.routes:
        name = f"{route.path} {route.function.name}"
        if _SIGN_IN.search(route.path) or _SIGN_IN.search(route.function.name):
            if (
                _takes_password(code, route)
                and _issues(code, route.function)
                and not _checks_password(code, route.function)
            ):
                yield Hit(
                    route.file.path,
                    route.pos,
                    f"{name.split(maxsplit=1)[0]} issues a token and never checks the password",
                )
        elif _SIGN_UP.search(route.path) or _SIGN_UP.search(route.function.name):
            yield from _known_account(code, route)
        elif _sets_password(code, route) and not _is_proved(code, route):
            yield Hit(
                route.file.path,
                route.pos,
                f"{route.path} sets a new password for an account that anyone may name",
                evidence=("no token, code or former password is asked for",),
            )


def _sets_password(code: Code, route: Route) -> bool:
    """Whether an open route changes the password of an account that is found by what is sent."""
    if not route.apps or {"POST", "PUT", "PATCH"}.isdisjoint(route.methods):
        return False
    if code.security.protection(route)[0] in {"required", "optional"} or route.conditional:
        return False
    return any(
        stmt.kind == "assign"
        and any(_STORED.search(target.text) for target in stmt.exprs[:-1])
        and any(query.model.is_user for query in code.queries.of(function))
        for function in code.calls.reach(route.function)
        if "password" in function.file.facts.words
        for stmt in function.statements
    )


def _is_proved(code: Code, route: Route) -> bool:
    """Whether something that only the account's owner has is sent along, or looked at."""
    sent = {param.name for param in route.function.params}
    for param in route.function.params:
        klass = param.annotation and code.project.annotated(route.file, param.annotation)
        for ancestor in code.project.ancestry(klass) if klass else ():
            sent.update(stmt.exprs[0].text for stmt in fields(ancestor.klass))
    reached = code.calls.reach(route.function)
    return any(_PROOF.search(name) for name in sent) or any(
        _PROVES.search(method(call)) or code.decodings.read(ref.file, call, ref) is not None
        for ref in reached
        for call in ref.calls
    )


def _takes_password(code: Code, route: Route) -> bool:
    if any("password" in param.name for param in route.function.params):
        return True
    injected = {d.param for d in code.calls.dependencies(route.function)}
    for param in route.function.params:
        if param.annotation is None:
            continue
        if param.name in injected and "PasswordRequestForm" not in param.annotation.text:
            continue
        if "PasswordRequestForm" in param.annotation.text:
            return True
        klass = code.project.annotated(route.file, param.annotation)
        if klass is not None and code.project.member(klass, "password") is not None:
            return True
    return False


def _issues(code: Code, function: FunctionRef) -> bool:
    return any(
        code.project.qualify(ref.file, call.text).endswith(("jwt.encode", "jwt.api_jwt.encode"))
        for ref in code.calls.reach(function)
        for call in ref.calls
        if method(call) == "encode"
    )


def _password_names(function: FunctionRef) -> set[str]:
    seeds = {param.name for param in function.params if "password" in param.name.lower()}
    for expr in function.expressions:
        for name in names_in(expr) if expr.kind in {"name", "call"} else ():
            if "password" in name.rsplit(".", 1)[-1].lower():
                seeds.add(name)
    return seeds


def _checks_password(code: Code, function: FunctionRef) -> bool:
    for ref in code.calls.reach(function):
        names = _password_names(ref)
        names = derived(ref, names)
        for expr in ref.expressions:
            if expr.kind == "cmp" and expr.text in {"==", "!="} and mentions(expr, names):
                return True
            if expr.kind == "call" and _verifies(expr, names):
                return True
    return False


def _verifies(call: Expr, names: set[str]) -> bool:
    """Whether it checks by its name, or hands the password to code that was not found."""
    name = method(call)
    if not _CHECKS.search(name) or name in {"hash", "hash_password", "get_password_hash", "sha256"}:
        return False
    return any(mentions(part, names) for part in call.parts)


def _known_account(code: Code, route: Route) -> Iterator[Hit]:
    for stmt in route.function.statements:
        if stmt.kind != "if" or not _found_account(stmt, route.function):
            continue
        issued = _token_in(code, route.function, stmt)
        if issued is not None and not _checks_password(code, route.function):
            yield Hit(
                route.file.path,
                stmt.pos,
                "signing up with a known e-mail returns that account's token, no password asked",
            )


def _found_account(stmt: Stmt, function: FunctionRef) -> bool:
    condition = stmt.exprs[0] if stmt.exprs else None
    if condition is None or condition.kind not in {"name", "cmp"}:
        return False
    if condition.kind == "cmp" and condition.text != "is not":
        return False
    names = list(names_in(condition))
    return any(
        _EXISTS.search(name)
        and any(
            method(part) in {"first", "get", "scalar", "one_or_none", "scalar_one_or_none"}
            for value in function.assigned.get(name, ())
            for part in subexpressions(value)
            if part.kind == "call"
        )
        for name in names
    )


def _token_in(code: Code, function: FunctionRef, stmt: Stmt) -> Expr | None:
    for inner in statements(stmt.body):
        for expr in inner.exprs:
            for part in subexpressions(expr):
                if part.kind == "call":
                    target = code.calls.target(function, part)
                    if (
                        isinstance(target, FunctionRef)
                        and _issues(code, target)
                        and positional(part)
                    ):
                        return part
    return None


_HEAD = """
import jwt
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
app = FastAPI()
class Login(BaseModel):
    email: str
    password: str
def make_token(user_id):
    return jwt.encode({"sub": user_id}, KEY, algorithm="HS256")
"""

_RESET = """
from fastapi import Depends
from sqlmodel import Field, Session, SQLModel, select
class User(SQLModel, table=True):
    id: str = Field(primary_key=True)
    email: str
    password_hash: str
class Reset(BaseModel):
    email: str
    new_password: str
class Change(Reset):
    old_password: str
"""

RULE = Rule(
    id="BG106",
    name="login-without-password",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    cwe=287,
    message="A route signs somebody in, or sets their password, without any proof of who asks.",
    why=(
        "Whoever knows an e-mail address becomes that user. It happens when a demonstration "
        "login creates unknown users and simply returns known ones, or when a form for a "
        "forgotten password takes the new one at once. Let Better Auth sign people in; the back "
        "end only verifies tokens."
    ),
    check=check,
    valid=(
        Snippet.of(
            _HEAD
            + """
@app.post("/login")
def login(form: Login):
    user = db.query(User).filter(User.email == form.email).first()
    if not user or not verify_password(form.password, user.password):
        raise HTTPException(401)
    return make_token(user.id)
"""
        ),
        Snippet.of(
            _HEAD
            + _RESET
            + """
@app.post("/reset-password")
def reset(form: Reset, code: str, session: Session = Depends(get_session)):
    user = session.exec(select(User).where(User.email == form.email)).first()
    redeem_code(user, code)
    user.password_hash = hash_password(form.new_password)
@app.post("/change-password")
def change(form: Change, session: Session = Depends(get_session)):
    user = session.exec(select(User).where(User.email == form.email)).first()
    user.password_hash = exchanged(user, form.old_password, form.new_password)
"""
        ),
    ),
    invalid=(
        Snippet.of(
            _HEAD
            + """
@app.post("/login")
def login(form: Login):
    user = db.query(User).filter(User.email == form.email).first()
    return make_token(user.id)
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.post("/register")
def register(form: Login):
    existing = db.query(User).filter(User.email == form.email).first()
    if existing:
        return {"token": make_token(existing.id)}
    raise HTTPException(400)
"""
        ),
        Snippet.of(
            _HEAD
            + _RESET
            + """
@app.post("/reset-password")
def reset(form: Reset, session: Session = Depends(get_session)):
    user = session.exec(select(User).where(User.email == form.email)).first()
    if not user:
        raise HTTPException(404)
    user.password_hash = hash_password(form.new_password)
    session.commit()
"""
        ),
    ),
)
