"""The stand-in for tests that sign tokens themselves: told of, and written when asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit, apply
from betterguard.repair.imports import Imports
from betterguard.repair.lines import line_of
from betterguard.repair.outside import STAND_IN
from betterguard.repair.scaffold.keys import key_of
from betterguard.repair.scaffold.naming import absolute_name, import_base
from betterguard.repair.scaffold.signing import signing

if TYPE_CHECKING:
    from betterguard.repair.scaffold.keys import Key
    from betterguard.repair.scaffold.plan import Plan
    from betterguard.repair.scaffold.reading import App, Reading
    from betterguard.repair.scaffold.signing import Signing

__all__ = ["bring_tests_along"]

OPTION = "betterguard init --test-tokens"
UNKNOWN = "SECRET"
"""Stands for the key where a person has to write it."""
SHOWN_PLACES = 4
LATE = "    # Imported here, so that whatever is set above comes before the application.\n"
FIXTURE = '''\
@{pytest}.fixture(autouse=True)
def _tokens_of_the_tests(monkeypatch: {pytest}.MonkeyPatch) -> None:
    """Let the guard take tokens that the tests sign themselves: in tests, and nowhere else.

    They lack the issuer and the audience that it asks for. Where tests take their tokens from
    betterguard.testing.tokens, this can go.
    """
{imports}    {stand_in}({key}{claim}).stand_in({guard}, monkeypatch)
'''


def bring_tests_along(plan: Plan, reading: Reading, app: App, auth: str, *, wanted: bool) -> None:
    """Write the stand-in where it is ``wanted``, else tell of the tests that need it.

    ``auth`` is the path of the file that holds the guard.
    """
    if any(STAND_IN.encode() in text for text in _conftests(reading)):
        plan.present.append("the stand-in for tokens of the tests")
        return
    folder = reading.shown(reading.backend(app))
    found = signing(reading.with_tests.code, folder)
    if found is None:
        if wanted:
            plan.present.append("no test that signs tokens itself")
        return
    if not wanted:
        _tell(plan, reading, found)
        return
    _StandIn(plan, reading, app, auth, found, _home(found, folder)).add()


def _conftests(reading: Reading) -> list[bytes]:
    inner = reading.with_tests
    return [
        inner.text(file)
        for path, file in inner.code.project.files.items()
        if PurePosixPath(path).name == "conftest.py"
    ]


def _home(found: Signing, folder: str) -> str:
    """Give the ``conftest.py`` nearest to all files whose tokens are their own."""
    common = os.path.commonpath([str(PurePosixPath(path).parent) for path in found.uses])
    inside = PurePosixPath(common.replace(os.sep, "/") or ".")
    return str((inside if inside.is_relative_to(folder) else PurePosixPath(folder)) / "conftest.py")


def _tell(plan: Plan, reading: Reading, found: Signing) -> None:
    many = len(found.uses)
    count = "1 file of tests signs" if many == 1 else f"{many} files of tests sign"
    text = (
        f"{count} tokens that the guard will refuse, since they name no issuer and no audience. "
        "Sign with betterguard.testing.tokens there, or let a stand-in in conftest.py take "
        "these in tests alone"
    )
    plan.advise("Bring the tests along", text, where=_places(reading, found), code=OPTION)


def _places(reading: Reading, found: Signing) -> str:
    files = reading.with_tests.code.project.files
    shown = [
        f"{path}:{line_of(reading.with_tests.text(files[path]), pos)}"
        for path, pos in sorted(found.uses.items())
    ]
    more = len(shown) - SHOWN_PLACES
    return ", ".join(shown[:SHOWN_PLACES]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class _StandIn:
    plan: Plan
    reading: Reading
    app: App
    auth: str
    found: Signing
    path: str
    """Of the ``conftest.py``, from the root."""

    def add(self) -> None:
        """Plan the fixture, or show it where it cannot be written."""
        base = import_base(self.reading, self.app)
        key = key_of(self.found.places, self.reading.with_tests, base, self.path)
        file = self.reading.with_tests.code.project.files.get(self.path)
        if key is None or (file is not None and not self.reading.with_tests.is_editable(file)):
            self._show(base, key)
            return
        place = self.reading.place(self.path)
        if file is not None:
            text = self.reading.with_tests.text(file)
            self.plan.edit(place, self._edits(text, base, key), self._what)
            return
        new = self.plan.planned(place) or b'"""What the tests here share."""\n'
        self.plan.replace(place, apply(new, self._edits(new, base, key)), self._what)

    @property
    def _what(self) -> str:
        return "takes the tokens that tests sign themselves, in tests alone"

    def _show(self, base: str, key: Key | None) -> None:
        why = (
            f"what the tests sign with cannot be told: put it in place of {UNKNOWN}"
            if key is None
            else f"{self.path} is not plain UTF-8 that parses, so it is left as it is"
        )
        new = b""
        edits = self._edits(new, base, key)
        self.plan.advise(
            "Let the tests' tokens pass", why, where=self.path, code=apply(new, edits).decode()
        )

    def _edits(self, text: bytes, base: str, key: Key | None) -> list[Edit]:
        """Give the imports and, at the end of the file, the fixture."""
        paths = self.reading.code.project.files
        own = {path.split("/", 1)[0].removesuffix(".py") for path in paths}
        imports = Imports(text, frozenset(own))
        pytest = imports.use("pytest")
        stand_in = imports.use("betterguard.testing.own_tokens", STAND_IN)
        guard_name = self.reading.guard.name if self.reading.guard is not None else "guard"
        inner = {(absolute_name(base, self.auth), guard_name)}
        if key is not None and key.module:
            inner.add((key.module, key.name))
        lines = [
            f"    from {module} import {name}\n" if name else f"    import {module}\n"
            for module, name in sorted(inner, key=lambda one: (bool(one[1]), one))
            if imports.bound(module, name) != (name or module)
        ]
        fixture = FIXTURE.format(
            pytest=pytest,
            imports=f"{LATE}{''.join(lines)}\n" if lines else "",
            stand_in=stand_in,
            key=key.code if key is not None else UNKNOWN,
            claim="" if self.found.claim == "sub" else f', claim="{self.found.claim}"',
            guard=guard_name,
        )
        gap = "" if not text.strip() else "\n\n" if text.endswith(b"\n") else "\n\n\n"
        return [*imports.edits(), Edit(len(text), len(text), gap + fixture)]
