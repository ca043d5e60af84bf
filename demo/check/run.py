"""Starts a throwaway demo, walks through the steps and tells how each one went."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Error as BrowserError

from demo.check.browser import running_chromium
from demo.check.expectations import StepFailed
from demo.check.person import person_at
from demo.check.scene import Scene
from demo.check.steps import STEPS
from demo.service import Stopped
from demo.stack import Origins, running_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from threading import Event

    from rich.console import Console

__all__ = ["Report", "run_check"]

# Renewed a minute before its end, that is ten seconds after it was issued: worth waiting for.
TOKEN_LIFETIME = "70s"  # noqa: S105  # a duration
Step = tuple[str, "Callable[[Scene], None]"]


@dataclass(frozen=True)
class Report:
    """How the steps went: the titles of those that passed and of those that failed."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]


def run_check(
    screenshots: Path, console: Console, stopping: Event, steps: Sequence[Step] = STEPS
) -> Report:
    """Try the demo on free ports with a database of its own, which is gone afterwards.

    Prints a line a step; a failed step does not keep the later ones from being tried. Leaves
    pictures in ``screenshots``.
    """
    shutil.rmtree(screenshots, ignore_errors=True)
    screenshots.mkdir(parents=True)
    # Not in the project: a Unix socket's path is at most 107 bytes long.
    data = Path(tempfile.mkdtemp(prefix="bg-demo-"))
    try:
        with (
            running_chromium() as browser,
            running_stack(data, Origins.at((0, 0, 0)), stopping, TOKEN_LIFETIME) as stack,
        ):
            alice, bob = (person_at(browser, name, stack.origins) for name in ("Alice", "Bob"))
            scene = Scene(stack.origins, alice, bob, screenshots)
            return walk(steps, scene, console, stopping)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def walk(steps: Sequence[Step], scene: Scene, console: Console, stopping: Event) -> Report:
    """Take the steps in order, and sum up."""
    started = time.monotonic()
    outcomes = dict(taken(steps, scene, console, stopping))
    passed = tuple(title for title, went_well in outcomes.items() if went_well)
    failed = tuple(title for title, went_well in outcomes.items() if not went_well)
    console.print(
        f"{len(passed)} of {len(outcomes)} steps passed in {time.monotonic() - started:.0f} s; "
        f"pictures are in {scene.screenshots}",
        soft_wrap=True,
    )
    return Report(passed, failed)


def taken(
    steps: Sequence[Step], scene: Scene, console: Console, stopping: Event
) -> Iterator[tuple[str, bool]]:
    """Take each step, print its line, and give its title and whether it went well."""
    for title, step in steps:
        try:
            step(scene)
        except (StepFailed, AssertionError, BrowserError) as error:
            if stopping.is_set():
                raise Stopped from error
            console.print(f"[bold red]✗[/] {title}")
            console.print(f"    {error}", markup=False, style="dim", soft_wrap=True)
            yield title, False
        else:
            console.print(f"[bold green]✓[/] {title}")
            yield title, True
        if stopping.is_set():
            raise Stopped
