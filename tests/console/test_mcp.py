"""A Model Context Protocol server over stdio: UTF-8, one message a line, logs elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.console.children import ROOM, WINDOWS, environment, run_orphaned

MCP = f"{ROOM}force_utf8(mcp=True)\n"
# Elsewhere the child does first what Windows does by itself.
AS_WINDOWS = (
    "import sys\n"
    if WINDOWS
    else (
        "import sys\n"
        "sys.stdin.reconfigure(encoding='cp1252')\n"
        "sys.stdout.reconfigure(encoding='cp1252', errors='strict', newline='\\r\\n')\n"
    )
)
SERVE = (
    "import json\n"
    "for line in sys.stdin:\n"
    "    text = json.loads(line)['text']\n"
    "    print(json.dumps({'length': len(text), 'text': text}, ensure_ascii=False))\n"
)


def serve(program: str, message: bytes, **extra: str) -> subprocess.CompletedProcess[bytes]:
    """Run a server until it has answered one message."""
    return subprocess.run(
        [sys.executable, "-c", AS_WINDOWS + program],
        input=message,
        env=environment(**extra),
        capture_output=True,
        timeout=300,
        check=False,
    )


def message(text: str) -> bytes:
    return json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n"


def answer(text: str) -> bytes:
    reply = json.dumps({"length": len(text), "text": text}, ensure_ascii=False)
    return reply.encode("utf-8", "backslashreplace") + b"\n"


TEXTS = [
    pytest.param("ascii", id="framing"),
    pytest.param("caf\u00e9", id="accent"),
    pytest.param("\u20ac", id="euro"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_without_the_mode_the_answer_is_another(text: str) -> None:
    assert serve(SERVE, message(text)).stdout != answer(text)


@pytest.mark.parametrize("text", [*TEXTS, pytest.param("\u2705 \u65e5\u672c", id="emoji")])
def test_in_the_mode_the_answer_is_right(text: str) -> None:
    outcome = serve(MCP + SERVE, message(text))
    assert (outcome.stdout, outcome.stderr) == (answer(text), b"")


def test_half_a_surrogate_pair_leaves_as_the_json_escape_that_it_came_as() -> None:
    outcome = serve(MCP + SERVE, b'{"text": "\\ud83d"}\n')
    assert outcome.stdout == b'{"length": 1, "text": "\\ud83d"}\n'


def test_bytes_that_are_not_utf8_do_not_end_the_server() -> None:
    outcome = serve(MCP + SERVE, b'{"text": "\xff"}\n' + message("next"))
    assert outcome.stdout == answer("\ufffd") + answer("next")


def test_a_carriage_return_ends_no_message() -> None:
    outcome = serve(MCP + SERVE, b'{"text":\r"one"}\r\n')
    assert outcome.stdout == answer("one")


def test_the_protocol_goes_before_the_environment() -> None:
    again = f"{MCP}force_utf8()\nforce_utf8(mcp=True)\n"
    outcome = serve(again + SERVE, message("\u2705"), PYTHONIOENCODING="latin-1:strict")
    assert outcome.stdout == answer("\u2705")


def test_the_mode_may_be_set_again_after_a_message() -> None:
    outcome = serve(f"{MCP}{SERVE}    force_utf8(mcp=True)\n", message("one") + message("two"))
    assert (outcome.stdout, outcome.stderr) == (answer("one") + answer("two"), b"")


@pytest.mark.parametrize("logger", ["", "a.library"])
def test_logs_go_to_stderr(logger: str) -> None:
    before = (
        "import logging\n"
        f"logger = logging.getLogger({logger!r})\n"
        "logger.addHandler(logging.StreamHandler(sys.stdout))\n"
    )
    log = "logger.warning('seen \\u2705')\n"
    assert b"seen" in serve(before + log, b"").stdout + serve(before + log, b"").stderr
    outcome = serve(before + MCP + log, b"")
    assert (outcome.stdout, outcome.stderr.decode().strip()) == (b"", "seen \u2705")


def test_each_answer_is_sent_at_once() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", AS_WINDOWS + MCP + SERVE],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdin
        assert child.stdout
        for text in ("one", "two"):
            child.stdin.write(message(text))
            child.stdin.flush()
            assert child.stdout.readline() == answer(text)


def test_a_client_that_is_gone_ends_the_server_quietly() -> None:
    outcome = run_orphaned(MCP, "print('{}')\nprint('{}')")
    assert (outcome.code, outcome.err) == (0, "")
