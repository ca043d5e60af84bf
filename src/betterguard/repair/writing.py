"""Write several files, all of them or none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Change:
    """One file's bytes as they were read, None for a new file, and as they are to be."""

    path: Path
    before: bytes | None
    after: bytes


def write(changes: Iterable[Change]) -> list[Path]:
    """Write every change or none; the paths that were written.

    Each file is replaced in one step and keeps its permissions; links are followed. A file that
    is no longer as it was read, or a new one that exists by now, stops everything with
    ConfigurationError before anything is written. When a replacement fails, those already made
    are taken back and the error is raised.
    """
    wanted = [change for change in changes if change.before != change.after]
    _refuse_stale(wanted)
    with ExitStack() as made:
        ready = [(change, _prepared(change, made)) for change in wanted]
        done: list[Change] = []
        try:
            for change, draft in ready:
                draft.replace(_target(change.path))
                done.append(change)
        except OSError:
            for change in reversed(done):
                _take_back(change)
            raise
        made.pop_all()
    return [change.path for change in wanted]


def _target(path: Path) -> Path:
    return path.resolve()


def _refuse_stale(changes: Iterable[Change]) -> None:
    faults = [
        f"{change.path} changed since it was read: run again"
        if change.before is not None
        else f"{change.path} exists already"
        for change in changes
        if _on_disk(change.path) != change.before
    ]
    if faults:
        raise ConfigurationError(faults)


def _on_disk(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _prepared(change: Change, made: ExitStack) -> Path:
    """Write the new bytes beside the file, with the file's permissions."""
    target = _target(change.path)
    _make_folder(target.parent, made)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    made.callback(draft.unlink, missing_ok=True)
    with os.fdopen(handle, "wb") as stream:
        stream.write(change.after)
        stream.flush()
        os.fsync(stream.fileno())
    if change.before is not None:
        shutil.copymode(target, draft)
    else:
        draft.chmod(0o666 & ~_umask())
    return draft


def _make_folder(folder: Path, made: ExitStack) -> None:
    """Make a folder and those above it; what is empty of them goes again on an error."""
    if folder.is_dir():
        return
    _make_folder(folder.parent, made)
    folder.mkdir()
    made.callback(_remove_folder, folder)


def _remove_folder(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _umask() -> int:
    held = os.umask(0o077)
    os.umask(held)
    return held


def _take_back(change: Change) -> None:
    target = _target(change.path)
    if change.before is None:
        target.unlink(missing_ok=True)
    else:
        target.write_bytes(change.before)


def refuse_dirty(folder: Path) -> None:
    """Stop with ConfigurationError when git knows of changes below a folder that are not kept.

    Where there is no repository, or no git, nothing can be said and nothing is refused.
    """
    changed = _changed(folder)
    if changed:
        shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if changed[5:] else "")
        fault = f"uncommitted changes in {shown}: commit or stash them, or pass --allow-dirty"
        raise ConfigurationError([fault])


def _changed(folder: Path) -> list[str]:
    try:
        done = subprocess.run(
            ["git", "status", "--porcelain", "-z", "--untracked-files=no", "--", "."],  # noqa: S607  git is found as a shell would
            cwd=folder,
            capture_output=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    entries = done.stdout.decode(errors="replace").split("\0")
    return [entry[3:] for entry in entries if len(entry) > len("XY ") and entry[2] == " "]
