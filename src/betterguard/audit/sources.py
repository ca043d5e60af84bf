"""Which files are audited, and their text as UTF-8 whatever they are written in."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SKIPPED_FOLDERS = frozenset(
    [
        "node_modules",
        "__pycache__",
        "site-packages",
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".next",
        "dist",
        "build",
        ".eggs",
        ".idea",
        ".vscode",
    ]
)
TEST_FOLDERS = frozenset({"tests", "test", "testing", "__tests__", "e2e"})
_MIGRATIONS = re.compile(r"alembic|migrations|revisions", re.IGNORECASE)
"""Generated records of what tables once were; their ``versions`` folders are left out."""
MAX_BYTES = 16 * 1024 * 1024
"""Larger files are reported instead of read."""
SCRIPT_SUFFIXES = (".ts", ".tsx", ".mts", ".js", ".mjs")
REQUIREMENT_FILES = frozenset({"pyproject.toml", "uv.lock", "poetry.lock", "Pipfile.lock"})


@dataclass(frozen=True, slots=True)
class Source:
    """One file's text, in UTF-8 without a byte order mark, or the reason why there is none."""

    path: str
    text: bytes
    fault: str = ""

    @property
    def digest(self) -> str:
        """A hash of the text."""
        return hashlib.blake2b(self.text, digest_size=16).hexdigest()


def walk(root: Path, *, tests: bool = False) -> Iterator[tuple[str, Path]]:
    """Find every candidate file below a folder, or the file itself: path from the root, and place.

    Folders of tools, of installed packages and, unless asked for, of tests are left out; links
    are followed to files only, so that loops end.
    """
    if root.is_file():
        yield root.name, root
        return
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if _is_wanted(here, name, tests=tests))
        below = here.relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        for name in sorted(files):
            if tests or not is_test(name):
                yield prefix + name, here / name


def _is_wanted(parent: Path, name: str, *, tests: bool) -> bool:
    if name in SKIPPED_FOLDERS or name.startswith("."):
        return False
    if not tests and name in TEST_FOLDERS:
        return False
    if name == "versions" and _MIGRATIONS.search(parent.as_posix()):
        return False
    return not (parent / name / "pyvenv.cfg").exists()


def is_test(path: str) -> bool:
    """Whether a file belongs to tests, by its name."""
    name = path.rsplit("/", 1)[-1]
    return (
        name.startswith("test_")
        or name.endswith(("_test.py", ".test.ts", ".spec.ts"))
        or (name == "conftest.py")
    )


def kind(path: str) -> str:
    """``python``, ``script`` (TypeScript, JavaScript), ``requirements``, ``env`` or empty."""
    name = path.rsplit("/", 1)[-1]
    if name.endswith(".py"):
        return "python"
    if name.endswith(SCRIPT_SUFFIXES) and not name.endswith(".d.ts"):
        return "script"
    if name in REQUIREMENT_FILES or (name.startswith("requirements") and name.endswith(".txt")):
        return "requirements"
    if name == ".env" or name.startswith(".env."):
        return "env"
    return ""


def read(shown: str, path: Path) -> Source:
    """Read one file; a fault is told in the source, never raised."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return Source(shown, b"", "is no regular file")
        if found.st_size > MAX_BYTES:
            return Source(shown, b"", f"larger than {MAX_BYTES // 2**20} MiB")
        return decode(shown, path.read_bytes())
    except OSError as err:
        return Source(shown, b"", f"cannot be read: {err.strerror or type(err).__name__}")


def decode(shown: str, raw: bytes) -> Source:
    """Bring a file's bytes to UTF-8, following its byte order mark or its coding line."""
    if raw.isascii() and b"coding" not in raw:
        return Source(shown, raw)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    except (SyntaxError, UnicodeDecodeError):
        return _undecodable(shown, raw)
    if encoding == "utf-8":
        try:
            raw.decode()
        except UnicodeDecodeError:
            return _undecodable(shown, raw)
        return Source(shown, raw)
    try:
        return Source(shown, raw.decode(encoding).encode())
    except (UnicodeDecodeError, LookupError):
        return _undecodable(shown, raw)


def _undecodable(shown: str, raw: bytes) -> Source:
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("latin-1").encode()
    return Source(shown, text, "is not UTF-8 and names no encoding: Python refuses to import it")


def tracked(root: Path, paths: Iterable[str]) -> frozenset[str]:
    """Which paths git tracks, by the names in its index; none where there is no repository."""
    for folder in (root, *root.resolve().parents):
        index = folder / ".git" / "index"
        if index.is_file():
            names = index.read_bytes()
            prefix = os.path.relpath(root, folder).replace(os.sep, "/")
            prefix = "" if prefix == "." else f"{prefix}/"
            return frozenset(p for p in paths if f"{prefix}{p}\0".encode() in names)
    return frozenset()
