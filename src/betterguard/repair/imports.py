"""Add names to a file's imports and take them away, in the file's own style.

Only plain imports at a module's top level are touched: those under ``if TYPE_CHECKING``, in a
``try`` or in a function are someone's intention and stay.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

from tree_sitter import Parser

from betterguard.audit.grammar import PYTHON
from betterguard.repair.edits import Edit
from betterguard.repair.lines import end_of, next_after, start_of
from betterguard.repair.statements import (
    FUTURE,
    Name,
    Statement,
    bound_in,
    imports_of,
    is_docstring,
    nested_imports_of,
    shadowed_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Key = Callable[[str], tuple[int, str]]

_STANDARD, _FOREIGN, _OWN = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where new statements go: behind the end of a line or in front of one, apart or not."""

    pos: int
    behind: bool
    apart: bool


@dataclass
class Imports:
    """The imports of one text (UTF-8, no byte order mark), and what is wished of them.

    ``own`` names the project's own top-level packages, which stand in the last group. ``before``
    is where the first wished name is used: imports that stand behind it come too late.
    """

    text: bytes
    own: frozenset[str] = frozenset()
    before: int = sys.maxsize
    statements: list[Statement] = field(init=False)
    taken: dict[str, tuple[str, str]] = field(init=False)
    """What each top-level name stands for: module and name; nothing for the file's own."""
    _nested: dict[str, tuple[str, str]] = field(init=False)
    """The same for what is imported later or under a condition: in the way of other meanings."""
    _shadowed: set[str] = field(init=False)
    """What functions bind for themselves, where an import of that name is out of sight."""
    _added: dict[tuple[str, str], str] = field(init=False, default_factory=dict)
    _dropped: set[tuple[str, str]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._root = Parser(PYTHON).parse(self.text).root_node
        found = imports_of(self._root)
        self.statements = [s for s in found if s.start < self.before]
        later = [s for s in found if s.start >= self.before]
        self.taken = dict.fromkeys(bound_in(self._root), ("", ""))
        self.taken.update(_origins(self.statements))
        self._nested = _origins([*nested_imports_of(self._root), *later])
        self._shadowed = shadowed_in(self._root)

    def bound(self, module: str, name: str = "") -> str | None:
        """Give the expression that stands for a name of a module by now; None when none does."""
        if (module, name) in self._added:
            return self._added[module, name]
        whole = None
        for local, origin in self.taken.items():
            if origin == (module, name):
                return local
            if name and origin == (module, ""):
                whole = f"{local}.{name}"
        return whole

    def use(self, module: str, name: str = "") -> str:
        """Give the expression to write for a name of a module, or the module; import it if need be.

        Where its name means something else in the file, it is imported under another one.
        """
        known = self.bound(module, name)
        if known is not None and known.split(".", 1)[0] not in self._shadowed:
            self._dropped.discard((module, name))
            return known
        local = name or module
        if self._means_another(local, (module, name)):
            local = f"{module.rsplit('.', 1)[-1] or 'own'}_{name}".lstrip("_") if name else local
        self._added[module, name] = local
        return local

    def _means_another(self, local: str, origin: tuple[str, str]) -> bool:
        if local in {*self.taken, *self._added.values(), *self._shadowed}:
            return True
        return self._nested.get(local, origin) != origin

    def drop(self, module: str, name: str = "") -> None:
        """Take a name away; nothing happens where it is not imported."""
        self._dropped.add((module, name))

    def edits(self) -> list[Edit]:
        """Give the edits that do all that was wished."""
        wanted = dict(self._added)
        found: list[Edit] = []
        replaced: set[Statement] = set()
        for statement in self.statements:
            gone = [name for name in statement.names if self._is_dropped(statement, name)]
            if gone and len(gone) == len(statement.names):
                found.append(self._without(statement))
                replaced.add(statement)
            else:
                found.extend(self._removals(statement, gone))
        for statement in self.statements:
            if statement in replaced or statement.star or not statement.module:
                continue
            extra = [key for key in wanted if key[0] == statement.module and key[1]]
            found.extend(self._extended(statement, [_shown(k[1], wanted.pop(k)) for k in extra]))
        return found + list(self._new(wanted))

    def _is_dropped(self, statement: Statement, name: Name) -> bool:
        key = (statement.module, name.name) if statement.module else (name.name, "")
        return key in self._dropped

    # removing

    def _without(self, statement: Statement) -> Edit:
        """Remove the whole statement, with its line when nothing else stands there."""
        start, end = start_of(self.text, statement.start), next_after(self.text, statement.end)
        rest = self.text[statement.end : end].strip(b" \t\r\n;")
        if not self.text[start : statement.start].strip() and (not rest or rest[:1] == b"#"):
            return Edit(self._with_gap(start, end), end, "")
        return Edit(statement.start, statement.end, "pass")

    def _with_gap(self, start: int, end: int) -> int:
        """Begin at the empty line above where there is one below too: a group is gone whole."""
        above = start_of(self.text, max(0, start - 1))
        below = self.text[end : next_after(self.text, end)]
        is_gap = start and not self.text[above:start].strip() and not below.strip()
        return above if is_gap and above else start

    def _removals(self, statement: Statement, gone: list[Name]) -> Iterator[Edit]:
        """Remove some names of several, with their commas; a name alone on its line with that."""
        names = list(statement.names)
        if gone and names[-1] in gone and self._own_line(names[-1]) is None:
            kept = next(name for name in reversed(names) if name not in gone)
            yield Edit(kept.end, names[-1].end, "")
            del names[names.index(kept) + 1 :]
        for name, after in pairwise(names):
            if name in gone:
                yield self._own_line(name) or Edit(name.start, after.start, "")
        if gone and names[-1] in gone:
            yield self._own_line(names[-1]) or Edit(names[-1].start, names[-1].end, "")

    def _own_line(self, name: Name) -> Edit | None:
        """Give the removal of a name's line where it has one, with a comma, for itself."""
        start, stop = start_of(self.text, name.start), next_after(self.text, name.start)
        end = self._comma(name.end)
        if not end or self.text[start : name.start].strip():
            return None
        rest = self.text[end:stop].split(b"#", 1)[0].strip()
        return None if rest else Edit(start, stop, "")

    # extending

    def _extended(self, statement: Statement, shown: list[str]) -> Iterator[Edit]:
        order = _order([name.name for name in statement.names])
        ends: list[str] = []
        for text in sorted(shown, key=order or _isort_key):
            later = [n for n in statement.names if order and order(n.name) > order(text)]
            if later:
                yield self._before(statement, later[0], text)
            else:
                ends.append(text)
        if ends:
            yield from self._after(statement.names[-1], ends, statement)

    def _before(self, statement: Statement, name: Name, text: str) -> Edit:
        start = start_of(self.text, name.start)
        own_line = not self.text[start : name.start].strip() and start > statement.start
        glue = ",\n" + self.text[start : name.start].decode() if own_line else ", "
        return Edit(name.start, name.start, text + glue)

    def _after(self, last: Name, texts: list[str], statement: Statement) -> Iterator[Edit]:
        start = start_of(self.text, last.start)
        comma = self._comma(last.end)
        indent = self.text[start : last.start].decode()
        if indent.strip() or start <= statement.start:
            yield Edit(last.end, last.end, "".join(f", {text}" for text in texts))
            return
        end = end_of(self.text, last.end)
        if statement.end <= end:
            yield Edit(last.end, last.end, "".join(f", {text}" for text in texts))
            return
        if not comma:
            yield Edit(last.end, last.end, ",")
        tail = ("," if comma else "").join(
            f"{'' if comma or not i else ','}\n{indent}{text}" for i, text in enumerate(texts)
        )
        yield Edit(end, end, tail + ("," if comma else ""))

    # new statements

    def _new(self, wanted: dict[tuple[str, str], str]) -> Iterator[Edit]:
        lines: dict[tuple[bool, str], list[str]] = {}
        for (module, name), local in wanted.items():
            key = _statement_key(module, plain=not name)
            lines.setdefault((key[0], module), []).append(_shown(name or module, local))
        by_place: dict[Place, list[tuple[int, str]]] = {}
        for (is_from, module), names in sorted(lines.items()):
            listed = ", ".join(sorted(names, key=_isort_key))
            line = f"from {module} import {listed}" if is_from else f"import {listed}"
            place = self._place(module, plain=not is_from)
            by_place.setdefault(place, []).append((self._group(module), line))
        for place, entries in by_place.items():
            yield Edit(place.pos, place.pos, self._block(place, sorted(entries, key=itemgetter(0))))

    def _block(self, place: Place, entries: list[tuple[int, str]]) -> str:
        """Lay out new lines at one place, an empty line between their groups."""
        body = ""
        for index, (group, line) in enumerate(entries):
            apart = index and entries[index - 1][0] != group
            body += ("\n\n" if apart else "\n" if index else "") + line
        if place.behind:
            return ("\n\n" if place.apart else "\n") + body
        apart = place.apart or (not self.statements and bool(self.text[place.pos :].strip()))
        return body + ("\n\n" if apart else "\n")

    def _place(self, module: str, *, plain: bool) -> Place:
        """Where a new statement goes: sorted into its group, else where the group would be."""
        group = self._group(module)
        same = [s for s in self.statements if self._group(s.origin) == group]
        if same:
            key = _statement_key(module, plain=plain)
            keys = [_statement_key(s.origin, plain=not s.module) for s in same]
            earlier = [s for s, k in zip(same, keys, strict=True) if k <= key]
            if keys == sorted(keys) and not earlier:
                return Place(start_of(self.text, same[0].start), behind=False, apart=False)
            anchor = earlier[-1] if keys == sorted(keys) else same[-1]
            return Place(end_of(self.text, anchor.end), behind=True, apart=False)
        lower = [s for s in self.statements if self._group(s.origin) < group]
        if lower:
            return Place(end_of(self.text, lower[-1].end), behind=True, apart=True)
        if self.statements:
            return Place(start_of(self.text, self.statements[0].start), behind=False, apart=True)
        return self._head()

    def _group(self, module: str) -> int:
        top = module.split(".", 1)[0]
        if module == FUTURE:
            return 0
        if not top or top in self.own:
            return _OWN
        return _STANDARD if top in sys.stdlib_module_names else _FOREIGN

    def _head(self) -> Place:
        """Give the place for a first import: behind the docstring, else behind leading comments."""
        first = next((n for n in self._root.named_children if n.type != "comment"), None)
        if first is not None and is_docstring(first):
            return Place(end_of(self.text, first.end_byte), behind=True, apart=True)
        at = 0
        while (
            self.text[at : at + 2] == b"#!"
            or b"coding" in self.text[at : next_after(self.text, at)][:40]
        ):
            at = next_after(self.text, at)
        return Place(at, behind=False, apart=False)

    # text

    def _comma(self, pos: int) -> int:
        """Give the offset behind the comma that follows, or 0."""
        while self.text[pos : pos + 1] in {b" ", b"\t"}:
            pos += 1
        return pos + 1 if self.text[pos : pos + 1] == b"," else 0


def _origins(statements: Iterable[Statement]) -> dict[str, tuple[str, str]]:
    """Give module and name that each imported name stands for."""
    return {
        name.local: (statement.module, name.name) if statement.module else (name.name, "")
        for statement in statements
        for name in statement.names
    }


def _shown(name: str, local: str) -> str:
    return name if name == local else f"{name} as {local}"


def _statement_key(module: str, *, plain: bool) -> tuple[bool, str]:
    return (not plain, module.lower())


def _isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as isort and ruff sort."""
    bare = name.split(" ", 1)[0]
    rank = 0 if bare.isupper() and len(bare) > 1 else 1 if bare[:1].isupper() else 2
    return rank, bare


def _folded_key(name: str) -> tuple[int, str]:
    return 0, name.split(" ", 1)[0].lower()


def _order(names: list[str]) -> Key | None:
    """Give the order that the names stand in by now, or None."""
    for key in (_isort_key, _folded_key):
        if [key(n) for n in names] == sorted(key(n) for n in names):
            return key
    return None
