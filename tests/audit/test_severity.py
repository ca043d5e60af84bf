"""The same line weighs differently by where its value comes from and where it ends."""

from __future__ import annotations

import pytest

from betterguard.audit.engine import audit_texts
from betterguard.audit.finding import Severity

CLAIMS_OF = """
import jwt
from fastapi import FastAPI
app = FastAPI()
def claims_of(id_token: str):
    return jwt.decode(id_token, options={"verify_signature": False})
"""
PASTED = """
from sqlalchemy import text
def count(session, title: str):
    return session.execute(text(f"SELECT count(*) FROM task WHERE title = '{title}'"))
"""
NOW = """
from datetime import datetime
from sqlalchemy import Column, DateTime, Integer
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Note(Base):
    __tablename__ = "note"
    id = Column(Integer, primary_key=True)
    updated_at = Column(DateTime)
    def touch(self):
        self.updated_at = datetime.utcnow()
"""
SQLMODEL = """
from datetime import datetime
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    updated_at: datetime
"""
TENANCY = """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"])
@app.middleware("http")
async def tenancy(request, call_next):
    try:
        tenant = await resolve(request)
        use(tenant)
        count(tenant)
        response = await call_next(request)
        return response
    except NotSignedIn:
        return JSONResponse({"detail": "no"}, status_code=401)
"""
SOCKET = """
from fastapi import FastAPI, WebSocket
app = FastAPI()
@app.websocket("{path}")
async def talk(socket: WebSocket{more}):
    await socket.accept()
    {body}
"""


def weights(rule: str, files: dict[str, str]) -> list[Severity]:
    return [finding.severity for finding in audit_texts(files) if finding.rule == rule]


@pytest.mark.parametrize(
    ("rule", "files", "severity"),
    [
        pytest.param(
            "BG202",
            {
                "app.py": CLAIMS_OF
                + '@app.post("/google")\nasync def google(form: dict):\n'
                + '    return claims_of(form["id_token"])["email"]\n'
            },
            Severity.CRITICAL,
            id="id-token-that-a-client-sends",
        ),
        pytest.param(
            "BG503",
            {"app.py": TENANCY},
            Severity.HIGH,
            id="refusals-outside-of-cors-that-guard-nothing",
        ),
        pytest.param("BG306", {"app.py": PASTED}, Severity.CRITICAL, id="sql-of-the-application"),
        pytest.param("BG306", {"scripts/count.py": PASTED}, Severity.MEDIUM, id="sql-of-a-script"),
        pytest.param(
            "BG402",
            {"one/models.py": NOW, "two/models.py": SQLMODEL},
            Severity.MEDIUM,
            id="now-into-the-table-beside",
        ),
        pytest.param(
            "BG103",
            {
                "app.py": SOCKET.format(
                    path="/ws", more="", body="await socket.send_text(await socket.receive_text())"
                )
            },
            Severity.MEDIUM,
            id="socket-that-only-answers",
        ),
        pytest.param(
            "BG103",
            {"app.py": SOCKET.format(path="/ws", more="", body="await hub.join(socket)")},
            Severity.HIGH,
            id="socket-that-joins-others",
        ),
        pytest.param(
            "BG103",
            {
                "app.py": SOCKET.format(
                    path="/ws/{user_id}", more=", user_id: str", body="await socket.close()"
                )
            },
            Severity.HIGH,
            id="socket-of-a-named-user",
        ),
    ],
)
def test_a_finding_weighs_what_its_place_makes_of_it(
    rule: str, files: dict[str, str], severity: Severity
) -> None:
    assert weights(rule, files) == [severity]


def test_what_nobody_calls_is_less_urgent_than_its_name_elsewhere() -> None:
    tool = (
        'import jwt\ndef peek(t):\n    return jwt.decode(t, options={"verify_signature": False})\n'
    )
    other = (
        "import jwt\nclass Service:\n    def peek(self, t): ...\ndef use(s, t): return s.peek(t)\n"
    )
    assert weights("BG202", {"tool.py": tool, "other.py": other}) == [Severity.HIGH]
    used = "import jwt\nfrom tool import peek\ndef use(t): return peek(t)\n"
    assert weights("BG202", {"tool.py": tool, "used.py": used}) == [Severity.CRITICAL]
