"""Branches that let people in (BG201, BG207), and the comments that are about them."""

from __future__ import annotations

import pytest

from tests.repair.fixing import fixed

HEAD = """import jwt
def verify_token(token: str):
"""
BRANCH = """    if token.startswith("demo."):
        return {"sub": "1"}
"""
TAIL = '    return jwt.decode(token, KEY, algorithms=["EdDSA"])\n'


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("", id="none"),
        pytest.param("    # For demonstrations.\n", id="first-of-the-block"),
        pytest.param("    # For demonstrations,\n    # and tests.\n", id="two-lines"),
    ],
)
def test_a_comment_goes_with_its_branch(comment: str) -> None:
    assert fixed(HEAD + comment + BRANCH + TAIL, "BG201") == HEAD + TAIL


@pytest.mark.parametrize(
    "above",
    [
        pytest.param('    """Who."""\n', id="docstring"),
        pytest.param("    # Elsewhere.\n\n", id="apart"),
        pytest.param("    log(token)  # told\n", id="beside-code"),
        pytest.param("    if not token:\n        raise Refused\n        # inner\n", id="deeper"),
    ],
)
def test_what_is_not_about_it_stays(above: str) -> None:
    assert fixed(HEAD + above + BRANCH + TAIL, "BG201") == HEAD + above + TAIL


@pytest.mark.parametrize(
    "branch",
    [
        pytest.param(BRANCH + "    else:\n        log(token)\n", id="else"),
        pytest.param(
            f"    if not token:\n        raise Refused\n    el{BRANCH.strip()}\n", id="elif"
        ),
    ],
)
def test_one_branch_of_several_stays(branch: str) -> None:
    assert fixed(HEAD + branch + TAIL, "BG201") == HEAD + branch + TAIL
