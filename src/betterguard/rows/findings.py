"""What inspection found wrong, and the SQL that mends it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One thing in the database that lets a user reach another's rows.

    ``code`` is a stable word, ``subject`` the table, view, function or role, ``mend`` the SQL
    to run as the owner; empty where only a person can decide.
    """

    code: str
    subject: str
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.message}. Mend it with: {self.mend}" if self.mend else self.message
