"""Steps: two people keep their tasks, and neither sees the other's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from demo.check.expectations import equal, require

if TYPE_CHECKING:
    from demo.check.scene import Scene

__all__ = [
    "alice_signs_up",
    "bob_signs_up",
    "both_add_tasks",
    "foreign_path_is_403",
    "foreign_row_is_404",
    "neither_sees_the_others",
    "tasks_are_changed",
]

ALICES = ("Write the release notes", "Book the train to Lisbon", "Water the plants")
BOBS = ("Call the dentist", "Buy oat milk")


def alice_signs_up(scene: Scene) -> None:
    """Sign up, and see an empty list."""
    scene.alice.page.goto(scene.origins.page)
    expect(scene.alice.page.get_by_role("heading", name="Create an account")).to_be_visible()
    scene.alice.photograph(scene.screenshots / "welcome.png")
    scene.alice.sign_up()
    expect(scene.alice.page.get_by_text("Nothing to do")).to_be_visible()
    scene.alice.photograph(scene.screenshots / "empty.png")


def bob_signs_up(scene: Scene) -> None:
    """Sign up in another browser."""
    scene.bob.sign_up()


def both_add_tasks(scene: Scene) -> None:
    """Add tasks, finish one, and find all of it again after a reload."""
    for person, titles in ((scene.alice, ALICES), (scene.bob, BOBS)):
        for title in titles:
            person.add(title)
    water = scene.alice.page.get_by_role("checkbox", name=ALICES[2])
    with scene.alice.page.expect_response(lambda r: r.request.method == "PATCH"):
        water.check()
    scene.alice.reload()
    expect(water).to_be_checked()
    expect(scene.alice.page.locator("#tasks-count")).to_have_text("2 open, 1 done")
    scene.alice.photograph(scene.screenshots / "tasks.png")


def neither_sees_the_others(scene: Scene) -> None:
    """Load both pages anew: each shows its owner's tasks and nothing else."""
    scene.alice.reload()
    scene.alice.expect_tasks(*ALICES)
    scene.bob.reload()
    scene.bob.expect_tasks(*BOBS)


def foreign_path_is_403(scene: Scene) -> None:
    """Call Bob's path with Alice's token, from Alice's page."""
    _, token = scene.alice.credentials()
    bobs_id, _ = scene.bob.credentials()
    for method in ("GET", "POST"):
        body = {"title": "For Bob"} if method == "POST" else None
        answer = scene.alice.fetch(method, f"/api/user/{bobs_id}/tasks", token, body)
        equal(answer, (403, '{"detail":"Forbidden"}'), f"{method} on Bob's path")


def foreign_row_is_404(scene: Scene) -> None:
    """Name one of Bob's tasks under Alice's own path: the same 404 as for one that never was."""
    alices_id, token = scene.alice.credentials()
    bobs_id, bobs_token = scene.bob.credentials()
    _, listed = scene.bob.fetch("GET", f"/api/user/{bobs_id}/tasks", bobs_token)
    bobs_task = json.loads(listed)[0]["id"]
    base = f"/api/user/{alices_id}/tasks"
    for method, body in (
        ("GET", None),
        ("PUT", {"title": "Mine now", "done": True}),
        ("PATCH", {"done": True}),
        ("DELETE", None),
    ):
        foreign = scene.alice.fetch(method, f"{base}/{bobs_task}", token, body)
        missing = scene.alice.fetch(method, f"{base}/{2**31 - 1}", token, body)
        equal(foreign[0], 404, f"{method} on Bob's task")
        equal(foreign, missing, f"{method} on Bob's task and on a missing one")
    _, after = scene.bob.fetch("GET", f"/api/user/{bobs_id}/tasks", bobs_token)
    equal(after, listed, "Bob's tasks afterwards")


def tasks_are_changed(scene: Scene) -> None:
    """Rename a task by PUT and delete one by DELETE, through the page."""
    page = scene.bob.page
    page.get_by_role("button", name=f"Rename {BOBS[0]}").click()
    page.get_by_label("New title").fill("Call the dentist at nine")
    page.get_by_role("button", name="Save").click()
    scene.bob.expect_tasks("Call the dentist at nine", BOBS[1])
    page.get_by_role("button", name=f"Delete {BOBS[1]}").click()
    scene.bob.expect_tasks("Call the dentist at nine")
    scene.bob.reload()
    scene.bob.expect_tasks("Call the dentist at nine")
    require(page.get_by_text("1 open, 0 done").is_visible(), "the count is not that of the list")
