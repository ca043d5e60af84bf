"""What the standard streams of this process are, and what could still break them."""

from __future__ import annotations

import io
import locale
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.console.reader import is_quietened, mode_of
from betterguard.console.streams import DESCRIPTORS, is_closed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

KINDS = {
    stat.S_IFIFO: "pipe",
    stat.S_IFREG: "file",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
}
WITH_READER = ("pipe", "socket", "console")
# An emoji and half a surrogate pair: the one no legacy code page holds, the other not UTF-8.
HARDEST = "\U0001f600\ud83d"


@dataclass(frozen=True)
class StreamState:
    """One standard stream: what it is, and one sentence for each thing that could break it."""

    name: str
    kind: str
    encoding: str
    errors: str
    faults: tuple[str, ...]

    def __str__(self) -> str:
        verdict = f"UNSAFE: {'; '.join(self.faults)}" if self.faults else "safe"
        columns = f"{self.name:8}{self.kind:10}{self.encoding:12}{self.errors:18}"
        return f"  {columns}{verdict}"


def streams() -> tuple[StreamState, ...]:
    """Tell the state of stdin, stdout and stderr, in this order."""
    return tuple(state_of(name, getattr(sys, name)) for name in DESCRIPTORS)


def state_of(name: str, stream: Any) -> StreamState:  # noqa: ANN401 - whatever stands there
    """Tell the state of one stream."""
    kind = kind_of(stream)
    encoding, errors = (str(getattr(stream, each, None) or "-") for each in ("encoding", "errors"))
    return StreamState(name, kind, encoding, errors, tuple(faults_of(name, kind, stream)))


def kind_of(stream: Any) -> str:  # noqa: ANN401 - whatever stands there
    """Name what is behind a stream: a console, a pipe, a file, nothing."""
    if stream is None:
        return "none"
    if is_closed(stream):
        return "closed"
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, ValueError):  # StringIO, a test's capture, IDLE
        return "captured"
    if is_null(descriptor):
        return "null"
    if is_console(stream):
        return "console"
    return KINDS.get(stat.S_IFMT(mode_of(descriptor)), "other")


def is_console(stream: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether a person sits behind a stream; Windows says so of NUL too."""
    if sys.platform == "win32":
        buffer = getattr(stream, "buffer", None)
        raw = getattr(buffer, "raw", buffer)  # with `python -u` there is no buffer between
        return type(raw).__name__ == "_WindowsConsoleIO"  # private, and only there on Windows
    return bool(stream.isatty())


def is_null(descriptor: int) -> bool:
    """Tell whether a descriptor is the null device, as far as the system lets us see.

    Windows gives every character device the same numbers, and calls NUL a terminal too.
    """
    if sys.platform == "win32":
        return False
    try:
        return os.path.samestat(os.fstat(descriptor), Path(os.devnull).stat())
    except OSError:
        return False


def faults_of(name: str, kind: str, stream: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    """Give what could break a stream."""
    if kind in {"none", "closed"}:
        yield f"sys.{name} is {kind}, using it raises"
    elif name != "stdin":
        if not can_write(stream, HARDEST):
            yield "some characters raise UnicodeEncodeError"
        if kind in WITH_READER and not outlives_reader(stream):
            yield "raises once its reader is gone"


def outlives_reader(stream: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether a stream is guarded; of a foreign one nobody knows, so no fault is told."""
    return type(stream) is not io.TextIOWrapper or is_quietened(stream.buffer)


def can_write(stream: Any, text: str) -> bool:  # noqa: ANN401 - as above
    """Tell whether a stream can encode a text; one without an encoding takes any."""
    encoding = getattr(stream, "encoding", None)
    if encoding is None:
        return True
    try:
        text.encode(encoding, getattr(stream, "errors", None) or "strict")
    except UnicodeEncodeError:
        return False
    return True


def setting() -> str:
    """Describe in one line what the interpreter chose the encodings from."""
    mode = "on" if sys.flags.utf8_mode else "off"
    version = ".".join(map(str, sys.version_info[:3]))
    return f"Python {version} on {sys.platform}, UTF-8 mode {mode}, {code_page()}"


def code_page() -> str:
    """Name the encoding of the locale and, on Windows, the console's code page."""
    name = f"code page {locale.getencoding()}"
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - there is no windll elsewhere

        number = ctypes.windll.kernel32.GetConsoleOutputCP()
        return f"{name}, " + (f"console code page {number}" if number else "no console")
    return name
