"""What the API holds, and who may reach it: rows in memory, a doorman, one fault at most."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection  # noqa: TC002  FastAPI reads annotations

if TYPE_CHECKING:
    from tests.live.attack.vulnerable.doorman import Doorman

__all__ = ["Here", "Row", "Table", "User", "Visitor", "World"]


@dataclass
class Row:
    """Anything that is stored."""

    id: int
    owner: str
    name: str
    done: bool = False
    project: int | None = None


@dataclass
class Table:
    """Rows by id."""

    rows: dict[int, Row] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, owner: str, name: str, **more: Any) -> Row:
        """Store a new row."""
        number = next(self.numbers)
        row = self.rows[number] = Row(number, owner, name, **more)
        return row

    def of(self, owner: str | None) -> list[Row]:
        """Give an owner's rows; everybody's for None."""
        return [row for row in self.rows.values() if owner in {None, row.owner}]


@dataclass
class World:
    """The stored rows, and who may reach them."""

    fault: str
    doorman: Doorman
    tasks: Table = field(default_factory=Table)
    projects: Table = field(default_factory=Table)
    notes: Table = field(default_factory=Table)
    cache: dict[str, Any] = field(default_factory=dict)

    async def user(self, connection: HTTPConnection) -> str:
        """Give the caller, whose id must be the path's where it names one."""
        user = await self.doorman.user(connection)
        named = str(connection.path_params.get("user_id", user))
        if self.fault == "path-user-not-compared":
            return named
        if named != user:
            raise HTTPException(403)
        return user

    def owner(self, user: str, *faults: str) -> str | None:
        """Give whose rows a query is for: everybody's with one of the faults."""
        return None if self.fault in faults else user

    def one(self, table: Table, number: int, owner: str | None) -> Row:
        """Find a row; 404 for one that is missing and for one that is another's."""
        row = table.rows.get(number)
        if row is None:
            raise HTTPException(404)
        if owner not in {None, row.owner}:
            raise HTTPException(403 if self.fault == "oracle-by-status" else 404)
        return row


async def here(connection: HTTPConnection) -> World:
    """Give the application's world."""
    world: World = connection.app.state.world
    return world


Here = Annotated[World, Depends(here)]


async def caller(connection: HTTPConnection, world: Here) -> str:
    """Give the caller's id; 401 or 403 otherwise."""
    return await world.user(connection)


async def visitor(connection: HTTPConnection, world: Here) -> str | None:
    """Give the caller's id, or None for somebody who has not signed in."""
    return await world.doorman.optional_user(connection)


User = Annotated[str, Depends(caller)]
Visitor = Annotated[str | None, Depends(visitor)]
