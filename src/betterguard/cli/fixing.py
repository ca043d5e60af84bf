"""``betterguard audit --fix`` and ``--diff``: make the fixes, or show them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from betterguard.repair import diffs, report
from betterguard.repair.engine import repair
from betterguard.repair.scaffold.manifests import add_requirement, betterguard
from betterguard.repair.scaffold.plan import Plan
from betterguard.repair.workspace import read_project
from betterguard.repair.writing import refuse_dirty, write

if TYPE_CHECKING:
    from pathlib import Path

    from betterguard.audit import Config
    from betterguard.repair.engine import Repair
    from betterguard.repair.writing import Change


@dataclass(frozen=True, slots=True)
class Fixing:
    """What the command line says about fixing."""

    write: bool = False
    unsafe: bool = False
    show: bool = False
    allow_dirty: bool = False
    emoji: bool = False


def fix(roots: list[Path], config: Config, fixing: Fixing, base: Path, *, as_json: bool) -> bool:
    """Fix or show; whether something is left that fails, or, when shown, anything would change."""
    if not fixing.show and not fixing.allow_dirty:
        for root in roots:
            refuse_dirty(root if root.is_dir() else root.parent)
    done = _repaired(roots, config, fixing, base)
    changes = [*done.workspace.changes(), *_requirement(done, roots[0])]
    if as_json:
        data = report.data(done, changes, base, written=not fixing.show)
        typer.echo(json.dumps(data, indent=2))
    else:
        _show(done, changes, base, written=not fixing.show)
    if fixing.show:
        return bool(changes)
    write(changes)
    return any(left.finding.severity >= config.fail_on for left in done.left)


def _repaired(roots: list[Path], config: Config, fixing: Fixing, base: Path) -> Repair:
    quiet = not sys.stderr.isatty()
    with Console(stderr=True, quiet=quiet).status("fixing, and auditing again after each fix"):
        workspace = read_project(roots, config, base)
        return repair(workspace, unsafe=fixing.unsafe, emoji=fixing.emoji)


def _requirement(done: Repair, root: Path) -> list[Change]:
    """Give the change of the requirements where a fix imports betterguard first."""
    rooms = done.rooms_imported()
    if not rooms:
        return []
    on_tables = rooms & {"betterguard.rows", "betterguard.schema"}
    plan = Plan(root)
    wanted = betterguard("sqlalchemy") if on_tables else betterguard()
    add_requirement(plan, root if root.is_dir() else root.parent, wanted)
    return plan.changes()


def _show(done: Repair, changes: list[Change], base: Path, *, written: bool) -> None:
    diff = diffs.unified(changes, base)
    terminal = sys.stdout.isatty()
    if terminal:
        Console().print(diffs.coloured(diff), soft_wrap=True, end="")
    else:
        typer.echo(diff, nl=False)
    Console(width=None if terminal else 160).print(
        report.text(done, len(changes), written=written), highlight=False, soft_wrap=True
    )
