"""Operations turned into requests: paths filled, required parameters given, bodies encoded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from betterguard.live.attack.evidence import Call
from betterguard.live.attack.naming import parameters_of
from betterguard.live.attack.values import NO_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from betterguard.live.attack.openapi import Operation
    from betterguard.live.attack.values import Values

__all__ = ["build", "filled", "with_body", "with_headers"]

BOUNDARY = "betterguard-boundary"
PathValues = "Mapping[str, str | int]"


def build(operation: Operation, path_values: Mapping[str, Any], values: Values) -> Call | None:
    """Build a request; None when a required parameter has no value that could be known."""
    query, headers = [], []
    for parameter in operation.parameters:
        if parameter.where not in {"query", "header"} or not parameter.required:
            continue
        value = values.make(parameter.schema, parameter.name)
        if value is NO_VALUE:
            return None
        if parameter.where == "query":
            query.append((parameter.name, _text(value)))
        elif parameter.name.lower() != "authorization":
            headers.append((parameter.name, _text(value)))
    call = Call(operation.method, filled(operation.path, path_values), tuple(query), tuple(headers))
    if operation.body is None:
        return call
    body = values.make(operation.body)
    return None if body is NO_VALUE else with_body(call, operation, body)


def filled(path: str, values: Mapping[str, Any]) -> str:
    """Put values into a path's braces."""
    for name, before in reversed(parameters_of(path)):
        _, _, after = path[len(before) :].partition("}")
        path = f"{before}{quote(_text(values[name]), safe='')}{after}"
    return path


def with_body(call: Call, operation: Operation, body: Any) -> Call:
    """Put a body into a request, in the form that the operation takes."""
    kind, encoded = _encoded(operation.body_kind, body)
    headers = [(name, value) for name, value in call.headers if name.lower() != "content-type"]
    return replace(call, headers=(*headers, ("Content-Type", kind)), body=encoded)


def with_headers(call: Call, headers: tuple[tuple[str, str], ...]) -> Call:
    """Add headers, such as a credential."""
    return replace(call, headers=(*headers, *call.headers))


def _encoded(kind: str, body: Any) -> tuple[str, bytes]:
    if kind == "application/json" or not isinstance(body, dict):
        return "application/json", json.dumps(body).encode()
    if kind == "multipart/form-data":
        parts = "".join(_part(name, value) for name, value in body.items())
        return f"{kind}; boundary={BOUNDARY}", f"{parts}--{BOUNDARY}--\r\n".encode()
    return kind, urlencode({name: _text(value) for name, value in body.items()}).encode()


def _part(name: str, value: Any) -> str:
    # Named as a file where that may be wanted; form fields without a file name come as text.
    file = '; filename="betterguard.txt"' if "file" in name.lower() else ""
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        f"{_text(value)}\r\n"
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)
