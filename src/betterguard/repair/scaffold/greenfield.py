"""A small, complete back end for a folder that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.errors import ConfigurationError
from betterguard.repair.scaffold.environment import tell_missing, wanted
from betterguard.repair.scaffold.manifests import betterguard, with_requirement
from betterguard.repair.scaffold.templates import backend

if TYPE_CHECKING:
    from pathlib import Path

    from betterguard.repair.scaffold.plan import Plan

__all__ = ["new_backend"]

WHAT = {
    "app/auth.py": "who is calling",
    "app/models.py": "the tables, and whose their rows are",
    "app/db.py": "the isolated engine and its sessions",
    "app/prepare.py": "python -m app.prepare: role, tables, policies, grants",
    "tests/test_auth.py": "tries a missing, expired, forged and foreign token",
    "tests/test_tasks.py": "tries to reach another person's rows",
}


def new_backend(plan: Plan, folder: Path, *, secret: bool) -> None:
    """Add every file of a new back end; ConfigurationError when one of them is there."""
    taken = [f"{folder / path} exists already" for path, _ in backend() if (folder / path).exists()]
    kept = [fault for fault in taken if not fault.startswith(str(folder / ".gitignore"))]
    if kept:
        raise ConfigurationError(kept)
    for path, text in backend():
        if (folder / path).exists():
            continue
        plan.create(folder / path, _completed(path, text, secret=secret), WHAT.get(path, ""))
    tell_missing(plan, folder / ".env", secret=secret, cors=True)


def _completed(path: str, text: str, *, secret: bool) -> str:
    if path == ".env.example":
        return "\n".join([*wanted(secret=secret, cors=True), text])
    if path == "pyproject.toml":
        return with_requirement(text, betterguard("sqlalchemy"))
    return text
