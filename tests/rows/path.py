"""What a path is: a way to a row, and what may come of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[Any, Any], object]


class Wall(Enum):
    """Which wall alone stands between this path and Bob's rows, on PostgreSQL."""

    COMPILER = 1
    POLICIES = 2
    KEYS = 3


@dataclass(frozen=True)
class Path:
    """One way that an application, rightly or wrongly, may go.

    By default it must give what it gives without Bob. ``refused`` names the errors of which one
    must come instead; ``untouched`` says that the value may differ (the primary key tells that
    a row exists) but nothing of Bob's may be seen or changed. ``leaks`` is False for a path
    that shows nothing of Bob's even without any wall.
    """

    name: str
    run: Run
    refused: tuple[type[BaseException], ...] = ()
    untouched: bool = False
    only: str | None = None
    leaks: bool = True
    alone: Wall | None = None

    def runs_on(self, dialect: str) -> bool:
        return self.only in {None, dialect}


def params(paths: tuple[Path, ...], dialect: str) -> list[Any]:
    return [pytest.param(path, id=path.name) for path in paths if path.runs_on(dialect)]
