from __future__ import annotations

import pytest

from tests.repair.fixing import fixed, reasons

HEAD = """
from datetime import datetime, timezone
from sqlalchemy import text
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime
    due_at: datetime | None = None
"""
SQL = "    session.execute(text('UPDATE task SET due_at = :due_at'), {{'due_at': {}}})\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "def f(due):\n    return Task(due_at=due.isoformat())\n",
            "def f(due):\n    return Task(due_at=due)\n",
            id="constructor",
        ),
        pytest.param(
            "def f(task, due):\n    task.due_at = due.isoformat() if due else None\n",
            "def f(task, due):\n    task.due_at = due if due else None\n",
            id="attribute-or-none",
        ),
        pytest.param(
            "def f(task, due):\n    task.due_at = due.isoformat() + 'Z'\n",
            "def f(task, due):\n    task.due_at = due\n",
            id="zulu",
        ),
        pytest.param(
            "def f(task, due):\n    at = due.isoformat()\n    task.due_at = at\n",
            "def f(task, due):\n    at = due\n    task.due_at = at\n",
            id="variable",
        ),
        pytest.param(
            "def f(session, due):\n" + SQL.format("due.isoformat()"),
            "def f(session, due):\n" + SQL.format("due"),
            id="sql",
        ),
    ],
)
def test_the_moment_is_stored(before: str, after: str) -> None:
    assert fixed(HEAD + before, "BG410") == HEAD + after


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "def f(task, due):\n    at = due.isoformat()\n    task.due_at = at\n    return at\n",
            "at is also read as text",
            id="read-elsewhere",
        ),
        pytest.param(
            "def f(task, due):\n    at = due.isoformat()\n    task.due_at = at\n    print(at[:10])\n",
            "at is also read as text",
            id="cut-elsewhere",
        ),
        pytest.param(
            "def f(task, due):\n    task.due_at = due.strftime('%Y-%m-%d')\n",
            "before it is formatted",
            id="format",
        ),
        pytest.param(
            "def f(task, due):\n    task.due_at = due.isoformat('T')\n",
            "before it is formatted",
            id="separator",
        ),
        pytest.param(
            "def f(task, due):\n    task.due_at = due.isoformat() + zone\n",
            "before it is formatted",
            id="zone-of-its-own",
        ),
    ],
)
def test_a_text_that_is_wanted_stays(text: str, reason: str) -> None:
    assert fixed(HEAD + text, "BG410") == HEAD + text
    assert reason in reasons(HEAD + text, "BG410")[0]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def f(task):\n    return task.created_at.isoformat()\n", id="shown"),
        pytest.param("def f(task, due):\n    task.title = due.isoformat()\n", id="text-column"),
        pytest.param("def f(task, due):\n    task.due_at = due\n", id="moment"),
    ],
)
def test_what_is_right_stays(text: str) -> None:
    assert fixed(HEAD + text, "BG410") == HEAD + text


def test_sql_is_changed_on_request_only() -> None:
    text = HEAD + "def f(session, due):\n" + SQL.format("due.isoformat()")
    assert fixed(text, "BG410", unsafe=False) == text
