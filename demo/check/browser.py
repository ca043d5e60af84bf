"""A real Chromium, found where the machine has it."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from demo.errors import DemoError
from scripts.bootstrap import find_browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

__all__ = ["running_chromium"]

# A check talks to this machine only: nothing that phones home or waits for a network.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
# Milliseconds; only ever reached when something is broken.
START_LIMIT = 180_000
STEP_LIMIT = 60_000


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium without a window, and end it afterwards."""
    executable = found_chromium()
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    expect.set_options(timeout=STEP_LIMIT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            timeout=START_LIMIT,
            args=[*QUIET, *(["--no-sandbox"] if as_root else [])],
            # Ctrl-C is ours to handle: the browser ends with this block.
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
        try:
            yield browser
        finally:
            browser.close()


def found_chromium() -> str:
    """Give the browser's path; DemoError says what to install when there is none."""
    found = find_browser()
    if found is None or shutil.which(found) is None:
        named = f" ($CHROMIUM is {found})" if found else ""
        msg = (
            f"no Chromium found{named}: install one (`apt-get install chromium`, or Google Chrome)"
            " or set CHROMIUM to the path of its executable"
        )
        raise DemoError(msg)
    return found
