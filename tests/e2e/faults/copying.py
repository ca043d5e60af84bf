"""A copy of the demo's back end with changes in it, attacked in a process of its own.

The processes are forked from one that has imported everything but the back end: so each is
ready at once, and each imports its own ``demo.backend``.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.live.attack import AppTarget, Family, Limits, Options, attack
from betterguard.live.attack.issuing import issued, served_keys
from betterguard.live.attack.result import Verdict
from betterguard.testing.tokens import SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ALICE", "BOB", "Change", "Found", "Scope", "attacked", "copied", "processes"]

DEMO = Path(__file__).resolve().parents[3] / "demo"
ALICE, BOB = "alice-1", "bob-22"
URL = "http://localhost:3000"
IMPORTED_BEFORE = [
    "asyncpg",
    "betterguard.live.attack",
    "betterguard.schema.sqlmodel",
    "betterguard.web.sessions",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlmodel.ext.asyncio.session",
    "tests.e2e.faults.copying",
]


@dataclass(frozen=True)
class Change:
    """A text of a file of the back end, and what stands there instead."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Scope:
    """What is tried: families of attacks, operations, variants of each credential attack."""

    families: frozenset[Family] = frozenset(Family)
    include: tuple[str, ...] = ()
    variants: int | None = 1


@dataclass(frozen=True)
class Found:
    """What an attack came to, as it passes from process to process."""

    open: frozenset[tuple[str, str]]
    held: int
    unexercised: tuple[str, ...]
    left_behind: tuple[str, ...]


def copied(folder: Path, changes: Iterable[Change]) -> Path:
    """Copy the back end, as a package of the same name, and change it."""
    (folder / "demo").mkdir()
    shutil.copy(DEMO / "__init__.py", folder / "demo")
    backend = folder / "demo" / "backend"
    shutil.copytree(DEMO / "backend", backend, ignore=shutil.ignore_patterns("__pycache__"))
    for change in changes:
        file = backend / change.file
        text = file.read_text(encoding="utf-8")
        assert text.count(change.before) == 1, f"not once in {change.file}: {change.before!r}"
        file.write_text(text.replace(change.before, change.after), encoding="utf-8")
    return folder


def processes() -> ProcessPoolExecutor:
    """Give a pool, in which each task has a new process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED_BEFORE)
    return ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1)


def attacked(folder: Path, environment: Mapping[str, str], scope: Scope) -> Found:
    """Attack the copy in a folder; it is imported, so this process must not have another."""
    assert "demo" not in sys.modules
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    logging.disable(logging.CRITICAL)
    key = SigningKey.generate()
    made = issued(key, URL, (ALICE, BOB))
    options = Options(
        keys=made.keys,
        limits=Limits(timeout=300),  # not to take a busy machine for a refusal
        families=scope.families,
        include=scope.include,
        variants=scope.variants,
        throwaway=True,
        seed=1,
    )
    with served_keys(key, URL):
        target = AppTarget("demo.backend.main:app")
        result = asyncio.run(attack(target, made.alice, made.bob, options))
    return Found(
        frozenset((cell.attack.name, cell.operation) for cell in result.open),
        result.count()[Verdict.HELD],
        tuple(f"{one.operation}: {one.reason}" for one in result.unexercised),
        tuple(result.left_behind),
    )
