"""Are the installed libraries fit? Looked up where this command runs, so run it there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject

__all__ = ["FAMILY"]

PYJWT = Check("versions.pyjwt", "PyJWT without a known advisory, 2.14 or newer")
PYTHON_JOSE = Check("versions.python-jose", "no python-jose: it has no EdDSA")
FASTAPI = Check("versions.fastapi", "FastAPI 0.128 or newer")
SQLMODEL = Check("versions.sqlmodel", "SQLModel 0.0.24 or newer, if any")


@dataclass(frozen=True, slots=True)
class Advisory:
    """``ids`` are fixed in the release ``fixed``."""

    fixed: tuple[int, ...]
    ids: str


PYJWT_ADVISORIES = (
    Advisory((2, 4, 0), "CVE-2022-29217 (algorithm confusion)"),
    Advisory((2, 10, 1), "CVE-2024-53861 (issuer compared in part)"),
    Advisory((2, 12, 0), "CVE-2026-32597 (unknown crit accepted)"),
    Advisory((2, 13, 0), "CVE-2026-48522 to CVE-2026-48526"),
)
JOSE_ADVISORIES = (Advisory((3, 4, 0), "CVE-2024-33663 (algorithm confusion), CVE-2024-33664"),)
FLOORS = ((FASTAPI, "fastapi", (0, 128)), (SQLMODEL, "sqlmodel", (0, 0, 24)))


async def examine(subject: Subject) -> AsyncIterator[Outcome]:  # noqa: ARG001 - a family's shape
    """Ask the metadata of the installed distributions."""
    yield _pyjwt(installed("pyjwt"))
    yield _python_jose(installed("python-jose"))
    for check, name, floor in FLOORS:
        yield _floor(check, name, floor)


def installed(name: str) -> str:
    """Give the version of an installed distribution, empty when there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def release(text: str) -> tuple[int, ...]:
    """Give the numbers that a version begins with."""
    return tuple(map(int, re.findall(r"\d+", re.match(r"[\d.]*", text)[0])))  # type: ignore[index]  # matches any text


def _pyjwt(found: str) -> Outcome:
    open_ones = [one.ids for one in PYJWT_ADVISORIES if release(found) < one.fixed]
    if open_ones:
        return PYJWT.fault(
            f"PyJWT {found}: {', '.join(open_ones)}", "pip install --upgrade 'pyjwt[crypto]>=2.14'"
        )
    if release(found) < (2, 14):
        return PYJWT.warning(f"PyJWT {found}", "pip install --upgrade 'pyjwt[crypto]>=2.14'")
    return PYJWT.ok(f"PyJWT {found}")


def _python_jose(found: str) -> Outcome:
    if not found:
        return PYTHON_JOSE.ok("python-jose is not installed")
    action = "verify with the guard, then uninstall it; `betterguard audit` finds its uses"
    open_ones = [one.ids for one in JOSE_ADVISORIES if release(found) < one.fixed]
    if open_ones:
        return PYTHON_JOSE.fault(f"python-jose {found}: {', '.join(open_ones)}", action)
    return PYTHON_JOSE.warning(f"python-jose {found} is installed", action)


def _floor(check: Check, name: str, floor: tuple[int, ...]) -> Outcome:
    found = installed(name)
    if not found:
        return check.skipped(f"{name} is not installed")
    if release(found) < floor:
        wanted = ".".join(map(str, floor))
        return check.fault(f"{name} {found}", f"pip install --upgrade '{name}>={wanted}'")
    return check.ok(f"{name} {found}")


FAMILY = Family("versions", (PYJWT, PYTHON_JOSE, FASTAPI, SQLMODEL), examine)
