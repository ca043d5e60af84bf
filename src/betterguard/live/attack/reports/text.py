"""A result as text: a line for each operation, each hole with its proof, what was not tried."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from betterguard.audit import Severity
from betterguard.live.attack.catalogue import Family
from betterguard.live.attack.reports.gaps import gaps
from betterguard.live.attack.result import Verdict

if TYPE_CHECKING:
    from rich.console import RenderableType

    from betterguard.live.attack.result import Cell, Exercise, Result

__all__ = ["as_text"]

_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
_FAMILIES = {
    Family.CREDENTIAL: "credentials",
    Family.CROSSING: "other users",
    Family.SURFACE: "surface",
}


def as_text(result: Result) -> RenderableType:
    """Give the whole report for a terminal."""
    parts: list[RenderableType] = [
        Text.from_markup(f"[bold]{escape(result.title or 'API')}[/] at {escape(result.target)}"),
        Text(),
        _matrix(result),
        Text(),
    ]
    for cells in result.holes().values():
        parts += [_hole(cells), Text()]
    parts += _section("Not tried", [f"{what}: {why}" for what, why in gaps(result)])
    public = [one.operation for one in result.exercises.values() if one.public]
    parts += _section("Public, the same for anybody", public)
    parts += _section("Left behind", result.left_behind)
    parts += _section("Notes", result.notes)
    parts.append(_summary(result))
    return Group(*parts)


def _matrix(result: Result) -> Table:
    table = Table("operation", *_FAMILIES.values(), box=None, pad_edge=False)
    for exercise in result.exercises.values():
        table.add_row(_name(exercise), *(_sum(result, exercise, one) for one in _FAMILIES))
    return table


def _name(exercise: Exercise) -> Text:
    return Text(exercise.operation, style="" if exercise.done else "dim", overflow="fold")


def _sum(result: Result, exercise: Exercise, family: Family) -> Text:
    cells = [
        cell
        for cell in result.cells.values()
        if cell.operation == exercise.operation and cell.attack.family is family
    ]
    count = Counter(cell.verdict for cell in cells)
    if count[Verdict.OPEN]:
        return Text(f"✗ {count[Verdict.OPEN]} open", style="bold red")
    if exercise.public:
        return Text("public", style="dim")
    if count[Verdict.HELD]:
        requests = sum(cell.requests for cell in cells)
        return Text(f"✓ {count[Verdict.HELD]} held ({requests})", style="green")
    return Text("-" if exercise.done else "not tried", style="dim")


def _hole(cells: list[Cell]) -> RenderableType:
    attack = cells[0].attack
    head = Text.assemble(
        ("OPEN ", "bold red"),
        (attack.severity.label, _STYLES[attack.severity]),
        (f" {attack.name}", "bold"),
    )
    lines = [Text.assemble(("  " + cell.operation, "bold"), f": {cell.note}") for cell in cells]
    lines.append(Text(f"  What to do: {attack.cure}"))
    if cells[0].exchange is not None:
        lines += [Text(f"  > {line}", style="dim") for line in cells[0].exchange.request_lines()]
        lines += [Text(f"  < {line}", style="dim") for line in cells[0].exchange.answer_lines()]
    return Group(head, *lines)


def _section(title: str, lines: list[str]) -> list[RenderableType]:
    if not lines:
        return []
    return [Text(title, style="bold"), *(Text(f"  {line}") for line in lines), Text()]


def _summary(result: Result) -> Text:
    done = sum(one.done for one in result.exercises.values())
    count = result.count()
    holes = f"{count[Verdict.OPEN]} open" if result.open else "nothing open"
    return Text(
        f"{result.requests} requests in {result.seconds:.1f} s, {done} of "
        f"{len(result.exercises)} operations exercised, "
        f"{count[Verdict.HELD]} attacks held: {holes}",
        style="bold red" if result.open else "bold green",
    )
