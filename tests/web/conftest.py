"""A guarded application in the process, and tokens for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from fastapi import FastAPI

from betterguard import BetterGuard, Settings
from betterguard.settings import TokenSource

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "0123456789abcdef0123456789abcdef-web-tests"
ISSUER = "https://app.example"
FRONT_END = "https://app.example"
CHATBOT = "https://chat.example"
HALF_A_DAY = 43_200  # seconds: some tokens are made when tests are collected, long before their use


def make_settings(**changes: Any) -> Settings:
    defaults: dict[str, Any] = {
        "tokens": TokenSource.SECRET,
        "issuers": frozenset({ISSUER}),
        "audiences": frozenset({ISSUER}),
        "secrets": (SECRET,),
        "frontend_origins": (FRONT_END, CHATBOT),
    }
    return Settings(**{**defaults, **changes})


@pytest.fixture
def settings() -> Settings:
    return make_settings()


@pytest.fixture
def guard(settings: Settings) -> BetterGuard[Any]:
    return BetterGuard(settings)


@pytest.fixture
def app(guard: BetterGuard[Any]) -> FastAPI:
    app = FastAPI(lifespan=guard.lifespan)
    guard.install(app)
    return app


@pytest.fixture
def token() -> Callable[..., str]:
    return make_token


def make_token(user_id: str = "ada", *, secret: str = SECRET, **claims: Any) -> str:
    now = int(time.time())
    payload = {
        "sub": user_id,
        "iss": ISSUER,
        "aud": ISSUER,
        "iat": now,
        "exp": now + HALF_A_DAY,
        "name": "Ada",
        "email": "ada@app.example",
        "emailVerified": True,
        **claims,
    }
    return jwt.encode(payload, secret, "HS256")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
