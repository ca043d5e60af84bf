"""Silence is no refusal: what got no answer counts as untried, and never as held or as open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from betterguard.live.attack import Family, Verdict
from tests.live.attack.apis import ISSUER, attacked
from tests.live.attack.vulnerable.app import vulnerable_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from betterguard.live.attack import Result

UNANSWERED = "a request got no answer"
ITEM = re.compile(r"/api/users/[^/]+/tasks/\d+")
CROSSING = frozenset({Family.CROSSING})


class Mute:
    """An application that ends without an answer where ``on`` says so of an answer's status."""

    def __init__(self, app: Any, on: Callable[[str, str, int], bool]) -> None:
        self.app = app
        self.on = on

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kept: list[Any] = []

        async def keep(message: Any) -> None:
            kept.append(message)

        await self.app(scope, receive, keep)
        if not self.on(scope["method"], scope["path"], kept[0]["status"]):
            for message in kept:
                await send(message)


def muted(on: Callable[[str, str, int], bool], **options: Any) -> Result:
    app: Any = Mute(vulnerable_app(ISSUER), on)
    return attacked(app, variants=1, **options)


def verdicts(result: Result, operation: str, *attacks: str) -> list[tuple[str, str]]:
    cells = [result.cells[operation, attack] for attack in attacks]
    return [(cell.verdict.value, cell.note) for cell in cells]


def test_what_is_silent_on_bad_tokens_is_not_said_to_refuse_them() -> None:
    result = muted(
        lambda _method, _path, status: status == 401, families=frozenset({Family.CREDENTIAL})
    )
    assert result.open == []
    held = {cell.attack.name for cell in result.cells.values() if cell.verdict is Verdict.HELD}
    feed = {"missing-credential", "token-in-query", "client-identity"}  # may be read by anybody
    assert held == {"scheme-case"} | feed
    attacks = ("missing-credential", "alg-none", "expired", "failing-check")
    operation = "GET /api/users/{user_id}/tasks"
    assert verdicts(result, operation, *attacks) == [("untried", UNANSWERED)] * 4


def test_one_silence_among_refusals_leaves_the_attack_untried() -> None:
    silences = iter([True])
    result = muted(
        lambda _method, _path, status: status == 401 and next(silences, False),
        families=frozenset({Family.CREDENTIAL}),
    )
    untried = [cell for cell in result.untried if cell.note == UNANSWERED]
    assert result.open == []
    assert {cell.attack.name for cell in untried} == {"missing-credential", "failing-check"}
    assert len({cell.operation for cell in untried}) == 1


def test_silence_on_another_users_object_is_no_refusal() -> None:
    result = muted(
        lambda _method, path, status: status in {403, 404} and bool(ITEM.fullmatch(path)),
        families=CROSSING,
    )
    assert result.open == []
    attacks = ("read-foreign", "existence-oracle")
    assert (
        verdicts(result, "GET /api/users/{user_id}/tasks/{task_id}", *attacks)
        == [("untried", UNANSWERED)] * 2
    )


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_an_object_that_cannot_be_looked_at_is_not_gone(method: str) -> None:
    tried = [False]

    def on(asked: str, path: str, status: int) -> bool:
        foreign = asked == method and status in {403, 404}
        tried[0] = tried[0] or foreign
        return tried[0] and asked == "GET" and bool(ITEM.fullmatch(path)) and not foreign

    result = muted(on, families=CROSSING)
    names = {"DELETE": "delete-foreign", "PUT": "update-foreign"}
    operation = f"{method} /api/users/{{user_id}}/tasks/{{task_id}}"
    assert result.open == []
    assert verdicts(result, operation, names[method]) == [("untried", UNANSWERED)]
