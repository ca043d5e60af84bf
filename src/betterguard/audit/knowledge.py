"""What the configuration tells about a project that its code does not."""

from __future__ import annotations

from dataclasses import dataclass, field

OWNER_COLUMNS = frozenset({"user_id", "userId", "owner_id", "ownerId", "userid"})
"""Names of columns that tell whose a row is."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Paths that are public, dependencies that authenticate, columns that hold owners."""

    public_routes: tuple[str, ...] = ()
    auth_dependencies: tuple[str, ...] = ()
    owner_columns: frozenset[str] = field(default=OWNER_COLUMNS)
