"""What this application itself reads from the environment; the guard reads its own part."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["settings"]


class AppSettings(BaseSettings):
    """The application's settings: ``DATABASE_URL``, an SQLAlchemy URL for asyncpg."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    database_url: str


settings = AppSettings()  # pyright: ignore[reportCallIssue]  # filled from the environment
