"""From a folder to a plan: what the project has, what it lacks, and what only people can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.errors import ConfigurationError
from betterguard.repair.scaffold import advice
from betterguard.repair.scaffold.application import hang_in, is_hung_in
from betterguard.repair.scaffold.environment import document_settings, tell_missing
from betterguard.repair.scaffold.frontend import nearest, show_frontend, signs_with_secret
from betterguard.repair.scaffold.greenfield import new_backend
from betterguard.repair.scaffold.home import home
from betterguard.repair.scaffold.manifests import (
    add_requirement,
    betterguard,
    pyjwt,
    tell_conflicts,
)
from betterguard.repair.scaffold.naming import absolute_name, import_base
from betterguard.repair.scaffold.plan import Plan
from betterguard.repair.scaffold.reading import read
from betterguard.repair.scaffold.settings import env_file, tolerate
from betterguard.repair.scaffold.stand_in import bring_tests_along
from betterguard.repair.scaffold.suite import add_suite
from betterguard.repair.scaffold.templates import template

if TYPE_CHECKING:
    from pathlib import Path

    from betterguard.audit.frontend import AuthServer
    from betterguard.repair.scaffold.reading import App, Reading

__all__ = ["plan"]

VENDORED_MARK = b"betterguard init --vendor"


def plan(root: Path, *, vendor: bool = False, test_tokens: bool = False) -> Plan:
    """Plan what a folder's back end lacks; nothing is written.

    With ``vendor`` the project gets a file of its own on PyJWT instead of this package. With
    ``test_tokens`` its tests get a stand-in that takes the tokens they sign themselves. Raises
    ConfigurationError for a folder with Python code and no FastAPI application in it.
    """
    if vendor and test_tokens:
        raise ConfigurationError(["--test-tokens stands in for the package's guard, not --vendor"])
    found = Plan(root)
    reading = read(root)
    if not reading.code.project.files:
        _plan_new(found, reading, vendor=vendor)
    elif reading.apps:
        _complete(found, reading, reading.apps[0], vendor=vendor, test_tokens=test_tokens)
    else:
        fault = f"{root} has Python code and no FastAPI application: name the folder that has it"
        raise ConfigurationError([fault])
    show_frontend(found, _servers(reading))
    return found


def _servers(reading: Reading) -> tuple[AuthServer, ...]:
    return nearest(reading.code.environment.servers)


def _plan_new(found: Plan, reading: Reading, *, vendor: bool) -> None:
    if vendor:
        fault = "a new back end is made with the package; --vendor is for one that exists"
        raise ConfigurationError([fault])
    folder = reading.root / "backend" if _holds_others(reading.root) else reading.root
    new_backend(found, folder, secret=signs_with_secret(_servers(reading)))


def _holds_others(root: Path) -> bool:
    """Whether a folder holds other parts of a product, such as the front end."""
    entries = list(root.iterdir()) if root.is_dir() else []
    return any(
        entry.name == "package.json" or (entry.is_dir() and not entry.name.startswith("."))
        for entry in entries
    )


def _complete(found: Plan, reading: Reading, app: App, *, vendor: bool, test_tokens: bool) -> None:
    secret = signs_with_secret(_servers(reading))
    folder = reading.backend(app)
    auth = _add_vendored(found, reading, app) if vendor else _add_guard(found, reading, app)
    module = absolute_name(import_base(reading, app), auth)
    document_settings(found, folder, secret=secret, cors=not vendor)
    tolerate(found, reading)
    add_requirement(found, folder, pyjwt() if vendor else betterguard())
    add_suite(found, reading, app, auth, vendor=vendor)
    if not vendor:
        bring_tests_along(found, reading, app, auth, wanted=test_tokens)
    tell_missing(found, folder / env_file(reading), secret=secret, cors=not vendor)
    if not vendor:
        tell_conflicts(found, reading.code.environment, app.file.path, betterguard())
        advice.show_cors(found, reading, app)
        advice.show_isolation(found, reading, module)
    advice.show_hand_rolled(found, reading, module)
    advice.show_open_routes(found, reading)
    advice.show_other_apps(found, reading)


def _add_guard(found: Plan, reading: Reading, app: App) -> str:
    """Write ``auth.py`` and hang its guard in, unless the project has one; give its path."""
    guard = reading.guard
    if guard is None:
        auth = home(reading, app)
        text = template("auth.py")
        if (named := env_file(reading)) != ".env":
            text = text.replace("from_env()", f'from_env(env_file="{named}")')
        found.create(reading.place(auth), text, "the guard: CurrentUser, PathUser, verify_token")
        hang_in(found, reading, app, auth)
        return auth
    found.present.append(f"the guard in {guard.file.path}")
    if is_hung_in(reading):
        found.present.append("guard.install")
    else:
        hang_in(found, reading, app, guard.file.path, guard.name)
    return guard.file.path


def _add_vendored(found: Plan, reading: Reading, app: App) -> str:
    for file in reading.code.files("jwt"):
        if VENDORED_MARK in reading.text(file):
            found.present.append(f"the vendored {file.path}")
            return file.path
    auth = home(reading, app)
    found.create(
        reading.place(auth),
        template("auth_vendored.py"),
        "CurrentUser, PathUser, verify_token on PyJWT alone",
    )
    return auth
