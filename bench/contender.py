"""One route, unguarded or behind one package: what the overhead measurement serves.

The environment names the contender (``CONTENDER``) and the issuer (``BETTER_AUTH_URL``). The
packages are imported where they are used: they live in different environments.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import urllib.request
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from jwt.algorithms import OKPAlgorithm
from starlette.requests import HTTPConnection  # noqa: TC002 - read by FastAPI

URL = os.environ.get("BETTER_AUTH_URL", "")


async def nothing(connection: HTTPConnection) -> None:
    """Depend on the request, as a guard does, and do nothing with it."""


def bare() -> FastAPI:
    """Serve the route with nothing in front of it."""
    app = FastAPI()

    @app.get("/me")
    async def me() -> dict[str, str]:
        return {"id": "ada"}

    return app


def empty() -> FastAPI:
    """Serve the route behind an asynchronous dependency that does nothing: FastAPI's own cost."""
    app = FastAPI()

    @app.get("/me")
    async def me(_: Annotated[None, Depends(nothing)]) -> dict[str, str]:
        return {"id": "ada"}

    return app


def signature() -> FastAPI:
    """Serve the route behind the signature check alone: no rule, no memory, no key look-up."""
    with urllib.request.urlopen(f"{URL}/api/auth/jwks") as response:  # noqa: S310 - our own server
        public: Any = OKPAlgorithm.from_jwk(json.load(response)["keys"][0])

    async def check(connection: HTTPConnection) -> None:
        message, _, end = dict(connection.scope["headers"])[b"authorization"][7:].rpartition(b".")
        public.verify(base64.urlsafe_b64decode(end + b"=="), message)

    app = FastAPI()

    async def me(_: Any) -> dict[str, str]:  # noqa: ANN401 - annotated below
        return {"id": "ada"}

    me.__annotations__["_"] = Annotated[None, Depends(check)]
    app.get("/me")(me)
    return app


def betterguard() -> FastAPI:
    """Serve the route behind this package's guard."""
    from betterguard import BetterGuard, User  # noqa: PLC0415 - not in the peers' environment

    guard = BetterGuard.from_env(env_file=None)
    app = FastAPI(lifespan=guard.lifespan)

    async def me(user: Any) -> dict[str, str]:  # noqa: ANN401 - annotated below
        return {"id": user.id}

    me.__annotations__["user"] = Annotated[User, Depends(guard.user)]
    app.get("/me")(me)
    return app


def without_pynacl() -> FastAPI:
    """Serve the route behind this package's guard where PyNaCl is not installed."""
    sys.modules["nacl"] = None  # type: ignore[assignment] # what an absent package is
    return betterguard()


def bridge() -> FastAPI:
    """Serve the route behind fastapi-better-auth-bridge, its key-set mode."""
    from fastapi_better_auth import (  # type: ignore[import-not-found] # noqa: PLC0415 - a peer
        BetterAuth,
        Httpx2Transport,
        JwtVerifier,
        Session,
        User,
    )

    auth = BetterAuth(verifiers=[JwtVerifier(base_url=URL, transport=Httpx2Transport())])
    app = FastAPI()

    async def me(session: Any) -> dict[str, str]:  # noqa: ANN401 - annotated below
        return {"id": session.user.id}

    me.__annotations__["session"] = Annotated[Session[User], Depends(auth.current_session())]
    app.get("/me")(me)
    return app


def betterauth() -> FastAPI:
    """Serve the route behind fastapi-betterauth, as its README shows it."""
    from fastapi_betterauth import (  # type: ignore[import-not-found] # noqa: PLC0415 - a peer
        BetterAuth,
    )

    better_auth = BetterAuth(URL)
    app = FastAPI()

    async def me(user: Any) -> dict[str, str]:  # noqa: ANN401 - annotated below
        return {"id": user["id"]}

    me.__annotations__["user"] = Annotated[dict[str, Any], Depends(better_auth)]
    app.get("/me")(me)
    return app


CONTENDERS = {
    "bare": bare,
    "empty": empty,
    "signature": signature,
    "betterguard": betterguard,
    "betterguard-without-pynacl": without_pynacl,
    "fastapi-better-auth-bridge": bridge,
    "fastapi-betterauth": betterauth,
}
app = CONTENDERS[os.environ.get("CONTENDER", "bare")]()
