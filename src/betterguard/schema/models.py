"""Better Auth's models, field by field, as classes that a layout gives their columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from sqlalchemy import Boolean, ForeignKey, MetaData, Table, Text
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column
from sqlalchemy.sql.schema import HasConditionalDDL

from betterguard.schema.layout import Layout, Model

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.types import TypeEngine

__all__ = [
    "TABLES",
    "BetterAuthAccount",
    "BetterAuthJwks",
    "BetterAuthSession",
    "BetterAuthTable",
    "BetterAuthUser",
    "BetterAuthVerification",
    "Field",
    "better_auth_class",
    "camel_case",
    "fields_of",
]

# Where a Table's ``info`` holds the class that maps it, if it is one of Better Auth's.
INFO_KEY = "betterguard.better_auth"


@dataclass(frozen=True)
class Field:
    """One field of a Better Auth model.

    A secret is not loaded unless a query asks for it by ``undefer``; reading it otherwise
    raises. One that not every table has is loaded when it is read.
    """

    kind: Literal["id", "user", "text", "boolean", "date"]
    nullable: bool = False
    secret: bool = False
    rare: bool = False

    def mapped(self, layout: Layout, model: Model, attribute: str) -> MappedColumn[Any]:
        """Make the column as the layout has it."""
        target = [ForeignKey(layout.reference("user"))] if self.kind == "user" else []
        return mapped_column(
            layout.column(model, camel_case(attribute)),
            self.type(layout),
            *target,
            primary_key=self.kind == "id",
            nullable=self.nullable,
            deferred=self.secret or self.rare,
            deferred_raiseload=self.secret,
        )

    def type(self, layout: Layout) -> TypeEngine[Any]:
        """Give the type of the column as the layout has it."""
        if self.kind in {"id", "user"}:
            return layout.id_type()
        if self.kind == "date":
            return layout.date_type()
        return Boolean() if self.kind == "boolean" else Text()


def _id() -> Mapped[Any]:
    return cast("Mapped[Any]", Field("id"))


def _user() -> Mapped[Any]:
    return cast("Mapped[Any]", Field("user"))


def _text() -> Mapped[str]:
    return cast("Mapped[str]", Field("text"))


def _optional_text(*, rare: bool = False) -> Mapped[str | None]:
    return cast("Mapped[str | None]", Field("text", nullable=True, rare=rare))


def _secret() -> Mapped[str]:
    return cast("Mapped[str]", Field("text", secret=True))


def _optional_secret() -> Mapped[str | None]:
    return cast("Mapped[str | None]", Field("text", nullable=True, secret=True))


def _boolean() -> Mapped[bool]:
    return cast("Mapped[bool]", Field("boolean"))


def _date() -> Mapped[datetime]:
    return cast("Mapped[datetime]", Field("date"))


def _optional_date(*, rare: bool = False) -> Mapped[datetime | None]:
    return cast("Mapped[datetime | None]", Field("date", nullable=True, rare=rare))


class NotOurs(HasConditionalDDL, Table):
    """A table that ``create_all`` and ``drop_all`` pass over."""

    inherit_cache = True


class BetterAuthTable:
    """What the five tables have in common.

    Derive a mapped class from one of them and the application's base, for fields of one's
    own beside Better Auth's; ``__better_auth__`` is the layout. ``map_better_auth`` maps
    those that nothing of one's own maps.
    """

    __better_auth__: ClassVar[Layout] = Layout()
    __better_auth_model__: ClassVar[Model]

    id = _id()

    def __init_subclass__(cls, **options: object) -> None:
        if "__better_auth_model__" not in cls.__dict__:
            _declare(cls)
        super().__init_subclass__(**options)

    @classmethod
    def __table_cls__(cls, name: str, metadata: MetaData, *items: Any, **options: Any) -> Table:  # noqa: ANN401 - SQLAlchemy's own arguments
        """Make the table as one that is not ours; SQLAlchemy calls this."""
        options.setdefault("schema", cls.__better_auth__.schema)
        info = {**options.pop("info", {}), INFO_KEY: cls}
        return NotOurs(name, metadata, *items, info=info, **options).ddl_if(callable_=_never)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} id={self.__dict__.get('id')!r}>"


class BetterAuthUser(BetterAuthTable):
    """Someone who has signed up: Better Auth's ``user``."""

    __better_auth_model__ = "user"

    name = _text()
    email = _text()
    email_verified = _boolean()
    image = _optional_text()
    created_at = _date()
    updated_at = _date()


class BetterAuthSession(BetterAuthTable):
    """A sign-in that lasts: Better Auth's ``session``. Its token is a secret."""

    __better_auth_model__ = "session"

    user_id = _user()
    token = _secret()
    expires_at = _date()
    created_at = _date()
    updated_at = _date()
    ip_address = _optional_text()
    user_agent = _optional_text()


class BetterAuthAccount(BetterAuthTable):
    """A way to sign in: Better Auth's ``account``. Password hash and tokens are secrets."""

    __better_auth_model__ = "account"

    user_id = _user()
    account_id = _text()
    provider_id = _text()
    password = _optional_secret()
    access_token = _optional_secret()
    refresh_token = _optional_secret()
    id_token = _optional_secret()
    access_token_expires_at = _optional_date()
    refresh_token_expires_at = _optional_date()
    scope = _optional_text()
    created_at = _date()
    updated_at = _date()


class BetterAuthVerification(BetterAuthTable):
    """A proof that is awaited: Better Auth's ``verification``.

    Value and identifier are secrets: a password reset has its token in the identifier.
    """

    __better_auth_model__ = "verification"

    identifier = _secret()
    value = _secret()
    expires_at = _date()
    created_at = _optional_date()
    updated_at = _optional_date()


class BetterAuthJwks(BetterAuthTable):
    """A signing key of the ``jwt`` plugin: Better Auth's ``jwks``. Its id is the ``kid``."""

    __better_auth_model__ = "jwks"

    public_key = _text()
    private_key = _secret()
    created_at = _date()
    expires_at = _optional_date(rare=True)
    alg = _optional_text(rare=True)
    crv = _optional_text(rare=True)


TABLES: dict[Model, type[BetterAuthTable]] = {
    "user": BetterAuthUser,
    "session": BetterAuthSession,
    "account": BetterAuthAccount,
    "verification": BetterAuthVerification,
    "jwks": BetterAuthJwks,
}


def better_auth_class(table: Table) -> type[BetterAuthTable] | None:
    """Give the class that maps a table if it is one of Better Auth's, else None."""
    found: type[BetterAuthTable] | None = table.info.get(INFO_KEY)
    return found


def fields_of(cls: type[BetterAuthTable]) -> dict[str, Field]:
    """Give Better Auth's own fields of a model, by the name of the attribute."""
    model = TABLES[cls.__better_auth_model__]
    members = {**vars(BetterAuthTable), **vars(model)}
    return {name: value for name, value in members.items() if isinstance(value, Field)}


def camel_case(name: str) -> str:
    """Write an attribute's name as Better Auth names the field."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _never(*_arguments: object, **_options: object) -> bool:
    return False


def _declare(cls: type[BetterAuthTable]) -> None:
    """Give a class the columns of its model, but for those that it declares itself."""
    layout, model = cls.__better_auth__, cls.__better_auth_model__
    if "__tablename__" not in cls.__dict__:
        cls.__tablename__ = layout.table(model)  # type: ignore[attr-defined]  # SQLAlchemy reads it
    for name, field in fields_of(cls).items():
        if name not in cls.__dict__:
            setattr(cls, name, field.mapped(layout, model, name))
