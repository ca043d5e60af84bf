"""How Better Auth's tables are named and typed in one database."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from sqlalchemy import Integer, Text, Uuid

from betterguard.errors import ConfigurationError
from betterguard.schema.stored_dates import EpochMilliseconds, IsoText
from betterguard.schema.timestamps import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.types import TypeEngine

__all__ = ["MODELS", "PLUGIN_TABLES", "Layout", "Model"]

Model = Literal["user", "session", "account", "verification", "jwks"]
MODELS: tuple[Model, ...] = get_args(Model)

# Tables of Better Auth's own plugins, by the names of its models.
PLUGIN_TABLES = (
    *("organization", "member", "invitation", "team", "teamMember", "organizationRole"),
    *("twoFactor", "passkey", "apikey", "rateLimit", "deviceCode", "walletAddress"),
    *("oauthApplication", "oauthClient", "oauthAccessToken", "oauthRefreshToken", "oauthConsent"),
    *("ssoProvider", "scimProvider"),
)

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How Better Auth's tables are named and typed, in the words of Better Auth's options.

    ``columns``: ``"camelCase"`` (its own migration, Prisma) or ``"snake_case"`` (Drizzle).
    ``dates``: ``"timestamptz"`` (its own migration), ``"timestamp"`` holding UTC (Drizzle,
    Prisma), and on SQLite ``"iso-text"`` (its own migration) or ``"epoch-ms"`` (Drizzle).
    ``ids``: ``"text"``, or ``"uuid"`` or ``"serial"`` when ``generateId`` says so.
    ``plural`` is ``usePlural``, ``tables`` the ``modelName`` of a model, ``fields`` the
    ``fields`` of a model, ``schema`` the PostgreSQL schema. ``plugin_tables`` are models of
    plugins, which are not mapped and which Alembic is to leave alone as well.
    """

    columns: Literal["camelCase", "snake_case"] = "camelCase"
    dates: Literal["timestamptz", "timestamp", "iso-text", "epoch-ms"] = "timestamptz"
    ids: Literal["text", "uuid", "serial"] = "text"
    plural: bool = False
    tables: Mapping[str, str] = field(default_factory=dict, hash=False)
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    schema: str | None = None
    plugin_tables: tuple[str, ...] = PLUGIN_TABLES

    def __post_init__(self) -> None:
        faults = [*self._unknown_models(), *self._unknown_choices()]
        if faults:
            raise ConfigurationError(faults)

    def table(self, model: str) -> str:
        """Give the name of a model's table, without its schema."""
        name = self.tables.get(model) or self._cased(model)
        return f"{name}s" if self.plural else name

    def column(self, model: str, name: str) -> str:
        """Give the name of the column that holds a field, which is named in camelCase."""
        return self.fields.get(model, {}).get(name) or self._cased(name)

    def reference(self, model: Model) -> str:
        """Give the id of a model's table as ``ForeignKey`` takes it."""
        prefix = f"{self.schema}." if self.schema else ""
        return f"{prefix}{self.table(model)}.{self.column(model, 'id')}"

    def id_type(self) -> TypeEngine[Any]:
        """Give the type of an id and of what refers to one."""
        types: dict[str, TypeEngine[Any]] = {"text": Text(), "uuid": Uuid(), "serial": Integer()}
        return types[self.ids]

    def date_type(self) -> TypeEngine[Any]:
        """Give the type of a date: aware UTC in Python, whatever is stored."""
        return {
            "timestamptz": UtcDateTime(),
            "timestamp": UtcDateTime(timezone=False),
            "iso-text": IsoText(),
            "epoch-ms": EpochMilliseconds(),
        }[self.dates]

    def _cased(self, name: str) -> str:
        return snake_case(name) if self.columns == "snake_case" else name

    def _unknown_models(self) -> list[str]:
        known = ", ".join(MODELS)
        return [
            f"Layout({option}=…) knows the models {known}, got {model!r}"
            for option in ("tables", "fields")
            for model in getattr(self, option)
            if model not in (*MODELS, *self.plugin_tables)
        ]

    def _unknown_choices(self) -> list[str]:
        choices = {
            "columns": ("camelCase", "snake_case"),
            "dates": ("timestamptz", "timestamp", "iso-text", "epoch-ms"),
            "ids": ("text", "uuid", "serial"),
        }
        return [
            f"Layout({option}=…) is one of {', '.join(allowed)}, got {getattr(self, option)!r}"
            for option, allowed in choices.items()
            if getattr(self, option) not in allowed
        ]


def snake_case(name: str) -> str:
    """Write a camelCase name as Drizzle's generated schema has it."""
    return _HUMP.sub("_", name).lower()
