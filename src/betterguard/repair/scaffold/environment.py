"""``.env.example``: the settings that the guard reads, by name; never a real one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit

if TYPE_CHECKING:
    from pathlib import Path

    from betterguard.repair.scaffold.plan import Plan

__all__ = ["document_settings", "tell_missing"]

EXAMPLES = (".env.example", ".env.sample", ".env.template", "env.example", ".env.dist")
_NAME = re.compile(r"^\s*#?\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=", re.MULTILINE)

URL = """\
# Better Auth's baseURL: its tokens name it, and its key set is fetched from /api/auth/jwks there.
BETTER_AUTH_URL=http://localhost:3000
"""
FRONTEND = """\
# The origins of the front ends, by commas.
FRONTEND_URL=http://localhost:3000
"""
SHARED = """\
# The front end signs tokens with its own jwt.sign (HS256): the secret that it signs with.
BETTER_AUTH_TOKENS=secret
BETTER_AUTH_SECRET=
"""


def document_settings(plan: Plan, folder: Path, *, secret: bool, cors: bool) -> None:
    """Add the settings that the example file does not name; make the file where there is none."""
    path = next((folder / name for name in EXAMPLES if (folder / name).is_file()), None)
    text = path.read_text(encoding="utf-8-sig", errors="replace") if path is not None else ""
    blocks = [
        block for block in wanted(secret=secret, cors=cors) if not _named(block) <= _named(text)
    ]
    names = ", ".join(sorted(name for block in blocks for name in _named(block)))
    if not blocks:
        plan.present.append("the settings in the example file")
    elif path is None:
        plan.create(folder / EXAMPLES[0], "\n".join(blocks), names)
    else:
        end = len(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        plan.edit(path, [Edit(end, end, gap + "\n".join(blocks))], names)


def wanted(*, secret: bool, cors: bool) -> list[str]:
    """Give the blocks of settings that a project needs."""
    return [URL, *([FRONTEND] if cors else []), *([SHARED] if secret else [])]


def tell_missing(plan: Plan, path: Path, *, secret: bool, cors: bool) -> None:
    """Name the settings that a ``.env`` lacks: its content is never changed nor shown."""
    known = set()
    if path.is_file():
        known = _assigned(path.read_text(encoding="utf-8-sig", errors="replace"))
    blocks = wanted(secret=secret, cors=cors)
    missing = [name for block in blocks for name in sorted(_named(block)) if name not in known]
    if missing:
        text = "it is left as it is: set these there, or in the environment that runs the back end"
        code = "\n".join(
            line for block in blocks for line in block.splitlines() if line.split("=")[0] in missing
        )
        plan.advise("Set the settings", text, where=str(path), code=code)


def _named(text: str) -> set[str]:
    return set(_NAME.findall(text))


def _assigned(text: str) -> set[str]:
    return {match[1] for match in _NAME.finditer(text) if not match[0].lstrip().startswith("#")}
