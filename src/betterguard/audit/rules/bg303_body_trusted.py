"""A body that is taken as it comes: untyped, or with the owner in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _audience as audience
from betterguard.audit.rules import _ownership as owners
from betterguard.audit.visit import keywords, method, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Route
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr

_WRITES = frozenset({"POST", "PUT", "PATCH"})


def check(code: Code) -> Iterator[Hit]:
    """Find writing routes: ``dict`` bodies, and owners that come out of the body."""
    for route in code.app.routes:
        if set(route.methods) & _WRITES:
            yield from _untyped(code, route)
            yield from _owner_from_body(code, route)


def _untyped(code: Code, route: Route) -> Iterator[Hit]:
    injected = {d.param for d in code.calls.dependencies(route.function)}
    for param in route.function.params:
        note = param.annotation
        if note is None or param.name in injected or param.name in route.path_params:
            continue
        name = note.base.text if note.kind == "sub" and note.base is not None else note.text
        if name in {"dict", "Dict", "typing.Dict"}:
            yield Hit(
                route.file.path,
                param.pos,
                f"the body of {route.path} is an untyped dict: nothing is validated",
                Severity.LOW,
                Confidence.MEDIUM,
            )


def _owner_from_body(code: Code, route: Route) -> Iterator[Hit]:
    gate, _ = code.security.protection(route)
    if gate != "required" or audience.is_privileged(code, route):
        return
    chosen = owners.client_names(code, route) - set(route.path_params)
    for call in route.function.calls:
        model = (
            code.models.get(code.calls.target(route.function, call)) if call.base is None else None
        )
        if model is None or not model.owner or model.is_user:
            continue
        for name, value in keywords(call):
            taken = name == model.owner and _from(value, chosen, model.owner)
            if taken and not _compared(route, value):
                yield Hit(
                    route.file.path,
                    value.pos,
                    f"the owner of a new {model.name} is what the body says",
                    Severity.HIGH,
                )


def _from(value: Expr, chosen: set[str], owner: str) -> bool:
    return any(
        name.rpartition(".")[0] in chosen
        and name.rpartition(".")[2] in {owner, "user_id", "owner_id"}
        for name in names_in(value)
    ) or (value.kind == "name" and value.text in chosen and value.text == owner)


def _compared(route: Route, value: Expr) -> bool:
    names = set(names_in(value))
    return any(
        part.kind == "cmp" and names & {n for side in part.parts for n in names_in(side)}
        for part in route.function.expressions
    ) or any(
        method(call) not in {"str", "UUID"}
        and any(set(names_in(p)) & names for p in call.parts)
        and not call.text[:1].isupper()
        and any(word in method(call) for word in ("verify", "check", "ensure", "validate"))
        for call in route.function.calls
    )


_HEAD = """
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlmodel import Field, Session, SQLModel
app = FastAPI()
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str
    title: str
class NewTask(BaseModel):
    user_id: str
    title: str
def get_session(): ...
def get_current_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err
"""

RULE = Rule(
    id="BG303",
    name="body-trusted",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=915,
    message="A request's body is trusted: it names the owner, or is not validated at all.",
    why=(
        "An owner in the body lets a signed-in user write rows into another's account; take it "
        "from the token. A `dict` body reaches the table with whatever keys and types the "
        "client sent."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of(
            _HEAD
            + """
@app.post("/tasks")
def add(body: NewTask, me: str = Depends(get_current_user)):
    return Task(user_id=me, title=body.title)
"""
        ),
    ),
    invalid=(
        Snippet.of(
            _HEAD
            + """
@app.post("/tasks")
def add(body: NewTask, me: str = Depends(get_current_user)):
    return Task(user_id=body.user_id, title=body.title)
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.post("/tasks")
def add(body: dict, me: str = Depends(get_current_user)):
    return Task(user_id=me, title=body["title"])
"""
        ),
    ),
    fixed=(
        Snippet.of(
            _HEAD
            + """
@app.post("/tasks")
def add(body: NewTask, me: str = Depends(get_current_user)):
    return Task(user_id=me, title=body.title)
"""
        ),
        None,
    ),
)
