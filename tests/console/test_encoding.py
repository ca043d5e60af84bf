"""Text that the code page cannot hold: lost without the cure, written with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.console.children import CURE, ENCODINGS, forced, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.code_page, pytest.mark.parametrize("encoding", ENCODINGS)]

# No one of the three code pages holds all of it.
TEXT = "na\u00efve \u2705 \U0001f600 \u65e5\u672c \u041f\u0440"
LINE = (TEXT + os.linesep).encode()
SAY = f"print({TEXT!a})\n"
PROXY = """
class Proxy:
    def __init__(self, wrapped): self.wrapped = wrapped
    def write(self, text): self.wrapped.write(text)
    def __getattr__(self, name): return getattr(self.wrapped, name)
sys.stdout = Proxy(sys.stdout)
"""


@dataclass(frozen=True)
class Case:
    """A program before and after the place of the cure, and what it should have written."""

    after: str
    before: str = ""
    written: bytes = LINE
    options: tuple[str, ...] = ()

    def program(self, cure: str, encoding: str) -> str:
        return f"{forced(encoding)}{self.before}\n{cure}{self.after}"


CASES = [
    pytest.param(Case(SAY), id="print"),
    pytest.param(Case(SAY, options=("-u",)), id="print-unbuffered"),
    pytest.param(
        Case(f"sys.stdout.writelines([{TEXT!a}, '\\n'])"),
        id="writelines",
    ),
    pytest.param(
        Case(r"print('half \ud83d')", written=b"half \\ud83d" + os.linesep.encode()),
        id="half-a-surrogate-pair",
    ),
    pytest.param(
        Case(f"held.write({TEXT!a} + '\\n')", before="from sys import stdout as held"),
        id="stream-held-since-before",
    ),
    pytest.param(
        Case(
            f"logging.warning({TEXT!a})",
            before="import logging\n"
            "logging.basicConfig(stream=sys.stdout, format='%(message)s')\n"
            "logging.raiseExceptions = True",
        ),
        id="log-handler-made-before",
    ),
    pytest.param(Case(SAY, before=PROXY), id="behind-a-proxy-as-colorama-makes"),
    pytest.param(
        Case(
            f"context.close()\n{SAY}",
            before="import contextlib, io\n"
            "context = contextlib.ExitStack()\n"
            "context.enter_context(contextlib.redirect_stdout(io.StringIO()))",
        ),
        id="redirected-while-cured",
    ),
    pytest.param(
        Case(
            SAY,
            before="import io\n"
            "encoding = sys.stdout.encoding\n"
            "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding=encoding)",
        ),
        id="detached-and-wrapped-before",
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_without_the_cure_the_text_is_lost(case: Case, encoding: str) -> None:
    outcome = run(case.program("", encoding), options=case.options)
    assert "UnicodeEncodeError" in outcome.err
    assert case.written not in outcome.out


@pytest.mark.parametrize("case", CASES)
def test_with_the_cure_the_text_is_written(case: Case, encoding: str) -> None:
    outcome = run(case.program(CURE, encoding), options=case.options)
    assert (outcome.code, outcome.err, outcome.out) == (0, "", case.written)


@pytest.mark.parametrize(("cure", "written"), [("", b""), (CURE, LINE)], ids=["without", "with"])
def test_a_file_is_as_a_pipe(cure: str, written: bytes, encoding: str, tmp_path: Path) -> None:
    outcome = run(Case(SAY).program(cure, encoding), sink=tmp_path / "out.txt")
    assert outcome.out == written
    assert ("UnicodeEncodeError" in outcome.err) == (not cure)


@pytest.mark.parametrize(
    ("cure", "written"), [("", b"before "), (CURE, b"before " + LINE)], ids=["without", "with"]
)
def test_a_line_is_not_left_half_written(cure: str, written: bytes, encoding: str) -> None:
    program = Case(f"print('before', {TEXT!a})").program(cure, encoding)
    assert run(program).out == written


@pytest.mark.parametrize("cure", [pytest.param("", id="without"), pytest.param(CURE, id="with")])
def test_an_error_message_reads_as_it_is_only_with_the_cure(cure: str, encoding: str) -> None:
    outcome = run(Case(f"raise SystemExit({TEXT!a})").program(cure, encoding))
    assert outcome.code == 1
    assert (TEXT in outcome.err) == bool(cure)


def test_wrapping_twice_closes_the_stream_and_curing_twice_does_not(encoding: str) -> None:
    wrap = "import io\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\n"
    wrapped = run(Case(SAY).program(wrap + wrap, encoding))
    assert "ValueError: I/O operation on closed file" in wrapped.err
    cured = run(Case(SAY).program(CURE + CURE, encoding))
    assert (cured.code, cured.err, cured.out) == (0, "", LINE)
