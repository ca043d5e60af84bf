"""A statement over users' rows that does not say whose."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import holds
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.ownership import condition_names
from betterguard.audit.queries import restricts
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _audience as audience
from betterguard.audit.rules import _ownership as owners
from betterguard.audit.rules import _reaching as reaching
from betterguard.audit.visit import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.symbols import FunctionRef

_LOGS = re.compile(r"log|print")


def check(code: Code) -> Iterator[Hit]:
    """Statements that routes reach, and functions that ignore whose rows they were asked for."""
    if code.is_isolated or not code.models.any_owned:
        return
    seen: set[tuple[str, int]] = set()
    for hit in chain(_reached(code), _ignored_owners(code)):
        if (hit.path, hit.pos) not in seen:
            seen.add((hit.path, hit.pos))
            yield hit


def _reached(code: Code) -> Iterator[Hit]:
    """Follow what the caller chooses from each route into the statements that it reaches."""
    for route in code.app.routes:
        gate, _ = code.security.protection(route)
        if gate != "required" or audience.is_privileged(code, route):
            continue
        chosen = owners.client_names(code, route)
        walk = reaching.Walk(code, route)
        yield from walk.function(route.function, chosen, 0, verified=False)


def _ignored_owners(code: Code) -> Iterator[Hit]:
    """Functions that take the user's id, and never use it where they read by another id."""
    for function in code.functions("sqlmodel", "sqlalchemy"):
        names = [
            param.name
            for param in function.params
            if owners.OWNER_PARAM.match(param.name) and param.name != "user"
        ]
        if names and not _is_mentioned(function, set(names)):
            others = {
                param.name
                for param in function.params
                if param.name not in names and not reaching.is_row(code, function, param)
            }
            yield from _read_by(code, function, others, names[0])


def _read_by(code: Code, function: FunctionRef, others: set[str], ignored: str) -> Iterator[Hit]:
    """Statements over rows with an owner that are found by other parameters than the user's id."""
    for query in code.queries.of(function):
        model = query.model
        if not model.owner or model.is_user or restricts(query, model.owner):
            continue
        if any(holds(others, name) for name in condition_names(query)):
            yield Hit(
                function.file.path,
                query.call.pos,
                f"{function.name} takes {ignored} and reads rows of {model.name} without it",
            )


def _is_mentioned(function: FunctionRef, names: set[str]) -> bool:
    """Whether a function reads one of the names, other than to log it."""
    return any(
        name.split(".", 1)[0] in names
        for stmt in function.statements
        for expr in stmt.exprs
        if not (expr.kind == "call" and _LOGS.search(expr.text))
        for name in names_in(expr)
    )


_HEAD = """
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from sqlmodel import Field, Session, SQLModel, select
app = FastAPI()
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str
    title: str
def get_session(): ...
def get_current_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err
"""
_MEMBERS = """
class Card(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    board_id: int
    user_id: str
class Member(SQLModel, table=True):
    board_id: int = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
class Guest(SQLModel, table=True):
    board_id: int = Field(primary_key=True)
    person: str = Field(primary_key=True)
def boards_of(session, me):
    return [m.board_id for m in session.exec(select(Member).where(Member.user_id == me))]
def demand(session, me, board_id):
    member = select(Member).where(Member.board_id == board_id, Member.user_id == me)
    if session.exec(member).first() is None:
        raise HTTPException(404)
def on_board(board_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    if board_id not in boards_of(session, me):
        raise HTTPException(404)
"""
_ROUTE = """
@app.get("/tasks/{task_id}")
def task(task_id: int, me: str = Depends(get_current_user), session=Depends(get_session)):
"""

