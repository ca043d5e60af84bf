"""The plugin on an application of its own: green with its walls, red without."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CONFTEST = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from betterguard import rows
from betterguard.rows import Owned, via, engine as rows_engine

class Base(DeclarativeBase):
    pass

class Note(Owned, Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]

class Line(Base):
    __tablename__ = "line"
    __table_args__ = {"info": via("note_id")}
    id: Mapped[int] = mapped_column(primary_key=True)
    note_id: Mapped[int] = mapped_column(sa.ForeignKey("note.id"))
    text: Mapped[str]

def pytest_betterguard_case(config):
    from betterguard.testing.isolation import IsolationCase
    owner = sa.create_engine("sqlite:///app.db")
    Base.metadata.create_all(owner)
    with owner.begin() as connection:
        people = [{"id": n, "user_id": u, "title": u} for n, u in enumerate(["ada", "bob", "bob"])]
        connection.execute(sa.insert(Note.__table__), people)
        lines = [{"id": n, "note_id": n, "text": "x"} for n in range(3)]
        connection.execute(sa.insert(Line.__table__), lines)
    engine = rows.isolate(sa.create_engine("sqlite:///app.db"), Base.metadata)
    {damage}
    return IsolationCase(engine, owner, Base.metadata, users=("ada", "bob"))
"""
# The wall is switched off after its own check at the start.
NO_WALL = """engine.dialect.statement_compiler = type(
        "Open", (engine.dialect.statement_compiler,),
        {
            "_cover": lambda self, found: [],
            "_take_cover": lambda self, rendered: True,
        },
    )
    engine.clear_compiled_cache()"""

NO_CHECK = """rows_engine.check_write = lambda *_: None
    rows_engine.check_bound_owner = lambda *_: None"""


def run(folder: Path, damage: str, *arguments: str) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST.replace("{damage}", damage))
    (folder / "test_own.py").write_text("def test_own():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("damage", "arguments", "code", "expected"),
    [
        pytest.param("", ["--betterguard"], 0, "39 passed", id="walls-up"),
        pytest.param("", [], 0, "1 passed", id="without-the-option"),
        pytest.param(NO_WALL, ["--betterguard"], 1, "betterguard[line-select]", id="no-wall"),
        pytest.param(
            NO_CHECK,
            ["--betterguard"],
            1,
            "another user was not refused",
            id="no-check",
        ),
        pytest.param("return None", ["--betterguard"], 4, "needs a hook", id="no-case"),
    ],
)
def test_plugin(
    tmp_path: Path, damage: str, arguments: list[str], code: int, expected: str
) -> None:
    exit_code, output = run(tmp_path, damage, *arguments)
    assert expected in output
    assert exit_code == code
