"""A person at a browser of their own, who uses the page as people do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from demo.check.browser import STEP_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Response

    from demo.stack import Origins

__all__ = ["Answer", "Person", "person_at"]

PASSWORD = "correct horse battery"  # noqa: S105  # of a throwaway account
FETCH = """async ({url, method, token, body}) => {
  const headers = {Authorization: `Bearer ${token}`, "Content-Type": "application/json"};
  const answer = await fetch(url, {method, headers, body: body && JSON.stringify(body)});
  return {status: answer.status, body: await answer.text()};
}"""


@dataclass(frozen=True)
class Answer:
    """What the page could read of an answer, and the headers that only the browser sees."""

    status: int
    headers: Mapping[str, str]
    shown_status: str
    shown_headers: str
    shown_body: str


@dataclass
class Person:
    """Somebody with a name and a window; ``troubles`` collects what went wrong in the page."""

    name: str
    origins: Origins
    page: Page
    troubles: list[str] = field(default_factory=list)

    @property
    def email(self) -> str:
        """Give the address that this person signs up with."""
        return f"{self.name.lower()}@example.com"

    def sign_up(self) -> None:
        """Create an account on the welcome page and wait for the tasks."""
        self.page.goto(self.origins.page)
        self.page.get_by_label("Name").fill(self.name)
        self.page.get_by_label("E-mail").fill(self.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign up").click()
        expect(self.page.get_by_role("heading", name="Tasks")).to_be_visible()
        self.expect_list()

    def expect_list(self) -> None:
        """Wait until the list is drawn: what is added before may stand there twice."""
        drawn = "#tasks-count:not(:empty), #no-tasks:not([hidden])"
        expect(self.page.locator(drawn)).to_be_visible()

    def add(self, title: str) -> None:
        """Add a task and wait until it stands in the list."""
        self.page.get_by_label("New task").fill(title)
        self.page.get_by_role("button", name="Add", exact=True).click()
        expect(self.page.get_by_role("checkbox", name=title)).to_be_visible()

    def expect_tasks(self, *titles: str) -> None:
        """Wait until the list shows exactly these tasks, in this order."""
        expect(self.page.locator(".task__title")).to_have_text(list(titles))

    def reload(self) -> None:
        """Load the page anew and wait for the tasks: the token was lost, the session was not."""
        with self.page.expect_response(self.is_list):
            self.page.reload()
        self.expect_list()

    def is_list(self, response: Response) -> bool:
        """Tell whether a response is the list of tasks."""
        return response.request.method == "GET" and response.url.endswith("/tasks")

    def credentials(self) -> tuple[str, str]:
        """Give this person's id and token, as they went over the wire."""
        with self.page.expect_response(self.is_list) as caught:
            self.page.reload()
        self.expect_list()
        token = caught.value.request.all_headers()["authorization"].removeprefix("Bearer ")
        return caught.value.url.split("/")[-2], token

    def fetch(self, method: str, path: str, token: str, body: object = None) -> tuple[int, str]:
        """Call the API from this page with any token; give what the page could read."""
        order = {"url": self.origins.api + path, "method": method, "token": token, "body": body}
        answer: dict[str, Any] = self.page.evaluate(FETCH, order)
        return answer["status"], answer["body"]

    def try_out(self, button: str) -> Answer:
        """Press one of the buttons that must not get in; give what came and what is shown."""
        with self.page.expect_response(lambda r: r.url.startswith(self.origins.api)) as caught:
            self.page.get_by_role("button", name=button, exact=True).first.click()
        # The answer is read before it is shown: wait for this call, not for the one before.
        self.expect_call(button)
        line = self.page.locator("#answer-line")
        return Answer(
            caught.value.status,
            caught.value.all_headers(),
            line.inner_text(),
            self.page.locator("#answer-headers").inner_text(),
            self.page.locator("#answer-body").inner_text(),
        )

    def expect_call(self, title: str) -> None:
        """Wait until the page shows the answer to a call, and has done with it what it does."""
        expect(self.page.locator("#history [aria-current]")).to_contain_text(title)

    def photograph(self, file: Path, *, whole: bool = True) -> None:
        """Take a picture of the page."""
        self.page.screenshot(path=file, full_page=whole)


def person_at(browser: Browser, name: str, origins: Origins, width: int = 1360) -> Person:
    """Open a window with cookies and memory of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, locale="en-GB", reduced_motion="reduce"
    )
    context.set_default_timeout(STEP_LIMIT)
    person = Person(name, origins, context.new_page())
    person.page.on("pageerror", lambda error: person.troubles.append(str(error)))
    person.page.on("console", lambda message: note_trouble(person, message.type, message.text))
    return person


def note_trouble(person: Person, kind: str, text: str) -> None:
    """Keep what the browser complains of, but for the refusals that the steps ask for."""
    if kind in {"error", "warning"} and not text.startswith("Failed to load resource"):
        person.troubles.append(text)
