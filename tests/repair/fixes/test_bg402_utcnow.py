from __future__ import annotations

import pytest

from tests.repair.fixing import fixed, repaired

RULE = "BG402"
SQLMODEL = """
from datetime import datetime
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field({option})
"""
ALCHEMY = """
from datetime import datetime
from sqlalchemy import Column, DateTime, Integer
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Task(Base):
    __tablename__ = "task"
    id = Column(Integer, primary_key=True)
    created_at = Column(DateTime{zone}, default={default})
"""
NOOPS = [
    pytest.param(
        "from datetime import datetime, timezone\nx = datetime.now(timezone.utc)\n", id="aware"
    ),
    pytest.param("from datetime import UTC, datetime\nx = datetime.now(UTC)\n", id="aware-utc"),
    pytest.param("from betterguard.schema import utcnow\nx = utcnow()\n", id="own-helper"),
    pytest.param("from clock import utcnow\nx = utcnow()\n", id="helper-elsewhere"),
    pytest.param(
        "class datetime:\n    def utcnow(self): ...\nx = datetime.utcnow\n", id="own-class"
    ),
    pytest.param("# datetime.utcnow()\nx = 'datetime.utcnow()'\n", id="comment-and-text"),
    pytest.param("import arrow\nx = arrow.utcnow()\n", id="another-library"),
    pytest.param("def utcnow(): ...\ndef f(): return utcnow()\n", id="own-function"),
    pytest.param("x = utcnow\n", id="unknown-name"),
]
CHANGES = [
    pytest.param(
        SQLMODEL.format(option="default_factory=datetime.utcnow"),
        SQLMODEL.format(option="default_factory=lambda: datetime.now(timezone.utc)").replace(
            "import datetime\n", "import datetime, timezone\n"
        ),
        id="sqlmodel-reference",
    ),
    pytest.param(
        ALCHEMY.format(zone="", default="datetime.utcnow"),
        ALCHEMY.format(
            zone="", default="lambda: datetime.now(timezone.utc).replace(tzinfo=None)"
        ).replace("import datetime\n", "import datetime, timezone\n"),
        id="sqlalchemy-naive-column",
    ),
    pytest.param(
        ALCHEMY.format(zone="(timezone=True)", default="datetime.utcnow"),
        ALCHEMY.format(
            zone="(timezone=True)", default="lambda: datetime.now(timezone.utc)"
        ).replace("import datetime\n", "import datetime, timezone\n"),
        id="sqlalchemy-zoned-column",
    ),
    pytest.param(
        "import datetime as dt\nx = dt.datetime.utcnow()  # now\n",
        "import datetime as dt\nx = dt.datetime.now(dt.timezone.utc)  # now\n",
        id="module-alias",
    ),
    pytest.param(
        "from datetime import datetime as D\nx = [\n    D.utcnow(),\n]\n",
        "from datetime import datetime as D, timezone\nx = [\n    D.now(timezone.utc),\n]\n",
        id="class-alias",
    ),
    pytest.param(
        "from datetime import UTC, datetime\nx = datetime.utcnow()\n",
        "from datetime import UTC, datetime\nx = datetime.now(UTC)\n",
        id="utc-at-hand",
    ),
    pytest.param(
        "from datetime import datetime\ndef f(timezone):\n    return datetime.utcnow()\n",
        "from datetime import datetime, timezone as datetime_timezone\n"
        "def f(timezone):\n    return datetime.now(datetime_timezone.utc)\n",
        id="zone-is-a-parameter",
    ),
    pytest.param(
        "from datetime import datetime, timedelta\nimport jwt\n"
        "def make():\n    expire = datetime.utcnow() + timedelta(days=1)\n"
        "    return jwt.encode({'exp': expire.timestamp()}, KEY)\n",
        "from datetime import datetime, timedelta, timezone\nimport jwt\n"
        "def make():\n    expire = datetime.now(timezone.utc) + timedelta(days=1)\n"
        "    return jwt.encode({'exp': expire.timestamp()}, KEY)\n",
        id="expiry",
    ),
]


@pytest.mark.parametrize("text", NOOPS)
def test_stays(text: str) -> None:
    assert fixed(text, RULE) == text


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_changes(before: str, after: str) -> None:
    assert fixed(before, RULE) == after


def test_an_older_sqlmodel_keeps_its_naive_times() -> None:
    text = SQLMODEL.format(option="default_factory=datetime.utcnow")
    done = repaired({"app.py": text, "requirements.txt": "sqlmodel==0.0.24\n"}, RULE, unsafe=False)
    assert b"now(timezone.utc).replace(tzinfo=None)" in done.workspace.texts["app.py"]


def test_text_that_is_written_out_stays_the_same() -> None:
    text = "from datetime import datetime\nx = datetime.utcnow().isoformat() + 'Z'\n"
    assert ".replace(tzinfo=None).isoformat() + 'Z'" in fixed(text, RULE, unsafe=False)


def test_a_time_that_is_used_elsewhere_needs_the_request() -> None:
    text = "from datetime import datetime\nx = datetime.utcnow()\n"
    assert fixed(text, RULE, unsafe=False) == text


def test_a_value_follows_the_model_that_takes_it_and_no_namesake() -> None:
    zoned = "class Note(Base):\n    __tablename__ = 'note'\n    created_at = Column(DateTime(timezone=True))\n"
    text = (
        ALCHEMY.format(zone="", default="now")
        + zoned
        + "def make(task):\n    at = datetime.utcnow()\n    task.created_at = at\n"
        + "    return Task(created_at=at)\n"
    )
    assert "at = datetime.now(timezone.utc).replace(tzinfo=None)\n" in fixed(text, RULE)
