"""An item more in a list that stands on one line, or on several."""

from __future__ import annotations

import pytest

from betterguard.repair.edits import apply
from betterguard.repair.syntax import WIDTH, appended, inserted, parse, walk

LONG = "a" * 40


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("f()", "f(item=1)", id="empty"),
        pytest.param("f(a)", "f(a, item=1)", id="one-line"),
        pytest.param("f(a,)", "f(a, item=1)", id="comma"),
        pytest.param("f(\n    a\n)", "f(\n    a,\n    item=1\n)", id="lines"),
        pytest.param(
            f"  found = f({LONG}, {LONG}, bb)",
            f"  found = f(\n      {LONG}, {LONG}, bb, item=1\n  )",
            id="too-long",
        ),
        pytest.param(
            f"f({LONG}, {LONG},b={LONG[:10]})",
            f"f(\n    {LONG},\n    {LONG},\n    b={LONG[:10]},\n    item=1,\n)",
            id="too-long-for-one-line-of-its-own",
        ),
        pytest.param(
            f"f({LONG}, {LONG})  # {LONG}", f"f({LONG}, {LONG}, item=1)  # {LONG}", id="comment"
        ),
        pytest.param(
            f"f({LONG}, {LONG}, {LONG})", f"f({LONG}, {LONG}, {LONG}, item=1)", id="long-before"
        ),
        pytest.param(
            f'f"{{f({LONG}, {LONG}, {LONG[:9]})}}"',
            f'f"{{f({LONG}, {LONG}, {LONG[:9]}, item=1)}}"',
            id="in-a-string",
        ),
    ],
)
def test_an_item_is_added(before: str, after: str) -> None:
    text = (f"if x:\n{before}\n" if before.startswith(" ") else f"{before}\n").encode()
    holder = next(walk(parse(text), "argument_list"))
    made = apply(text, appended(text, holder, "item=1")).decode()
    assert made.removeprefix("if x:\n") == f"{after}\n"


def test_a_line_may_be_as_long_as_the_width() -> None:
    text = f"f({'a' * (WIDTH - len('f(, item=1)'))})".encode()
    made = apply(text, appended(text, next(walk(parse(text), "argument_list")), "item=1"))
    assert len(made) == WIDTH
    assert b"\n" not in made


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("f(z)", "f(item=1, z)", id="only-one"),
        pytest.param("f(a, z, b)", "f(a, item=1, z, b)", id="one-line"),
        pytest.param("f(a,z)", "f(a,item=1, z)", id="close"),
        pytest.param(
            "f(\n    a,\n    z,  # end\n)", "f(\n    a,\n    item=1,\n    z,  # end\n)", id="lines"
        ),
        pytest.param("f(a,\n  z)", "f(a,\n  item=1,\n  z)", id="hanging"),
        pytest.param(
            f"  found = f({LONG}, z, {LONG[3:]}, bb)",
            f"  found = f(\n      {LONG}, item=1, z, {LONG[3:]}, bb\n  )",
            id="too-long",
        ),
        pytest.param(
            f"f({LONG}, z,b={LONG[:8]}, {LONG})",
            f"f(\n    {LONG},\n    item=1,\n    z,\n    b={LONG[:8]},\n    {LONG},\n)",
            id="too-long-for-one-line-of-its-own",
        ),
        pytest.param(
            f"f(z, {LONG}, b={LONG[:8]}, {LONG})",
            f"f(\n    item=1,\n    z,\n    {LONG},\n    b={LONG[:8]},\n    {LONG},\n)",
            id="first-of-many",
        ),
    ],
)
def test_an_item_is_written_before_another(before: str, after: str) -> None:
    text = before.encode()
    holder = next(walk(parse(text), "argument_list"))
    place = next(child for child in holder.named_children if child.text == b"z")
    assert apply(text, inserted(text, holder, place, "item=1")).decode() == after
