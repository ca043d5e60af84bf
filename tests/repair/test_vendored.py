"""The vendored ``auth.py``: its key set over HTTP, its answers, its settings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from jwt.algorithms import OKPAlgorithm

from betterguard.audit.engine import audit_texts
from betterguard.testing import key_set_server as serve
from betterguard.testing.key_set_server import KeySetServer
from betterguard.testing.tokens import TokenIssuer, base64url
from tests.repair import vendored
from tests.tokens.issuers import Clock, signing_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.testing.key_set_server import Answer

AUTH = vendored.load()
KEY, OTHER = signing_key("EdDSA"), signing_key("EdDSA", "other")
BETTER_AUTH = TokenIssuer(KEY, url=vendored.ISSUER)
LATER = TokenIssuer(OTHER, url=vendored.ISSUER)
COOLDOWN, FIRST_BACK_OFF, LIFETIME = 31.0, 6.0, 601.0


def verifier(keys: Any) -> Any:
    return AUTH.Verifier(keys, issuer=vendored.ISSUER, audience=vendored.ISSUER)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    keys = vendored.static_keys({"keys": [KEY.public_jwk()]})
    monkeypatch.setattr(AUTH, "verifier", verifier(keys))
    app = FastAPI()

    @app.get("/me")
    async def me(user: Annotated[Any, Depends(AUTH.current_user)]) -> list[str]:
        return [user.id, user.email]

    @app.get("/id")
    async def user_id(caller: Annotated[str, Depends(AUTH.verify_token)]) -> str:
        return caller

    @app.get("/user/{user_id}")
    async def person(user: Annotated[Any, Depends(AUTH.path_user)]) -> str:
        return str(user.id)

    with TestClient(app) as opened:
        yield opened


BASIC = "Basic YWRhOmFkYQ=="
# Made when tests are collected, which may be long before their use.
HALF_A_DAY_LATER = int(time.time()) + 43_200
GENUINE = f"Bearer {BETTER_AUTH.token('ada', email='ada@example.org', exp=HALF_A_DAY_LATER)}"
EXPIRED = f"Bearer {BETTER_AUTH.token('ada', iat=1, exp=2)}"


@pytest.mark.parametrize(
    ("headers", "detail", "challenge"),
    [
        pytest.param([], "Missing token", "Bearer", id="missing"),
        pytest.param([BASIC], "Invalid token", 'Bearer error="invalid_request"', id="basic"),
        pytest.param(["Bearer"], "Invalid token", 'Bearer error="invalid_request"', id="empty"),
        pytest.param(
            [GENUINE, GENUINE], "Invalid token", 'Bearer error="invalid_request"', id="two"
        ),
        pytest.param(
            [GENUINE + " x"], "Invalid token", 'Bearer error="invalid_request"', id="more"
        ),
        pytest.param(["Bearer a.b.c"], "Invalid token", 'Bearer error="invalid_token"', id="text"),
        pytest.param(
            [EXPIRED],
            "Token expired",
            'Bearer error="invalid_token", error_description="The access token expired"',
            id="expired",
        ),
    ],
)
def test_a_refusal_says_little_and_in_the_form_of_rfc_6750(
    client: TestClient, headers: list[str], detail: str, challenge: str
) -> None:
    answer = client.get("/me", headers=[("Authorization", value) for value in headers])
    assert (answer.status_code, answer.json()) == (401, {"detail": detail})
    assert answer.headers["WWW-Authenticate"] == challenge


def test_the_user_and_the_id(client: TestClient) -> None:
    headers = {"Authorization": GENUINE.replace("Bearer", "bEARER")}
    assert client.get("/me", headers=headers).json() == ["ada", "ada@example.org"]
    assert client.get("/id", headers=headers).json() == "ada"


def test_the_path_of_another(client: TestClient) -> None:
    headers = {"Authorization": GENUINE}
    assert client.get("/user/ada", headers=headers).json() == "ada"
    answer = client.get("/user/bob", headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Forbidden"})


def test_claims_are_not_in_a_repr() -> None:
    assert "ada@" not in repr(AUTH.User("ada", {"email": "ada@example.org"}))


class Remote:
    """A key set over HTTP with its server, its clock and a verifier on top."""

    def __init__(self, server: KeySetServer) -> None:
        self.server, self.clock = server, Clock()
        keys = AUTH.KeySet(lambda: AUTH.fetch_key_set(server.url), self.clock)
        self.verifier = verifier(keys)

    async def status(self, token: str) -> int:
        try:
            await self.verifier.verify(token)
        except HTTPException as refused:
            return refused.status_code
        return 200


@pytest.mark.anyio
async def test_keys_are_fetched_once_and_again_after_their_time() -> None:
    async with KeySetServer(serve.key_set(KEY.public_jwk())) as server:
        remote = Remote(server)
        for _ in range(20):
            assert await remote.status(BETTER_AUTH.token()) == 200
        assert server.requests == 1
        remote.clock.now += LIFETIME
        assert await remote.status(BETTER_AUTH.token()) == 200
        assert server.requests == 2


@pytest.mark.anyio
async def test_a_new_key_is_looked_for_once_in_a_cooldown() -> None:
    async with KeySetServer(serve.key_set(KEY.public_jwk())) as server:
        remote = Remote(server)
        assert await remote.status(BETTER_AUTH.token()) == 200
        remote.clock.now += COOLDOWN
        for _ in range(20):
            assert await remote.status(LATER.token()) == 401
        assert server.requests == 2
        server.answer = serve.key_set(KEY.public_jwk(), OTHER.public_jwk())
        remote.clock.now += COOLDOWN
        assert await remote.status(LATER.token()) == 200
        assert server.requests == 3


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(serve.answer(b"", status=500), id="500"),
        pytest.param(serve.answer(b"no JSON"), id="no-json"),
        pytest.param(serve.answer(b'{"keys":7}'), id="no-list"),
        pytest.param(serve.key_set(), id="empty"),
        pytest.param(serve.key_set({**KEY.public_jwk(), "d": "AAAA"}), id="private"),
        pytest.param(serve.redirect("http://127.0.0.1:1/jwks"), id="redirect"),
        pytest.param(serve.broken_off, id="broken-off"),
        pytest.param(serve.oversized(300 * 1024), id="oversized"),
    ],
)
async def test_keys_that_cannot_be_had_are_503_and_asked_for_rarely(answer: Answer) -> None:
    async with KeySetServer(answer) as server:
        remote = Remote(server)
        for _ in range(20):
            assert await remote.status(BETTER_AUTH.token()) == 503
        assert server.requests == 1
        server.answer = serve.key_set(KEY.public_jwk())
        remote.clock.now += FIRST_BACK_OFF
        assert await remote.status(BETTER_AUTH.token()) == 200


@pytest.mark.anyio
async def test_the_last_good_set_serves_on_for_a_day() -> None:
    async with KeySetServer(serve.key_set(KEY.public_jwk())) as server:
        remote = Remote(server)
        assert await remote.status(BETTER_AUTH.token()) == 200
        server.answer = serve.answer(b"", status=500)
        remote.clock.now += LIFETIME
        assert await remote.status(BETTER_AUTH.token()) == 200
        remote.clock.now += 24 * 60 * 60
        assert await remote.status(BETTER_AUTH.token()) == 503


BAD_KEYS: dict[str, dict[str, Any]] = {
    "encryption": {**OTHER.public_jwk(), "use": "enc"},
    "key-ops": {**OTHER.public_jwk(), "key_ops": ["encrypt"]},
    "symmetric": {"kty": "oct", "k": base64url(b"x" * 32), "kid": "other"},
    "private": {**OTHER.public_jwk(), **OKPAlgorithm.to_jwk(OTHER.private, as_dict=True)},
    "contradiction": {**OTHER.public_jwk(), "alg": "ES256"},
    "other-curve": {**OTHER.public_jwk(), "crv": "Ed448"},
    "no-point": {**OTHER.public_jwk(), "x": "AAAA"},
    "kid-number": {**OTHER.public_jwk(), "kid": 7},
}


@pytest.mark.parametrize("bad", [pytest.param(jwk, id=name) for name, jwk in BAD_KEYS.items()])
def test_a_bad_key_is_left_out_and_the_rest_stay(bad: dict[str, Any]) -> None:
    assert [key.kid for key in AUTH.read_keys([bad, KEY.public_jwk(), "no key"])] == [KEY.kid]


def settings(**named: str) -> dict[str, str | None]:
    return {f"BETTER_AUTH_{name}": value for name, value in named.items()}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"URL": "localhost"}, id="no-address"),
        pytest.param({"URL": "http://auth.example.org"}, id="http"),
        pytest.param({"URL": "https://a.example", "JWKS_URL": "http://auth/jwks"}, id="inner-http"),
        pytest.param({"URL": "https://a.example", "JWKS_URL": "file:///etc/passwd"}, id="file"),
        pytest.param(
            {"URL": "https://a.example", "JWKS_URL": "file://localhost/etc/passwd"}, id="file-here"
        ),
        pytest.param({"URL": "https://a.example", "TOKENS": "secret"}, id="no-secret"),
        pytest.param(
            {"URL": "https://a.example", "TOKENS": "secret", "SECRET": "short"}, id="short-secret"
        ),
        pytest.param(
            {
                "URL": "https://a.example",
                "TOKENS": "secret",
                "SECRET": "-----BEGIN PUBLIC KEY-----",
            },
            id="key-as-secret",
        ),
    ],
)
def test_wrong_settings_stop_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="BETTER_AUTH"):
        AUTH.verifier_from(settings(**wrong))


@pytest.mark.parametrize(
    "right",
    [
        pytest.param({"URL": "https://a.example/"}, id="https"),
        pytest.param({"URL": "http://localhost:3000"}, id="loopback"),
        pytest.param({"URL": "http://auth:3000", "ALLOW_HTTP": "true"}, id="private-network"),
    ],
)
def test_right_settings(right: dict[str, str]) -> None:
    made = AUTH.verifier_from(settings(**right))
    assert made.issuer == made.audience == right["URL"].rstrip("/")


def test_a_secret_takes_the_place_of_the_key_set() -> None:
    made = AUTH.verifier_from(settings(URL="https://a.example", TOKENS="secret", SECRET="s" * 32))
    assert isinstance(made.keys, AUTH.SharedSecret)


def test_the_environment_wins_over_the_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("BETTER_AUTH_URL=http://file\nBETTER_AUTH_AUDIENCE=api\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETTER_AUTH_URL", "http://environment")
    found = AUTH.environment()
    assert found["BETTER_AUTH_URL"] == "http://environment"
    assert found["BETTER_AUTH_AUDIENCE"] == "api"


def test_the_audit_finds_nothing_in_it() -> None:
    main = "from fastapi import FastAPI\nfrom auth import CurrentUser\napp = FastAPI()\n"
    route = "@app.get('/me')\nasync def me(user: CurrentUser) -> str:\n    return user.id\n"
    text = vendored.TEMPLATE.read_text(encoding="utf-8")
    assert audit_texts({"auth.py": text, "main.py": main + route}) == []
