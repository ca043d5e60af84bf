# ruff: noqa: I002 - the annotations name each test's own guard: FastAPI could not resolve text

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    InMemoryMetricReader,
    PeriodicExportingMetricReader,
)

from betterguard import BetterGuard, Forbidden, InvalidToken, User
from betterguard.errors import Reason, UnsafeStatement
from betterguard.revocation import MemoryStore
from betterguard.settings import TokenSource
from betterguard.testing.tokens import SigningKey, TokenIssuer
from betterguard.web.dependency import Dependency
from betterguard.web.telemetry import Telemetry
from tests.servers.key_set import published
from tests.web.conftest import ISSUER, SECRET, bearer, make_settings, make_token


def application(guard: BetterGuard[User]) -> FastAPI:
    app = FastAPI(lifespan=guard.lifespan)
    guard.install(app)

    @app.get("/maybe")
    async def maybe(user: Annotated[User | None, Depends(guard.optional_user)]) -> None: ...

    @app.get("/{user_id}/tasks")
    async def tasks(user: Annotated[User, Depends(guard.path_user)]) -> None: ...

    @app.get("/row", dependencies=[Depends(guard.user)])
    async def row() -> None:
        raise Forbidden(Reason.FOREIGN_OWNER)

    @app.get("/statement", dependencies=[Depends(guard.user)])
    async def statement() -> None:
        msg = "SELECT that cannot be kept to the user's own rows"
        raise UnsafeStatement(msg)

    return app


def points(reader: InMemoryMetricReader) -> dict[str, dict[str, Any]]:
    """Give what was measured: instrument → attribute → value, a count for a histogram."""
    data = json.loads(reader.get_metrics_data().to_json())  # type: ignore[union-attr]  # never None here
    return {
        metric["name"]: {
            next(iter(point["attributes"].values()), ""): point.get("value", point.get("count"))
            for point in metric["data"]["data_points"]
        }
        for resource in data["resource_metrics"]
        for scope in resource["scope_metrics"]
        for metric in scope["metrics"]
    }


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def api(reader: InMemoryMetricReader) -> Iterator[TestClient]:
    telemetry = Telemetry(MeterProvider([reader]))
    guard = BetterGuard(make_settings(), revocation_store=MemoryStore(), observer=telemetry)
    with TestClient(application(guard), raise_server_exceptions=False) as client:
        yield client


def test_every_outcome_is_counted_and_timed(api: TestClient, reader: InMemoryMetricReader) -> None:
    ada, forged = bearer(make_token("ada")), bearer(make_token("ada", secret=SECRET[::-1]))
    for headers in (ada, ada, forged, {}, bearer(make_token(iat=0, exp=1))):
        api.get("/maybe", headers=headers)
    expected = {"verified": 2, "signature_mismatch": 1, "anonymous": 1, "expired": 1}
    measured = points(reader)
    assert measured["betterguard.verifications"] == expected
    assert measured["betterguard.verification.duration"] == expected


@pytest.mark.anyio
async def test_tokens_that_come_in_another_way_are_counted_too(
    reader: InMemoryMetricReader,
) -> None:
    guard = BetterGuard(make_settings(), observer=Telemetry(MeterProvider([reader])))
    assert (await guard.verify(make_token("ada"))).user_id == "ada"
    with pytest.raises(InvalidToken):
        await guard.verify("junk")
    assert points(reader)["betterguard.verifications"] == {"verified": 1, "token_malformed": 1}


def test_the_opening_of_a_watched_socket_is_counted(reader: InMemoryMetricReader) -> None:
    guard = BetterGuard(make_settings(), observer=Telemetry(MeterProvider([reader])))
    app = FastAPI()

    @app.websocket("/")
    async def talk(socket: WebSocket) -> None:
        async with guard.watch(socket):
            await socket.accept()

    with TestClient(app).websocket_connect("/", headers=bearer(make_token("ada"))):
        pass
    assert points(reader)["betterguard.verifications"] == {"verified": 1}


def test_what_the_isolation_refuses_is_counted(
    api: TestClient, reader: InMemoryMetricReader
) -> None:
    ada = bearer(make_token("ada"))
    statuses = [
        api.get(path, headers=ada).status_code
        for path in ("/ada/tasks", "/bob/tasks", "/row", "/row", "/statement")
    ]
    assert statuses == [200, 403, 403, 403, 500]
    assert api.get("/ada/tasks", headers=bearer("forged")).status_code == 401  # of no isolation
    assert points(reader)["betterguard.isolation.refusals"] == {
        "other_user": 1,
        "foreign_owner": 2,
        "unsafe_statement": 1,
    }


def test_a_refused_statement_has_an_event_of_its_own(
    api: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = api.get("/statement", headers=bearer(make_token("ada")))
    told = [vars(record) for record in caplog.records if record.name == "betterguard.web"]
    assert [one["event"] for one in told] == ["betterguard.statement.refused"]
    assert told[0]["request_id"] == answer.headers["x-request-id"]


def test_a_refusal_is_told_in_fields(api: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "betterguard.web")
    token = make_token("ada", secret=SECRET[::-1])
    api.get("/maybe", headers=bearer(token))
    told = vars(caplog.records[-1])
    assert {name: told[name] for name in ("event", "status", "reason", "left_out")} == {
        "event": "betterguard.request.refused",
        "status": 401,
        "reason": "signature_mismatch",
        "left_out": 0,
    }
    assert token not in str(told)


def test_the_state_of_keys_and_revocations_is_shown(reader: InMemoryMetricReader) -> None:
    key = SigningKey.generate()
    issuer = TokenIssuer(key, url=ISSUER)
    with published(key.public_jwk()) as url:
        settings = make_settings(tokens=TokenSource.JWKS, secrets=(), jwks_url=url)
        guard = BetterGuard(
            settings,
            revocation_store=MemoryStore(),
            observer=Telemetry(MeterProvider([reader])),
        )
        assert points(reader)["betterguard.key_set.usable"] == {"": 0}
        with TestClient(application(guard)) as client:
            client.get("/maybe", headers=bearer(issuer.token()))
            measured = points(reader)
    assert measured["betterguard.key_set.usable"] == {"": 1}
    assert 0 <= measured["betterguard.key_set.age"][""] < 60
    assert measured["betterguard.revocations"] == {"": 0}
    assert 0 <= measured["betterguard.revocations.age"][""] < 60


def test_the_console_exporter_shows_it_without_a_token() -> None:
    console = io.StringIO()
    provider = MeterProvider([PeriodicExportingMetricReader(ConsoleMetricExporter(console))])
    guard = BetterGuard(make_settings(), observer=Telemetry(provider))
    token = make_token("ada-the-user")
    TestClient(application(guard)).get("/maybe", headers=bearer(token))
    provider.shutdown()
    shown = console.getvalue()
    assert '"betterguard.verifications"' in shown
    assert '"verified"' in shown
    assert "ada-the-user" not in shown
    assert token not in shown


def test_without_an_observer_the_path_is_the_bare_one(guard: BetterGuard[User]) -> None:
    def authenticate(dependency: Dependency[Any]) -> Callable[..., Any]:
        return dependency._authenticate

    assert authenticate(guard.user) == guard._authenticate
