"""What names in paths and bodies say: whose it is, and which kind of object an id belongs to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from betterguard.live.attack.openapi import Document, Operation

__all__ = ["OWNER_FIELDS", "Kinds", "is_user", "parameters_of", "refers", "words"]

OWNER_FIELDS = (
    "user_id",
    "userId",
    "owner_id",
    "ownerId",
    "owner",
    "user",
    "created_by",
    "author_id",
    "uid",
)
"""What is sent to claim an owner where the document names no such field."""

_USERS = frozenset(
    {
        *("user", "userid", "useruuid", "uid", "owner", "ownerid", "author", "authorid"),
        *("creator", "creatorid", "createdby", "createdbyid", "customerid", "sub"),
    }
)
_USER_SEGMENTS = frozenset({"user", "users", "u"})
_VERBS = frozenset({"create", "new", "add", "insert"})
_QUESTIONS = frozenset({"search", "query", "filter", "lookup", "chat", "ask"})
_NO_PLURALS = frozenset({"status", "progress", "access", "us", "stats", "analytics", "settings"})
_ID_WORDS = frozenset({"id", "ids", "uuid", "pk", "key", "slug"})
_PARAMETER = re.compile(r"\{([^}:]+)(?::[^}]*)?\}")
_BOUNDARY = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def words(name: str) -> tuple[str, ...]:
    """Split a name in snake, kebab or camel case into lower-case words."""
    return tuple(word.lower() for word in _BOUNDARY.split(name) if word)


def is_user(name: str, before: str = "") -> bool:
    """Tell whether a field or parameter names a user; ``before`` is the segment in front of it."""
    if "".join(words(name)) in _USERS:
        return True
    return words(name) == ("id",) and before.lower() in _USER_SEGMENTS


def refers(name: str) -> bool:
    """Tell whether a field holds an id, or several, of something else."""
    found = words(name)
    return len(found) > 1 and found[-1] in _ID_WORDS


def parameters_of(path: str) -> tuple[tuple[str, str], ...]:
    """Give a path's parameters, each with the path in front of it."""
    return tuple((found[1], path[: found.start()]) for found in _PARAMETER.finditer(path))


def last_segment(path: str) -> str:
    """Give the last segment of a path that is no parameter."""
    fixed = [part for part in path.split("/") if part and not part.startswith("{")]
    return fixed[-1] if fixed else ""


def singular(word: str) -> str:
    """Take the plural off an English noun, as far as paths need it."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


class Kinds:
    """The kinds of objects of an API, each named by its collection's path, with what makes them."""

    def __init__(self, document: Document) -> None:
        self.creators: dict[str, Operation] = {}
        self._by_name: dict[str, str] = {}
        holders = {_collection(one.path) for one in document.operations if one.method == "GET"}
        holders |= {
            _collection(before)
            for one in document.operations
            for name, before in parameters_of(one.path)
        }
        for operation in document.operations:
            kind = _collection(operation.path)
            last = "" if operation.path.rstrip("/").endswith("}") else last_segment(operation.path)
            held = kind in holders and last not in _QUESTIONS
            if operation.method == "POST" and last and (held or _is_plural(last)):
                self.creators.setdefault(kind, operation)
        for kind in self.creators:
            self._by_name.setdefault(_noun(last_segment(kind)), kind)
        for operation in document.operations:
            for name, before in parameters_of(operation.path):
                if _collection(before) in self.creators:
                    self._by_name.setdefault(_stem(name), _collection(before))

    def of_parameter(self, name: str, before: str) -> str:
        """Give the kind that a path parameter's id belongs to, known or not."""
        collection = _collection(before)
        if collection in self.creators:
            return collection
        return self._by_name.get(_stem(name) or _noun(last_segment(before)), collection)

    def of_field(self, name: str, path: str) -> str | None:
        """Give the kind that a body's or query's field refers to: ``project_id``, ``taskIds``.

        A bare ``id`` or ``ids`` belongs to the path's own kind.
        """
        found = words(name)
        if not found or found[-1] not in _ID_WORDS:
            return self._by_name.get(_noun(name)) if len(found) == 1 else None
        stem = _stem(name)
        return self._by_name.get(stem) if stem else self.of_path(path)

    def of_path(self, path: str) -> str | None:
        """Give the innermost kind that a path is about."""
        for part in reversed([part for part in path.split("/") if part]):
            kind = None if part.startswith("{") else self._by_name.get(_noun(part))
            if kind is not None:
                return kind
        return None

    @staticmethod
    def label(kind: str) -> str:
        """Give a kind's noun, for people."""
        return _noun(last_segment(kind)) or "object"


def _collection(path: str) -> str:
    """Bring a collection's path to one form: parameters without names, no creating verb."""
    parts = [part for part in _PARAMETER.sub("{}", path).split("/") if part]
    if parts and parts[-1].lower() in _VERBS:
        parts.pop()
    return "/" + "/".join(parts)


def _is_plural(segment: str) -> bool:
    return segment.lower() not in _NO_PLURALS and singular(segment) != segment


def _stem(name: str) -> str:
    return "_".join(word for word in words(name) if word not in _ID_WORDS)


def _noun(segment: str) -> str:
    found = words(segment)
    return "_".join((*found[:-1], singular(found[-1]))) if found else ""


def ids_in(value: Any, names: tuple[str, ...] = ()) -> str | int | None:
    """Find the id in an answer that describes one object, through envelopes such as ``data``."""
    if isinstance(value, list):
        return ids_in(value[0], names) if len(value) == 1 else None
    if not isinstance(value, dict):
        return None
    for name in (*names, "id", "_id", "uuid", "slug", "key"):
        if _is_id(value.get(name)):
            return value[name]  # type: ignore[no-any-return]  # as _is_id found
    ids = [key for key in value if refers(key) and not is_user(key) and _is_id(value[key])]
    inner = [one for one in value.values() if isinstance(one, dict)]
    for one in inner:
        found = ids_in(one, names)
        if found is not None:
            return found
    return value[ids[0]] if len(ids) == 1 else None


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""
