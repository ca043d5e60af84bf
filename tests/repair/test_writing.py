from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from betterguard.errors import ConfigurationError
from betterguard.repair.writing import Change, refuse_dirty, write

if TYPE_CHECKING:
    from pathlib import Path


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git/" not in path.as_posix()
    }


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_changed_and_new_files_are_written(tmp_path: Path) -> None:
    old, new = tmp_path / "a.py", tmp_path / "deep" / "er" / "b.py"
    old.write_bytes(b"1\r\n")
    assert write([Change(old, b"1\r\n", b"2\r\n"), Change(new, None, b"x")]) == [old, new]
    assert snapshot(tmp_path) == {"a.py": b"2\r\n", "deep/er/b.py": b"x"}


def test_what_does_not_change_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"1")
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert write([Change(path, b"1", b"1")]) == []
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such permissions")
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_permissions_are_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"1")
    path.chmod(mode)
    write([Change(path, b"1", b"2")])
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.py", tmp_path / "link.py"
    real.write_bytes(b"1")
    link.symlink_to(real)
    write([Change(link, b"1", b"2")])
    assert link.is_symlink()
    assert real.read_bytes() == b"2"


@pytest.mark.parametrize(
    "second",
    [
        pytest.param((b"other", b"new"), id="changed-meanwhile"),
        pytest.param((None, b"new"), id="exists-already"),
    ],
)
def test_nothing_is_written_over_what_was_not_read(
    tmp_path: Path, second: tuple[bytes | None, bytes]
) -> None:
    first, path = tmp_path / "a.py", tmp_path / "b.py"
    first.write_bytes(b"1")
    path.write_bytes(b"mine")
    before = snapshot(tmp_path)
    with pytest.raises(ConfigurationError, match=r"b\.py"):
        write([Change(first, b"1", b"2"), Change(path, *second)])
    assert snapshot(tmp_path) == before


def test_a_file_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="changed since"):
        write([Change(tmp_path / "a.py", b"1", b"2")])
    assert snapshot(tmp_path) == {}


def test_a_draft_that_cannot_be_written_leaves_everything(tmp_path: Path) -> None:
    path, blocker = tmp_path / "a.py", tmp_path / "file"
    path.write_bytes(b"1")
    blocker.write_bytes(b"no folder")
    before = snapshot(tmp_path)
    with pytest.raises(OSError):  # noqa: PT011  which one depends on the system
        write(
            [
                Change(path, b"1", b"2"),
                Change(tmp_path / "new" / "c.py", None, b"3"),
                Change(blocker / "b.py", None, b"3"),
            ]
        )
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "new").exists()


def test_a_failed_replacement_takes_the_others_back(tmp_path: Path) -> None:
    first, new, folder = tmp_path / "a.py", tmp_path / "b.py", tmp_path / "c.py"
    first.write_bytes(b"1")
    folder.mkdir()
    (folder / "held").write_bytes(b"")
    before = snapshot(tmp_path)
    with pytest.raises(OSError):  # noqa: PT011  which one depends on the system
        write([Change(first, b"1", b"2"), Change(new, None, b"2"), Change(folder, None, b"3")])
    assert snapshot(tmp_path) == before


def test_a_dirty_tree_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init")
    path = tmp_path / "a.py"
    path.write_bytes(b"1")
    git(tmp_path, "add", "a.py")
    with pytest.raises(ConfigurationError, match=r"a\.py"):
        refuse_dirty(tmp_path)
    git(tmp_path, "commit", "-m", "one")
    refuse_dirty(tmp_path)
    path.write_bytes(b"2")
    with pytest.raises(ConfigurationError, match="allow-dirty"):
        refuse_dirty(tmp_path)


def test_changes_elsewhere_in_the_repository_are_no_matter(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "backend").mkdir()
    (tmp_path / "other.txt").write_bytes(b"1")
    git(tmp_path, "add", "other.txt")
    refuse_dirty(tmp_path / "backend")


def test_without_a_repository_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", os.fspath(tmp_path.parent))
    refuse_dirty(tmp_path)
