"""What is examined: the settings as they stand, and the addresses that the caller named."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from betterguard.addresses import AddressRefused, parse_address
from betterguard.environment import Environment
from betterguard.errors import ConfigurationError
from betterguard.settings import DEFAULT_API_PATH, Settings, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Subject", "read_environment", "usable_settings"]

KEY_SET_PATH = "/jwks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the checks look at; nothing of it that is secret shows in a ``repr``.

    ``settings`` are those that the variables give once the faulty ones are left out, None when
    these do not make sense alone. ``api`` is the back end's address without a slash at its
    end, ``api_path`` a path there that needs a token. ``metadata`` is ``module:attribute``.
    ``clock`` gives seconds since 1970. ``probe_sign_in`` allows a few failing sign-ins on a
    server that is not on this machine.
    """

    environment: Environment
    settings: Settings | None = None
    faults: tuple[str, ...] = ()
    api: str = ""
    api_path: str = ""
    database: str = field(default="", repr=False)
    metadata: str = ""
    token: str = field(default="", repr=False)
    probe_sign_in: bool = False
    clock: Callable[[], float] = time.time

    @property
    def key_set_url(self) -> str:
        """Where the guard fetches keys from; empty when it takes a shared secret only."""
        return (self.settings and self.settings.jwks_url) or ""

    @property
    def auth_url(self) -> str:
        """Where Better Auth's own routes are, as seen from here; empty when nobody says."""
        if self.environment.better_auth_jwks_url and self.key_set_url.endswith(KEY_SET_PATH):
            return self.key_set_url.removesuffix(KEY_SET_PATH)
        try:
            base = parse_address(self.environment.better_auth_url.strip().strip("\"'"))
        except AddressRefused:
            return ""
        return base.origin + (base.path or DEFAULT_API_PATH)


def read_environment(env_file: str | Path | None) -> Environment:
    """Read the variables, and the file behind them; `ConfigurationError` when it is unreadable."""
    try:
        # pydantic-settings takes _env_file; pyright sees only the fields.
        return Environment(_env_file=env_file)  # pyright: ignore[reportCallIssue]
    except (OSError, UnicodeDecodeError) as err:
        fault = f"{env_file} cannot be read as UTF-8 text ({type(err).__name__})"
        raise ConfigurationError([fault]) from None


def usable_settings(environment: Environment) -> tuple[Settings | None, tuple[str, ...]]:
    """Give the settings, and every fault; faulty variables are left out of the settings.

    So the rest can be examined although something is wrong.
    """
    try:
        return check(environment), ()
    except ConfigurationError as refused:
        faults = refused.faults
    return _without_faults(environment, faults), faults


def _without_faults(environment: Environment, faults: tuple[str, ...]) -> Settings | None:
    names = {fault.split()[0].lower() for fault in faults} & set(Environment.model_fields)
    given = {name: "" for name in names if getattr(environment, name)}
    if not given:
        return None
    return usable_settings(environment.model_copy(update=given))[0]
