"""The kinds of objects of an API: what makes them, lists them and takes one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.live.attack.naming import (
    ID_WORDS,
    QUESTIONS,
    collection_of,
    is_plural,
    is_user,
    last_segment,
    noun,
    parameters_of,
    stem,
    words,
)

if TYPE_CHECKING:
    from betterguard.live.attack.openapi import Document, Operation

__all__ = ["Kinds"]


class Kinds:
    """The kinds of objects of an API, each named by its collection's path, with what makes them."""

    def __init__(self, document: Document) -> None:
        self.creators: dict[str, Operation] = {}
        self._operations = document.operations
        self._by_name: dict[str, str] = {}
        holders = {collection_of(one.path) for one in document.operations if one.method == "GET"}
        holders |= {
            collection_of(before)
            for one in document.operations
            for name, before in parameters_of(one.path)
        }
        for operation in document.operations:
            kind = collection_of(operation.path)
            last = "" if operation.path.rstrip("/").endswith("}") else last_segment(operation.path)
            held = kind in holders and last not in QUESTIONS
            if operation.method == "POST" and last and (held or is_plural(last)):
                self.creators.setdefault(kind, operation)
        for kind in self.creators:
            self._by_name.setdefault(noun(last_segment(kind)), kind)
        for operation in document.operations:
            for name, before in parameters_of(operation.path):
                if collection_of(before) in self.creators:
                    self._by_name.setdefault(stem(name), collection_of(before))

    def of_parameter(self, name: str, before: str) -> str:
        """Give the kind that a path parameter's id belongs to, known or not."""
        collection = collection_of(before)
        if collection in self.creators:
            return collection
        return self._by_name.get(stem(name) or noun(last_segment(before)), collection)

    def of_field(self, name: str, path: str) -> str | None:
        """Give the kind that a body's or query's field refers to: ``project_id``, ``taskIds``.

        A bare ``id`` or ``ids`` belongs to the path's own kind.
        """
        found = words(name)
        if not found or found[-1] not in ID_WORDS:
            return self._by_name.get(noun(name)) if len(found) == 1 else None
        of = stem(name)
        return self._by_name.get(of) if of else self.of_path(path)

    def of_path(self, path: str) -> str | None:
        """Give the innermost kind that a path is about."""
        for part in reversed([part for part in path.split("/") if part]):
            kind = None if part.startswith("{") else self._by_name.get(noun(part))
            if kind is not None:
                return kind
        return None

    def made_by(self, operation: Operation) -> str:
        """Give the kind that an operation makes; its own path for one that makes nothing."""
        creators = self.creators.items()
        return next((kind for kind, one in creators if one is operation), operation.path)

    def in_path(self, operation: Operation) -> tuple[str, ...]:
        """Give the kinds whose ids are in an operation's path, the outermost first."""
        return tuple(
            self.of_parameter(name, before)
            for name, before in parameters_of(operation.path)
            if not is_user(name, last_segment(before))
        )

    def listing(self, kind: str) -> Operation | None:
        """Give the operation that lists a kind of objects."""
        creator = self.creators.get(kind)
        paths = {creator.path.rstrip("/")} if creator else set()
        gets = (one for one in self._operations if one.method == "GET")
        return next((one for one in gets if one.path.rstrip("/") in paths), None)

    def on_item(self, method: str, kind: str) -> Operation | None:
        """Give the operation with this method whose path ends with the id of such an object."""
        for operation in self._operations:
            if operation.method != method or not operation.path.rstrip("/").endswith("}"):
                continue
            name, before = parameters_of(operation.path)[-1]
            named = is_user(name, last_segment(before))
            if not named and self.of_parameter(name, before) == kind:
                return operation
        return None

    @staticmethod
    def label(kind: str) -> str:
        """Give a kind's noun, for people."""
        return noun(last_segment(kind)) or "object"
