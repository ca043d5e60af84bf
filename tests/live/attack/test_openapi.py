from __future__ import annotations

from typing import Any

import pytest

from betterguard.errors import ConfigurationError
from betterguard.live.attack.kinds import Kinds
from betterguard.live.attack.openapi import read_document

REFERRED: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [{"url": "/v2"}],
    "paths": {
        "/things": {
            "parameters": [{"$ref": "#/components/parameters/lang"}],
            "get": {"parameters": [{"name": "lang", "in": "query", "required": True}]},
            "post": {
                "security": [],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/T"}}}
                },
            },
            "put": {
                "requestBody": {"required": True, "content": {"application/xml": {"schema": {}}}}
            },
        }
    },
    "security": [{"bearer": []}],
    "components": {
        "securitySchemes": {"bearer": {"type": "http"}},
        "parameters": {"lang": {"name": "lang", "in": "query", "schema": {"type": "string"}}},
        "schemas": {
            "T": {"type": "object", "properties": {"parent": {"$ref": "#/components/schemas/T"}}}
        },
    },
}


def test_references_are_resolved_and_recursion_ends() -> None:
    document = read_document(REFERRED)
    post = next(one for one in document.operations if one.method == "POST")
    assert post.body == {"type": "object", "properties": {"parent": {}}}


def test_the_servers_path_comes_first() -> None:
    assert {one.path for one in read_document(REFERRED).operations} == {"/v2/things"}


def test_an_operations_parameter_replaces_the_paths() -> None:
    (parameter,) = read_document(REFERRED).operations[0].parameters
    assert parameter.required


def test_security_is_the_documents_unless_the_operation_says_otherwise() -> None:
    secured = {one.method: one.secured for one in read_document(REFERRED).operations}
    assert secured == {"GET": True, "POST": False}


def test_a_body_that_cannot_be_sent_is_told() -> None:
    assert read_document(REFERRED).left_out == (
        ("PUT /v2/things", "its body is application/xml; JSON and forms can be sent"),
    )


@pytest.mark.parametrize("raw", [[], {}, {"swagger": "2.0"}, None], ids=str)
def test_another_kind_of_document_is_refused(raw: Any) -> None:
    with pytest.raises(ConfigurationError, match="not OpenAPI 3"):
        read_document(raw)


def kinds(*operations: str) -> Kinds:
    paths: dict[str, Any] = {}
    for operation in operations:
        method, path = operation.split()
        paths.setdefault(path, {})[method.lower()] = {}
    return Kinds(read_document({"openapi": "3.0.0", "paths": paths}))


def test_an_id_belongs_to_the_collection_before_it() -> None:
    found = kinds("POST /users/{user_id}/tasks", "GET /users/{user_id}/tasks/{id}")
    assert found.of_parameter("id", "/users/{user_id}/tasks/") == "/users/{}/tasks"


def test_an_id_elsewhere_is_known_by_its_name() -> None:
    found = kinds("POST /projects/{pid}/notes", "DELETE /notes/{noteId}")
    assert found.of_parameter("noteId", "/notes/") == "/projects/{}/notes"


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        pytest.param("project_id", "/projects", id="snake"),
        pytest.param("projectId", "/projects", id="camel"),
        pytest.param("projectIds", "/projects", id="several"),
        pytest.param("ids", "/tasks", id="bare"),
        pytest.param("colour_id", None, id="unknown"),
        pytest.param("title", None, id="no-id"),
    ],
)
def test_a_field_is_known_by_its_name(field: str, kind: str | None) -> None:
    assert kinds("POST /projects", "POST /tasks").of_field(field, "/tasks/bulk") == kind


@pytest.mark.parametrize("path", ["/tasks/{id}/complete", "/search", "/login"])
def test_an_action_makes_no_objects(path: str) -> None:
    assert f"/{path}" not in kinds(f"POST {path}", "GET /search").creators
    assert not kinds(f"POST {path}").creators
