"""What names in paths and bodies say: whose it is, and which kind of object an id belongs to."""

from __future__ import annotations

import re

__all__ = [
    "ID_WORDS",
    "OWNER_FIELDS",
    "QUESTIONS",
    "collection_of",
    "is_plural",
    "is_user",
    "last_segment",
    "noun",
    "parameters_of",
    "refers",
    "singular",
    "stem",
    "words",
]

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
QUESTIONS = frozenset({"search", "query", "filter", "lookup", "chat", "ask"})
NO_PLURALS = frozenset({"status", "progress", "access", "us", "stats", "analytics", "settings"})
ID_WORDS = frozenset({"id", "ids", "uuid", "pk", "key", "slug"})
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
    return len(found) > 1 and found[-1] in ID_WORDS


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


def collection_of(path: str) -> str:
    """Bring a collection's path to one form: parameters without names, no creating verb."""
    parts = [part for part in _PARAMETER.sub("{}", path).split("/") if part]
    if parts and parts[-1].lower() in _VERBS:
        parts.pop()
    return "/" + "/".join(parts)


def is_plural(segment: str) -> bool:
    """Tell whether a segment names a collection."""
    return segment.lower() not in NO_PLURALS and singular(segment) != segment


def stem(name: str) -> str:
    """Give what the id is of: ``project`` for ``project_id``; empty for a bare id."""
    return "_".join(word for word in words(name) if word not in ID_WORDS)


def noun(segment: str) -> str:
    """Give a segment in the singular."""
    found = words(segment)
    return "_".join((*found[:-1], singular(found[-1]))) if found else ""
