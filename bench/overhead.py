"""What a guard costs: requests a second of one route behind it, as a ratio to the bare route.

Every contender serves from one uvicorn worker, in turns, and each round's ratio is taken to the
bare route of the same round; the median of the rounds is printed, since machines are noisy. The
aims stand beside the ratio of processor time, which programs beside this one disturb the least: one
worker that is never idle answers as many requests as its processor time allows.

Two rows show how far down one can get: an empty asynchronous dependency, which is what FastAPI
itself takes for any, and the bare signature check of `cryptography`, for tokens not seen before.

What a ratio comes to depends on what the bare route costs, so there are two tables: uvicorn as
`pip install uvicorn` brings it, in Python, and uvicorn[standard], whose loop and parser are in C.
"""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from bench.load import requests_per_second

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".build" / "peers"
PEER_REQUIREMENTS = ROOT / "requirements" / "bench-peers.txt"
SERVERS = {
    "uvicorn (asyncio, h11)": ("--loop", "asyncio", "--http", "h11"),
    "uvicorn[standard] (uvloop, httptools)": ("--loop", "uvloop", "--http", "httptools"),
}
ROUNDS = 9
SECONDS = 2.0
NEW_TOKENS = 25_000
OURS = "betterguard"
# (what is printed, the contender, whether each request has a token of its own, the aim if any)
ROWS = (
    ("bare route", "bare", False, None),
    ("an empty dependency", "empty", False, None),
    ("the signature check alone", "signature", True, None),
    ("betterguard, the same token", OURS, False, 0.88),
    ("betterguard, a new token each time", OURS, True, 0.5),
    ("betterguard without PyNaCl, the same", f"{OURS}-without-pynacl", True, None),
    ("fastapi-better-auth-bridge, the same token", "fastapi-better-auth-bridge", False, None),
    ("fastapi-betterauth, the same token", "fastapi-betterauth", False, None),
)


def main() -> None:
    """Print a table for each kind of server."""
    python: dict[str, str] = dict.fromkeys(
        (OURS, f"{OURS}-without-pynacl", "bare", "empty", "signature"), sys.executable
    )
    peers = peer_environment()
    with key_set_server() as (url, key):
        tokens = [token(url, key) for _ in range(NEW_TOKENS)]
        for kind, options in SERVERS.items():
            with contextlib.ExitStack() as servers:
                running = {
                    name: servers.enter_context(
                        server(python.get(name, peers), name, url, options=options)
                    )
                    for name in dict.fromkeys(row[1] for row in ROWS)
                }
                report(kind, measure(running, tokens))


def measure(running: dict[str, Server], tokens: list[str]) -> dict[str, list[Sample]]:
    """Measure every row, round by round."""
    measured: dict[str, list[Sample]] = {row[0]: [] for row in ROWS}
    # Each goes on where its last round ended: a token that comes again too soon is known.
    requests = {row[0]: requests_of(tokens if row[2] else tokens[:1]) for row in ROWS}
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS} …", file=sys.stderr, flush=True)
        for label, name, *_ in ROWS:
            measured[label].append(sample(running[name], requests[label]))
    return measured


@dataclass(frozen=True)
class Server:
    """A contender that is serving."""

    port: int
    process: psutil.Process


@dataclass(frozen=True)
class Sample:
    """One round: requests a second, and microseconds of the server's processor a request."""

    rate: float
    cpu: float


def sample(contender: Server, requests: Iterator[bytes]) -> Sample:
    """Measure one contender for one round."""
    before = contender.process.cpu_times()
    rate = requests_per_second(contender.port, requests, seconds=SECONDS)
    after = contender.process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return Sample(rate, spent / (rate * SECONDS) * 1e6)