RULE = Rule(
    id="BG302",
    name="unfiltered-query",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=639,
    message="A statement over users' rows has no condition on their owner.",
    why=(
        "Ids are guessable or leak; a row that is found by its id alone belongs to anybody. The "
        "audit follows what the caller chooses from the route into services and repositories, "
        "and stays silent where the owner is in the condition, is compared afterwards, or was "
        "made sure of before, also in another file. `isolate(engine)` puts the condition into "
        "every statement."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of(
            _HEAD
            + _ROUTE
            + "    return session.exec(select(Task).where(Task.id == task_id)).first()\n",
            db="from betterguard.rows import isolate\n"
            "engine = isolate(create_async_engine(URL), Base.metadata)\n",
        ),
        Snippet.of(
            _HEAD
            + _ROUTE
            + "    mine = select(Task).where(Task.id == task_id, Task.user_id == me)\n"
            + "    return session.exec(mine).first()\n"
        ),
        Snippet.of(
            _HEAD
            + _ROUTE
            + """    found = session.get(Task, task_id)
    if not found or str(found.user_id) != me:
        raise HTTPException(404)
    return found
"""
        ),
        Snippet.of(
            _HEAD
            + "from access import own\n"
            + _ROUTE
            + "    found = session.get(Task, task_id)\n    own(found, me)\n    return found\n",
            access="from fastapi import HTTPException\n"
            "def own(row, user):\n    if row.user_id != user:\n        raise HTTPException(404)\n",
        ),
        Snippet.of(
            _HEAD
            + "from access import own\n"
            + _ROUTE
            + "    found = session.get(Task, task_id)\n"
            + "    own(found.user_id, me)\n    return found\n",
            access="from fastapi import HTTPException\n"
            "def own(owner, user):\n    if owner != user:\n        raise HTTPException(403)\n",
        ),
        Snippet.of(
            _HEAD
            + _ROUTE
            + """    filters = [Task.user_id == me]
    filters.append(Task.id == task_id)
    return session.exec(select(Task).where(*filters)).first()
"""
        ),
        Snippet.of(
            _HEAD
            + "from sqlalchemy import text\n"
            + _ROUTE
            + """    sql = "SELECT * FROM task WHERE id = :id"
    sql += " AND user_id = :me"
    return session.execute(text(sql), {"id": task_id, "me": me})
"""
        ),
        Snippet.of(
            _HEAD
            + """
class Note(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    task_id: int
    user_id: str
def note_of(session, note_id, task_id):
    return session.exec(select(Note).where(Note.id == note_id, Note.task_id == task_id)).first()
@app.get("/tasks/{task_id}/notes/{note_id}")
def note(task_id: int, note_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    own = select(Task).where(Task.id == task_id, Task.user_id == me)
    task = session.exec(own).first()
    if task is None:
        raise HTTPException(404)
    return note_of(session, note_id, task.id)
"""
        ),
        Snippet.of(
            _HEAD
            + """
def mine(statement, user):
    return statement.where(*[Task.user_id == user])
@app.get("/search")
def search(title: str, me=Depends(get_current_user), session=Depends(get_session)):
    statement = select(Task)
    statement = mine(statement, me)
    return session.exec(statement.where(Task.title == title)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + """
class Member(SQLModel, table=True):
    task_id: int = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
def member(session, task_id, user_id):
    mine = select(Member).where(Member.task_id == task_id, Member.user_id == user_id)
    return session.exec(mine).first()
"""
            + _ROUTE
            + """    found = session.get(Task, task_id)
    if not member(session, task_id, me):
        raise HTTPException(403)
    return found
"""
        ),
        Snippet.of(
            _HEAD
            + """
@app.post("/tasks/{task_id}/names/{title}")
def free(task_id: int, title: str, me=Depends(get_current_user), session=Depends(get_session)):
    taken = session.exec(select(Task).where(Task.title == title)).first()
    if taken and taken.id != task_id:
        raise HTTPException(409)
    return {"free": True}
"""
        ),
        Snippet.of(
            _HEAD
            + """
class Label(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str
    name: str
class TaskLabel(SQLModel, table=True):
    task_id: int = Field(primary_key=True)
    label_id: int = Field(primary_key=True)
def labels_of(session, task: Task, user_id: str):
    named = select(Label.name).join(TaskLabel, Label.id == TaskLabel.label_id)
    return session.exec(named.where(TaskLabel.task_id == task.id)).all()
@app.get("/tasks")
def tasks(offset: int, me=Depends(get_current_user), session=Depends(get_session)):
    mine = select(Task).where(Task.user_id == me)
    page = mine.offset(offset).limit(9)
    for task in session.exec(page).all():
        named = select(Label.name).join(TaskLabel, Label.id == TaskLabel.label_id)
        yield task, session.exec(named.where(TaskLabel.task_id == task.id)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + """
def task_of(session, task_id, user_id):
    task = session.exec(select(Task).where(Task.id == task_id)).first()
    stored = str(task.user_id).lower() if task.user_id else ""
    asked = str(user_id).lower()
    if stored != asked:
        raise HTTPException(403)
    return task
@app.get("/tasks/{task_id}")
def task(task_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    return task_of(session, task_id, me)
def mine(session, task_id, user):
    found = session.get(Task, task_id)
    if found.user_id != user:
        raise HTTPException(403)
@app.patch("/tasks/{task_id}")
def rename(task_id: int, name: str, me=Depends(get_current_user), session=Depends(get_session)):
    found = session.exec(select(Task).where(Task.id == task_id)).first()
    mine(session, task_id, me)
    found.title = name
    return found
"""
        ),
        Snippet.of(
            _HEAD
            + """
def any_task(session, task_id): return session.get(Task, task_id)
@app.put("/tasks/{task_id}")
def rename(task_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    there = any_task(session, task_id)
    if not there:
        raise HTTPException(404)
    mine = select(Task).where(Task.id == task_id, Task.user_id == me)
    return session.exec(mine).first()
"""
        ),
        Snippet.of(
            _HEAD
            + """
def shared(user): return select(Share.task_id).where(Share.with_id == user)
class Search:
    def run(self, session, caller, task_id):
        found = select(Task).where(Task.id == task_id, Task.id.in_(shared(caller)))
        return session.exec(found).first()
@app.get("/search/{task_id}")
def search(task_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    return Search().run(session, me, task_id)
"""
        ),
        Snippet.of(
            _HEAD
            + """
def remind_everybody(session):
    return session.exec(select(Task)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + _MEMBERS
            + """
@app.get("/boards/{board_id}/cards")
def cards(board_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    mine = boards_of(session, me)
    if board_id not in mine:
        raise HTTPException(404)
    return session.exec(select(Card).where(Card.board_id == board_id)).all()
@app.get("/cards")
def several(boards: list[int], me=Depends(get_current_user), session=Depends(get_session)):
    mine = boards_of(session, me)
    if any(board not in mine for board in boards):
        raise HTTPException(404)
    return session.exec(select(Card).where(Card.board_id.in_(boards))).all()
@app.delete("/boards")
def clear(boards: list[int], me=Depends(get_current_user), session=Depends(get_session)):
    mine = boards_of(session, me)
    for board in boards:
        if board not in mine:
            raise HTTPException(403)
    session.exec(delete(Card).where(Card.board_id.in_(boards)))
@app.get("/cards/{card_id}")
def card(card_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    found = session.get(Card, card_id)
    if found is None or found.board_id not in boards_of(session, me):
        raise HTTPException(404)
    return found
@app.get("/cards/{card_id}/text")
def text_of(card_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    found = session.get(Card, card_id)
    demand(session, me, found.board_id)
    return found.text
"""
        ),
        Snippet.of(
            _HEAD
            + _MEMBERS
            + """
@app.get("/boards/{board_id}/first", dependencies=[Depends(on_board)])
def first(board_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    return session.exec(select(Card).where(Card.board_id == board_id)).first()
@app.get("/guests/{board_id}")
def as_guest(board_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    guest = session.exec(select(Guest).where(Guest.board_id == board_id, Guest.person == me))
    if not guest:
        raise HTTPException(404)
    return session.exec(select(Card).where(Card.board_id == board_id)).all()
"""
        ),
    ),
    invalid=(
        Snippet.of(_HEAD + _ROUTE + "    return session.get(Task, task_id)\n"),
        Snippet.of(
            _HEAD
            + """
class User(SQLModel, table=True):
    id: str = Field(primary_key=True)
class Invoice(SQLModel, table=True):
    id: int = Field(primary_key=True)
    customer_id: str = Field(foreign_key="user.id")
@app.get("/invoices/{invoice_id}")
def invoice(invoice_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    return session.get(Invoice, invoice_id)
"""
        ),
        Snippet.of(
            _HEAD + "from service import find\n" + _ROUTE + "    return find(session, task_id)\n",
            service="from sqlmodel import select\nfrom app import Task\n"
            "def find(session, task_id):\n"
            "    return session.exec(select(Task).where(Task.id == task_id)).first()\n",
        ),
        Snippet.of(
            _HEAD
            + """
@app.get("/tasks")
def tasks(me: str = Depends(get_current_user), session: Session = Depends(get_session)):
    return session.exec(select(Task)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + "from sqlalchemy import text\n"
            + _ROUTE
            + '    found = text("SELECT * FROM task WHERE id = :id")\n'
            + '    return session.execute(found, {"id": task_id})\n'
        ),
        Snippet.of(
            _HEAD
            + """
NOTE = "SELECT * FROM notes WHERE id = $1"
async def start(pool):
    await pool.execute("CREATE TABLE notes (id uuid PRIMARY KEY, user_id text, body text)")
@app.get("/notes/{note_id}")
async def note(note_id: str, me: str = Depends(get_current_user), pool=Depends(get_session)):
    return await pool.fetchrow(NOTE, note_id)
"""
        ),
        Snippet.of(
            _HEAD
            + _MEMBERS
            + """
@app.get("/boards/{board_id}/cards/{card_id}", dependencies=[Depends(on_board)])
def card(
    board_id: int, card_id: int, me=Depends(get_current_user), session=Depends(get_session)
):
    found = session.exec(select(Card).where(Card.id == card_id)).first()
    return found
"""
        ),
        Snippet.of(
            _HEAD
            + _MEMBERS
            + """
@app.post("/boards/{board_id}/join")
def join(board_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    guest = session.exec(select(Guest).where(Guest.board_id == board_id, Guest.person == me))
    if guest:
        raise HTTPException(409)
    return session.exec(select(Card).where(Card.board_id == board_id)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + _MEMBERS
            + """
@app.delete("/boards/{board_id}")
def clear(board_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    session.exec(delete(Card).where(Card.board_id == board_id))
    if board_id not in boards_of(session, me):
        raise HTTPException(404)
"""
        ),
    ),
    fixed=(
        Snippet.of(
            _HEAD
            + """
@app.get("/tasks/{task_id}")
def task(task_id: int, me: str = Depends(get_current_user), session=Depends(get_session)):
    found = session.get(Task, task_id)
    if found is None or found.user_id != me:
        raise HTTPException(status_code=404, detail="Task not found")
    return found
"""
        ),
        Snippet.of(
            _HEAD
            + """
class User(SQLModel, table=True):
    id: str = Field(primary_key=True)
class Invoice(SQLModel, table=True):
    id: int = Field(primary_key=True)
    customer_id: str = Field(foreign_key="user.id")
@app.get("/invoices/{invoice_id}")
def invoice(invoice_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    found = session.get(Invoice, invoice_id)
    if found is None or found.customer_id != me:
        raise HTTPException(status_code=404, detail="Invoice not found")
    return found
"""
        ),
        None,
        Snippet.of(
            _HEAD
            + """
@app.get("/tasks")
def tasks(me: str = Depends(get_current_user), session: Session = Depends(get_session)):
    return session.exec(select(Task).where(Task.user_id == me)).all()
"""
        ),
        None,
        None,
        Snippet.of(
            _HEAD
            + _MEMBERS
            + """
@app.get("/boards/{board_id}/cards/{card_id}", dependencies=[Depends(on_board)])
def card(
    board_id: int, card_id: int, me=Depends(get_current_user), session=Depends(get_session)
):
    found = session.exec(select(Card).where(Card.id == card_id, Card.user_id == me)).first()
    return found
"""
        ),
        Snippet.of(
            _HEAD
            + _MEMBERS
            + """
@app.post("/boards/{board_id}/join")
def join(board_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    guest = session.exec(select(Guest).where(Guest.board_id == board_id, Guest.person == me))
    if guest:
        raise HTTPException(409)
    return session.exec(select(Card).where(Card.board_id == board_id, Card.user_id == me)).all()
"""
        ),
        Snippet.of(
            _HEAD
            + _MEMBERS
            + """
@app.delete("/boards/{board_id}")
def clear(board_id: int, me=Depends(get_current_user), session=Depends(get_session)):
    session.exec(delete(Card).where(Card.board_id == board_id, Card.user_id == me))
    if board_id not in boards_of(session, me):
        raise HTTPException(404)
"""
        ),
    ),
)
