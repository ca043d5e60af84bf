"""What the documentation says of tokens is complete and right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from betterguard.errors import Reason
from betterguard.limits import DEFAULT_LEEWAY, DEFAULT_MAX_LIFETIME, MAX_LEEWAY
from betterguard.tokens import jwk, jws
from betterguard.tokens.fetching import MAX_BODY_BYTES, MAX_KEYS
from betterguard.tokens.jwks import DEFAULT_DEADLINE, FetchPolicy

PAGE = (Path(__file__).parents[2] / "docs" / "tokens.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z0-9_]+)` \| (.+) \|$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_every_reason_is_explained(reason: Reason) -> None:
    meaning, _, remedy = ROWS[reason.value].partition(" | ")
    assert meaning
    assert remedy


def test_nothing_is_explained_that_does_not_exist() -> None:
    assert set(ROWS) == {reason.value for reason in Reason}


@pytest.mark.parametrize(
    "said",
    [
        f"at most {jws.MAX_TOKEN_BYTES // 1024} kB",
        f"{jws.MAX_JSON_DEPTH} levels",
        f"at most {jws.MAX_NUMBER_LENGTH} characters",
        f"under {jwk.MIN_RSA_BITS} or over {jwk.MAX_RSA_BITS} bits",
        f"({DEFAULT_LEEWAY:.0f} seconds, at most {MAX_LEEWAY:.0f})",
        f"({DEFAULT_MAX_LIFETIME:.0f} seconds)",
        f"at most {DEFAULT_DEADLINE:.0f} s in all",
        f"{MAX_BODY_BYTES // 1024} KiB, {MAX_KEYS} keys",
        f"{FetchPolicy().lifetime / 60:.0f} minutes",
        f"in {FetchPolicy().cooldown:.0f} s",
        f"{FetchPolicy().stale_for / 3600:.0f} hours",
        f"after {FetchPolicy().first_back_off:.0f}, 10, 20, 40, then",
        f"then {FetchPolicy().longest_back_off:.0f} s; a request",
        f"after {FetchPolicy().first_retry:.0f}, 2, 4, then {FetchPolicy().longest_retry:.0f} s",
    ],
)
def test_figures_are_those_of_the_code(said: str) -> None:
    assert said in PAGE
