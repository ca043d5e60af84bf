"""What this application itself reads from the environment; the guard reads its own part."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["settings"]


class AppSettings(BaseSettings):
    """The application's settings, from the environment and ``.env``.

    ``database_url`` is an SQLAlchemy URL (``postgresql+asyncpg://…``) of the role that the
    application has; ``database_owner_url`` that of the tables' owner, for
    ``python -m app.prepare`` alone.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", hide_input_in_errors=True)

    database_url: str
    database_owner_url: str = ""


settings = AppSettings()  # type: ignore[call-arg]  # filled from the environment
