"""Who is calling: what a verified token says of its user."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["User"]


@dataclass(frozen=True, slots=True)
class User:
    """The user whom a verified token names.

    Better Auth puts the user's row into its tokens unless the application writes its own
    ``definePayload``; so everything but ``id`` may be missing. ``claims`` is the whole
    payload, read-only. Only ``id`` is shown in a ``repr``.
    """

    id: str
    email: str | None = field(default=None, repr=False)
    email_verified: bool = field(default=False, repr=False)
    name: str | None = field(default=None, repr=False)
    image: str | None = field(default=None, repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_claims(cls, user_id: str, claims: Mapping[str, Any]) -> User:
        """Build the user from a verified payload; a claim of another type counts as absent."""
        return cls(
            id=user_id,
            email=_text(claims.get("email")),
            email_verified=claims.get("emailVerified") is True,
            name=_text(claims.get("name")),
            image=_text(claims.get("image")),
            claims=claims,
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