def report(kind: str, measured: dict[str, list[Sample]]) -> None:
    """Print medians of the rates and of their ratios to the bare route, round by round."""
    columns = f"{'requests/s':>11}{'to bare':>9}{'range':>15}{'us CPU':>8}{'bare/CPU':>10}"
    print(f"\nEdDSA, one worker of {kind}\n{'':<44}{columns}")
    for label, _, _, aim in ROWS:
        samples = measured[label]
        rates, work = (ratios(measured, label, of) for of in ("rate", "cpu"))
        span = f"{min(rates):.2f} to {max(rates):.2f}"
        rate, cpu = (
            statistics.median(getattr(one, of) for one in samples) for of in ("rate", "cpu")
        )
        figures = f"{rate:>11.0f}{statistics.median(rates):>9.2f}{span:>15}{cpu:>8.0f}"
        reached = f"{1 / statistics.median(work):>10.2f}"
        print(f"{label:<44}{figures}{reached}" + (f"   aim: {aim}" if aim else ""))


def ratios(measured: dict[str, list[Sample]], label: str, of: str) -> list[float]:
    """Give a row's figures as ratios to the bare route's, round by round."""
    pairs = zip(measured[label], measured[ROWS[0][0]], strict=True)
    return [getattr(one, of) / getattr(base, of) for one, base in pairs]


def requests_of(tokens: list[str]) -> Iterator[bytes]:
    """Give the request's bytes for each token in turn, for ever."""
    return itertools.cycle(
        [
            f"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {one}\r\n\r\n".encode()
            for one in tokens
        ]
    )


def token(url: str, key: Ed25519PrivateKey) -> str:
    """Sign a token of the size and the claims that Better Auth's have."""
    now = int(time.time())
    created = "2026-01-01T00:00:00.000Z"
    user = uuid.uuid4().hex
    claims = {"iat": now, "name": "Ada Lovelace", "email": "ada@app.example", "id": user}
    claims |= {"emailVerified": True, "image": None, "createdAt": created, "updatedAt": created}
    claims |= {"sub": user, "exp": now + 900, "iss": url, "aud": url}
    return jwt.encode(claims, key, "EdDSA", headers={"kid": "bench", "typ": None})


@contextlib.contextmanager
def key_set_server() -> Iterator[tuple[str, Ed25519PrivateKey]]:
    """Serve a key set at Better Auth's path; give its origin and the private key."""
    key = Ed25519PrivateKey.generate()
    public = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    body = json.dumps({"keys": [{**public, "alg": "EdDSA", "kid": "bench"}]}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}", key
        serving.shutdown()


@contextlib.contextmanager
def server(
    python: str,
    contender: str,
    url: str,
    *,
    app: str = "bench.contender:app",
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """Run one contender under uvicorn with one worker, until it is not needed any longer."""
    port = free_port()
    command = [python, "-m", "uvicorn", app, "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, *options, "--no-access-log", "--log-level", "warning"],
        cwd=ROOT,
        env={**os.environ, "CONTENDER": contender, "BETTER_AUTH_URL": url},
    )
    try:
        wait_for(port, process)
        yield Server(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the port listens; raise RuntimeError when the process ends or takes 20 s."""
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.1)
    msg = f"the server on port {port} did not start"
    raise RuntimeError(msg)


def free_port() -> int:
    """Give a port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def peer_environment() -> str:
    """Install the other packages into a throwaway environment; give its python."""
    python = PEERS / "bin" / "python"
    stamp = PEERS / ".installed"
    wanted = PEER_REQUIREMENTS.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        print("installing the peers …", file=sys.stderr, flush=True)
        uv("venv", "--clear", "--python", sys.executable, str(PEERS))
        uv("pip", "install", "--python", str(python), "--require-hashes", "-r", PEER_REQUIREMENTS)
        stamp.write_text(wanted)
    return str(python)


def uv(*arguments: str | Path) -> None:
    """Run uv quietly."""
    subprocess.run(["uv", "--quiet", *map(str, arguments)], check=True)  # noqa: S603, S607 - fixed
