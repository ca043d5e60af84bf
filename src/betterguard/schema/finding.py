"""One thing that is wrong between the models and the database, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Code", "SchemaFinding"]

Code = Literal[
    "better-auth-layout",
    "better-auth-missing",
    "better-auth-renamed",
    "default-frozen",
    "default-in-session-zone",
    "table-missing",
    "time-as-number",
    "time-as-text",
    "timestamps-missing",
    "user-id-type",
    "zone-missing",
    "zone-unexpected",
]


@dataclass(frozen=True)
class SchemaFinding:
    """What is wrong with a table or with one of its columns.

    ``code`` is a stable word, ``problem`` and ``cure`` are sentences, ``sql`` is what mends
    the database, empty where the cure is another one. The SQL is for a migration that
    somebody has read; nothing here runs it.
    """

    code: Code
    table: str
    column: str
    problem: str
    cure: str
    sql: str = ""

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}" if self.column else self.table
        lines = [f"{place}: {self.problem} [{self.code}]", f"  {self.cure}"]
        return "\n".join([*lines, *(f"    {line}" for line in self.sql.splitlines())])
