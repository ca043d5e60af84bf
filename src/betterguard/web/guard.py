"""BetterGuard: what an application holds; one flat asynchronous dependency a need."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from betterguard.console import force_utf8
from betterguard.errors import (
    AuthError,
    ConfigurationError,
    Forbidden,
    InvalidToken,
    MissingToken,
    Reason,
)
from betterguard.settings import Settings, TokenSource
from betterguard.tokens import (
    EitherKeys,
    RemoteKeySet,
    SharedSecrets,
    TokenKind,
    TokenVerifier,
)
from betterguard.user import User
from betterguard.web import cors
from betterguard.web.answers import add_error_answers
from betterguard.web.bearer import Carrier, cookie_credential, read_bearer
from betterguard.web.dependency import Dependency, NotBare
from betterguard.web.refusals import RefusalLog
from betterguard.web.routes import document_answers, path_faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from fastapi import FastAPI
    from starlette.requests import HTTPConnection

    from betterguard.tokens import Claims, KeySource
    from betterguard.web.bearer import Credential

__all__ = ["BetterGuard"]

logger = logging.getLogger("betterguard.web")

U = TypeVar("U")
V = TypeVar("V")
