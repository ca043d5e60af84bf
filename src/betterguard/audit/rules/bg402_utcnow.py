"""The deprecated, naive ``datetime.utcnow``: called, or handed over as a default."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _time as time
from betterguard.audit.rules.bg410_text_into_timestamp import stored
from betterguard.audit.visit import keywords, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.models import Column, Model
    from betterguard.audit.symbols import File, FunctionRef

_CLAIMS = frozenset({"exp", "iat", "nbf"})


def check(code: Code) -> Iterator[Hit]:
    """Every ``utcnow``, with a severity that follows where the value ends."""
    aware = _aware_columns(code)
    dates: dict[str, list[tuple[Model, Column]]] = {}
    for model, column in code.models.dates:
        dates.setdefault(column.file.path, []).append((model, column))
    for file in code.files("utcnow"):
        stored = _stored(code, file, dates.get(file.path, []))
        claims = _claims(code, file)
        special = _other_rules(code, file) | _mixing(code, file, aware)
        for expr in file.expressions:
            if not expr.text.endswith("utcnow"):
                continue
            if not time.is_utcnow(code, file, expr) or expr.pos in special:
                continue
            severity, reason = _judge(code, file, expr, stored, claims)
            yield Hit(file.path, expr.pos, f"datetime.utcnow {reason}", severity)


def _judge(
    code: Code, file: File, expr: Expr, stored: dict[int, bool], claims: set[int]
) -> tuple[Severity, str]:
    if expr.pos in stored:
        if stored[expr.pos] and time.strict(code, file.path):
            return Severity.HIGH, "puts a naive value into a column: SQLModel 0.0.45 refuses it"
        if stored[expr.pos] and _mixed(code, file):
            return Severity.HIGH, "puts a naive value beside aware ones of the same schema"
        return Severity.MEDIUM, "puts a naive value into a column"
    if expr.pos in claims:
        return Severity.MEDIUM, "makes a naive expiry"
    return Severity.LOW, "is deprecated and naive"


def _mixed(code: Code, file: File) -> bool:
    """Whether another column of the same file has an aware default."""
    return any(
        column.file is file
        and (value := time.default(column)) is not None
        and time.kind(code, file, value) == "aware"
        for _, column in code.models.dates
    )


def _stored(code: Code, file: File, dates: list[tuple[Model, Column]]) -> dict[int, bool]:
    """Offsets of ``utcnow`` that end in a column, each with whether it is SQLModel's."""
    found: dict[int, bool] = {}
    for model, column in dates:
        for part in column.expressions:
            if time.is_utcnow(code, file, part):
                found[part.pos] = _by_sqlmodel(model, column.name)
    columns = code.models.dated
    for function in code.project.in_file(file):
        for name, value, owner in code.queries.writes(function):
            if name in columns or (name.endswith("_at") and owner is None and columns):
                given = [s for s in _sources(function, value) if time.is_utcnow(code, file, s)]
                if given:
                    models = columns.get(name, code.models.all.values())
                    near = [owner] if owner is not None else _nearest(file, models)
                    strict = any(_by_sqlmodel(model, name) for model in near)
                    found.update((source.pos, strict) for source in given)
    return found


def _nearest(file: File, models: Iterable[Model]) -> list[Model]:
    """Give the tables that share the most folders with a file: a repository may hold several."""
    here = file.path.split("/")[:-1]

    def shared(model: Model) -> int:
        there = model.ref.file.path.split("/")[:-1]
        return sum(
            1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(here, there, strict=False))
        )

    found = [(shared(model), model) for model in models]
    most = max((count for count, _ in found), default=0)
    return [model for count, model in found if count == most]


def _by_sqlmodel(model: Model, name: str) -> bool:
    """Whether SQLModel chooses the column's type, which refuses naive values."""
    column = model.columns.get(name)
    return model.is_sqlmodel and (column is None or not column.has_explicit_type)


def _sources(function: FunctionRef, value: Expr) -> Iterator[Expr]:
    """Give the value's parts, and those of the local names that it is made of."""
    yield from subexpressions(value)
    for name in names_in(value):
        for bound in function.assigned.get(name, ()):
            yield from subexpressions(bound)


