"""A statement over users' rows that does not say whose."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.ownership import bound_arguments, condition_names
from betterguard.audit.queries import restricts
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _ownership as owners
from betterguard.audit.security import UNAUTHORIZED, answers_error, mentions
from betterguard.audit.sqltext import RUNS
from betterguard.audit.visit import method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from betterguard.audit.application import Route
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Param
    from betterguard.audit.project import FunctionRef
    from betterguard.audit.queries import Query, RawQuery

MAX_STEPS = 5
_KEY = re.compile(r"(?:^|[._])(?:id|uuid|slug|key)s?$|Id$")
_SECRET_COLUMN = re.compile(r"token|hash|secret|(?:^|_)code$|api_?key|jti|nonce", re.IGNORECASE)


def check(code: Code) -> Iterator[Hit]:
    """Follow what the caller chooses from each route into the statements that it reaches."""
    if code.is_isolated or not code.models.any_owned:
        return
    seen: set[tuple[str, int]] = set()
    for route in code.app.routes:
        gate, _ = code.security.protection(route)
        if gate != "required" or code.security.privileged(route):
            continue
        chosen = owners.client_names(code, route)
        for hit in _Walk(code, route).function(route.function, chosen, 0, verified=False):
            if (hit.path, hit.pos) not in seen:
                seen.add((hit.path, hit.pos))
                yield hit
    for hit in _ignored_owner(code):
        if (hit.path, hit.pos) not in seen:
            seen.add((hit.path, hit.pos))
            yield hit


class _Walk:
    """One walk from a route along its calls."""

    def __init__(self, code: Code, route: Route) -> None:
        self.code = code
        self.route = route
        self.seen: set[tuple[int, frozenset[str]]] = set()
        self.own: dict[int, set[str]] = {}
        """For each function, the names that hold rows of the caller's, or parts of them."""
        self.callers: dict[int, set[str]] = {}
        """For each function, the parameters that were given who is calling."""
        if guarded := self._guarded():
            self.own[id(route.function.function)] = guarded

    def function(
        self, function: FunctionRef, chosen: set[str], depth: int, *, verified: bool
    ) -> Iterator[Hit]:
        key = (id(function.function), frozenset(chosen))
        if key in self.seen or depth > MAX_STEPS or not self.code.reaches_owned(function):
            return
        self.seen.add(key)
        names = self._chosen(function, chosen)
        if not verified:
            yield from self._statements(function, names)
        yield from self._calls(function, names, depth, verified=verified)

    def _chosen(self, function: FunctionRef, seeds: set[str]) -> set[str]:
        """Give what is computed from the caller's values; rows that were found by them are not."""
        rows = {name for query in self.code.queries.of(function) for name in query.names}
        holding: defaultdict[int, set[str]] = defaultdict(set)
        for name, values in function.assigned.items():
            for value in values:
                holding[id(value)].add(name)
        for call, target in self.code.calls.callees(function) if holding else ():
            held = holding.get(id(call))
            if held and any(
                self.code.queries.of(ref) or self.code.queries.raw(ref)
                for start in self.code.calls.entry_points(target)
                for ref in self.code.calls.reach(start)[:8]
            ):
                rows |= held
        found = set(seeds)
        for _ in range(3):
            for name, values in function.assigned.items():
                if name not in rows and any(mentions(value, found) for value in values):
                    found.add(name)
        return found - rows

    def _statements(self, function: FunctionRef, names: set[str]) -> Iterator[Hit]:
        for query in self.code.queries.of(function):
            if self._leaks(function, query, names):
                hit = self._hit(function, query.call, query.model.name, query.verb)
                # Rows that need not have an owner are often meant for more than one.
                yield (
                    replace(hit, severity=Severity.MEDIUM) if query.model.owner_is_optional else hit
                )
        for raw in self.code.queries.raw(function):
            model = self._raw_leak(function, raw, names)
            if model:
                yield self._hit(function, raw.text, model, raw.sql.split()[0].lower())

    def _hit(self, function: FunctionRef, place: Expr, model: str, verb: str) -> Hit:
        what = {"update": "changes", "delete": "deletes"}.get(verb, "reads")
        return Hit(
            function.file.path,
            place.pos,
            f"{what} rows of {model} without asking whose they are",
            evidence=(f"reached from {self._shown_route()}",),
        )

    def _shown_route(self) -> str:
        return f"{'/'.join(self.route.methods)} {self.route.path} ({self.route.file.path})"

    def _leaks(self, function: FunctionRef, query: Query, names: set[str]) -> bool:
        own, owner = self.code.ownership, query.model.owner
        if not owner or query.model.is_user or restricts(query, owner) or own.is_narrowed(query):
            return False
        if not query.conditions:
            told = _is_list(query) and not own.is_checked(query)
            return told and not self._asks_caller(function, query)
        read = condition_names(query)
        if not any(_touches(name, names) for name in read) or _by_secret(query):
            return False
        if self._asks_caller(function, query) or own.is_checked(query):
            return False
        if any(_touches(name, self._own(function)) for name in read):
            return False
        ids = {name for name in read if _touches(name, names)}
        reads = query.verb not in {"update", "delete"}
        return not (
            own.verified_before(function, query.call.pos, owner, ids)
            or (reads and self._is_sure_later(query, ids))
            or self._is_allowed(function, ids, query.call.pos, query.names if reads else ())
        )

    def _guarded(self) -> set[str]:
        """Give what the caller chose and a dependency of the route lets pass only for some."""
        chosen = owners.client_names(self.code, self.route)
        calls, found = self.code.calls, set[str]()
        for dependency in (*self.route.dependencies, *calls.dependencies(self.route.function)):
            for start in calls.entry_points(dependency.target):
                asked = chosen & {param.name for param in start.params}
                found |= {name for name in asked if self._lets_some(start, {name})}
        return found

    def _lets_some(self, function: FunctionRef, ids: set[str]) -> bool:
        """Whether a dependency refuses by the ids and by who is calling."""
        refs = (function, *self.code.calls.next(function))
        refuses = self.code.security.refusal
        return any(
            stmt.kind == "raise" and refuses(ref, stmt) != UNAUTHORIZED
            for ref in refs
            for stmt in ref.statements
        ) and (
            self.code.ownership.verified_before(function, function.function.end, "user_id", ids)
            or self._is_allowed(function, ids, function.function.end)
        )

    def _is_allowed(
        self, function: FunctionRef, ids: set[str], pos: int, rows: Collection[str] = ()
    ) -> bool:
        """``if project_id not in allowed: raise``, where who is calling decides what is allowed.

        Rows that were read may also be kept back after that.
        """
        conditions = [
            stmt.exprs[0]
            for stmt in function.statements
            if stmt.kind == "if" and (rows or stmt.pos < pos) and answers_error(stmt.body)
        ]
        if not conditions:
            return False
        security = self.code.security
        asked = security.derived(function, {*ids, *rows})
        asked |= {
            stmt.exprs[0].text
            for stmt in function.statements
            if stmt.kind == "for" and mentions(stmt.exprs[1], asked)
        }
        callers = security.derived(function, self._callers(function))
        callers -= {
            name
            for name, values in function.assigned.items()
            if any(mentions(value, ids) for value in values)
        }
        if any(_excludes(condition, asked, callers) for condition in conditions):
            return True
        return any(
            query.call.pos < pos
            and any(mentions(condition, ids) for condition in query.conditions)
            and self._asks_caller(function, query)
            and any(_is_missing(condition, query) for condition in conditions)
            for query in self.code.queries.of(function)
        )

    def _own(self, function: FunctionRef) -> set[str]:
        """Rows of the caller's that a function found or was given."""
        key = id(function.function)
        return self.own.get(key, set()) | self.code.ownership.own_rows(function)

    def _is_sure_later(self, query: Query, ids: set[str]) -> bool:
        """Whether what is read is only asked about, or kept back unless a check succeeds."""
        later = self.code.ownership.verified_after
        return _is_only_tested(query) or later(query.function, query.call.end, ids, query.names)

    def _asks_caller(self, function: FunctionRef, query: Query) -> bool:
        """Whether a condition is on the caller by another column: a team, a household, a role."""
        callers = self._callers(function)
        return any(mentions(condition, callers) for condition in query.conditions) or any(
            name.startswith(("self.user", "self.current_user", "current_user"))
            for condition in query.conditions
            for name in names_in(condition)
        )

    def _callers(self, function: FunctionRef) -> set[str]:
        """Names that hold who is calling: found out here, or handed over."""
        given = self.callers.get(id(function.function), set())
        return self.code.security.principals(function) | given

    def _raw_leak(self, function: FunctionRef, raw: RawQuery, names: set[str]) -> str:
        for table in raw.tables:
            model = self.code.models.by_table(table)
            if model is None or not model.owner or model.is_user:
                continue
            if re.search(rf"\b{model.owner}\b", raw.sql):
                return ""
            values = self._bound_values(function, raw)
            used = {name for value in values for name in names_in(value)}
            has_where = re.search(r"\bwhere\b", raw.sql, re.IGNORECASE)
            if has_where and not any(_touches(name, names) for name in used):
                return ""
            owner = model.owner
            if self.code.ownership.checks_owner(function, owner):
                return ""
            if self.code.ownership.verified_before(function, raw.text.pos, owner, set()):
                return ""
            return model.name
        return ""

    def _bound_values(self, function: FunctionRef, raw: RawQuery) -> Iterator[Expr]:
        """Give what is bound where the text, or the name that holds it, is executed."""
        holders = {
            name
            for name, values in function.assigned.items()
            for value in values
            if value.pos <= raw.text.pos < value.end
        }
        for call in function.calls:
            inside = call.pos <= raw.text.pos < call.end
            if method(call) in RUNS - {"text"} and (
                inside or any(mentions(part, holders) for part in call.parts[:1])
            ):
                yield from call.parts[1:]

    def _calls(
        self, function: FunctionRef, names: set[str], depth: int, *, verified: bool
    ) -> Iterator[Hit]:
        for call, target in self.code.calls.callees(function):
            for helper in self.code.calls.entry_points(target):
                if helper.name in {"__init__", "__call__"}:
                    continue
                bound = list(bound_arguments(helper, call))
                chosen = {param for param, value in bound if mentions(value, names)}
                chosen = {
                    name
                    for name in chosen
                    if not owners.OWNER_PARAM.match(name) and not self._is_row(helper, name)
                }
                mine = {param for param, value in bound if mentions(value, self._own(function))}
                self.own.setdefault(id(helper.function), set()).update(mine)
                callers = {
                    param
                    for param, value in bound
                    if value.kind == "name" and value.text in self._callers(function)
                }
                self.callers.setdefault(id(helper.function), set()).update(callers)
                if chosen or not bound:
                    ids = {n for _, value in bound for n in names_in(value) if _touches(n, names)}
                    sure = verified or self._is_sure(function, call, ids)
                    yield from self.function(helper, chosen, depth + 1, verified=sure)

    def _is_row(self, helper: FunctionRef, name: str) -> bool:
        param = owners.param(helper, name)
        return param is not None and _is_row(self.code, helper, param)

    def _is_sure(self, function: FunctionRef, call: Expr, ids: set[str]) -> bool:
        """Whether the caller of a helper already made sure, or will with what it gets back."""
        own = self.code.ownership
        for owner in self.code.models.owners:
            if own.checks_owner(function, owner):
                return True
        if own.verified_before(function, call.pos, "user_id", ids):
            return True
        if ids and self._is_allowed(function, ids, call.pos):
            return True
        names = {
            name
            for name, values in function.assigned.items()
            for value in values
            if value.pos <= call.pos < value.end
        }
        if names and _is_only_asked(function, names, call):
            return True
        return any(
            later.pos > call.pos
            and any(mentions(part, names) for part in later.parts)
            and any(
                own.checks_owner(ref, owner)
                for start in self.code.calls.entry_points(self.code.calls.target(function, later))
                for ref in self.code.calls.reach(start)[:6]
                for owner in self.code.models.owners
            )
            for later in function.calls
            if names
        )


