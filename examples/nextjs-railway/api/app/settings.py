"""Where the database is; the guard reads its own settings."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url

__all__ = ["DatabaseSettings", "for_asyncpg", "settings"]


class DatabaseSettings(BaseSettings):
    """``DATABASE_URL`` of the application's role, ``OWNER_DATABASE_URL`` of the tables' owner."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", hide_input_in_errors=True)

    database_url: str
    owner_database_url: str = ""


def for_asyncpg(address: str) -> URL:
    """Give the address with asyncpg as its driver, as hosts write it without one."""
    return make_url(address).set(drivername="postgresql+asyncpg")


settings = DatabaseSettings()  # pyright: ignore[reportCallIssue]  # filled from the environment
