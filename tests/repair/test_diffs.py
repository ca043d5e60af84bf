from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from betterguard.repair.diffs import coloured, unified
from betterguard.repair.writing import Change

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"a\nb\nc\n", b"a\nB\nc\n", id="a-line"),
        pytest.param(b"a\r\nb\r\n", b"a\r\nB\r\n", id="crlf"),
        pytest.param(b"a\nb", b"a\nB", id="no-newline-at-the-end"),
        pytest.param(b"a\nb", b"a\nb\n", id="newline-added"),
        pytest.param(b"a\x0cb\x1c\nc\n", b"a\x0cb\x1c\nC\n", id="other-separators"),
        pytest.param(b"\xef\xbb\xbfa\n", b"\xef\xbb\xbfb\n", id="bom"),
        pytest.param("é\n".encode(), "ü\n".encode(), id="not-ascii"),
        pytest.param(None, b"new\n", id="new-file"),
    ],
)
def test_git_applies_the_diff_to_the_byte(
    tmp_path: Path, before: bytes | None, after: bytes
) -> None:
    path = tmp_path / "pkg" / "a.py"
    path.parent.mkdir()
    if before is not None:
        path.write_bytes(before)
    diff = unified([Change(path, before, after)], tmp_path)
    subprocess.run(
        ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"],
        cwd=tmp_path,
        input=diff.encode(),
        check=True,
    )
    assert path.read_bytes() == after


def test_what_stays_the_same_is_no_diff(tmp_path: Path) -> None:
    assert unified([Change(tmp_path / "a.py", b"a\n", b"a\n")], tmp_path) == ""


def test_files_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    changes = [Change(tmp_path / name, b"1\n", b"2\n") for name in ("b.py", "a.py")]
    diff = unified(changes, tmp_path)
    assert diff.index("a/a.py") < diff.index("a/b.py")


def test_additions_and_removals_are_coloured(tmp_path: Path) -> None:
    shown = coloured(unified([Change(tmp_path / "a.py", b"1\r\n", b"2\r\n")], tmp_path))
    styles = {shown.plain[span.start : span.end]: span.style for span in shown.spans}
    assert styles["-1\n"] == "red"
    assert styles["+2\n"] == "green"
    assert styles["--- a/a.py\n"] == "bold"
