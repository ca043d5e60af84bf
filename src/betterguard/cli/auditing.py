"""An audit as the command line asks for it: run, narrowed, written out."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.audit import Config, Report, find_config
from betterguard.audit import audit as run_audit
from betterguard.audit.cache import Cache, folder
from betterguard.audit.config import read_config
from betterguard.audit.reports import text
from betterguard.cli.output import demand_place, write_output
from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from betterguard.audit.loading import Progress

__all__ = ["FOUND", "Format", "Request", "run"]

FOUND = 1
BROKEN = 2
"""The exit code of an internal error."""


class Format(StrEnum):
    """How findings are written."""

    text = "text"
    concise = "concise"
    json = "json"
    sarif = "sarif"
    github = "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for; None where the project's configuration decides."""

    paths: tuple[Path, ...] = ()
    style: Format = Format.text
    output: Path | None = None
    select: str | None = None
    ignore: str | None = None
    severity: str | None = None
    fail_on: str | None = None
    baseline: Path | None = None
    save_baseline: Path | None = None
    diff_base: str | None = None
    checklist: bool = False
    tests: bool = False
    no_cache: bool = False
    jobs: int = 0

    def roots(self) -> list[Path]:
        """Give the files and folders to audit; `ConfigurationError` when one does not exist."""
        roots = list(self.paths) or [Path()]
        missing = [f"{path} does not exist" for path in roots if not path.exists()]
        if missing:
            raise ConfigurationError(missing)
        return roots

    def config(self, root: Path) -> Config:
        """Give the configuration of the project with what was asked for on top."""
        config = find_config(root if root.is_dir() else root.parent)
        given: dict[str, object] = {}
        for key, value in (("select", self.select), ("ignore", self.ignore)):
            if value is not None:
                given[key] = [part.strip().upper() for part in value.split(",") if part.strip()]
        limits = (("severity", self.severity), ("fail-on", self.fail_on))
        given.update({key: value for key, value in limits if value is not None})
        if self.tests:
            given["tests"] = True
        over = read_config(given)
        names = [key.replace("-", "_") for key in given]
        return dataclasses.replace(config, **{name: getattr(over, name) for name in names})


def run(request: Request) -> int:
    """Audit, write what was found, and give the exit code; `ConfigurationError`."""
    roots = request.roots()
    config = request.config(roots[0])
    demand_place(request.output)
    try:
        report = _audit(roots, config, request)
    except ConfigurationError:
        raise
    except Exception:  # noqa: BLE001  no build may take an internal error for findings
        import traceback  # noqa: PLC0415  slow to import

        print(f"internal error\n{traceback.format_exc()}", file=sys.stderr)  # noqa: T201
        return BROKEN
    if request.save_baseline is not None:
        from betterguard.audit.policy import write_baseline  # noqa: PLC0415  seldom needed

        count = write_baseline(request.save_baseline, report.findings)
        said = f"{count} findings written to {request.save_baseline}"
        print(said, file=sys.stderr)  # noqa: T201  the command line's own output
        return 0
    report = _narrow(report, request)
    if request.checklist:
        from betterguard.audit.reports.checklist import filled  # noqa: PLC0415  as above

        sys.stdout.write(filled(report.findings))
    else:
        _write(report, request.style, request.output)
    return FOUND if any(f.severity >= config.fail_on for f in report.findings) else 0


def _audit(roots: list[Path], config: Config, request: Request) -> Report:
    cache = None if request.no_cache else Cache(folder())
    try:
        with _progress() as progress:
            return run_audit(
                roots,
                config,
                cache=cache,
                jobs=request.jobs or os.cpu_count() or 1,
                relative_to=Path.cwd(),
                progress=progress,
            )
    finally:
        if cache is not None:
            cache.close()


@contextlib.contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show how far the audit is on the standard error stream, if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = _Shown()
    try:
        yield shown
    finally:
        shown.close()


class _Shown:
    """A bar that appears with the first step: an unchanged project takes none."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __call__(self, phase: str, done: int, total: int) -> None:
        if self._bar is None or self._task is None:
            from rich.console import Console  # noqa: PLC0415  slow to import
            from rich.progress import Progress as Bar  # noqa: PLC0415  as above

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(phase)
            self._bar.start()
        self._bar.update(self._task, description=phase, completed=done, total=total)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def _narrow(report: Report, request: Request) -> Report:
    findings = report.findings
    if request.baseline is not None:
        from betterguard.audit.policy import without_baseline  # noqa: PLC0415  seldom needed

        findings = without_baseline(findings, request.baseline)
    if request.diff_base is not None:
        from betterguard.audit.policy import changed_lines, on_lines  # noqa: PLC0415  as above

        findings = on_lines(findings, changed_lines(Path.cwd(), request.diff_base))
    return dataclasses.replace(report, findings=findings)


def _write(report: Report, style: Format, output: Path | None) -> None:
    if style is Format.text and output is None and _is_styled():
        _show(report)
        return
    written = _written(report, style)
    if output is not None:
        write_output(output, written + "\n")
    elif written:
        print(written)  # noqa: T201  the command line's own output


def _is_styled() -> bool:
    """Whether the output has colours: asked here, for rich is slow to import."""
    return (
        sys.stdout.isatty()
        or bool(os.environ.get("FORCE_COLOR"))
        or os.environ.get("TTY_COMPATIBLE") == "1"
    )


def _show(report: Report) -> None:
    from rich.text import Text  # noqa: PLC0415  slow to import

    from betterguard.cli.terminal import console  # noqa: PLC0415  as above

    out = console()
    for line in text.lines(report):
        out.print(Text.assemble(*line), highlight=False, soft_wrap=True)


def _written(report: Report, style: Format) -> str:
    if style is Format.text:
        return text.text(report)
    if style is Format.concise:
        return text.concise(report)
    from betterguard.audit.reports import machine  # noqa: PLC0415  people do not need it

    if style is Format.json:
        return machine.as_json(report)
    if style is Format.github:
        return machine.as_github(report)
    from importlib.metadata import version  # noqa: PLC0415  slow to import

    return machine.as_sarif(report, version("betterguard"))
