from __future__ import annotations

import pytest

from betterguard.repair.edits import Edit, OverlappingEdits, apply, newline

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("source", "edits", "expected"),
    [
        pytest.param(b"a = 1\n", [], b"a = 1\n", id="no-edits"),
        pytest.param(b"", [], b"", id="empty"),
        pytest.param(b"a\r\nb\r\n", [], b"a\r\nb\r\n", id="crlf-untouched"),
        pytest.param(b"a\nb\r\nc\n", [Edit(0, 1, "x")], b"x\nb\r\nc\n", id="mixed-ends-untouched"),
        pytest.param(BOM + b"a = 1", [Edit(4, 5, "2")], BOM + b"a = 2", id="bom"),
        pytest.param(b"a\r\n", [Edit(1, 1, "\nb")], b"a\r\nb\r\n", id="crlf-written"),
        pytest.param(b"a\n", [Edit(1, 1, "\r\nb")], b"a\nb\n", id="lf-written"),
        pytest.param("é = 1\n".encode(), [Edit(5, 6, "ü")], "é = ü\n".encode(), id="bytes"),
        pytest.param(
            b"ab", [Edit(1, 1, "1"), Edit(1, 1, "2"), Edit(1, 2, "B")], b"a12B", id="insert-order"
        ),
        pytest.param(b"ab", [Edit(1, 2, "B"), Edit(1, 1, "1")], b"a1B", id="insert-first"),
        pytest.param(b"ab", [Edit(1, 1, "1"), Edit(1, 1, "1")], b"a1b", id="equal-once"),
        pytest.param(b"abcd", [Edit(2, 4, ""), Edit(0, 2, "")], b"", id="touching"),
    ],
)
def test_edits_change_their_bytes_alone(source: bytes, edits: list[Edit], expected: bytes) -> None:
    assert apply(source, edits) == expected


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([Edit(0, 2, ""), Edit(1, 3, "")], id="crossing"),
        pytest.param([Edit(0, 3, ""), Edit(1, 1, "x")], id="inside"),
        pytest.param([Edit(0, 2, "x"), Edit(0, 2, "y")], id="same-place"),
        pytest.param([Edit(0, 9, "")], id="beyond-the-end"),
        pytest.param([Edit(2, 1, "")], id="backwards"),
    ],
)
def test_edits_that_overlap_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(OverlappingEdits):
        apply(b"abcd", edits)


def test_the_majority_of_lines_decides_how_lines_end() -> None:
    assert newline(b"a\r\nb\r\nc\n") == "\r\n"
    assert newline(b"a\nb\nc\r\n") == "\n"
    assert newline(b"a") == "\n"
