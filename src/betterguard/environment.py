"""The environment's variables and those of ``.env``, as they stand: text, and not yet judged."""

from __future__ import annotations

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from betterguard.addresses import split_list

__all__ = ["Environment"]


class Environment(BaseSettings):
    """The variables as they stand, all text: nothing is judged here, so nothing can be quoted."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", extra="ignore", hide_input_in_errors=True
    )

    better_auth_url: str = ""
    better_auth_secret: str = Field(default="", repr=False)
    better_auth_secrets: str = Field(default="", repr=False)
    better_auth_tokens: str = ""
    better_auth_jwks_url: str = ""
    better_auth_issuer: str = ""
    better_auth_audience: str = ""
    better_auth_user_id_claim: str = ""
    better_auth_leeway: str = ""
    better_auth_max_lifetime: str = ""
    better_auth_allow_http: str = ""
    better_auth_cookie_cache: str = ""
    better_auth_cookie_prefix: str = ""
    better_auth_revocation_store: str = Field(default="", repr=False)
    better_auth_revocation_secret: str = Field(default="", repr=False)
    better_auth_revocation_max_staleness: str = ""
    frontend_url: str = ""
    frontend_preview_url: str = ""
    environment: str = Field(
        default="",
        validation_alias=AliasChoices(
            "environment", "app_env", "vercel_env", "railway_environment_name"
        ),
    )

    @property
    def production(self) -> bool:
        """Whether people use this application in earnest."""
        return self.environment.strip().lower() in ("production", "prod")

    @property
    def given_secrets(self) -> list[str]:
        """The secrets, newest first, unchecked."""
        # Better Auth 1.5: BETTER_AUTH_SECRETS="2:newest,1:older" wins over BETTER_AUTH_SECRET.
        versioned = split_list(self.better_auth_secrets)
        if versioned:
            return [entry.partition(":")[2] for entry in versioned]
        return [self.better_auth_secret] if self.better_auth_secret else []
