from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import fromstring

import pytest
from rich.console import Console

from betterguard.live.attack import Result
from betterguard.live.attack.evidence import Answer, Call, Exchange, cut
from betterguard.live.attack.reports import as_html, as_json, as_junit, as_text
from tests.live.attack.apis import ISSUER, attacked
from tests.live.attack.vulnerable.app import vulnerable_app

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = ISSUER.token("alice-1")


@pytest.fixture(scope="module")
def result() -> Result:
    """An attack that finds something, on a part of the API."""
    app = vulnerable_app(ISSUER, "token-in-query")
    return attacked(app, include=("GET /api/me", "GET /health"))


def as_plain_text(result: Result) -> str:
    written = io.StringIO()
    Console(file=written, width=200).print(as_text(result))
    return written.getvalue()


WRITERS = [as_plain_text, as_json, as_junit, as_html]


@pytest.mark.parametrize("write", WRITERS, ids=["text", "json", "junit", "html"])
def test_a_report_names_what_is_open_and_shows_no_token(
    result: Result, write: Callable[[Result], str]
) -> None:
    written = write(result)
    assert "token-in-query" in written
    assert "GET /api/me" in written
    assert "not included" in written
    assert "eyJhbG…" in written
    header, _, _ = TOKEN.partition(".")
    assert header not in written


def test_json_has_every_cell(result: Result) -> None:
    data = json.loads(as_json(result))
    assert data["version"] == 1
    assert data["totals"]["open"] == 1
    assert len(data["cells"]) == len(result.cells)
    (hole,) = [cell for cell in data["cells"] if cell["verdict"] == "open"]
    assert hole["request"][0].startswith("GET /api/me?token=")
    assert hole["answer"][0] == "200"


def test_junit_fails_the_case_that_is_open(result: Result) -> None:
    root = fromstring(as_junit(result))  # noqa: S314  made here
    failed = [
        case.attrib["name"] for case in root.iter("testcase") if case.find("failure") is not None
    ]
    assert failed == ["token-in-query"]
    suite = next(one for one in root if one.attrib["name"] == "GET /api/me")
    assert suite.attrib["failures"] == "1"


def test_the_page_needs_nothing_else(result: Result) -> None:
    page = as_html(result)
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "src=" not in page
    assert 'href="http' not in page


def test_an_answer_cannot_write_into_the_page() -> None:
    app = vulnerable_app(ISSUER)
    app.title = "<script>alert(1)</script>"
    page = as_html(attacked(app, include=("GET /api/me",), variants=1))
    assert "<script>" not in page


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"Bearer {TOKEN}", id="token"),
        pytest.param(f"x {TOKEN.rpartition('.')[0]}. y", id="unsigned"),
        pytest.param(TOKEN.split(".", maxsplit=1)[0] + ".x", id="header-alone"),
        pytest.param("x" * 64, id="long-secret"),
    ],
)
def test_tokens_are_cut(text: str) -> None:
    assert "…" in cut(text)
    assert max(map(len, cut(text).split())) < 40


def test_what_is_no_token_is_shown() -> None:
    text = "GET /api/users/alice-1/tasks/3f2504e0-4f89-41d3-9a0c-0305e82c3301 api.example.com"
    assert cut(text) == text


def test_a_long_answer_is_cut_in_one_pass() -> None:
    """Read again from each of its letters, this would take hours."""
    assert cut("x" * 2_000_000) == "xxxxxx…"
    answer = Answer(200, (), f"{'- ' * 2390}{TOKEN}")
    assert all(TOKEN[:20] not in line for line in Exchange(Call("GET", "/"), answer).answer_lines())


EVIL = "\x1b[2J\x1b]0;title\x07\x9b31m\u202e\r\x00"


@pytest.mark.parametrize("write", WRITERS, ids=["text", "json", "junit", "html"])
def test_an_answer_cannot_give_orders_to_a_terminal(write: Callable[[Result], str]) -> None:
    app = vulnerable_app(ISSUER, "token-in-query")
    app.title = EVIL

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        async def changed(message: Any) -> None:
            if scope["path"] == "/api/me" and message["type"] == "http.response.body":
                message = {**message, "body": message["body"] + EVIL.encode()}
            if scope["path"] == "/api/me" and message["type"] == "http.response.start":
                message["headers"] = [(b"content-type", b"text/plain")]
            await send(message)

        await app(scope, receive, changed if scope["type"] == "http" else send)

    answering: Any = answer
    result = attacked(answering, include=("GET /api/me",), variants=1)
    assert result.open
    written = write(result)
    assert not set(EVIL) & set(written) - set("[2J]0;title31m")
    assert "x1b[2J" in written


def test_junit_is_xml_whatever_an_operation_is_called() -> None:
    odd = Result("http://127.0.0.1/\x00")
    odd.cell("GET /\x1b", "missing-credential").held()
    odd.exercise("GET /\x1b").reason = "\ud800"
    assert fromstring(as_junit(odd)).find("testsuite") is not None  # noqa: S314  made here


def test_a_cookie_is_cut_however_short() -> None:
    call = Call("GET", "/", (), (("Cookie", "session=abcdefghijkl"), ("X-Other", "shown")))
    lines = Exchange(call, Answer(200, (("set-cookie", "a=b"),), "")).request_lines()
    assert lines == ["GET /", "Cookie: sessio…", "X-Other: shown"]
