"""Where ``auth.py`` goes: to the place where the project keeps such things."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.repair.scaffold.reading import App, Reading

__all__ = ["home"]

NAMES = ("auth", "guard", "better_auth_guard")
NEIGHBOURS = frozenset({"dependencies", "deps", "security"})


def home(reading: Reading, app: App) -> str:
    """Give the path of the file to write, from the root; its name is not taken."""
    folder = _folder(reading, app)
    prefix = "" if str(folder) == "." else f"{folder}/"
    for name in NAMES:
        if not (
            reading.place(f"{prefix}{name}.py").exists() or reading.place(prefix + name).is_dir()
        ):
            return f"{prefix}{name}.py"
    return f"{prefix}{NAMES[-1]}_new.py"


def _folder(reading: Reading, app: App) -> PurePosixPath:
    """Beside what decodes tokens now, beside dependencies, in ``api``, or beside the app."""
    here = PurePosixPath(app.file.path).parent
    near = [path for path in _candidates(reading) if path.is_relative_to(here)]
    if near:
        return min(near, key=lambda path: len(path.parts))
    inner = here / "api"
    if reading.place(f"{inner}/__init__.py").is_file() and here.name in {"src", "app", "backend"}:
        return inner
    return here


def _candidates(reading: Reading) -> Iterator[PurePosixPath]:
    for decode in reading.code.decodes:
        yield PurePosixPath(decode.file.path).parent
    for path in reading.code.project.files:
        if PurePosixPath(path).stem in NEIGHBOURS:
            yield PurePosixPath(path).parent
