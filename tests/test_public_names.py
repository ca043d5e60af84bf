from __future__ import annotations

import subprocess
import sys

import pytest

import betterguard


@pytest.mark.parametrize("name", betterguard.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(betterguard, name).__name__ == name


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = betterguard.nothing  # type: ignore[attr-defined]  # that is the point


def test_public_names_are_listed() -> None:
    assert set(betterguard.__all__) <= set(dir(betterguard))


def test_the_command_line_does_not_import_fastapi() -> None:
    script = "import sys, betterguard.cli.program; print('fastapi' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False"
