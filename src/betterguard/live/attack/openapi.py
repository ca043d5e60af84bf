"""An OpenAPI document as a list of operations, with every reference resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from betterguard.errors import ConfigurationError
from betterguard.live.attack.schemas import References, Schema, listed, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["METHODS", "Document", "Operation", "Parameter", "Schema", "read_document"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""The methods that are tried; OPTIONS and TRACE carry nobody's data."""

BODY_KINDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")


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
    info = mapping(raw.get("info"))
    operations, left_out = [], []
    prefix, reader = _prefix(raw), _Reader(raw)
    for path, item in mapping(raw.get("paths")).items():
        for operation, fault in reader.operations(path, prefix, item):
            if fault:
                left_out.append((operation.name, fault))
            else:
                operations.append(operation)
    return Document(
        str(info.get("title", "")), str(info.get("version", "")), tuple(operations), tuple(left_out)
    )


def _prefix(raw: Mapping[str, Any]) -> str:
    """Give the path that the document's server puts in front of every operation's."""
    server = mapping(next(iter(listed(raw.get("servers"))), None))
    address = str(server.get("url", ""))
    for name, variable in mapping(server.get("variables")).items():
        address = address.replace(f"{{{name}}}", str(mapping(variable).get("default", "")))
    try:
        path = urlsplit(address).path.strip("/")
    except ValueError:  # no address at all
        return ""
    return f"/{path}" if path and path.isprintable() else ""


class _Reader:
    """Reads path items; references are resolved against the whole document."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._security = raw.get("security")
        self._references = References(raw)
        self._schemes = mapping(mapping(raw.get("components")).get("securitySchemes"))

    def operations(self, path: str, prefix: str, item: Any) -> Iterator[tuple[Operation, str]]:
        """Give each with what keeps it from being sent; empty for nothing."""
        item = self._references.followed(item)
        fault = _fault_of(path)
        # A name is for reports, whatever stands in it.
        place = ascii(path) if fault else prefix + path
        for method in METHODS:
            spec = item.get(method.lower())
            if isinstance(spec, dict):
                operation, own = self._operation(method, place, item, spec)
                yield operation, fault or own

    def _operation(
        self, method: str, path: str, item: Mapping[str, Any], spec: Mapping[str, Any]
    ) -> tuple[Operation, str]:
        request = self._references.followed(spec.get("requestBody"))
        kind, schema, fault = self._body(request)
        parameters, unnamed = self._parameters(item, spec)
        operation = Operation(
            method,
            path,
            parameters,
            schema,
            kind,
            bool(request.get("required")),
            self._secured(spec),
        )
        return operation, unnamed or fault

    def _parameters(
        self, item: Mapping[str, Any], spec: Mapping[str, Any]
    ) -> tuple[tuple[Parameter, ...], str]:
        found = {}
        # An operation's own parameter replaces the path item's of the same name.
        for node in (*listed(item.get("parameters")), *listed(spec.get("parameters"))):
            one = self._references.followed(node)
            name, where = one.get("name"), one.get("in")
            if not (isinstance(name, str) and isinstance(where, str)):
                return (), "one of its parameters has no name or no place"
            schema = self._references.schema(one.get("schema"))
            if "example" in one:
                schema = {**schema, "example": one["example"]}
            found[name, where] = Parameter(name, where, bool(one.get("required")), schema)
        return tuple(found.values()), ""

    def _body(self, request: Mapping[str, Any]) -> tuple[str, Schema | None, str]:
        content = mapping(request.get("content"))
        if not content:
            return BODY_KINDS[0], None, ""
        plain = {kind.partition(";")[0].strip().lower(): media for kind, media in content.items()}
        for kind in BODY_KINDS:
            if kind in plain:
                return kind, self._references.schema(mapping(plain[kind]).get("schema")), ""
        fault = f"its body is {', '.join(plain)}; JSON and forms can be sent"
        return BODY_KINDS[0], None, fault if request.get("required") else ""

    def _secured(self, spec: Mapping[str, Any]) -> bool | None:
        wanted = spec.get("security", self._security)
        if not isinstance(wanted, list):
            return False if self._schemes else None
        return bool(wanted) and {} not in wanted


def _fault_of(path: str) -> str:
    """Say why a path cannot be sent: another beginning could make another host of the address."""
    if not path.startswith("/"):
        return "its path does not begin with a slash"
    return "" if path.isprintable() else "its path has control characters"
