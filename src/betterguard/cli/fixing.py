"""``betterguard audit --fix`` and ``--diff``: make the fixes, or show them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from betterguard.cli.advice import advice_data, show_advice
from betterguard.repair import diffs, report
from betterguard.repair.engine import repair
from betterguard.repair.scaffold.advice import tell_uninstalled
from betterguard.repair.scaffold.manifests import (
    add_requirement,
    betterguard,
    pyjwt,
    tell_conflicts,
)
from betterguard.repair.scaffold.plan import Plan
from betterguard.repair.workspace import read_project
from betterguard.repair.writing import refuse_dirty, write

if TYPE_CHECKING:
    from pathlib import Path

    from betterguard.audit import Config
    from betterguard.repair.engine import Repair
    from betterguard.repair.scaffold.plan import Advice
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
    plan = _requirement(done, roots[0])
    changes = [*done.workspace.changes(), *plan.changes()]
    if as_json:
        data = report.data(done, changes, base, written=not fixing.show)
        data["advice"] = advice_data(plan.advice)
        typer.echo(json.dumps(data, indent=2))
    else:
        _show(done, changes, base, plan.advice, written=not fixing.show)
    if fixing.show:
        return bool(changes)
    write(changes)
    return any(left.finding.severity >= config.fail_on for left in done.left)


def _repaired(roots: list[Path], config: Config, fixing: Fixing, base: Path) -> Repair:
    quiet = not sys.stderr.isatty()
    with Console(stderr=True, quiet=quiet).status("fixing, and auditing again after each fix"):
        workspace = read_project(roots, config, base)
        return repair(workspace, unsafe=fixing.unsafe, emoji=fixing.emoji)


def _requirement(done: Repair, root: Path) -> Plan:
    """Plan the requirement where a fix imports betterguard first, and tell what is in its way."""
    plan = Plan(root)
    folder = root if root.is_dir() else root.parent
    rooms = done.rooms_imported()
    if not rooms:
        if done.brings("jwt"):
            add_requirement(plan, folder, pyjwt())
        return plan
    on_tables = rooms.keys() & {"betterguard.rows", "betterguard.schema"}
    wanted = betterguard("sqlalchemy") if on_tables else betterguard()
    add_requirement(plan, folder, wanted)
    if not plan.present:
        environment = done.workspace.code.environment
        tell_conflicts(plan, environment, next(iter(rooms.values())), wanted)
    tell_uninstalled(plan, done.workspace.code)
    return plan


def _show(
    done: Repair, changes: list[Change], base: Path, advice: list[Advice], *, written: bool
) -> None:
    diff = diffs.unified(changes, base)
    terminal = sys.stdout.isatty()
    if terminal:
        Console().print(diffs.coloured(diff), soft_wrap=True, end="")
    else:
        typer.echo(diff, nl=False)
    out = Console(width=None if terminal else 160)
    out.print(report.text(done, len(changes), written=written), highlight=False, soft_wrap=True)
    show_advice(out, advice)
