"""``betterguard audit``: what is wrong in a FastAPI code base, without running it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betterguard.audit.reports import machine
from betterguard.cli.auditing import FOUND, Format, Request, run
from betterguard.cli.commands import alone
from betterguard.cli.terminal import console, refuse
from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit import RouteEntry
    from betterguard.cli.fixing import Fixing

FIXES = "Fixes"

EXAMPLES = """[bold]Examples[/]

[cyan]betterguard audit backend[/]  what is wrong below a folder

[cyan]betterguard audit --severity high -f concise[/]  the worst, a line each

[cyan]betterguard audit --routes[/]  how every route is authenticated and filtered

[cyan]betterguard audit --explain BG302[/]  what a rule is about

[cyan]betterguard audit --diff[/]  what the fixes would change; --fix makes the safe ones

[cyan]betterguard audit --diff-base origin/main -f github[/]  only what a pull request changed

[cyan]betterguard audit --write-baseline known.json[/]  then --baseline known.json shows what is new

[cyan]betterguard audit -f sarif -o audit.sarif --fail-on critical[/]  for code scanning
"""


def audit(  # noqa: PLR0913, PLR0917  each is an option of the command
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders; the current folder by default.")
    ] = None,
    style: Annotated[
        Format, typer.Option("--format", "-f", help="How to write findings.")
    ] = Format.text,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write findings to a file.")
    ] = None,
    select: Annotated[
        str | None, typer.Option(help="Only these rules: ids or beginnings, by commas (BG1,BG302).")
    ] = None,
    ignore: Annotated[str | None, typer.Option(help="Not these rules.")] = None,
    severity: Annotated[
        str | None, typer.Option(help="Show findings from this severity on.")
    ] = None,
    fail_on: Annotated[
        str | None, typer.Option(help="Exit with 1 from this severity on; high by default.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Show only what this file does not hold.")
    ] = None,
    save_baseline: Annotated[
        Path | None, typer.Option("--write-baseline", help="Write today's findings to a file.")
    ] = None,
    diff_base: Annotated[
        str | None,
        typer.Option(help="Show only findings on lines changed since this git revision."),
    ] = None,
    rule: Annotated[
        str | None, typer.Option("--explain", help="Tell what a rule is about; `all` lists them.")
    ] = None,
    *,
    routes: Annotated[
        bool, typer.Option("--routes", help="List every route: authentication and rows.")
    ] = False,
    checklist: Annotated[
        bool, typer.Option("--checklist", help="Print the implementation checklist, filled in.")
    ] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Make the safe fixes.", rich_help_panel=FIXES)
    ] = False,
    unsafe_fixes: Annotated[
        bool,
        typer.Option("--unsafe-fixes", help="Make all fixes; look at them.", rich_help_panel=FIXES),
    ] = False,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Show the fixes and write nothing.", rich_help_panel=FIXES),
    ] = False,
    emoji: Annotated[
        bool,
        typer.Option(
            "--emoji",
            help="Also replace characters that consoles lack in printed and logged text.",
            rich_help_panel=FIXES,
        ),
    ] = False,
    allow_dirty: Annotated[
        bool,
        typer.Option(
            "--allow-dirty", help="Fix although git has uncommitted changes.", rich_help_panel=FIXES
        ),
    ] = False,
    tests: Annotated[bool, typer.Option("--tests", help="Audit test files too.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Work everything out anew.")] = False,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 for one a core.")] = 0,
) -> None:
    """Find what is wrong in a FastAPI code base; nothing of it is run.

    Exit code 0: clean; 1: findings at or above --fail-on; 2: wrong usage or an internal error.
    """
    try:
        if rule is not None:
            _explain(rule)
            return
        request = Request(
            paths=tuple(paths or ()),
            style=style,
            output=output,
            select=select,
            ignore=ignore,
            severity=severity,
            fail_on=fail_on,
            baseline=baseline,
            save_baseline=save_baseline,
            diff_base=diff_base,
            checklist=checklist,
            tests=tests,
            no_cache=no_cache,
            jobs=jobs,
        )
        if routes:
            _routes(request)
        elif fix or unsafe_fixes or diff or emoji:
            from betterguard.cli.fixing import Fixing  # noqa: PLC0415  an audit alone fixes nothing

            _fix(request, Fixing(fix, unsafe_fixes, diff, allow_dirty, emoji))
        elif code := run(request):
            raise typer.Exit(code)
    except ConfigurationError as err:
        refuse(str(err))


def _fix(request: Request, fixing: Fixing) -> None:
    if request.style not in {Format.text, Format.json}:
        raise ConfigurationError([f"fixes are shown as text or json, not as {request.style.value}"])
    from betterguard.cli.fixing import fix as run_fixes  # noqa: PLC0415  as above

    roots = request.roots()
    config = request.config(roots[0])
    if run_fixes(roots, config, fixing, Path.cwd(), as_json=request.style is Format.json):
        raise typer.Exit(FOUND)


def _routes(request: Request) -> None:
    from betterguard.audit.routing import route_map  # noqa: PLC0415  needs the whole index

    roots = request.roots()
    entries = route_map(roots, request.config(roots[0]), Path.cwd())
    _show_routes(entries, as_json=request.style is Format.json)


def _explain(rule: str) -> None:
    from betterguard.audit.reports.explain import page  # noqa: PLC0415  loads every rule
    from betterguard.audit.rules import BY_ID  # noqa: PLC0415  loads every rule

    wanted = rule.upper()
    if wanted == "ALL":
        from rich.table import Table  # noqa: PLC0415  slow to import

        table = Table("rule", "name", "severity", "what is wrong")
        for known in BY_ID.values():
            table.add_row(known.id, known.name, known.severity.label, known.message)
        console().print(table)
        return
    if wanted not in BY_ID:
        raise ConfigurationError([f"there is no rule {rule!r}; --explain all lists them"])
    typer.echo(page(BY_ID[wanted]))


def _show_routes(entries: list[RouteEntry], *, as_json: bool) -> None:
    if as_json:
        data = {
            "version": machine.SCHEMA_VERSION,
            "routes": [dataclasses.asdict(e) for e in entries],
        }
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    from rich.table import Table  # noqa: PLC0415  slow to import

    table = Table("method", "path", "handler", "authentication", "by", "rows")
    for row in _rows(entries):
        table.add_row(*row)
    console().print(table)


def _rows(entries: list[RouteEntry]) -> Iterator[tuple[str, ...]]:
    for entry in entries:
        mounted = "" if entry.mounted else " (not mounted)"
        yield (
            "/".join(entry.methods),
            entry.path + mounted,
            f"{entry.file}:{entry.line} {entry.handler}",
            entry.authentication,
            entry.by,
            "\n".join(entry.rows),
        )


app = alone(audit, EXAMPLES)
