"""What one Python file says, as plain records: the only thing that the index and the rules read.

Most records have slots, which are read several times as quickly as the fields of a tuple. Nothing
changes one once it is made. Positions are byte offsets into the file's text in UTF-8 without a byte
order mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(slots=True, eq=False)
class Expr:
    """One expression.

    ``kind`` is one of: ``name`` (a dotted name, whole, in ``text``), ``attr`` (an attribute of
    something that is not a plain name), ``call``, ``sub`` (a subscript), ``str``, ``fstr``,
    ``bytes``, ``num``, ``const`` (True, False, None), ``list``, ``tuple``, ``set``, ``dict``,
    ``cmp``, ``bool``, ``not``, ``bin``, ``lambda``, ``if``, ``comp``, ``star``, ``walrus``,
    ``other``.

    ``text`` is the name, the value, the operator; of a call, the dotted name that is called, or
    ``.method`` when the receiver (then in ``base``) is not a plain name. ``parts`` are operands,
    elements or arguments; the last ``len(names)`` of them are keyword arguments or dictionary
    values, named by ``names``.
    """

    kind: str
    text: str
    pos: int
    end: int
    base: Expr | None = None
    parts: tuple[Expr, ...] = ()
    names: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[type[Expr], tuple[object, ...]]:
        return Expr, (self.kind, self.text, self.pos, self.end, self.base, self.parts, self.names)


@dataclass(slots=True, eq=False)
class Param:
    """One parameter of a function; ``name`` starts with ``*`` or ``**`` when it gathers."""

    name: str
    pos: int
    annotation: Expr | None
    default: Expr | None

    def __reduce__(self) -> tuple[type[Param], tuple[object, ...]]:
        return Param, (self.name, self.pos, self.annotation, self.default)


@dataclass(slots=True, eq=False)
class Stmt:
    """One statement.

    ``assign`` and ``aug`` hold targets then the value in ``exprs`` (a bare annotation holds the
    target alone); ``try`` keeps its handlers (``except``), ``else`` and ``finally`` in ``orelse``.
    """

    kind: str
    pos: int
    end: int
    exprs: tuple[Expr, ...] = ()
    body: tuple[Stmt, ...] = ()
    orelse: tuple[Stmt, ...] = ()
    note: Expr | None = None
    text: str = ""
    function: Function | None = None
    klass: Class | None = None

    def __reduce__(self) -> tuple[type[Stmt], tuple[object, ...]]:
        return Stmt, (
            self.kind,
            self.pos,
            self.end,
            self.exprs,
            self.body,
            self.orelse,
            self.note,
            self.text,
            self.function,
            self.klass,
        )


@dataclass(slots=True, eq=False)
class Function:
    """One function or method; ``pos`` is its name's."""

    name: str
    pos: int
    end: int
    params: tuple[Param, ...]
    decorators: tuple[Expr, ...]
    returns: Expr | None
    body: tuple[Stmt, ...]
    is_async: bool

    def __reduce__(self) -> tuple[type[Function], tuple[object, ...]]:
        return Function, (
            self.name,
            self.pos,
            self.end,
            self.params,
            self.decorators,
            self.returns,
            self.body,
            self.is_async,
        )


@dataclass(slots=True, eq=False)
class Class:
    """One class; ``pos`` is its name's."""

    name: str
    pos: int
    end: int
    bases: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...]
    decorators: tuple[Expr, ...]
    body: tuple[Stmt, ...]

    def __reduce__(self) -> tuple[type[Class], tuple[object, ...]]:
        return Class, (
            self.name,
            self.pos,
            self.end,
            self.bases,
            self.keywords,
            self.decorators,
            self.body,
        )


class Import(NamedTuple):
    """``alias`` stands for ``name`` in ``module``, or for the module when ``name`` is empty."""

    alias: str
    module: str
    name: str
    pos: int


class Suppression(NamedTuple):
    """A ``# noqa: BG…`` comment: its line, from 1, the rules that it names, and its reason."""

    line: int
    codes: tuple[str, ...]
    reason: str


class Module(NamedTuple):
    """One file: its path from the root, with forward slashes, and what it says."""

    path: str
    body: tuple[Stmt, ...]
    imports: tuple[Import, ...]
    suppressions: tuple[Suppression, ...]
    broken_at: int
    """Offset of the first syntax error, or -1."""
    lines: int
    words: frozenset[str]
    """Which of ``walk.TRIGGERS`` occur in the text: lets a rule pass over most files at once."""
    ascii: bool