def _is_row(code: Code, function: FunctionRef, param: Param) -> bool:
    """Whether a parameter takes a row that somebody else has found."""
    note = param.annotation
    return (
        note is not None
        and code.models.get(code.project.annotated(function.file, note)) is not None
    )


def _touches(name: str, names: set[str]) -> bool:
    while name:
        if name in names:
            return True
        name = name.rpartition(".")[0]
    return False


def _by_secret(query: Query) -> bool:
    """Found by something that only its owner knows: a token, a hash of one, a code."""
    return any(
        _SECRET_COLUMN.search(name.rsplit(".", 1)[-1])
        for condition in query.conditions
        for name in names_in(condition)
        if name[:1].isupper() and "." in name
    )


def _is_only_tested(query: Query) -> bool:
    """Whether the row that is found is only asked about: is there one, and which."""
    return _is_only_asked(query.function, set(query.names), query.call)


def _is_only_asked(function: FunctionRef, names: set[str], call: Expr) -> bool:
    """Whether names that hold what a call gave are tested, and used in no other way."""
    tested = False
    for stmt in function.statements:
        for expr in stmt.exprs:
            inside = expr.pos <= call.pos < expr.end
            if inside or not mentions(expr, names):
                continue
            if stmt.kind in {"if", "while", "assert"}:
                tested = True
            elif not (stmt.kind == "assign" and stmt.exprs[0].text in names):
                return False
    return tested


