"""Which paths of an API may be asked without a token, read from its OpenAPI document."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Operation", "readable_operations"]

PARAMETER = re.compile(r"\{[^}]*\}")
PLACEHOLDER = "betterguard-doctor"


@dataclass(frozen=True, slots=True)
class Operation:
    """A GET operation; ``secured`` when the document says that it needs a credential."""

    path: str
    secured: bool


def readable_operations(document: bytes) -> list[Operation]:
    """Give the GET operations, those that need a credential first; [] for anything else."""
    try:
        data = json.loads(document)
    except (ValueError, RecursionError):
        return []
    found = list(_operations(data)) if isinstance(data, dict) else []
    return sorted(found, key=lambda operation: not operation.secured)


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    paths = document.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        operation = item.get("get") if isinstance(item, dict) else None
        # Any other beginning could make another host of the address that it is put behind.
        if isinstance(operation, dict) and path.startswith("/"):
            secured = operation.get("security", document.get("security"))
            yield Operation(PARAMETER.sub(PLACEHOLDER, path), bool(secured))
