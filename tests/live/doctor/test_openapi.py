from __future__ import annotations

import json

import pytest

from betterguard.live.doctor.openapi import Operation, readable_operations

SECURED: dict[str, object] = {"security": [{"bearer": []}]}


DEEP = b"[" * 1_000_000


def document(**paths: object) -> bytes:
    return json.dumps({"paths": paths}).encode()


def test_secured_operations_come_first_and_parameters_are_filled() -> None:
    paths = {"/health": {"get": {}}, "/user/{user_id}/tasks/{id}": {"get": SECURED}}
    assert readable_operations(document(**paths)) == [
        Operation("/user/betterguard-doctor/tasks/betterguard-doctor", secured=True),
        Operation("/health", secured=False),
    ]


def test_the_document_s_own_security_counts() -> None:
    data = {
        "security": [{"bearer": []}],
        "paths": {"/a": {"get": {}}, "/b": {"get": {"security": []}}},
    }
    assert [one.secured for one in readable_operations(json.dumps(data).encode())] == [True, False]


@pytest.mark.parametrize("path", ["@evil.example/", ":8000/", ".evil.example/", ""])
def test_a_path_that_would_change_the_host_is_left_out(path: str) -> None:
    assert readable_operations(document(**{path: {"get": SECURED}})) == []


@pytest.mark.parametrize(
    "text",
    [b"", b"<html>", b"[]", b"null", b'{"paths": 7}', b'{"paths": {"/a": 7}}', b"\xff", DEEP],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_no_document_has_no_operations(text: bytes) -> None:
    assert readable_operations(text) == []


def test_only_reading_is_tried() -> None:
    assert readable_operations(document(**{"/a": {"post": SECURED, "delete": SECURED}})) == []
