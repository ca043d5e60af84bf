from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from betterguard.live.doctor import (
    CHECKS,
    FAMILIES,
    Check,
    Outcome,
    Report,
    Status,
    Subject,
    as_json,
    as_text,
    diagnose,
    run,
)
from betterguard.live.doctor.exchange import Unreachable
from betterguard.live.doctor.family import Family
from tests.live.doctor.diagnosing import diagnosed, named, subject_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SOUND = Check("family.sound", "all is well")


async def raising(_: Subject) -> AsyncIterator[Outcome]:
    yield SOUND.ok("before")
    msg = "postgresql://app:a-password@db/app"
    raise RuntimeError(msg)


async def hanging(_: Subject) -> AsyncIterator[Outcome]:
    yield SOUND.ok("before")
    await asyncio.sleep(60)


async def losing(_: Subject) -> AsyncIterator[Outcome]:
    yield SOUND.ok("before")
    msg = "the server went away"
    raise Unreachable(msg)


async def good(_: Subject) -> AsyncIterator[Outcome]:
    yield Check("good.check", "").ok("after")


@pytest.mark.parametrize(
    ("examine", "check"),
    [
        pytest.param(raising, "doctor.crash", id="raises"),
        pytest.param(hanging, "doctor.deadline", id="hangs"),
        pytest.param(losing, "doctor.broken-off", id="breaks-off"),
    ],
)
def test_a_family_that_fails_stops_no_other(
    examine: object, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = (Family("family", (SOUND,), examine), Family("good", (), good))  # type: ignore[arg-type]  # one of three
    monkeypatch.setattr(run, "FAMILIES", families)
    monkeypatch.setattr(run, "STEP_SECONDS", 0.2)
    report = diagnosed(subject_of({}))
    assert [one.check for one in report.outcomes] == ["family.sound", check, "good.check"]
    assert named(report) == {check}
    assert "a-password" not in repr(report)


def test_families_are_chosen_and_told() -> None:
    told: list[tuple[str, int, int]] = []
    asyncio.run(
        diagnose(
            subject_of({}),
            only={"secret", "settings", "console"},
            skip={"settings"},
            progress=lambda *step: told.append(step),
        )
    )
    assert told == [("secret", 0, 2), ("console", 1, 2)]


def test_ids_are_unique_and_begin_with_their_family() -> None:
    ids = [check.id for check in CHECKS]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z-]+\.[a-z0-9-]+", one) for one in ids)
    assert {check.family == family.name for family in FAMILIES for check in family.checks} == {True}


def test_every_check_says_what_is_expected() -> None:
    assert [check.id for check in CHECKS if not check.expected] == []


def test_what_steers_a_terminal_is_escaped() -> None:
    outcome = SOUND.fault("GET /\x1b[2J\nFAULT forged", "one;\ntwo\x07", expected="\u202e")
    assert (outcome.found, outcome.action, outcome.expected) == (
        r"GET /\x1b[2J\nFAULT forged",
        "one;\ntwo\\x07",
        r"\u202e",
    )


REPORT = Report(
    (
        SOUND.ok("[bold]as it is[/bold]"),
        SOUND.warning("found w", "do w"),
        SOUND.fault("found f", "do f;\ndo g", expected="exactly f"),
        SOUND.skipped("why"),
    )
)


def test_json_holds_every_field() -> None:
    data = json.loads(as_json(REPORT))
    assert {name: data[name] for name in ("version", "sound", "faults", "warnings")} == {
        "version": 1,
        "sound": False,
        "faults": 1,
        "warnings": 1,
    }
    assert data["outcomes"][2] == {
        "check": "family.sound",
        "status": "fault",
        "found": "found f",
        "expected": "exactly f",
        "action": "do f;\ndo g",
    }


def test_text_has_a_line_a_check_and_what_to_do() -> None:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(as_text(REPORT), end="")
    lines = [line.strip() for line in captured.get().splitlines()]
    assert lines[0] == "ok     family.sound               [bold]as it is[/bold]"
    assert lines[1:4] == [
        "warn   family.sound               found w",
        "expected: all is well",
        "do: do w",
    ]
    assert lines[4:8] == [
        "FAULT  family.sound               found f",
        "expected: exactly f",
        "do: do f;",
        "do g",
    ]
    assert lines[-1] == "1 ok, 1 warn, 1 fault, 1 skip"


@pytest.mark.parametrize(
    ("status", "sound"),
    [(Status.OK, True), (Status.WARNING, True), (Status.SKIPPED, True), (Status.FAULT, False)],
)
def test_only_a_fault_makes_a_set_up_unsound(status: Status, *, sound: bool) -> None:
    assert Report((Outcome("a.b", status, ""),)).sound is sound
