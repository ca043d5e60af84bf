"""Steps: the calls that must not get in, and the page on another origin that reads why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.check.expectations import equal, require

if TYPE_CHECKING:
    from demo.check.person import Answer
    from demo.check.scene import Scene

__all__ = [
    "another_users_path",
    "expired_token",
    "missing_token",
    "raising_route",
    "tampered_token",
]


def missing_token(scene: Scene) -> None:
    """Send no token: 401 with a bare challenge."""
    answer = refusal(scene, "Missing token", 401, "Missing token")
    equal(answer.headers.get("www-authenticate"), "Bearer", "WWW-Authenticate")


def expired_token(scene: Scene) -> None:
    """Send a token that Better Auth signed and whose time is over."""
    answer = refusal(scene, "Expired token", 401, "Token expired")
    challenge = answer.headers.get("www-authenticate", "")
    require('error="invalid_token"' in challenge, f"WWW-Authenticate is {challenge!r}")
    require("invalid_token" in answer.shown_headers, "the page does not show WWW-Authenticate")
    scene.alice.photograph(scene.screenshots / "wire.png")


def tampered_token(scene: Scene) -> None:
    """Send a token whose claims were changed under the old signature."""
    answer = refusal(scene, "Tampered token", 401, "Invalid token")
    challenge = answer.headers.get("www-authenticate", "")
    require('error="invalid_token"' in challenge, f"WWW-Authenticate is {challenge!r}")


def another_users_path(scene: Scene) -> None:
    """Send a good token to somebody else's path."""
    answer = refusal(scene, "Another user's path", 403, "Forbidden")
    require("www-authenticate" not in answer.headers, "a 403 asks for no other credential")


def raising_route(scene: Scene) -> None:
    """Call the route that raises: a 500 that says nothing of the inside, and which one it was."""
    answer = refusal(scene, "A route that raises", 500, "Internal Server Error")
    require(answer.headers.get("x-request-id"), "the 500 carries no X-Request-ID")
    require("x-request-id" in answer.shown_headers, "the page cannot read X-Request-ID")
    require("purpose" not in answer.shown_body, "the 500 tells the exception's text")


def refusal(scene: Scene, button: str, status: int, detail: str) -> Answer:
    """Press the button; expect the status and the detail, readable across origins."""
    answer = scene.alice.try_out(button)
    equal(answer.status, status, "status")
    allowed = answer.headers.get("access-control-allow-origin")
    equal(allowed, scene.origins.page, "Access-Control-Allow-Origin")
    require(str(status) in answer.shown_status, f"the page shows {answer.shown_status!r}")
    require(detail in answer.shown_body, f"the page shows {answer.shown_body!r}, not {detail!r}")
    return answer
