"""Which tests sign tokens themselves, with which secret, and in which claim they name the user.

They do so by PyJWT or python-jose, by a function of the application that signs, or at a route of
the application that hands out tokens of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from betterguard.audit.symbols import FunctionRef
from betterguard.audit.visit import argument, method
from betterguard.repair.outside import is_of_tests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import File

__all__ = ["Place", "Signing", "signing"]

CLAIMS = ("sub", "user_id", "userId", "id")
"""Claims that name the user; where a token has several, the first of these is taken."""
ENCODERS = ("jwt.encode", "jwt.api_jwt.encode")


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """A call that signs a token: its file, and the function that it stands in, if any."""

    file: File
    function: FunctionRef | None
    call: Expr

    @property
    def key(self) -> Expr | None:
        """What it signs with."""
        return argument(self.call, 1, "key")


@dataclass(frozen=True, eq=False)
class Signing:
    """Tests that sign tokens themselves; ``uses`` tells for each file where it first does."""

    code: Code
    uses: dict[str, int]
    places: tuple[Place, ...]
    """Where the tokens of these tests are signed: in the tests first, then in the application."""

    @cached_property
    def claim(self) -> str:
        """The claim that names the user."""
        for places in (
            [place for place in self.places if is_of_tests(place.file.path)],
            self.places,
        ):
            named = {name for place in places for name in _claims(self.code, place)}
            for claim in CLAIMS:
                if claim in named:
                    return claim
        return CLAIMS[0]


def signing(code: Code, within: str) -> Signing | None:
    """Look through the tests in a folder, in code that was read with its tests; None without any.

    ``within`` is the folder's path from the root; ``.`` for the root itself.
    """
    uses: dict[str, int] = {}
    places: dict[int, Place] = {}
    doors = _doors(code)
    for file in code.project.files.values():
        if not is_of_tests(file.path) or not (within == "." or file.path.startswith(f"{within}/")):
            continue
        found = list(_of_file(code, file, doors))
        if found:
            uses[file.path] = min(pos for pos, _ in found)
            places.update((id(place.call), place) for _, place in found)
    if not uses:
        return None
    ordered = sorted(places.values(), key=lambda place: not is_of_tests(place.file.path))
    return Signing(code, uses, tuple(ordered))


def _of_file(
    code: Code, file: File, doors: Mapping[str, list[Place]]
) -> Iterator[tuple[int, Place]]:
    """Give where a file of tests signs, or has tokens signed, and the call that does it."""
    for place in _places(code, file):
        yield place.call.pos, place
    for call in file.calls:
        target = code.project.resolve(file, call.text)
        if isinstance(target, FunctionRef) and not is_of_tests(target.file.path):
            for place in _reached(code, target):
                yield call.pos, place
    for text in file.flat.texts.items if doors else ():
        path = text.text.split("?", 1)[0].rstrip("/")
        for door, places in doors.items():
            if path.endswith(door):
                yield from ((text.pos, place) for place in places)


def _doors(code: Code) -> dict[str, list[Place]]:
    """Give the paths of routes that sign tokens, with the calls by which they do."""
    found: dict[str, list[Place]] = {}
    for route in code.app.routes:
        path = route.path.rstrip("/")
        if path and "{" not in path and not is_of_tests(route.file.path):
            places = list(_reached(code, route.function))
            if places:
                found.setdefault(path, []).extend(places)
    return found


def _places(code: Code, file: File) -> Iterator[Place]:
    """Give the calls of a file that sign."""
    around = sorted(code.project.in_file(file), key=lambda ref: ref.function.pos)
    for call in file.calls:
        if method(call) == "encode" and code.project.qualify(file, call.text).endswith(ENCODERS):
            inside = [ref for ref in around if ref.function.pos < call.pos < ref.function.end]
            yield Place(file, inside[-1] if inside else None, call)


def _reached(code: Code, function: FunctionRef) -> Iterator[Place]:
    """Give the calls that sign in a function of the application, or in what it runs."""
    for ref in code.calls.reach(function):
        if not is_of_tests(ref.file.path) and "encode" in ref.methods:
            for call in ref.calls:
                if code.project.qualify(ref.file, call.text).endswith(ENCODERS):
                    yield Place(ref.file, ref, call)


def _claims(code: Code, place: Place) -> Iterator[str]:
    """Give the names of a payload's members, as far as they are written down."""
    payload = argument(place.call, 0, "payload") or argument(place.call, 0, "claims")
    if payload is None:
        return
    yield from payload.names
    if place.function is None or payload.kind != "name":
        return
    for made in place.function.assigned.get(payload.text, ()):
        yield from made.names
    yield from _members_set(place.function, payload.text)
    yield from _handed_over(code, place.function)


def _members_set(function: FunctionRef, name: str) -> Iterator[str]:
    """Give the members that are set one by one: ``payload["sub"] = …``."""
    for stmt in function.statements:
        for target in stmt.exprs[:-1] if stmt.kind == "assign" else ():
            if target.kind == "sub" and target.base is not None and target.base.text == name:
                yield from (part.text for part in target.parts if part.kind == "str")


def _handed_over(code: Code, function: FunctionRef) -> Iterator[str]:
    """Give the members of what callers hand to a function that signs: ``make({"sub": …})``."""
    for file in code.project.files.values():
        for call in file.calls:
            if method(call) == function.name:
                for part in call.parts:
                    yield from _literal(file, call, part)


def _literal(file: File, call: Expr, part: Expr) -> Iterable[str]:
    """Give the names in a dictionary that is written there, or bound to a name above it."""
    if part.kind != "name":
        return part.names if part.kind == "dict" else ()
    return [
        name
        for stmt in file.flat.statements.items
        if stmt.kind == "assign" and stmt.pos < call.pos and stmt.exprs[0].text == part.text
        for name in stmt.exprs[-1].names
    ]
