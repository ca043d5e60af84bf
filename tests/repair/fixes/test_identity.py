"""BG107: who a client says that it is."""

from __future__ import annotations

import pytest

from tests.repair.fixing import fixed, reasons

HEAD = """
from fastapi import Depends, FastAPI, Header, HTTPException, Request
app = FastAPI()
"""
ROUTE = """
@app.get("/tasks")
def tasks(user{note}=Depends(get_current_user)): return user
"""
HEADER = "def get_current_user(request: Request){returns}:\n    {body}\n"
READ = "request.headers.get('X-User-Id')"


def text(body: str, returns: str = "", note: str = "", head: str = HEAD) -> str:
    made = HEADER.format(returns=returns, body=body.replace("\n", "\n    "))
    return head + made + ROUTE.format(note=note)


@pytest.mark.parametrize(
    ("body", "returns"),
    [
        pytest.param(f"return {READ}", "", id="header"),
        pytest.param(f"return {READ}", " -> str", id="annotated"),
        pytest.param(f"user_id = {READ}\nreturn user_id", "", id="variable"),
        pytest.param(
            f"user_id = {READ}\nif not user_id:\n    raise HTTPException(401)\nreturn user_id",
            " -> str",
            id="required",
        ),
        pytest.param("return request.query_params['user_id']", "", id="address"),
    ],
)
def test_the_guard_takes_the_place_of_a_clients_word(body: str, returns: str) -> None:
    made = fixed(text(body, returns), "BG107")
    assert "get_current_user = guard.verify_token\n" in made
    assert "X-User-Id" not in made


def test_claims_stay_claims() -> None:
    made = fixed(text(f"user_id = {READ}\nreturn {{'id': user_id}}", " -> dict"), "BG107")
    assert "def get_current_user(caller: User = Depends(guard.user)) -> dict:" in made
    assert '"id": caller.id' in made


def test_a_last_resort_becomes_a_refusal() -> None:
    body = f"claims = verify(request)\nif claims:\n    return claims['sub']\nreturn {READ}"
    made = fixed(text(body), "BG107")
    assert "    return claims['sub']\n    raise HTTPException(status_code=401" in made
    assert "X-User-Id" not in made


@pytest.mark.parametrize(
    ("body", "returns", "reason"),
    [
        pytest.param(f"return {{'id': {READ}}}", "", "gives more than an id", id="dict"),
        pytest.param(f"return load({READ})", "", "gives more than an id", id="row"),
        pytest.param(f"user = {READ}\nreturn User(user)", " -> User", "gives more", id="model"),
        pytest.param(
            f"user_id = {READ}\nrequest.state.user = user_id\nreturn user_id",
            "",
            "does more than tell",
            id="state",
        ),
        pytest.param(
            f"return claims(request) or {READ}", "", "gives more than an id", id="alternative"
        ),
        pytest.param(
            "return request.headers.get('X-User-Email')", "", "knows people by their id", id="mail"
        ),
    ],
)
def test_what_cannot_be_told_is_left(body: str, returns: str, reason: str) -> None:
    given = text(body, returns)
    assert fixed(given, "BG107") == given
    assert reason in reasons(given, "BG107")[0]


def test_a_helper_of_a_dependency_is_left() -> None:
    given = (
        HEAD
        + f"def find_user(request): return {READ}\n"
        + HEADER.format(returns="", body="return find_user(request)")
        + ROUTE.format(note="")
    )
    assert fixed(given, "BG107") == given


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(
            text("return verify(request.headers.get('Authorization'))"), id="authorization"
        ),
        pytest.param(HEAD + "@app.get('/x')\ndef x(user_id: str): return user_id\n", id="route"),
        pytest.param(HEAD, id="nothing"),
    ],
)
def test_what_is_right_stays(given: str) -> None:
    assert fixed(given, "BG107") == given


def test_a_route_that_asks_only_for_a_name_is_left_to_a_person() -> None:
    given = (
        HEAD
        + """
@app.get("/tasks")
def tasks(request: Request):
    me = request.headers.get("X-User-Id")
    if not me:
        raise HTTPException(401)
    return rows(me)
"""
    )
    assert fixed(given, "BG107") == given
    assert reasons(given, "BG107") == [
        "take the identity from the verified token: guard.user gives it"
    ]
