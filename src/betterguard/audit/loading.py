"""From paths to facts: find and read the files, walk them in parallel or ask the cache."""

from __future__ import annotations

import gc
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.audit.cache import freeze, thaw
from betterguard.audit.sources import Source, kind, read, tracked, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from betterguard.audit.cache import Cache
    from betterguard.audit.config import Config
    from betterguard.audit.facts import Module

    Progress = Callable[[str, int, int], None]
    """Told the phase (``reading``, ``indexing``, ``rules``), what is done, and of how much."""
    _Fresh = tuple[Source, str]
    """A file that is to be walked, and the digest that its facts are kept by."""
    _Walked = tuple[str, Module, bytes]

WORTH_A_PROCESS = 300
"""Files that one process walks in about the time that another takes to start."""
CHUNK = 32
"""Files that a process takes at a time."""
MAX_OUTSIDE = 20_000
"""Files looked at outside of the audited folders in search of the auth server."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All files that an audit reads, and which of them version control tracks."""

    sources: tuple[Source, ...]
    committed: frozenset[str]
    prefix: str
    """Where the audited folder stands in its repository."""


def gather(paths: Iterable[Path], config: Config, relative_to: Path | None = None) -> Inputs:
    """Read every file that matters below the paths, and the auth server beside them."""
    roots = list(paths)
    base = relative_to or (roots[0] if len(roots) == 1 and roots[0].is_dir() else Path.cwd())
    found: dict[str, Path] = {}
    for root in roots:
        start = _shown(root if root.is_dir() else root.parent, base)
        for below, path in walk(root, tests=config.tests):
            if not kind(below):
                continue
            shown = below if start == "." else f"{start}/{below}"
            if not config.excludes(shown):
                found[shown] = path
    repository = _repository(roots[0]) if roots else None
    if repository is not None:
        for path in _outside(repository, roots):
            found.setdefault(_shown(path, base), path)
    sources = tuple(read(shown, path) for shown, path in found.items())
    env = [source.path for source in sources if kind(source.path) == "env"]
    prefix = _shown(base, repository) if repository is not None else base.resolve().name
    return Inputs(sources, tracked(base, env), "" if prefix == "." else prefix)


def _shown(path: Path, base: Path) -> str:
    return Path(os.path.relpath(path, base)).as_posix()


def _repository(root: Path) -> Path | None:
    here = root.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), None)


def _outside(repository: Path, roots: list[Path]) -> Iterator[Path]:
    """Scripts that configure Better Auth, and requirement files above the roots."""
    inside = [root.resolve() for root in roots]
    if repository in inside:
        return
    for count, (_, path) in enumerate(walk(repository)):
        if count > MAX_OUTSIDE:
            return
        what = kind(path.name)
        above = any(path.parent in root.parents for root in inside)
        beside = not any(root in path.parents for root in inside)
        if (what == "requirements" and above) or (what == "script" and beside and _is_auth(path)):
            yield path


def _is_auth(path: Path) -> bool:
    if "auth" not in path.as_posix().lower():
        return False
    try:
        return b"betterAuth(" in path.read_bytes()
    except OSError:
        return False


def modules(
    sources: Iterable[Source],
    cache: Cache | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Module]:
    """Give the facts of every Python file, in order."""
    python = [source for source in sources if kind(source.path) == "python"]
    digests = [_digest(source) for source in python]
    held = cache.facts(digests) if cache is not None else {}
    fresh = [(s, d) for s, d in zip(python, digests, strict=True) if d not in held]
    made: dict[str, Module] = {}
    for done, (digest, module, frozen) in enumerate(_walked(fresh, jobs), 1):
        made[digest] = module
        if cache is not None:
            cache.keep_facts(digest, frozen or freeze(module))
        if progress is not None:
            progress("reading", done, len(fresh))
    return [made[d] if d in made else thaw(held[d]) for d in digests]


def _digest(source: Source) -> str:
    """Give the path belongs to the facts."""
    return f"{source.digest}:{source.path}"


def _walked(fresh: list[_Fresh], jobs: int) -> Iterator[_Walked]:
    """Give the digest and the facts of each file, and these as bytes where they came so."""
    processes = min(jobs, len(fresh) // WORTH_A_PROCESS)
    if processes > 1:
        yield from _shared(fresh, processes - 1)
    elif fresh:
        yield from _walked_here(fresh)


def _shared(fresh: list[_Fresh], helpers: int) -> Iterator[_Walked]:
    """Walk with other processes: they begin at the front, and this one at the end."""
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  slow to import

    chunks = [fresh[begin : begin + CHUNK] for begin in range(0, len(fresh), CHUNK)]
    with ProcessPoolExecutor(helpers, initializer=gc.disable) as pool:
        sent = [
            pool.submit(_walk_frozen, [(source.path, source.text) for source, _ in chunk])
            for chunk in chunks
        ]
        try:
            left = deque(zip(chunks, sent, strict=True))
            while left:
                if left[0][1].done() or not left[-1][1].cancel():
                    chunk, walked = left.popleft()
                    for (_, digest), frozen in zip(chunk, walked.result(), strict=True):
                        yield digest, thaw(frozen), frozen
                else:
                    yield from _walked_here(left.pop()[0])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _walked_here(fresh: Iterable[_Fresh]) -> Iterator[_Walked]:
    from betterguard.audit.walk import read_module  # noqa: PLC0415  loads a grammar

    for source, digest in fresh:
        yield digest, read_module(source.path, source.text), b""


def _walk_frozen(files: Iterable[tuple[str, bytes]]) -> list[bytes]:
    from betterguard.audit.walk import read_module  # noqa: PLC0415  loads a grammar

    return [freeze(read_module(path, text)) for path, text in files]
