"""WebSockets that ask nobody (BG103), and whose path then names another user (BG301)."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from betterguard.testing.tokens import SigningKey, TokenIssuer
from tests.repair.fixing import fixed, reasons, repaired

HEAD = """
from betterguard import BetterGuard
from fastapi import Depends, FastAPI, WebSocket
guard = BetterGuard.from_env()
app = FastAPI(lifespan=guard.lifespan)
guard.install(app)
"""
SOCKET = """@app.websocket("/ws/{user_id}")
async def stream(socket: WebSocket, user_id: str):
    await socket.accept()
    await socket.send_text(user_id)
"""
ACCEPTED = 'await {}.accept(subprotocol="bearer" if "bearer" in {}.scope["subprotocols"] else None)'


def test_the_socket_asks_and_closes_for_others() -> None:
    assert fixed(HEAD + SOCKET, "BG") == HEAD + SOCKET.replace(
        "user_id: str)", "user_id: str, caller_id: str = Depends(guard.verify_token))"
    ).replace(
        "    await socket.accept()\n",
        "    if user_id != caller_id:\n        await socket.close(code=1008)\n        return\n"
        f"    {ACCEPTED.format('socket', 'socket')}\n",
    )


def test_the_socket_is_also_accepted_elsewhere() -> None:
    manager = """
class Connections:
    async def connect(self, websocket, user_id):
        await websocket.accept()
manager = Connections()
"""
    text = (
        "from sockets import manager"
        + HEAD
        + SOCKET.replace("socket.accept()", "manager.connect(socket, user_id)")
    )
    done = repaired({"app.py": text, "sockets.py": manager}, "BG103")
    assert ACCEPTED.format("websocket", "websocket") in done.workspace.texts["sockets.py"].decode()


def test_what_is_made_opens_for_the_caller_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BETTER_AUTH_URL", "http://localhost:3000")
    issuer = TokenIssuer(SigningKey.generate("EdDSA", "k"))
    made: dict[str, object] = {}
    exec(fixed(HEAD + SOCKET, "BG").replace("lifespan=guard.lifespan", ""), made)  # noqa: S102
    monkeypatch.setattr(made["guard"], "verifier", issuer.verifier())
    client = TestClient(made["app"])  # type: ignore[arg-type]  # an application
    with client.websocket_connect("/ws/ada", ["bearer", issuer.token("ada")]) as socket:
        assert [socket.accepted_subprotocol, socket.receive_text()] == ["bearer", "ada"]
    headers = {"Authorization": f"Bearer {issuer.token('ada')}"}
    with client.websocket_connect("/ws/ada", headers=headers) as socket:
        assert [socket.accepted_subprotocol, socket.receive_text()] == [None, "ada"]
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/bob", headers=headers):
        pass


OPEN = SOCKET.replace("/{user_id}", "").replace(", user_id: str", "").replace("(user_id)", "('x')")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            HEAD + OPEN.replace("WebSocket)", "WebSocket, me: str = Depends(guard.verify_token))"),
            id="guarded",
        ),
        pytest.param(
            HEAD
            + OPEN.replace("WebSocket)", "WebSocket, token: str)").replace(
                "    await socket.accept", "    check(token)\n    await socket.accept"
            )
            + "import jwt\ndef check(token):\n    try:\n"
            "        jwt.decode(token, KEY, algorithms=['EdDSA'], audience='a', issuer='b')\n"
            "    except jwt.PyJWTError as err:\n        raise Refused from err\n",
            id="checks-itself",
        ),
        pytest.param(HEAD + OPEN.replace("WebSocket)", "WebSocket, caller_id: str)"), id="taken"),
        pytest.param(HEAD + OPEN.replace("WebSocket)", "WebSocket, **more)"), id="takes-any"),
    ],
)
def test_what_asks_or_cannot_stays(text: str) -> None:
    assert fixed(text, "BG103") == text


def test_a_subprotocol_of_the_projects_own_stays() -> None:
    text = HEAD + OPEN.replace("accept()", 'accept("chat")')
    assert 'accept("chat")' in fixed(text, "BG103")


def test_without_a_guard_it_is_left() -> None:
    text = "from fastapi import FastAPI, WebSocket\napp = FastAPI()\n" + OPEN
    assert fixed(text, "BG103") == text
    assert "betterguard init" in reasons(text, "BG103")[0]
