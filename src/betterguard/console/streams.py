"""The standard streams as UTF-8: reconfigured in place, never wrapped, opened when missing."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING, TypeGuard

from betterguard.console.reader import quieten

if TYPE_CHECKING:
    from typing import TextIO

DESCRIPTORS = {"stdin": 0, "stdout": 1, "stderr": 2}
OUTPUTS = {"stdout": 1, "stderr": 2}
ENCODING = "utf-8"
ERRORS = "backslashreplace"
SPEAKS_MCP = "betterguard_mcp"  # set on a stream that must stay as the protocol wants it


def force_utf8(*, mcp: bool = False) -> None:
    r"""Make the standard streams take any text and survive a reader that goes away.

    ``sys.stdout`` and ``sys.stderr`` become UTF-8 and write what UTF-8 cannot hold (half a
    surrogate pair) as ``\ud83d``. A console keeps its encoding, which it knows best; so does
    a stream whose encoding PYTHONIOENCODING names. Once the reader of a pipe is gone, writing
    does nothing. A stream that is None or closed becomes the null device.

    The stream objects stay the same, so it does not matter who holds them already. Streams
    that are not the process's own (a test's capture, ``StringIO``, IDLE) are left alone.
    Calling it again changes nothing. Call it in each process, as early as possible.

    With ``mcp`` the process is a Model Context Protocol server over stdio: stdin and stdout
    are UTF-8 whatever PYTHONIOENCODING says, lines end in ``\n`` and are sent at once, and
    log handlers made so far that write to stdout write to stderr instead.
    """
    for name in DESCRIPTORS:
        open_missing(name)
    if mcp:
        frame_messages()
        from betterguard.console.logs import move_logs_to_stderr  # noqa: PLC0415  loads logging

        move_logs_to_stderr()
    for name, descriptor in OUTPUTS.items():
        for stream in (getattr(sys, name), getattr(sys, f"__{name}__")):
            if is_standard(stream, descriptor):
                cure(stream, descriptor)


def open_missing(name: str) -> None:
    """Put the null device where a stream is None (pythonw, a detached process) or closed."""
    stream = getattr(sys, name)
    if stream is None or is_closed(stream):
        setattr(sys, name, open_null(reading=name == "stdin"))
    if getattr(sys, f"__{name}__") is None:
        setattr(sys, f"__{name}__", getattr(sys, name))


def is_closed(stream: object) -> bool:
    """Tell whether an ordinary text stream can never be used again."""
    try:
        return type(stream) is io.TextIOWrapper and stream.closed
    except ValueError:  # its buffer was detached
        return True


def open_null(*, reading: bool) -> TextIO:
    """Open the null device for good: like a standard stream's, its descriptor is not closed."""
    descriptor = os.open(os.devnull, os.O_RDONLY if reading else os.O_WRONLY)
    raw = io.FileIO(descriptor, "r" if reading else "w", closefd=False)
    buffer = io.BufferedReader(raw) if reading else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding=ENCODING, errors=ERRORS)


def is_standard(stream: object, descriptor: int) -> TypeGuard[io.TextIOWrapper]:
    """Tell whether a stream is the process's own: an ordinary one on the standard descriptor."""
    try:
        return type(stream) is io.TextIOWrapper and stream.fileno() == descriptor
    except (OSError, ValueError):  # no descriptor, closed, or its buffer was detached
        return False


def cure(stream: io.TextIOWrapper, descriptor: int) -> None:
    """Guard one standard output stream and set its encoding and error handler.

    The guard comes first: setting the encoding flushes, and the reader may be gone already.
    """
    quieten(stream.buffer, descriptor)
    encoding, errors = chosen_encoding()
    if stream.isatty() or hasattr(stream, SPEAKS_MCP):
        encoding = stream.encoding
    if descriptor == OUTPUTS["stderr"] or hasattr(stream, SPEAKS_MCP):
        errors = ERRORS  # for stderr as in Python itself, whatever PYTHONIOENCODING says
    if (canonical(stream.encoding), stream.errors) != (canonical(encoding), errors):
        stream.reconfigure(encoding=encoding, errors=errors)


def frame_messages() -> None:
    r"""Make stdin and stdout carry one UTF-8 message a line, ended by ``\n``.

    Half a surrogate pair leaves as ``\ud83d``, which is JSON's own escape for it; bytes that
    are not UTF-8 come in as U+FFFD, so that one bad message does not end the server.
    """
    for name, errors in (("stdin", "replace"), ("stdout", ERRORS)):
        stream = getattr(sys, name)
        if is_standard(stream, DESCRIPTORS[name]) and not hasattr(stream, SPEAKS_MCP):
            if name in OUTPUTS:
                quieten(stream.buffer, DESCRIPTORS[name])
            stream.reconfigure(encoding=ENCODING, errors=errors, newline="\n", line_buffering=True)
            setattr(stream, SPEAKS_MCP, True)


def chosen_encoding() -> tuple[str, str]:
    """Give encoding and error handler: what PYTHONIOENCODING names, else ours.

    The variable is applied, not merely left in force, because a ``.env`` file may set it when
    the interpreter has long started; then nobody has checked its names before.
    """
    value = "" if sys.flags.ignore_environment else os.environ.get("PYTHONIOENCODING", "")
    encoding, _, errors = value.partition(":")
    return (
        encoding if canonical(encoding) else ENCODING,
        errors if is_error_handler(errors) else ERRORS,
    )


def canonical(encoding: str) -> str:
    """Give the codec's one name, so that utf8 and UTF-8 compare equal; empty when unknown."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return ""


def is_error_handler(name: str) -> bool:
    """Tell whether an error handler of this name exists."""
    try:
        codecs.lookup_error(name)
    except LookupError:
        return False
    return True
