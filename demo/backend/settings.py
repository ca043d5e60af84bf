"""What this application itself reads from the environment; the guard reads its own part."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["settings"]


class AppSettings(BaseSettings):
    """The application's settings.

    ``DATABASE_URL`` is an SQLAlchemy URL for asyncpg; ``DATABASE_POOLER`` says that PgBouncer
    stands there, in transaction mode.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    database_url: str
    database_pooler: bool = False


settings = AppSettings()  # pyright: ignore[reportCallIssue]  # filled from the environment
