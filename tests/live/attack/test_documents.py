"""A document is a stranger's text: nothing in it ends an attack, slows it down or leads it away."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response

from betterguard.errors import ConfigurationError
from betterguard.live.attack import UrlTarget
from betterguard.live.attack.evidence import Call
from betterguard.live.attack.markers import Marker
from betterguard.live.attack.openapi import read_document
from betterguard.live.attack.sending import Limits, Sender
from betterguard.live.attack.values import NO_VALUE, Values
from tests.live.attack.apis import attacked
from tests.servers.asgi import running_app

if TYPE_CHECKING:
    from collections.abc import Mapping

RAW: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "API", "version": "1"}}
ELSEWHERE = ["@localhost/x", ".example.com/x", ":1@localhost/x", "x", ""]


def document(**more: Any) -> Any:
    return read_document(RAW | more)


def body(schema: Any) -> Any:
    content = {"application/json": {"schema": schema}}
    return {"/x": {"post": {"requestBody": {"content": content}}}}


@pytest.mark.parametrize("path", ELSEWHERE, ids=repr)
def test_a_path_that_would_make_another_host_is_left_out(path: str) -> None:
    found = document(paths={path: {"get": {}}, "/y": {"get": {}}})
    assert [one.path for one in found.operations] == ["/y"]
    assert found.left_out == ((f"GET {path!a}", "its path does not begin with a slash"),)


@pytest.mark.parametrize("url", ["@localhost", "https://a.example/@localhost", "@localhost/"])
def test_a_servers_path_cannot_make_another_host_either(url: str) -> None:
    (operation,) = document(servers=[{"url": url}], paths={"/x": {"get": {}}}).operations
    assert operation.path == "/@localhost/x"


def test_a_servers_variables_have_their_defaults() -> None:
    server = {"url": "https://{host}/{base}", "variables": {"base": {"default": "v2"}, "host": 1}}
    (operation,) = document(servers=[server], paths={"/x": {"get": {}}}).operations
    assert operation.path == "/v2/x"


@pytest.mark.parametrize("path", ELSEWHERE, ids=repr)
def test_nothing_is_sent_to_another_host(path: str) -> None:
    async def sent() -> None:
        async with UrlTarget("http://127.0.0.1:9").open() as client:
            await Sender(client, Limits()).send(Call("GET", path))

    with pytest.raises(ConfigurationError, match="does not begin with a slash"):
        asyncio.run(sent())


def test_a_websocket_on_another_host_is_refused() -> None:
    app = FastAPI()
    app.get("/a")(lambda: {"id": 1})
    with running_app(app) as address, pytest.raises(ConfigurationError, match="slash"):
        attacked(address, websockets=("@localhost/ws",), variants=1)


def test_a_path_with_control_characters_is_left_out_and_told_without_them() -> None:
    found = document(paths={"/x\x1b[2J": {"get": {}}})
    assert found.operations == ()
    assert found.left_out == (("GET '/x\\x1b[2J'", "its path has control characters"),)


BROKEN: Mapping[str, Any] = {
    "info": {"info": [1], "paths": {}},
    "paths": {"paths": ["x"]},
    "item": {"paths": {"/x": None, "/y": []}},
    "parameters": {"paths": {"/x": {"parameters": None, "get": {"parameters": {"a": 1}}}}},
    "parameter": {"paths": {"/x": {"get": {"parameters": ["a", {"in": "query"}]}}}},
    "reference": {"paths": {"/x": {"get": {"parameters": [{"$ref": "#/components/none"}]}}}},
    "schema": {"paths": body(schema=True)},
    "body": {"paths": {"/x": {"post": {"requestBody": "x"}}}},
    "content": {"paths": {"/x": {"post": {"requestBody": {"content": ["x"]}}}}},
    "media": {"paths": {"/x": {"post": {"requestBody": {"content": {"application/json": None}}}}}},
    "servers": {"servers": {"a": 1}, "paths": {"/x": {"get": {}}}},
    "server": {"servers": ["x"], "paths": {"/x": {"get": {}}}},
    "address": {"servers": [{"url": "http://[x"}], "paths": {"/x": {"get": {}}}},
    "security": {"security": 5, "paths": {"/x": {"get": {"security": "x"}}}},
    "components": {"components": [1], "paths": {"/x": {"get": {}}}},
    "itself": {"paths": {"/x": {"$ref": "#/paths/~1x"}}},
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_in_it_is_left_out(raw: Mapping[str, Any]) -> None:
    found = document(**raw)
    assert all(operation.path == "/x" for operation in found.operations)


def test_a_parameter_without_a_name_leaves_its_operation_out() -> None:
    found = document(**BROKEN["parameter"])
    assert found.left_out == (("GET /x", "one of its parameters has no name or no place"),)


def test_what_refers_to_each_other_ends() -> None:
    """Forty levels, each naming the next one twice, would be a million million schemas."""
    schemas: dict[str, Any] = {
        f"S{number}": {
            "type": "object",
            "properties": {name: {"$ref": f"#/components/schemas/S{number + 1}"} for name in "ab"},
        }
        for number in range(40)
    }
    found = document(
        paths=body({"$ref": "#/components/schemas/S0"}), components={"schemas": schemas}
    )
    assert set(found.operations[0].body["properties"]) == {"a", "b"}


def test_what_is_deep_without_end_is_cut() -> None:
    schema: dict[str, Any] = {}
    for _ in range(900):
        schema = {"type": "object", "properties": {"a": schema}}
    assert document(paths=body(schema)).operations[0].body["type"] == "object"


ODD: Mapping[str, Any] = {
    "lengths": {"type": "string", "minLength": "5", "maxLength": -1, "pattern": 3},
    "bounds": {"type": "integer", "minimum": "1", "maximum": [], "multipleOf": 0},
    "infinite": {"type": "number", "minimum": float("inf"), "multipleOf": 1e-300},
    "boolean-parts": {"anyOf": [True, False, {"type": "null"}], "allOf": [True]},
    "items": {"type": "array", "items": True},
    "properties": {"type": "object", "properties": {"a": True, "b": None}, "required": [1, "a"]},
    "types": {"type": [1, "string"]},
    "enum": {"enum": "abc"},
}


def made(schema: Any) -> Any:
    operation = document(paths=body(schema)).operations[0]
    values = Values(Marker.new(Random(1)), Random(1), lambda *_: NO_VALUE)  # noqa: S311
    return values.make(operation.body)


@pytest.mark.parametrize("schema", ODD.values(), ids=ODD.keys())
def test_keywords_of_another_type_are_passed_over(schema: Any) -> None:
    assert made(schema) is not NO_VALUE


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "string", "minLength": 10**12}, id="text"),
        pytest.param({"type": "array", "minItems": 10**12}, id="list"),
    ],
)
def test_what_is_too_large_to_make_is_not_made(schema: Any) -> None:
    assert made(schema) is NO_VALUE


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"minimum": 0, "exclusiveMinimum": True}, 1, id="3.0-minimum"),
        pytest.param({"maximum": -5, "exclusiveMaximum": True}, -6, id="3.0-maximum"),
        pytest.param({"minimum": 3, "exclusiveMinimum": False}, 3, id="3.0-inclusive"),
        pytest.param({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5, id="between"),
        pytest.param({"exclusiveMinimum": 5, "exclusiveMaximum": 9}, 6, id="room"),
    ],
)
def test_exclusive_bounds_are_kept_to(schema: dict[str, Any], value: float) -> None:
    assert made({"type": "number", **schema}) == value


def test_an_answer_nested_without_end_ends_nothing() -> None:
    app = FastAPI()

    @app.middleware("http")
    async def nested(request: Request, call_next: Any) -> Any:
        if request.url.path == "/openapi.json":
            return await call_next(request)
        text = "[" * 100_000 + "]" * 100_000
        return Response(text, media_type="application/json")

    app.get("/a")(lambda: None)
    app.post("/things")(lambda: None)
    result = attacked(app, variants=1)
    assert result.exercise("GET /a").done
    assert json.loads(json.dumps(result.notes)) == []
