"""An OpenAPI document as a list of operations, with every reference resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from betterguard.errors import ConfigurationError

__all__ = ["METHODS", "Document", "Operation", "Parameter", "Schema", "read_document"]

Schema = Mapping[str, Any]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""The methods that are tried; OPTIONS and TRACE carry nobody's data."""

BODY_KINDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
DEPTH = 24


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in path, query, header or cookie."""

    name: str
    where: str
    required: bool
    schema: Schema


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path. ``secured`` is None where the document says nothing of security."""

    method: str
    path: str
    parameters: tuple[Parameter, ...] = ()
    body: Schema | None = None
    body_kind: str = BODY_KINDS[0]
    body_required: bool = False
    secured: bool | None = None

    @property
    def name(self) -> str:
        """Method and path, as reports show it."""
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        """Whether the method promises to change nothing."""
        return self.method in {"GET", "HEAD"}

    def placed(self, where: str) -> tuple[Parameter, ...]:
        """Give the parameters of one place."""
        return tuple(one for one in self.parameters if one.where == where)


@dataclass(frozen=True, slots=True)
class Document:
    """The operations of an API, in the document's order."""

    title: str
    version: str
    operations: tuple[Operation, ...]
    left_out: tuple[tuple[str, str], ...] = field(default=())
    """Operations that cannot be sent, each with the reason."""

    def methods(self, path: str) -> frozenset[str]:
        """Give the methods that are listed for a path."""
        return frozenset(one.method for one in self.operations if one.path == path)


def read_document(raw: Any) -> Document:
    """Read an OpenAPI 3 document; `ConfigurationError` when it is none."""
    if not isinstance(raw, dict) or not str(raw.get("openapi", "")).startswith("3."):
        msg = 'the document is not OpenAPI 3: expected a JSON object with "openapi": "3.…"'
        raise ConfigurationError([msg])
    info = raw.get("info") or {}
    operations, left_out = [], []
    prefix = _prefix(raw)
    for path, item in (raw.get("paths") or {}).items():
        for operation, fault in _Reader(raw).operations(prefix + path, item):
            if fault:
                left_out.append((operation.name, fault))
            else:
                operations.append(operation)
    return Document(
        str(info.get("title", "")), str(info.get("version", "")), tuple(operations), tuple(left_out)
    )


def _prefix(raw: Mapping[str, Any]) -> str:
    """Give the path that the document's server puts in front of every operation's."""
    servers = raw.get("servers") or [{}]
    return urlsplit(str(servers[0].get("url", ""))).path.rstrip("/")


class _Reader:
    """Reads path items; references are resolved against the whole document."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.schemes = (raw.get("components") or {}).get("securitySchemes") or {}

    def operations(self, path: str, item: Any) -> Iterator[tuple[Operation, str]]:
        item = self._expanded(item, ())
        shared = item.get("parameters", [])
        for method in METHODS:
            spec = item.get(method.lower())
            if isinstance(spec, dict):
                yield self._operation(method, path, [*shared, *spec.get("parameters", [])], spec)

    def _operation(
        self, method: str, path: str, parameters: list[Any], spec: Mapping[str, Any]
    ) -> tuple[Operation, str]:
        request = spec.get("requestBody") or {}
        kind, schema, fault = _body(request)
        operation = Operation(
            method,
            path,
            # An operation's own parameter replaces the path item's of the same name.
            tuple({(one["name"], one["in"]): _parameter(one) for one in parameters}.values()),
            schema,
            kind,
            bool(request.get("required")),
            self._secured(spec),
        )
        return operation, fault

    def _secured(self, spec: Mapping[str, Any]) -> bool | None:
        wanted = spec.get("security", self.raw.get("security"))
        if wanted is None:
            return False if self.schemes else None
        return bool(wanted) and {} not in wanted

    def _expanded(self, node: Any, above: tuple[str, ...]) -> Any:
        """Replace references by what they name; one that leads back to itself becomes empty."""
        if len(above) > DEPTH:
            return {}
        if isinstance(node, list):
            return [self._expanded(one, above) for one in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            if reference in above:
                return {}
            rest = {key: value for key, value in node.items() if key != "$ref"}
            found = self._expanded(self._referred(reference), (*above, reference))
            return {**found, **rest} if isinstance(found, dict) else found
        return {key: self._expanded(value, above) for key, value in node.items()}

    def _referred(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            return {}
        node: Any = self.raw
        for part in reference[2:].split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            node = node.get(key, {}) if isinstance(node, dict) else {}
        return node


def _parameter(spec: Mapping[str, Any]) -> Parameter:
    schema = spec.get("schema") or {}
    if "example" in spec:
        schema = {**schema, "example": spec["example"]}
    return Parameter(spec["name"], spec["in"], bool(spec.get("required")), schema)


def _body(request: Mapping[str, Any]) -> tuple[str, Schema | None, str]:
    content = request.get("content") or {}
    if not content:
        return BODY_KINDS[0], None, ""
    plain = {kind.partition(";")[0].strip().lower(): media for kind, media in content.items()}
    for kind in BODY_KINDS:
        if kind in plain:
            return kind, plain[kind].get("schema") or {}, ""
    fault = f"its body is {', '.join(plain)}; JSON and forms can be sent"
    return BODY_KINDS[0], None, fault if request.get("required") else ""
