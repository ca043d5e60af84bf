"""Which file of a project an import names: the nearest one whose path ends like the name."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from betterguard.audit.symbols import File

LIBRARIES = frozenset(
    [
        "fastapi",
        "starlette",
        "sqlmodel",
        "sqlalchemy",
        "jwt",
        "jose",
        "authlib",
        "pydantic",
        "pydantic_settings",
        "httpx",
        "os",
        "sys",
        "logging",
        "datetime",
        "time",
        "json",
        "uuid",
        "betterguard",
        "typing",
        "hashlib",
        "secrets",
        "hmac",
        "passlib",
        "bcrypt",
        "requests",
        "redis",
        "asyncio",
        "dotenv",
        "re",
        "io",
        "base64",
        "agents",
        "openai",
        "mcp",
        "dapr",
        "types",
    ]
)
"""Names that mean the library although a project holds a file of that name elsewhere."""

Steps = tuple[str, ...]
"""A path or a dotted name, cut into its steps."""


class Modules:
    """Finds, with memory, the files that imports name.

    ``files`` are the project's by path; ``prefix`` is the path of the audited folder in its
    repository, with which a name may begin.
    """

    def __init__(self, files: Mapping[str, File], prefix: str) -> None:
        self._files = files
        self._outer = tuple(prefix.split("/"))
        self._found: dict[tuple[str, str], File | None] = {}
        self._by_tail: defaultdict[str, list[tuple[Steps, File]]] = defaultdict(list)
        self._by_pair: defaultdict[Steps, list[tuple[Steps, File]]] = defaultdict(list)
        for file in files.values():
            self._add(file)

    def _add(self, file: File) -> None:
        parts = file.path.removesuffix(".py").split("/")
        if parts[-1] == "__init__":
            parts.pop()
        if parts:
            path = tuple(parts)
            self._by_tail[parts[-1]].append((path, file))
            self._by_pair[path[-2:]].append((path, file))

    def find(self, file: File, dotted: str) -> File | None:
        """Give the project's file that an import names, nearest to the importing file."""
        tail = dotted.rpartition(".")[2]
        if tail and tail not in self._by_tail:
            return None
        folder = file.path.rpartition("/")[0]
        key = (folder or file.path, dotted)  # a file in the root does not import itself
        if key not in self._found:
            self._found[key] = (
                self._relative(file, dotted)
                if dotted.startswith(".")
                else self._absolute(file, tuple(dotted.split(".")))
            )
        return self._found[key]

    def _absolute(self, file: File, parts: Steps) -> File | None:
        here = file.path.split("/")[:-1]
        candidates = [
            (path, found)
            for path, found in self._ending(parts)
            if path[-len(parts) :] == parts and (len(path) > 1 or found is not file)
        ]
        if parts[0] in LIBRARIES:
            candidates = [c for c in candidates if _is_package_above(here, c[0], parts)]
        if len(parts) == 1:
            candidates = [c for c in candidates if _reachable(here, c[1].path)]
        if not candidates:
            return self._from_outside(parts)
        return max(candidates, key=lambda c: (_shared(here, c[0]), -len(c[0])))[1]

    def _ending(self, parts: Steps) -> Iterable[tuple[Steps, File]]:
        """Give the files whose path ends like a name: many are called ``models``."""
        if len(parts) == 1:
            return self._by_tail.get(parts[-1], ())
        return self._by_pair.get(parts[-2:], ())

    def _from_outside(self, parts: Steps) -> File | None:
        """Find a module by a name that begins above the audited folder: ``demo.backend.auth``."""
        for count in range(1, len(parts)):
            if self._outer[-count:] == parts[:count]:
                return self.at("/".join(parts[count:]))
        return None

    def _relative(self, file: File, dotted: str) -> File | None:
        name = dotted.lstrip(".")
        ups = len(dotted) - len(name) - 1
        folder = file.path.split("/")[:-1]
        if ups > len(folder):
            return None
        return self.at("/".join([*folder[: len(folder) - ups], *filter(None, name.split("."))]))

    def at(self, stem: str) -> File | None:
        """Give the module or the package that a path without its suffix stands for."""
        return self._files.get(f"{stem}.py") or self._files.get(f"{stem}/__init__.py".lstrip("/"))


def _shared(here: list[str], path: Sequence[str]) -> int:
    """Give how many steps two paths have in common from their beginning."""
    count = 0
    for left, right in zip(here, path, strict=False):
        if left != right:
            break
        count += 1
    return count


def _is_package_above(here: list[str], path: Steps, name: Steps) -> bool:
    """Whether a name is one inside a package that stands in a folder of the importing file."""
    return len(name) > 1 and _shared(here, path) == len(path) - len(name)


def _reachable(here: list[str], path: str) -> bool:
    """Whether a top-level import may mean this file: beside, above, or in a source root below."""
    folder = path.removesuffix("/__init__.py").split("/")[:-1]
    shared = _shared(here, folder)
    below = folder[shared:]
    return len(below) <= 1 and all(part in {"src", "app", "backend", "api"} for part in below)
