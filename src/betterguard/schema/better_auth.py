"""Better Auth's tables, mapped beside one's own and never owned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import MetaData
from sqlalchemy.orm import registry

from betterguard.errors import ConfigurationError
from betterguard.schema.layout import MODELS, Layout, Model
from betterguard.schema.models import TABLES, better_auth_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    from betterguard.schema.models import (
        BetterAuthAccount,
        BetterAuthJwks,
        BetterAuthSession,
        BetterAuthTable,
        BetterAuthUser,
        BetterAuthVerification,
    )

__all__ = ["BetterAuthTables", "map_better_auth"]


class HasMetaData(Protocol):
    """What models are declared on: a declarative base, SQLModel or a ``registry``."""

    @property
    def metadata(self) -> MetaData:
        """Where the tables are."""
        ...


@dataclass(frozen=True)
class BetterAuthTables:
    """Better Auth's tables, each as a mapped class, on one ``MetaData``."""

    layout: Layout
    metadata: MetaData
    user: type[BetterAuthUser]
    session: type[BetterAuthSession]
    account: type[BetterAuthAccount]
    verification: type[BetterAuthVerification]
    jwks: type[BetterAuthJwks]


def map_better_auth(
    target: HasMetaData | MetaData,
    layout: Layout | None = None,
    *,
    info: Mapping[str, Any] | None = None,
) -> BetterAuthTables:
    """Map Better Auth's tables on the application's own registry, so that foreign keys resolve.

    ``target`` is the declarative base, SQLModel, a ``registry`` or a ``MetaData``. Tables that
    a class of the application maps already, derived from ``BetterAuthUser`` and the others,
    are taken as they are; so a second call gives the same classes again. ``info`` is put into
    the ``info`` of the other tables, for example what ``betterguard.rows.closed()`` gives.

    Raises ConfigurationError when another class of the application has taken a table's name.
    """
    chosen = layout or Layout()
    where = _registry_of(target)
    mapped: dict[str, Any] = {model: _mapped(where, chosen, model, info) for model in MODELS}
    return BetterAuthTables(layout=chosen, metadata=where.metadata, **mapped)


def _registry_of(target: HasMetaData | MetaData) -> registry:
    if isinstance(target, registry):
        return target
    if isinstance(target, MetaData):
        return registry(metadata=target)
    own = getattr(target, "registry", None)
    return own if isinstance(own, registry) else registry(metadata=target.metadata)


def _mapped(
    where: registry, layout: Layout, model: Model, info: Mapping[str, Any] | None
) -> type[BetterAuthTable]:
    classes = map(better_auth_class, where.metadata.tables.values())
    for cls in filter(None, classes):
        if cls.__better_auth_model__ == model:
            return cls
    _require_free(where.metadata, layout, model)
    namespace = {
        "__better_auth__": layout,
        "__module__": __name__,
        "__table_args__": {"info": dict(info or {})},
    }
    return where.mapped(type(f"Auth{model.capitalize()}", (TABLES[model],), namespace))


def _require_free(metadata: MetaData, layout: Layout, model: Model) -> None:
    schema = layout.schema or metadata.schema
    key = f"{schema}.{layout.table(model)}" if schema else layout.table(model)
    if key in metadata.tables:
        fault = (
            f"the table {key!r} is Better Auth's and mapped by a class of the application: "
            f"derive that class from BetterAuth{model.capitalize()}, or let map_better_auth map it"
        )
        raise ConfigurationError([fault])
