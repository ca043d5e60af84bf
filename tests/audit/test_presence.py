"""A check that only asks whether a credential is there protects nothing."""

from __future__ import annotations

import pytest

from betterguard.audit.engine import audit_texts

HEAD = """
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Request, WebSocket
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from models import Task, get_session
from sqlmodel import select

app = FastAPI()
bearer = HTTPBearer()
"""
MODELS = """
from sqlmodel import Field, Session, SQLModel, create_engine

class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str

def get_session():
    with Session(create_engine("postgresql://")) as session:
        yield session
"""
ROUTE = """
@app.get("/tasks")
def tasks(session=Depends(get_session), caller=Depends(check)):
    return session.exec(select(Task)).all()
"""

ABSENT = {
    "missing": """
def check(authorization: str = Header(None)):
    if not authorization:
        raise HTTPException(401)
    return authorization
""",
    "scheme": """
def check(authorization: str = Header(None)):
    if authorization is None or not authorization.lower().startswith("bearer "):
        raise HTTPException(status_code=401)
    return authorization.split(" ")[1]
""",
    "parts": """
def check(authorization: str = Header(None)):
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or len(token.split(".")) != 3:
        raise HTTPException(401)
    return token
""",
    "else": """
def check(request: Request):
    token = request.cookies.get("session")
    if token:
        print(token)
    else:
        raise HTTPException(401)
""",
    "credentials": """
def check(credentials: HTTPAuthorizationCredentials = Depends(bearer)):
    if credentials is None or credentials.scheme != "Bearer":
        raise HTTPException(401)
    return credentials.credentials
""",
    "helper": """
def demand(token):
    if not token:
        raise HTTPException(401)

def check(token: str = Cookie(None)):
    demand(token)
    return {"ok": True}
""",
}

VERIFIED = {
    "library": """
import clerk
def check(authorization: str = Header(None)):
    if not authorization:
        raise HTTPException(401)
    return clerk.sessions.find(authorization)
""",
    "whole-request": """
import clerk
def check(request: Request):
    if not request.headers.get("authorization"):
        raise HTTPException(401)
    token = request.headers.get("authorization")
    return clerk.authenticate(request)
""",
    "helper-knows": """
import clerk
def demand(token):
    if not token:
        raise HTTPException(401)

def check(token: str = Cookie(None)):
    demand(token)
    return clerk.find(token)
""",
    "compared": """
def check(authorization: str = Header(None)):
    if not authorization:
        raise HTTPException(401)
    if authorization != KEY:
        raise HTTPException(401)
""",
    "literal": """
def check(token: str = Header(None)):
    if token == "s3cret":
        return True
    raise HTTPException(401)
""",
    "error": """
def check(token: str = Cookie(None)):
    if not token:
        raise HTTPException(401)
    try:
        return open_sealed(token)
    except ValueError:
        raise HTTPException(401)
""",
    "looked-up": """
def check(token: str = Cookie(None), session=Depends(get_session)):
    found = SESSIONS.get(token)
    if found is None:
        raise HTTPException(401)
    return found
""",
    "state": """
def check(request: Request):
    if not request.state.user:
        raise HTTPException(401)
    return request.state.user
""",
}


def rules(check: str, route: str = ROUTE) -> list[str]:
    found = audit_texts({"main.py": HEAD + check + route, "models.py": MODELS})
    return [finding.rule for finding in found if finding.rule in {"BG101", "BG103", "BG107"}]


@pytest.mark.parametrize("check", ABSENT.values(), ids=ABSENT)
def test_a_credential_that_only_has_to_be_there_is_no_authentication(check: str) -> None:
    assert rules(check) == ["BG101"]


@pytest.mark.parametrize("check", VERIFIED.values(), ids=VERIFIED)
def test_whatever_may_look_into_the_credential_counts(check: str) -> None:
    assert rules(check) == []


IDENTITIES = {
    "header": """
def caller(request: Request):
    user_id = request.headers.get("x-user-id")
    if user_id is None:
        raise HTTPException(401)
    return user_id
""",
    "parameter": """
def caller(owner: Annotated[str | None, Header(alias="X-User-Id")] = None):
    if not owner:
        raise HTTPException(401)
    return owner
""",
    "cookie": """
def caller(request: Request):
    user_id = request.cookies["user_id"]
    if len(user_id) < 5:
        raise HTTPException(401)
    return user_id
""",
    "looked-up": """
def caller(x_user_id: str = Header(), session=Depends(get_session)):
    user = session.get(User, x_user_id)
    if user is None:
        raise HTTPException(401)
    return user
""",
}
CALLER = "from typing import Annotated\n" + ROUTE.replace("check", "caller")


@pytest.mark.parametrize("check", IDENTITIES.values(), ids=IDENTITIES)
def test_whoever_names_a_user_is_not_that_user(check: str) -> None:
    assert rules(check, CALLER) == ["BG107"]


@pytest.mark.parametrize("name", ["x_gateway_key", "signature"])
def test_a_name_that_something_else_vouches_for_is_believed(name: str) -> None:
    check = f"""
def caller({name}: str = Header(), x_user_id: str = Header()):
    if not {name} or {name} != KEY:
        raise HTTPException(401)
    return x_user_id
"""
    assert rules(check, CALLER) == []


SOCKET = """
@app.websocket("/news")
async def news(socket: WebSocket):
    ticket = socket.query_params.get("ticket")
    if not ticket{}:
        await socket.close(code=1008)
        return
    await socket.accept()
"""


@pytest.mark.parametrize(("test", "found"), [("", ["BG103"]), (" or ticket not in TICKETS", [])])
def test_a_socket_that_asks_for_any_ticket_is_open(test: str, found: list[str]) -> None:
    assert rules("", SOCKET.format(test)) == found


def test_its_own_code_is_named_as_what_asks() -> None:
    route = """
@app.get("/tasks")
def tasks(authorization: str = Header(None), session=Depends(get_session)):
    if not authorization:
        raise HTTPException(401)
    return session.exec(select(Task)).all()
"""
    found = audit_texts({"main.py": HEAD + route, "models.py": MODELS})
    (open_route,) = [finding for finding in found if finding.rule == "BG101"]
    assert open_route.evidence == ("its own code demands a credential, but nothing verifies it",)
