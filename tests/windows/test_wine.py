"""Tests are patient with a Wine that fails to make a process, and with nothing else."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

import pytest

from scripts.patience import INTERNAL_ERROR, be_patient

PATIENCE = "betterguard_patience"
COMMAND = [sys.executable, "-c", "print('made')"]


def failing_once(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    windows: Any = importlib.import_module("_winapi")
    create, errors = windows.CreateProcess, [OSError(22, "no process", None, code)]

    def failing(*arguments: Any) -> Any:
        if errors:
            raise errors.pop()
        return create(*arguments)

    monkeypatch.setattr(windows, "CreateProcess", failing)
    be_patient()


def test_a_process_that_could_not_be_made_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failing_once(monkeypatch, INTERNAL_ERROR)
    assert subprocess.run(COMMAND, capture_output=True, check=True).stdout.split() == [b"made"]


def test_other_errors_are_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    failing_once(monkeypatch, 5)
    with pytest.raises(PermissionError):
        subprocess.run(COMMAND, capture_output=True, check=True)


def test_every_process_is_patient() -> None:
    command = [sys.executable, "-c", "import _winapi; print(_winapi.CreateProcess.__module__)"]
    told = subprocess.run(command, capture_output=True, check=True)
    assert told.stdout.split() == [PATIENCE.encode()]
