"""What earlier runs worked out, by the hash of what they read.

The cache lives in the user's own cache folder, never in the project that is audited: facts are
kept in Python's pickle format, and a project must not be able to plant one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import sqlite3
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betterguard.audit.finding import Confidence, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.audit.facts import Module

KEEP_DAYS = 30
PARSERS = ("tree_sitter", "tree_sitter_python", "tree_sitter_typescript")
_DAY = 86_400


def folder() -> Path:
    """Where the cache lives: ``BETTERGUARD_CACHE_DIR``, else the platform's cache folder."""
    given = os.environ.get("BETTERGUARD_CACHE_DIR")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "betterguard"


def program_digest() -> str:
    """Hash the audit's own code and its parsers: what older ones worked out is not used."""
    digest = hashlib.blake2b(sys.version.encode(), digest_size=16)
    own = sorted(Path(__file__).parent.rglob("*.py"))
    for file in (*own, *_parsers()):
        stat = file.stat()
        digest.update(f"{file}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _parsers() -> Iterator[Path]:
    """Give the parsers' own binaries: a newer grammar may see another tree in the same text."""
    for name in PARSERS:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            yield from sorted(Path(spec.origin).parent.glob("_binding.*"))


class Cache:
    """Facts of files and findings of whole projects; without a usable folder it holds nothing."""

    def __init__(self, place: Path) -> None:
        self._program = program_digest()
        self._day = int(time.time() // _DAY)
        self._base: sqlite3.Connection | None = None
        with contextlib.suppress(OSError, sqlite3.Error):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._base = sqlite3.connect(place / "audit.sqlite3", timeout=2)
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, day INT, held BLOB)"
            )

    def close(self) -> None:
        """Forget what was not used for a month, and close."""
        if self._base is not None:
            with contextlib.suppress(sqlite3.Error):
                self._base.execute("DELETE FROM kept WHERE day < ?", (self._day - KEEP_DAYS,))
                self._base.commit()
                self._base.close()

    def facts(self, digests: Iterable[str]) -> dict[str, bytes]:
        """Give the pickled facts of the files that are known, by digest."""
        found: dict[str, bytes] = {}
        for digest in digests:
            held = self._get(f"facts:{digest}")
            if held is not None:
                found[digest] = held
        return found

    def keep_facts(self, digest: str, held: bytes) -> None:
        """Keep a file's pickled facts."""
        self._put(f"facts:{digest}", held)

    def findings(self, key: str) -> tuple[list[Finding], int] | None:
        """Give the findings of an unchanged project, and how many a comment suppressed."""
        held = self._get(f"findings:{key}")
        if held is None:
            return None
        suppressed, *plain = json.loads(held)
        return list(_read_findings(plain)), suppressed

    def keep_findings(self, key: str, findings: list[Finding], suppressed: int) -> None:
        """Keep a project's findings, and how many a comment suppressed."""
        held = json.dumps([suppressed, *map(_plain, findings)])
        self._put(f"findings:{key}", held.encode())

    def _get(self, key: str) -> bytes | None:
        if self._base is None:
            return None
        with contextlib.suppress(sqlite3.Error):
            row = self._base.execute(
                "SELECT held FROM kept WHERE key = ?", (f"{self._program}:{key}",)
            ).fetchone()
            return row[0] if row is not None else None
        return None

    def _put(self, key: str, held: bytes) -> None:
        if self._base is not None:
            with contextlib.suppress(sqlite3.Error):
                self._base.execute(
                    "INSERT OR REPLACE INTO kept VALUES (?, ?, ?)",
                    (f"{self._program}:{key}", self._day, held),
                )


def freeze(module: Module) -> bytes:
    """Facts as bytes."""
    return pickle.dumps(module, pickle.HIGHEST_PROTOCOL)


def thaw(held: bytes) -> Module:
    """Facts out of bytes that ``freeze`` made."""
    module: Module = pickle.loads(held)  # noqa: S301  see the module's docstring
    return module


def _plain(finding: Finding) -> list[object]:
    return [
        finding.path,
        finding.line,
        finding.column,
        finding.rule,
        finding.name,
        int(finding.severity),
        int(finding.confidence),
        finding.message,
        list(finding.evidence),
        finding.fixable,
        finding.source,
    ]


def _read_findings(plain: list[list[Any]]) -> Iterator[Finding]:
    for (
        path,
        line,
        column,
        rule,
        name,
        severity,
        confidence,
        message,
        why,
        fix,
        source,
    ) in plain:
        yield Finding(
            path,
            line,
            column,
            rule,
            name,
            Severity(severity),
            Confidence(confidence),
            message,
            tuple(why),
            fix,
            source,
        )
