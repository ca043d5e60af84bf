"""A standard stream whose reader has gone: notice it at the byte layer, then be quiet."""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import Protocol


class ByteLayer(Protocol):
    """What lies under a text stream: a buffered writer, or the raw file with ``python -u``."""

    def write(self, data: bytes, /) -> object:
        """Take bytes and say how many; None when the file would block."""

    def flush(self) -> object:
        """Hand everything taken to the descriptor."""


class Quieting:
    """The ``write`` and ``flush`` of one byte layer until its reader is gone; then neither acts.

    The functions are set on the layer itself, so the stream keeps its identity: handlers made
    earlier, ``print``, ``stream.buffer`` and the interpreter's own flush at exit all come by.
    """

    def __init__(self, layer: ByteLayer, descriptor: int) -> None:
        self._write = layer.write
        self._flush = layer.flush
        self._descriptor = descriptor
        self.gone = False

    def write(self, data: bytes, /) -> object:
        """Write, or take the bytes and drop them when nobody reads."""
        if not self.gone:
            try:
                return self._write(data)
            except OSError as error:
                self._judge(error)
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Flush, or do nothing when nobody reads."""
        if not self.gone:
            try:
                self._flush()
            except OSError as error:
                self._judge(error)

    def _judge(self, error: OSError) -> None:
        """Go quiet when the reader is gone; any other fault is the caller's to know."""
        if not is_reader_gone(error, self._descriptor):
            raise error
        self.gone = True
        if error.errno != errno.EBADF:
            connect_to_null(self._descriptor)


def quieten(layer: ByteLayer, descriptor: int) -> None:
    """Make a byte layer go quiet once the reader behind ``descriptor`` is gone; once is enough."""
    if is_quietened(layer):
        return
    quieting = Quieting(layer, descriptor)
    for name in ("write", "flush"):
        setattr(layer, name, getattr(quieting, name))


def is_quietened(layer: ByteLayer) -> bool:
    """Tell whether the layer is guarded already."""
    return isinstance(getattr(layer.write, "__self__", None), Quieting)


def is_reader_gone(error: OSError, descriptor: int) -> bool:
    """Tell whether a write to ``descriptor`` failed because nobody can ever read it.

    Windows says EINVAL for a pipe without a reader (its C library knows no better name for
    ERROR_NO_DATA), and a terminal that hung up says EIO. Both codes mean other things
    elsewhere, so they count for that kind of descriptor alone.
    """
    if isinstance(error, ConnectionError) or error.errno == errno.EBADF:
        return True
    if error.errno == errno.EINVAL:
        return sys.platform == "win32" and stat.S_ISFIFO(mode_of(descriptor))
    return error.errno == errno.EIO and stat.S_ISCHR(mode_of(descriptor))


def mode_of(descriptor: int) -> int:
    """Give the file type and permission bits behind a descriptor; 0 when it is not open."""
    try:
        return os.fstat(descriptor).st_mode
    except OSError:
        return 0


def connect_to_null(descriptor: int) -> None:
    """Let the null device take the place of a dead pipe, for children and C code too.

    Not for a closed descriptor: its number may be another file's by now.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, descriptor)
    finally:
        os.close(null)
