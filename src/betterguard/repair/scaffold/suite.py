"""The project's test of its own guard, and the settings that its tests find."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.lines import next_after
from betterguard.repair.scaffold.naming import absolute_name, import_base
from betterguard.repair.scaffold.templates import template
from betterguard.repair.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from betterguard.repair.scaffold.plan import Plan
    from betterguard.repair.scaffold.reading import App, Reading

__all__ = ["add_suite"]

FIRST_LINES = {
    False: '"""Tokens that must not pass: missing, expired, forged, foreign; on the guard',
    True: '"""Tokens that must not pass: missing, expired, forged, foreign."""',
}
"""What the tests begin with, by whether they are of a vendored file."""
FILES = ("test_auth.py", "test_guard.py", "test_better_auth_guard.py")
SETTING = 'os.environ.setdefault("BETTER_AUTH_URL", "http://localhost:3000")'


def add_suite(plan: Plan, reading: Reading, app: App, auth: str, *, vendor: bool) -> None:
    """Add the test, and what it needs to find, unless they are there."""
    folder = reading.backend(app)
    base = import_base(reading, app)
    tests = next(
        (folder / name for name in ("tests", "test") if (folder / name).is_dir()), folder / "tests"
    )
    if any(FIRST_LINES[vendor] in text for text in _texts(tests)):
        plan.present.append("the test of the guard")
    else:
        path = next(tests / name for name in FILES if not (tests / name).exists())
        text = _vendored_test(base, auth) if vendor else _test(reading, app, auth)
        plan.create(path, text, "tries a missing, expired, forged and foreign token")
    _add_settings(plan, reading, folder, base)


def _texts(tests: Path) -> Iterator[str]:
    if tests.is_dir():
        for path in tests.rglob("test_*.py"):
            yield path.read_text(encoding="utf-8", errors="replace")


def _vendored_test(base: str, auth: str) -> str:
    package, _, name = absolute_name(base, auth).rpartition(".")
    imported = f"from {package} import {name}" if package else f"import {name}"
    shown = imported if name == "auth" else f"{imported} as auth"
    return template("test_auth_vendored.py").replace("from app import auth", shown)


def _test(reading: Reading, app: App, auth: str) -> str:
    base = import_base(reading, app)
    guard = reading.guard.name if reading.guard is not None else "guard"
    shown = f"from {absolute_name(base, auth)} import {_as(guard, 'guard')}"
    text = template("test_auth.py").replace("from app.auth import guard", shown)
    served = absolute_name(base, app.file.path)
    name = _served_name(app)
    if name is None and not _is_plain(app):
        text = text.replace("from app.main import app\n", "")
        return text.replace(
            "small = FastAPI()", f"small = FastAPI()\napp = small  # for yours, of {served}"
        )
    if name is None and app.factory is not None:
        factory = app.factory.name
        text = text.replace("small = FastAPI()", f"app = {factory}()\nsmall = FastAPI()")
        return text.replace("from app.main import app", f"from {served} import {factory}")
    return text.replace("from app.main import app", f"from {served} import {_as(name, 'app')}")


def _as(name: str | None, wanted: str) -> str:
    return wanted if name == wanted else f"{name} as {wanted}"


def _is_plain(app: App) -> bool:
    """Whether the application can be had by calling a function of its module."""
    factory = app.factory
    return factory is not None and factory.owner is None and factory.outer is None


def _served_name(app: App) -> str | None:
    """Give the name of the application in its module; None where only a function makes it."""
    if app.factory is None:
        return app.name
    for name, stmts in app.file.values.items():
        if stmts[-1].exprs and stmts[-1].exprs[-1].text == app.factory.name:
            return name
    return None


def _add_settings(plan: Plan, reading: Reading, folder: Path, base: str) -> None:
    path = folder / "conftest.py"
    if not path.is_file():
        text = template("conftest.py")
        place = reading.place(base).resolve()
        if place != folder.resolve():
            text = _with_path(text, os.path.relpath(place, folder).replace(os.sep, "/"))
        plan.create(path, text, "the setting that tests run with")
        return
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if b"BETTER_AUTH_URL" in raw:
        plan.present.append("the setting of the tests")
        return
    at = _head_end(raw)
    gap = "\n" if at and not raw[:at].endswith(b"\n\n") else ""
    rest = "" if raw[at:].lstrip(b"\r").startswith(b"\n") else "\n"
    edit = Edit(at, at, f"{gap}import os\n\n{SETTING}\n{rest}")
    plan.edit(path, [edit], "the setting that tests run with")


def _head_end(text: bytes) -> int:
    """Give the place behind the docstring and imports from ``__future__``."""
    end = 0
    for node in parse(text).named_children:
        docstring = node.type == "expression_statement" and node.named_children[0].type == "string"
        if node.type == "future_import_statement" or (docstring and not end):
            end = node.end_byte
        elif node.type != "comment":
            break
    return next_after(text, end) if end else 0


def _with_path(text: str, inner: str) -> str:
    """Let the tests import from a folder below, as the application does."""
    imports = "import os\nimport sys\nfrom pathlib import Path\n"
    line = f'sys.path.insert(0, str(Path(__file__).parent / "{inner}"))\n'
    return text.replace("import os\n", imports) + line
