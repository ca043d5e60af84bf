"""Steps: a token's life on the page, from renewal to sign-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from demo.check.expectations import equal, require

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from demo.check.scene import Scene

__all__ = ["nothing_is_stored", "refused_once", "renewal", "signing_out"]

# The check's tokens are renewed ten seconds after they were issued.
RENEWAL_LIMIT = 120_000  # milliseconds; only ever reached when something is broken
REVOKED = (401, '{"detail":"Token revoked"}')
STORED = "() => JSON.stringify([localStorage, sessionStorage, document.cookie])"


def renewal(scene: Scene) -> None:
    """Wait until the page fetches a new token by itself, and work on with that one."""
    _, old = scene.alice.credentials()
    with scene.alice.page.expect_response("**/api/auth/token", timeout=RENEWAL_LIMIT) as caught:
        pass
    equal(caught.value.status, 200, "Better Auth's answer to the renewal")
    new = caught.value.json()["token"]
    require(new != old, "the renewed token is the old one")
    with scene.alice.page.expect_response(lambda r: r.url.endswith("/api/fault")) as used:
        scene.alice.page.get_by_role("button", name="A route that raises").click()
    sent = used.value.request.all_headers()["authorization"]
    require(sent != f"Bearer {old}", "the page still sends the old token")


def refused_once(scene: Scene) -> None:
    """Lose the token on its way once: the page takes a new one and the person sees no error."""
    page = scene.alice.page
    refused: list[str] = []

    def lose_the_token(route: Route) -> None:
        headers = route.request.headers
        if route.request.method == "POST" and not refused:
            refused.append(route.request.url)
            headers = {name: v for name, v in headers.items() if name != "authorization"}
        route.continue_(headers=headers)

    page.route(f"{scene.origins.api}/**", lose_the_token)
    scene.alice.add("Survive a refusal")
    page.unroute(f"{scene.origins.api}/**")
    equal(len(refused), 1, "requests that lost their token")
    calls = page.locator("#history")
    expect(calls.get_by_role("button", name="Add a task 401")).to_be_visible()
    expect(calls.get_by_role("button", name="Add a task (new token) 201")).to_be_visible()


def nothing_is_stored(scene: Scene) -> None:
    """Look for the token where another script or a later visitor would find it."""
    _, token = scene.alice.credentials()
    stored = scene.alice.page.evaluate(STORED)
    require(token not in stored, "the token is in the browser's storage")
    require("eyJ" not in stored, "something like a token is in the browser's storage")


def signing_out(scene: Scene) -> None:
    """Sign out: the tasks leave the page, a reload does not bring them back, the token is dead."""
    page = scene.alice.page
    user_id, token = scene.alice.credentials()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#welcome")).to_be_visible()
    equal(page.locator(".task").count(), 0, "tasks left in the page")
    status, body = scene.alice.fetch("GET", f"/api/user/{user_id}/tasks", token)
    equal((status, body), REVOKED, "the API's answer to the token of an ended session")
    page.reload()
    expect(page.locator("#welcome")).to_be_visible()