def _excludes(condition: Expr, asked: set[str], callers: set[str]) -> bool:
    """``project_id not in allowed``, also for any of several: ``any(one not in mine for …)``."""
    parts = list(subexpressions(condition))
    several = any(part.kind == "comp" and mentions(part, asked) for part in parts)
    return any(
        part.kind == "cmp"
        and part.text == "not in"
        and mentions(part.parts[-1], callers)
        and (several or (mentions(part.parts[0], asked) and _is_key(part.parts[0])))
        for part in parts
    )


def _is_key(side: Expr) -> bool:
    """``project_id`` or ``task.project_id``, not ``task.status``."""
    names = list(names_in(side))
    return all("." not in name or _KEY.search(name) for name in names)


def _is_missing(condition: Expr, query: Query) -> bool:
    """``if not member`` or ``if member is None``, of what a statement found."""
    return any(
        (part.kind == "not" or (part.kind == "cmp" and part.text in {"is", "=="}))
        and (mentions(part, set(query.names)) or part.pos <= query.call.pos < part.end)
        for part in subexpressions(condition)
    )


def _is_list(query: Query) -> bool:
    """Whether it is a statement for every row; not a bare subquery or an alias."""
    return query.verb in {"select", "query", "update", "delete"}


def _ignored_owner(code: Code) -> Iterator[Hit]:
    """Functions that take the user's id, and never use it where they read by another id."""
    for function in code.functions("sqlmodel", "sqlalchemy"):
        names = [p.name for p in function.params if owners.OWNER_PARAM.match(p.name)]
        names = [name for name in names if name != "user"]
        if not names or _is_mentioned(function, set(names)):
            continue
        others = {p.name for p in function.params if not _is_row(code, function, p)} - set(names)
        for query in code.queries.of(function):
            model = query.model
            if not model.owner or model.is_user or restricts(query, model.owner):
                continue
            read = condition_names(query)
            if any(_touches(name, others) for name in read):
                yield Hit(
                    function.file.path,
                    query.call.pos,
                    f"{function.name} takes {names[0]} and reads rows of {model.name} without it",
                )


def _is_mentioned(function: FunctionRef, names: set[str]) -> bool:
    return any(
        name.split(".", 1)[0] in names
        for stmt in function.statements
        for expr in stmt.exprs
        if not (expr.kind == "call" and re.search(r"log|print", expr.text))
        for part in subexpressions(expr)
        for name in names_in(part)
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
