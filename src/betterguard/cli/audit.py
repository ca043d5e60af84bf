"""``betterguard audit``: what is wrong in a FastAPI code base, without running it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from betterguard.audit import Config, Report, find_config
from betterguard.audit import audit as run_audit
from betterguard.audit.cache import Cache, folder
from betterguard.audit.config import read_config
from betterguard.audit.policy import changed_lines, on_lines, without_baseline, write_baseline
from betterguard.audit.reports import machine, text
from betterguard.audit.reports.checklist import filled
from betterguard.cli.commands import alone
from betterguard.cli.terminal import console, refuse
from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from betterguard.audit import RouteEntry
    from betterguard.cli.fixing import Fixing

FOUND = 1
FIXES = "Fixes"


class Format(StrEnum):
    """How findings are written."""

    text = "text"
    concise = "concise"
    json = "json"
    sarif = "sarif"
    github = "github"


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
        roots = _existing(paths or [Path()])
        config = _config(roots[0], select, ignore, severity, fail_on, tests=tests)
        if routes:
            from betterguard.audit.routing import route_map  # noqa: PLC0415  needs the whole index

            _show_routes(route_map(roots, config, Path.cwd()), as_json=style is Format.json)
            return
        if fix or unsafe_fixes or diff or emoji:
            from betterguard.cli.fixing import Fixing  # noqa: PLC0415  an audit alone fixes nothing

            _fix(roots, config, Fixing(fix, unsafe_fixes, diff, allow_dirty, emoji), style)
            return
        report = _guarded(roots, config, jobs, no_cache=no_cache)
        if save_baseline is not None:
            count = write_baseline(save_baseline, report.findings)
            typer.echo(f"{count} findings written to {save_baseline}", err=True)
            return
        report = _narrow(report, baseline, diff_base)
    except ConfigurationError as err:
        refuse(str(err))
    if checklist:
        typer.echo(filled(report.findings), nl=False)
    else:
        _write(report, style, output)
    if any(finding.severity >= config.fail_on for finding in report.findings):
        raise typer.Exit(FOUND)


def _guarded(roots: list[Path], config: Config, jobs: int, *, no_cache: bool) -> Report:
    """Run; an internal error is exit code 2, so that no build takes it for findings."""
    try:
        return _run(roots, config, jobs, no_cache=no_cache)
    except ConfigurationError:
        raise
    except Exception:  # noqa: BLE001  whatever went wrong, the exit code must say so
        refuse(f"internal error\n{traceback.format_exc()}")


def _fix(roots: list[Path], config: Config, fixing: Fixing, style: Format) -> None:
    if style not in {Format.text, Format.json}:
        raise ConfigurationError([f"fixes are shown as text or json, not as {style.value}"])
    from betterguard.cli.fixing import fix as run_fixes  # noqa: PLC0415  as above

    if run_fixes(roots, config, fixing, Path.cwd(), as_json=style is Format.json):
        raise typer.Exit(FOUND)


def _existing(paths: list[Path]) -> list[Path]:
    missing = [f"{path} does not exist" for path in paths if not path.exists()]
    if missing:
        raise ConfigurationError(missing)
    return paths


def _config(  # noqa: PLR0913  as the command's options
    root: Path,
    select: str | None,
    ignore: str | None,
    severity: str | None,
    fail_on: str | None,
    *,
    tests: bool,
) -> Config:
    """Give the project's configuration with what the command line says on top."""
    config = find_config(root if root.is_dir() else root.parent)
    given: dict[str, object] = {}
    for key, value in (("select", select), ("ignore", ignore)):
        if value is not None:
            given[key] = [part.strip().upper() for part in value.split(",") if part.strip()]
    given.update(
        {
            key: value
            for key, value in (("severity", severity), ("fail-on", fail_on))
            if value is not None
        }
    )
    if tests:
        given["tests"] = True
    over = read_config(given)
    names = [key.replace("-", "_") for key in given]
    return dataclasses.replace(config, **{name: getattr(over, name) for name in names})


def _run(roots: list[Path], config: Config, jobs: int, *, no_cache: bool) -> Report:
    cache = None if no_cache else Cache(folder())
    workers = jobs or os.cpu_count() or 1
    try:
        with _progress() as progress:
            return run_audit(
                roots,
                config,
                cache=cache,
                jobs=workers,
                relative_to=Path.cwd(),
                progress=progress,
            )
    finally:
        if cache is not None:
            cache.close()


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on the standard error stream while files are read, if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  slow to import
    from rich.progress import Progress  # noqa: PLC0415  slow to import

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _narrow(report: Report, baseline: Path | None, diff_base: str | None) -> Report:
    findings = report.findings
    if baseline is not None:
        findings = without_baseline(findings, baseline)
    if diff_base is not None:
        findings = on_lines(findings, changed_lines(Path.cwd(), diff_base))
    return dataclasses.replace(report, findings=findings)


def _write(report: Report, style: Format, output: Path | None) -> None:
    if style is Format.text:
        if output is None:
            console().print(text.text(report), highlight=False, soft_wrap=True)
            return
        from rich.console import Console  # noqa: PLC0415  slow to import

        with output.open("w", encoding="utf-8") as stream:
            Console(file=stream, width=200).print(
                text.text(report), highlight=False, soft_wrap=True
            )
        return
    written = _machine(report, style)
    if output is not None:
        output.write_text(written + "\n", encoding="utf-8")
    elif written:
        typer.echo(written)


def _machine(report: Report, style: Format) -> str:
    match style:
        case Format.json:
            return machine.as_json(report)
        case Format.sarif:
            from importlib.metadata import version  # noqa: PLC0415  slow to import

            return machine.as_sarif(report, version("betterguard"))
        case Format.github:
            return machine.as_github(report)
        case _:
            return text.concise(report)


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
