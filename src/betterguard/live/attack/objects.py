"""Objects that the attack makes for itself through the API, and removes again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from betterguard.live.attack.answers import element_with, ids_in
from betterguard.live.attack.calls import build, filled
from betterguard.live.attack.evidence import Call, excerpt, visible
from betterguard.live.attack.kinds import Kinds
from betterguard.live.attack.markers import Marker
from betterguard.live.attack.naming import is_user, last_segment, parameters_of
from betterguard.live.attack.sending import Stopped
from betterguard.live.attack.values import NO_VALUE, Values, chosen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from betterguard.live.attack.arena import Arena
    from betterguard.live.attack.evidence import Exchange
    from betterguard.live.attack.openapi import Operation, Schema
    from betterguard.live.attack.people import Person
    from betterguard.live.attack.result import Cell

__all__ = ["Made", "Objects", "Unmade"]

DEPTH = 5
GONE = frozenset({404, 410})


class Unmade(Exception):
    """An object or a request could not be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """An object that the attack made: its kind, its owner, its id, its parents' ids by kind."""

    kind: str
    owner: Person
    id: str | int
    above: Mapping[str, str | int]
    marker: Marker
    exchange: Exchange = field(repr=False)


class Objects:
    """Makes, finds and removes objects of an API."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.made: list[Made] = []
        self.full: dict[str, bool] = {}
        """Operations with a body: whether optional parts may be sent too."""
        self._failed: dict[tuple[str, str], str] = {}

    async def make(self, kind: str, owner: Person, depth: int = 0) -> Made:
        """Make a new object, and its parents first where there are none; raises `Unmade`."""
        label = Kinds.label(kind)
        operation = self.arena.kinds.creators.get(kind)
        if operation is None:
            msg = f"no operation makes a {label}"
            raise Unmade(msg)
        known = self._failed.get((kind, owner.name))
        if known is not None or depth > DEPTH:
            raise Unmade(known or f"a {label} has too many parents")
        try:
            return await self._make(operation, owner, depth)
        except Unmade as err:
            self._failed[kind, owner.name] = str(err)
            raise

    async def _make(self, operation: Operation, owner: Person, depth: int) -> Made:
        marker = Marker.new(self.arena.random)
        path_values = await self.path_values(operation, owner, depth=depth + 1)
        exchange = None
        for full in (True, False):
            call = await self.call(
                operation, owner, path_values, marker=marker, full=full, depth=depth + 1
            )
            exchange = await self.arena.as_person(owner, call)
            if exchange.answer.good:
                self.full[operation.name] = full
                found = await self.note(operation, exchange, owner, path_values, marker)
                if found is not None:
                    return found
        assert exchange is not None
        answer = exchange.answer
        what = (
            "gave no id"
            if answer.good
            else f"answered {answer.status}: {excerpt(answer.text, 160)}"
        )
        msg = f"{operation.name} {what}"
        raise Unmade(msg)

    async def note(
        self,
        operation: Operation,
        exchange: Exchange,
        owner: Person,
        path_values: Mapping[str, Any],
        marker: Marker,
    ) -> Made | None:
        """Remember what a creating request made, so that it is removed; None without an id."""
        kind = self.arena.kinds.made_by(operation)
        names = (f"{Kinds.label(kind)}_id", f"{Kinds.label(kind)}Id")
        number = ids_in(exchange.answer.data, names)
        if number is None:
            number = await self._listed_id(kind, owner, path_values, marker, names)
        if number is None or number in path_values.values():
            return None  # an action answers with the object that it was done to
        above = {
            self.arena.kinds.of_parameter(name, before): path_values[name]
            for name, before in parameters_of(operation.path)
            if not is_user(name, last_segment(before))
        }
        made = Made(kind, owner, number, above, marker, exchange)
        self.made.append(made)
        return made

    async def _listed_id(
        self,
        kind: str,
        owner: Person,
        path_values: Mapping[str, Any],
        marker: Marker,
        names: tuple[str, ...],
    ) -> str | int | None:
        """Look for the marker in the collection's list."""
        listing = self.arena.kinds.listing(kind)
        if listing is None:
            return None
        exchange = await self.arena.as_person(
            owner,
            Call("GET", filled(listing.path, self._users(listing, owner) | dict(path_values))),
        )
        element = element_with(exchange.answer.data, marker)
        return None if element is None else ids_in(element, names)

    def find(self, kind: str, owner: Person) -> Made | None:
        """Give the object of a kind that was made last for an owner."""
        mine = (one for one in reversed(self.made) if one.kind == kind and one.owner is owner)
        return next(mine, None)

    def latest(self, owner: Person) -> list[Made]:
        """Give the object of each kind that was made last for an owner."""
        kinds = {one.kind: one for one in self.made if one.owner is owner}
        return list(kinds.values())

    def leaks_in(self, text: str) -> Made | None:
        """Give an object of Alice's that a text shows; None when it shows none."""
        mine = (one for one in self.made if one.owner is self.arena.alice)
        return next((one for one in mine if one.marker.shows_in(text)), None)

    def shown_in(self, exchange: Exchange) -> bool:
        """Tell whether an answer was granted and shows an object of Alice's."""
        return exchange.answer.good and self.leaks_in(exchange.answer.text) is not None

    def judge_leak(self, cell: Cell, exchange: Exchange, note: str) -> None:
        """Note in the matrix whether an answer to Bob shows an object of Alice's."""
        if self.shown_in(exchange):
            cell.opened(note, exchange)
        else:
            cell.held(silent=exchange.answer.silent)

    async def need(self, kind: str, owner: Person, depth: int = 0) -> Made:
        """Give an object of a kind, made now where there is none; raises `Unmade`."""
        return self.find(kind, owner) or await self.make(kind, owner, depth)

    async def path_values(
        self,
        operation: Operation,
        owner: Person,
        target: Made | None = None,
        user: Person | None = None,
        depth: int = 0,
    ) -> dict[str, str | int]:
        """Fill a path's parameters: ``user``'s id (the owner's by default), ids of objects.

        ``target`` gives its own id and its parents'. Raises `Unmade` when an object is missing.
        """
        values = self._users(operation, user or owner)
        for name, before in reversed(parameters_of(operation.path)):
            if name in values:
                continue
            kind = self.arena.kinds.of_parameter(name, before)
            values[name] = await self._value(operation, name, kind, owner, target, depth)
            if target is None and kind in self.arena.kinds.creators:
                target = self.find(kind, owner)
        return values

    async def _value(  # noqa: PLR0913, PLR0917  what a value depends on
        self,
        operation: Operation,
        name: str,
        kind: str,
        owner: Person,
        target: Made | None,
        depth: int,
    ) -> str | int:
        if target is not None and kind == target.kind:
            return target.id
        if target is not None and kind in target.above:
            return target.above[kind]
        if kind in self.arena.kinds.creators:
            return (await self.need(kind, owner, depth)).id
        parameter = next((one for one in operation.placed("path") if one.name == name), None)
        schema = {} if parameter is None else chosen(parameter.schema)
        if schema.get("enum") or schema.get("example") or schema.get("type") == "boolean":
            return schema.get("example") or (schema.get("enum") or ["true"])[0]  # type: ignore[no-any-return]
        msg = f"no operation makes a {Kinds.label(kind)} for {{{name}}}"
        raise Unmade(msg)

    def _users(self, operation: Operation, person: Person) -> dict[str, str | int]:
        return {
            name: person.user_id
            for name, before in parameters_of(operation.path)
            if is_user(name, last_segment(before))
        }

    async def call(  # noqa: PLR0913  what a request is made of
        self,
        operation: Operation,
        owner: Person,
        path_values: Mapping[str, Any],
        *,
        marker: Marker | None = None,
        full: bool | None = None,
        depth: int = 0,
    ) -> Call:
        """Build a request whose body refers to the owner's objects; raises `Unmade`.

        It is as full as one that was accepted before, unless ``full`` says otherwise.
        """
        full = self.full.get(operation.name, True) if full is None else full
        for kind in self.referred(operation, full=full):
            if depth <= DEPTH and kind != self.arena.kinds.made_by(operation):
                await self._try_to_have(kind, owner, depth)
        values = Values(
            marker or Marker.new(self.arena.random),
            self.arena.random,
            lambda name, schema: self._known(name, schema, operation.path, owner),
            full=full,
        )
        call = build(operation, path_values, values)
        if call is None:
            msg = f"{operation.name} wants a value that could not be made up"
            raise Unmade(msg)
        return call

    async def _try_to_have(self, kind: str, owner: Person, depth: int) -> None:
        try:
            await self.need(kind, owner, depth + 1)
        except Unmade:
            return  # the field is left out, or the request tells why it fails without

    def referred(self, operation: Operation, *, full: bool = True) -> set[str]:
        """Give the kinds that fields of a body or a required query parameter refer to."""
        names = list(_fields(operation.body or {}, full=full))
        names += [one.name for one in operation.placed("query") if one.required]
        kinds = (self.arena.kinds.of_field(name, operation.path) for name in names)
        return {kind for kind in kinds if kind is not None}

    def _known(self, name: str, schema: Schema, path: str, owner: Person) -> Any:
        kind = schema.get("type")
        if is_user(name):
            return _as(owner.user_id, kind)
        referred = self.arena.kinds.of_field(name, path)
        if referred is None or kind in {"object", "boolean"}:
            return NO_VALUE
        found = self.find(referred, owner)
        return NO_VALUE if found is None else _as(found.id, kind)

    async def remove(self, made: Made) -> bool:
        """Delete an object as its owner, or as whoever else has it now; False when it stays."""
        operation = self.arena.kinds.on_item("DELETE", made.kind)
        if operation is None:
            return False
        answers = []
        for person in (made.owner, self.arena.alice, self.arena.bob):
            try:
                values = await self.path_values(operation, person, made)
                call = await self.call(operation, person, values)
            except Unmade:
                continue
            answers.append((await self.arena.as_person(person, call)).answer)
            if answers[-1].good:
                return True
        return bool(answers) and answers[0].status in GONE

    async def _is_removed(self, made: Made) -> bool:
        try:
            return await self.remove(made)
        except Stopped:
            return False

    async def remove_all(self) -> list[str]:
        """Delete everything that was made, children first; name what is left."""
        left = [made for made in reversed(self.made) if not await self._is_removed(made)]
        gone = {(made.kind, made.id) for made in self.made if made not in left}
        # An object without an operation that deletes it goes with its parent.
        left = [made for made in left if not gone.intersection(made.above.items())]
        self.made = left
        return [
            f"{Kinds.label(one.kind)} {visible(str(one.id))} of {one.owner.name}" for one in left
        ]


def _fields(schema: Schema, *, full: bool, depth: int = 0) -> Iterator[str]:
    schema = chosen(schema)
    required = schema.get("required", ())
    for name, inner in (schema.get("properties") or {}).items():
        if full or name in required:
            yield name
            if depth < DEPTH:
                yield from _fields(chosen(inner), full=full, depth=depth + 1)
    if isinstance(schema.get("items"), dict) and depth < DEPTH:
        yield from _fields(schema["items"], full=full, depth=depth + 1)


def _as(value: str | int, kind: Any) -> Any:
    """Give an id in the type that a field has; NO_VALUE where it has none of that type."""
    if kind == "array":
        return [value]
    if kind == "integer":
        return int(value) if str(value).isdecimal() else NO_VALUE
    return str(value) if kind == "string" else value
