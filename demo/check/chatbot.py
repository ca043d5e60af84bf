"""Steps: the second front end, on an origin that never sees the session."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from demo.check.expectations import equal, require

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from demo.check.scene import Scene

__all__ = ["chatbot_alone", "chatbot_works"]


def chatbot_works(scene: Scene) -> None:
    """Open the chatbot from the page and list, add and finish tasks there."""
    with scene.bob.page.expect_popup() as opened:
        scene.bob.page.get_by_role("button", name="Chatbot").click()
    with contextlib.closing(opened.value) as chat:
        chat.set_viewport_size({"width": 760, "height": 760})
        talk(chat, scene)
    scene.bob.reload()
    expect(scene.bob.page.get_by_role("checkbox", name="Bring the umbrella")).to_be_visible()


def talk(chat: Page, scene: Scene) -> None:
    """Say what the chatbot understands, and see that the back end allows its origin."""
    expect(chat.get_by_text("Hello Bob")).to_be_visible()
    with chat.expect_response(lambda r: r.request.method == "POST") as posted:
        say(chat, "add Bring the umbrella")
    headers = posted.value.all_headers()
    equal(headers.get("access-control-allow-origin"), scene.origins.chatbot, "allowed origin")
    expect(chat.get_by_text("Added “Bring the umbrella”.")).to_be_visible()
    say(chat, "done 1")
    expect(chat.get_by_text("Done: ")).to_be_visible()
    say(chat, "list")
    expect(chat.get_by_role("listitem").filter(has_text="Bring the umbrella").last).to_be_visible()
    say(chat, "help")
    expect(chat.get_by_text("I understand these words:")).to_be_visible()
    chat.screenshot(path=scene.screenshots / "chatbot.png")


def chatbot_alone(scene: Scene) -> None:
    """Open the chatbot by its address: nobody hands it a token, so it does nothing."""
    with contextlib.closing(scene.bob.page.context.new_page()) as page:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(scene.origins.chatbot)
        expect(page.get_by_role("link", name="Go to the to-do page")).to_be_visible()
        say(page, "list")
        expect(page.get_by_text("please open me from there")).to_have_count(2)
        require(not any(scene.origins.api in url for url in requests), "it called the API")


def say(chat: Page, line: str) -> None:
    """Type a line and send it with Enter."""
    chat.get_by_label("Message").fill(line)
    chat.get_by_label("Message").press("Enter")
