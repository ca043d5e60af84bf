"""The lines of a text that positions stand in."""

from __future__ import annotations


def line_of(text: bytes, pos: int) -> int:
    """Give the number of the line of a position, from 1."""
    return text.count(b"\n", 0, pos) + 1


def start_of(text: bytes, pos: int) -> int:
    """Give the offset at which the line of a position begins."""
    return text.rfind(b"\n", 0, pos) + 1


def next_after(text: bytes, pos: int) -> int:
    """Give the offset behind the line of a position, its line end included."""
    end = text.find(b"\n", pos)
    return len(text) if end < 0 else end + 1


def end_of(text: bytes, pos: int) -> int:
    """Give the offset at which the line of a position ends, its line end not included."""
    end = next_after(text, pos)
    return end - len(text[pos:end]) + len(text[pos:end].rstrip(b"\r\n"))


def indent_of(text: bytes, pos: int) -> str:
    """Give the white space that the line of a position begins with."""
    line = text[start_of(text, pos) : next_after(text, pos)]
    return line[: len(line) - len(line.lstrip(b" \t"))].decode()
