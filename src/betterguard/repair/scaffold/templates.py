"""The templates, which read by themselves, and the few words in them that a project replaces."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

__all__ = ["backend", "template"]

_FOLDER = files("betterguard.repair") / "templates"
# A name that starts with a dot would be left out, or followed, by tools that read this package.
_DOTTED = {"env.example": ".env.example", "gitignore": ".gitignore"}


def template(name: str) -> str:
    """Give a template's text."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def backend() -> Iterator[tuple[str, str]]:
    """Give path and text of every file of a new back end."""
    shared = {
        "app/auth.py": "auth.py",
        "app/models.py": "models.py",
        "tests/test_auth.py": "test_auth.py",
    }
    yield "conftest.py", template("conftest.py")
    for path, name in shared.items():
        yield path, template(name)
    yield from _below(_FOLDER / "backend", "")


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _below(entry, f"{prefix}{entry.name}/")
        elif entry.is_file() and not entry.name.endswith(".pyc"):
            yield prefix + _DOTTED.get(entry.name, entry.name), entry.read_text(encoding="utf-8")
