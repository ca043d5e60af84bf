"""Steps: a phone, a dark room, a keyboard, and a browser with nothing to complain of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import ViewportSize, expect

from demo.check.expectations import equal, require
from demo.check.keyboard import tab_to
from demo.check.person import PASSWORD

if TYPE_CHECKING:
    from demo.check.person import Person
    from demo.check.scene import Scene

__all__ = ["dark", "keyboard_only", "no_complaints", "phone"]

PHONE = ViewportSize(width=360, height=780)
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def phone(scene: Scene) -> None:
    """Show the page at a phone's width: all of it, and nothing to scroll sideways."""
    page, desktop = scene.alice.page, scene.alice.page.viewport_size
    page.set_viewport_size(PHONE)
    try:
        scene.alice.photograph(scene.screenshots / "phone.png")
        equal(page.evaluate(TOO_WIDE), 0, "pixels beyond the edge of the page")
    finally:
        page.set_viewport_size(desktop or PHONE)


def dark(scene: Scene) -> None:
    """Show the page to somebody who prefers the dark."""
    page = scene.alice.page
    page.emulate_media(color_scheme="dark")
    try:
        background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        red = int(background.removeprefix("rgb(").split(",")[0])
        require(red < 64, f"the page is not dark: {background}")  # noqa: PLR2004  # of 255
        scene.alice.photograph(scene.screenshots / "dark.png")
    finally:
        page.emulate_media(color_scheme="light")


def keyboard_only(scene: Scene) -> None:
    """Sign out and in, add, finish, rename and delete a task without a mouse."""
    bob, page = scene.bob, scene.bob.page
    bob.reload()
    tab_to(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page.locator("#welcome")).to_be_visible()
    sign_in_by_keyboard(bob)
    page.keyboard.type("Learn the shortcuts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Learn the shortcuts")).to_be_visible()
    tab_to(page, "Learn the shortcuts")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Learn the shortcuts")).to_be_checked()
    bob.expect_call("Finish a task")  # what is renamed before would not be done any more
    tab_to(page, "Rename Learn the shortcuts")
    page.keyboard.press("Enter")
    page.keyboard.type("Know the shortcuts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Know the shortcuts")).to_be_checked()
    tab_to(page, "Delete Know the shortcuts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Know the shortcuts")).to_have_count(0)


def sign_in_by_keyboard(person: Person) -> None:
    """Find the form by Tab and send it with Enter; the field for a new task then has the focus."""
    page = person.page
    if page.get_by_role("heading", name="Create an account").is_visible():
        tab_to(page, "Sign in")
        page.keyboard.press("Enter")
    else:
        tab_to(page, "E-mail")
    page.keyboard.type(person.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("New task")).to_be_focused()
    person.expect_list()


def no_complaints(scene: Scene) -> None:
    """Read the browser's console: no script error, nothing that the page's policy refused."""
    equal(scene.alice.troubles + scene.bob.troubles, [], "complaints in the browser's console")
