"""Whatever bytes come as a credential: the route answers, or a 401 does; never a 500."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from betterguard import BetterGuard, User
from betterguard.tokens import EitherKeys, SharedSecrets, StaticKeys
from tests.tokens import strategies
from tests.tokens.issuers import NOW, issuer, signing_key
from tests.web.conftest import make_settings

URL = issuer().url
SECRET: str = issuer("HS256").key.secret  # type: ignore[union-attr] # a shared secret by its name
PUBLIC = StaticKeys({"keys": [signing_key(alg).public_jwk() for alg in ("EdDSA", "ES256")]})
GUARD = BetterGuard(
    make_settings(
        issuers=frozenset({URL}),
        audiences=frozenset({URL}),
        secrets=(SECRET,),
        cookie_cache=True,
        session_cache_issuers=frozenset({URL}),
    ),
    keys=EitherKeys(PUBLIC, SharedSecrets([SECRET])),
    clock=lambda: NOW,
)
GENUINE = issuer("EdDSA").token("alice")
COOKIE = issuer("HS256").sign(
    {
        "session": {"userId": "alice", "token": "the-live-session"},
        "user": {"id": "alice"},
        "updatedAt": NOW * 1000,
        "iat": NOW,
        "exp": NOW + 300,
    }
)
CurrentUser = Annotated[User, Depends(GUARD.user)]
OptionalUser = Annotated[User | None, Depends(GUARD.optional_user)]
UserId = Annotated[str, Depends(GUARD.verify_token)]
PathUser = Annotated[User, Depends(GUARD.path_user)]

app = FastAPI()
GUARD.install(app)


@app.get("/me")
async def me(user: CurrentUser) -> dict[str, str]:
    return {"id": user.id}


@app.get("/perhaps")
async def perhaps(user: OptionalUser) -> dict[str, str | None]:
    return {"id": None if user is None else user.id}


@app.get("/id")
async def own_id(user_id: UserId) -> dict[str, str]:
    return {"id": user_id}


@app.get("/{user_id}/me")
async def path_me(user: PathUser) -> dict[str, str]:
    return {"id": user.id}


def bearer(token: str) -> bytes:
    return b"Bearer " + token.encode("utf-8", "surrogatepass")


TOKENS = st.one_of(
    st.just(GENUINE),
    strategies.signed_tokens().map(lambda drawn: drawn[1]),
    strategies.mangled_tokens().map(lambda drawn: drawn[1]),
    strategies.TEXTS,
)
CREDENTIALS = st.one_of(
    TOKENS.map(bearer),
    st.binary(max_size=60),
    st.binary(max_size=60).map(b"Bearer ".__add__),
    st.tuples(st.sampled_from([b"bearer", b"Basic", b"BEARER ", b"\tBearer"]), st.binary()).map(
        b" ".join
    ),
)
COOKIES = st.tuples(
    st.sampled_from(["", "__Secure-"]),
    st.sampled_from(["", ".0", ".1", ".x", ".\u00b2"]),
    st.one_of(st.just(COOKIE), TOKENS),
).map(
    lambda drawn: f"{drawn[0]}better-auth.session_data{drawn[1]}={drawn[2]}".encode(
        "utf-8", "surrogatepass"
    )
)
HEADERS = st.lists(
    st.one_of(
        st.tuples(st.just(b"authorization"), CREDENTIALS),
        st.tuples(st.just(b"cookie"), st.one_of(COOKIES, st.binary(max_size=40))),
    ),
    max_size=3,
)


async def answer(path: str, headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    """Ask the application without a server between, which would refuse many of these bytes."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
    }
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": ""}
    await app({**scope, "headers": headers, "server": ("x", 80)}, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


DETAILS = ("Missing token", "Invalid token", "Token expired", "Forbidden")


@given(st.sampled_from(["/me", "/perhaps", "/id", "/alice/me"]), HEADERS)
def test_any_credential(path: str, headers: list[tuple[bytes, bytes]]) -> None:
    status, body = asyncio.run(answer(path, headers))
    said = json.loads(body)
    if said == {"id": None}:
        assert (status, path) == (200, "/perhaps")
        assert all(name != b"authorization" for name, _ in headers)
    elif status != 200:
        assert status in ({401, 403} if path == "/alice/me" else {401})
        assert said in [{"detail": detail} for detail in DETAILS]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(b"authorization", bearer(GENUINE), id="header"),
        pytest.param(b"cookie", f"better-auth.session_data={COOKIE}".encode(), id="cookie"),
    ],
)
@pytest.mark.parametrize("path", ["/me", "/perhaps", "/id", "/alice/me"])
def test_genuine_credential(path: str, name: bytes, value: bytes) -> None:
    assert asyncio.run(answer(path, [(name, value)])) == (200, b'{"id":"alice"}')
