"""``betterguard init``: add to a FastAPI back end what it lacks to know its callers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from betterguard.cli.advice import advice_data, show_advice
from betterguard.cli.commands import alone
from betterguard.cli.terminal import console, refuse
from betterguard.errors import ConfigurationError
from betterguard.repair.diffs import coloured, unified
from betterguard.repair.scaffold import plan
from betterguard.repair.writing import refuse_dirty, write

if TYPE_CHECKING:
    from betterguard.repair.scaffold import Plan
    from betterguard.repair.writing import Change

DECLINED = 1
SCHEMA_VERSION = 1
EXAMPLES = """\
Examples:

betterguard init                     # show what this folder lacks, then ask

betterguard init backend --diff      # only print the diff

betterguard init --yes               # write without asking

betterguard init --vendor            # one auth.py on PyJWT alone

betterguard init --test-tokens       # existing tests sign their own tokens: take them in tests

betterguard init new-project         # a new back end
"""


def init(  # noqa: PLR0913  each is an option of the command
    path: Annotated[Path, typer.Argument(help="The back end's folder, or one above it.")] = Path(),
    *,
    vendor: Annotated[
        bool, typer.Option("--vendor", help="Write a self-contained auth.py on PyJWT alone.")
    ] = False,
    test_tokens: Annotated[
        bool,
        typer.Option(
            "--test-tokens", help="Let tests go on signing tokens themselves, in conftest.py alone."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print the diff alone, and write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Write although git has uncommitted changes.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan as JSON; writes only with --yes.")
    ] = False,
) -> None:
    """Add to a FastAPI back end what it lacks to know its callers; nothing of it is run.

    Exit code 0: done, or nothing to do; 1: the answer was no; 2: refused, nothing is written.
    """
    try:
        found = _plan(path, vendor=vendor, test_tokens=test_tokens)
        changes = found.changes()
        if diff:
            _print_diff(found, changes)
            return
        writes = bool(changes) and not dry_run and (yes or not as_json)
        if writes and not allow_dirty:
            refuse_dirty(_nearest(path))
        if not as_json:
            _show(found, changes)
        if writes:
            _confirm(yes=yes)
            write(changes)
    except ConfigurationError as err:
        refuse(str(err))
    except OSError as err:
        refuse(f"nothing is written: {err}")
    if as_json:
        data = _as_data(found, changes, written=writes)
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        _report(found, changes, written=writes)


def _plan(path: Path, *, vendor: bool, test_tokens: bool) -> Plan:
    if path.exists() and not path.is_dir():
        raise ConfigurationError([f"{path} is not a folder"])
    return plan(path, vendor=vendor, test_tokens=test_tokens)


def _nearest(path: Path) -> Path:
    """Give the folder, or the first one above it that exists."""
    return next(folder for folder in (path, *path.resolve().parents) if folder.is_dir())


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError(["there is no terminal to ask at: pass --yes to write"])
    if not typer.confirm("Write these files?", err=True):
        typer.echo("nothing is written", err=True)
        raise typer.Exit(DECLINED)


def _print_diff(found: Plan, changes: list[Change]) -> None:
    shown = unified(changes, found.root)
    if sys.stdout.isatty():
        console().print(coloured(shown), end="")
    else:
        sys.stdout.write(shown)


def _show(found: Plan, changes: list[Change]) -> None:
    """Print the diff and the summary: what is written and why, what was there."""
    out = console()
    out.print(coloured(unified(changes, found.root)), end="", soft_wrap=True)
    if changes:
        out.print()
    reasons: dict[Path, list[str]] = {}
    for reason in found.reasons:
        reasons.setdefault(reason.path, []).append(reason.what)
    for change in changes:
        verb = ("new", "green") if change.before is None else ("edit", "yellow")
        what = "; ".join(filter(None, reasons[change.path]))
        out.print(
            Text.assemble(
                (f"{verb[0]:5}", verb[1]), _relative(change.path, found), ("  " + what, "dim")
            ),
            soft_wrap=True,
        )
    for present in found.present:
        out.print(Text.assemble(("there ", "dim"), present), soft_wrap=True)


def _report(found: Plan, changes: list[Change], *, written: bool) -> None:
    out = console()
    show_advice(out, found.advice)
    out.print(Text(f"\n{_outcome(len(changes), written=written)}"))


def _outcome(count: int, *, written: bool) -> str:
    if not count:
        return "nothing to write"
    files = "1 file" if count == 1 else f"{count} files"
    return f"{files} written" if written else f"{files} would be written"


def _as_data(found: Plan, changes: list[Change], *, written: bool) -> dict[str, object]:
    return {
        "version": SCHEMA_VERSION,
        "root": str(found.root),
        "written": written,
        "changes": [
            {
                "path": _relative(change.path, found),
                "kind": "create" if change.before is None else "edit",
                "what": [r.what for r in found.reasons if r.path == change.path and r.what],
            }
            for change in changes
        ],
        "present": found.present,
        "advice": advice_data(found.advice),
    }


def _relative(path: Path, found: Plan) -> str:
    return os.path.relpath(path, found.root).replace(os.sep, "/")


app = alone(init, EXAMPLES)
