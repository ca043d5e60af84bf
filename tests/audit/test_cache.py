from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from betterguard.audit import cache as caching
from betterguard.audit import find_config
from betterguard.audit.cache import Cache, program_digest
from betterguard.audit.engine import audit
from betterguard.audit.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from betterguard.audit import Config, Report

APP = "import jwt\nSECRET_KEY = 'a-literal'\n"
AUTH = "export const auth = betterAuth({ plugins: [jwt()] })\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A back end in a repository, with every kind of file that rules read."""
    backend = tmp_path / "repo" / "backend"
    web = tmp_path / "repo" / "web" / "lib"
    for folder in (backend, web):
        folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", tmp_path / "repo"], check=True)
    (backend / "app.py").write_text(APP)
    (backend / "other.py").write_text("x = 1\n")
    (backend / "requirements.txt").write_text("sqlmodel==0.0.24\n")
    (backend / "uv.lock").write_text("version = 1\n")
    (backend / ".env").write_text("SECRET_KEY=abc\n")
    (backend / "pyproject.toml").write_text("[tool.betterguard]\nfail-on = 'high'\n")
    (tmp_path / "repo" / "pyproject.toml").write_text("[project]\nname = 'whole'\n")
    (web / "auth.ts").write_text(AUTH)
    return backend


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    held = Cache(tmp_path / "cache")
    yield held
    held.close()


def again(project: Path, cache: Cache, **changed: object) -> Report:
    config: Config = replace(find_config(project), **changed)  # type: ignore[arg-type]
    return audit([project], config, cache=cache)


def git_add(folder: Path) -> None:
    subprocess.run(["git", "-C", folder, "add", "-f", ".env"], check=True)


CHANGES = [
    pytest.param(lambda p: (p / "app.py").write_text(APP + "y = 2\n"), id="changed"),
    pytest.param(lambda p: (p / "new.py").write_text("z = 3\n"), id="added"),
    pytest.param(lambda p: (p / "other.py").unlink(), id="removed"),
    pytest.param(lambda p: (p / "other.py").rename(p / "renamed.py"), id="renamed"),
    pytest.param(lambda p: (p / "requirements.txt").write_text("sqlmodel==0.0.50\n"), id="pins"),
    pytest.param(lambda p: (p / "uv.lock").write_text("version = 2\n"), id="lock-file"),
    pytest.param(lambda p: (p / ".env").write_text("SECRET_KEY=def\n"), id="env-file"),
    pytest.param(lambda p: (p / ".env.local").write_text("A=1\n"), id="another-env-file"),
    pytest.param(git_add, id="env-file-committed"),
    pytest.param(
        lambda p: (p / "pyproject.toml").write_text("[tool.betterguard]\nignore = ['BG206']\n"),
        id="configuration",
    ),
    pytest.param(
        lambda p: (p.parent / "pyproject.toml").write_text("[project]\nname = 'part'\n"),
        id="requirements-above",
    ),
    pytest.param(
        lambda p: (p.parent / "web" / "lib" / "auth.ts").write_text(AUTH.replace("jwt()", "")),
        id="auth-server-beside",
    ),
    pytest.param(
        lambda p: (p.parent / "web" / "lib" / "auth.ts").unlink(), id="auth-server-removed"
    ),
    pytest.param(lambda p: (p / "app.py").write_bytes(b"x = '\xe9'\n"), id="unreadable"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_a_rule_may_read_makes_the_kept_findings_void(
    project: Path, cache: Cache, change: Callable[[Path], object]
) -> None:
    again(project, cache)
    assert again(project, cache).from_cache
    change(project)
    changed = again(project, cache)
    assert not changed.from_cache
    assert changed.findings == audit([project], find_config(project)).findings


SETTINGS = [
    pytest.param({"select": ("BG4",)}, id="select"),
    pytest.param({"severity": Severity.HIGH}, id="severity"),
    pytest.param({"tests": True}, id="tests"),
    pytest.param({"owner_columns": frozenset({"tenant"})}, id="owner-columns"),
    pytest.param({"public_routes": ("/x",)}, id="public-routes"),
]


@pytest.mark.parametrize("changed", SETTINGS)
def test_other_settings_make_the_kept_findings_void(
    project: Path, cache: Cache, changed: dict[str, object]
) -> None:
    again(project, cache)
    assert not again(project, cache, **changed).from_cache


def test_files_that_no_rule_reads_change_nothing(project: Path, cache: Cache) -> None:
    again(project, cache)
    (project / "README.md").write_text("new\n")
    (project / "app.py").touch()
    assert again(project, cache).from_cache


def test_a_newer_parser_is_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "parser_of_tests"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_binding.abi3.so").write_bytes(b"old")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(caching, "PARSERS", ("parser_of_tests",))
    before = program_digest()
    assert program_digest() == before
    (package / "_binding.abi3.so").write_bytes(b"newer")
    assert program_digest() != before