def _claims(code: Code, file: File) -> set[int]:
    found: set[int] = set()
    for function in code.project.in_file(file):
        for expr in function.expressions:
            if expr.kind in {"dict", "call"}:
                for name, value in keywords(expr):
                    if name in _CLAIMS:
                        found.update(
                            part.pos
                            for part in _sources(function, value)
                            if time.is_utcnow(code, file, part)
                        )
    return found


def _aware_columns(code: Code) -> set[str]:
    """Names of columns whose defaults, wherever they have some, are aware."""
    kinds: dict[str, set[str]] = {}
    for _, column in code.models.dates:
        value = time.default(column)
        kind = time.kind(code, column.file, value) if value is not None else ""
        if kind:
            kinds.setdefault(column.name, set()).add(kind)
    return {name for name, known in kinds.items() if known == {"aware"}}


def _mixing(code: Code, file: File, aware: set[str]) -> set[int]:
    """Naive values written to columns with an aware default, which are BG403's."""
    return {
        value.pos
        for function in code.project.in_file(file)
        for name, value, _ in code.queries.writes(function)
        if name in aware and time.is_utcnow(code, file, value)
    }


def _other_rules(code: Code, file: File) -> set[int]:
    """``utcnow().timestamp()`` is BG405's, ``utcnow().isoformat()`` into SQL is BG410's."""
    found: set[int] = set()
    for expr in file.expressions:
        if expr.kind == "call" and expr.text == ".timestamp" and expr.base is not None:
            found.add(expr.base.pos)
    for function in code.project.in_file(file):
        if code.queries.raw_tables(function):
            found.update(
                part.base.pos
                for name, value in stored(code, function)
                if name in code.models.dated
                for part in _sources(function, value)
                if part.kind == "call" and part.text == ".isoformat" and part.base is not None
            )
    return found


_HEAD = "from datetime import datetime, timezone\nfrom sqlmodel import Field, SQLModel\n"
_TABLE = """
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(default_factory={factory})
"""

RULE = Rule(
    id="BG402",
    name="utcnow",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=682,
    message="datetime.utcnow gives a naive time and is deprecated.",
    why=(
        "Deprecated since Python 3.12; SQLModel 0.0.45 and newer refuse the value on INSERT; "
        "beside aware values it cannot be compared. References "
        "(`default_factory=datetime.utcnow`) count as calls do. High where the value ends in a "
        "SQLModel column and no older version is pinned, medium in other columns and in token "
        "expiries, low elsewhere."
    ),
    check=check,
    fix=Fixing.EITHER,
    valid=(
        Snippet.of(_HEAD + _TABLE.format(factory="lambda: datetime.now(timezone.utc)")),
        Snippet.of(
            "from datetime import datetime, timezone\n"
            "def utcnow():\n    return datetime.now(timezone.utc)\nx = utcnow()\n"
        ),
    ),
    invalid=(
        Snippet.of(_HEAD + _TABLE.format(factory="datetime.utcnow")),
        Snippet.of(
            _HEAD
            + _TABLE.format(factory="datetime.utcnow")
            + """
class Note(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))
""",
            notes="from datetime import datetime\nfrom app import Note\n"
            "note = Note(created_at=datetime.utcnow())\n",
        ),
        Snippet.of(
            "import sqlalchemy as sa\n"
            + _HEAD
            + _TABLE.format(factory="datetime.utcnow, sa_column=sa.Column(sa.DateTime)")
        ),
        Snippet.of("import datetime\nprint(datetime.datetime.utcnow())\n"),
    ),
    fixed=(
        Snippet.of("""\
from datetime import datetime, timezone
from sqlmodel import Field, SQLModel

class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))
"""),
        Snippet.of(
            """\
from datetime import datetime, timezone
from sqlmodel import Field, SQLModel

class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))

class Note(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))
""",
            notes="from datetime import datetime, timezone\nfrom app import Note\n"
            "note = Note(created_at=datetime.now(timezone.utc))\n",
        ),
        Snippet.of("""\
import sqlalchemy as sa
from datetime import datetime, timezone
from sqlmodel import Field, SQLModel

class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc).replace(tzinfo=None), sa_column=sa.Column(sa.DateTime))
"""),
        Snippet.of("""\
import datetime
print(datetime.datetime.now(datetime.timezone.utc))
"""),
    ),
)
