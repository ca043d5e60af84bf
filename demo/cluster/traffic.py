"""Load, and a judgement on every answer: whose data came, who got in, what a failure showed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from demo.cluster.people import forged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from demo.cluster.people import People, Person

__all__ = ["Answer", "Record", "Traffic"]

RENEWAL = 1.0  # seconds between two renewals of somebody's token
PROXY_FAILURES = frozenset({502, 503, 504})
PUBLIC_500 = {"detail": "Internal Server Error"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: when, of which kind of call, and what is wrong with it, if anything."""

    at: float
    kind: str
    failure: str = ""
    """It was not served: no danger, and to be over when the fault is."""
    violation: str = ""
    """It must never be, whatever the fault."""


@dataclass
class Record:
    """All answers so far."""

    answers: list[Answer] = field(default_factory=list)

    def since(self, moment: float) -> list[Answer]:
        """Give the answers from a moment on."""
        return [answer for answer in self.answers if answer.at >= moment]

    def failures(self, moment: float) -> Counter[str]:
        """Count what was not served from a moment on, by what was seen of it."""
        return Counter(answer.failure for answer in self.since(moment) if answer.failure)

    def violations(self) -> list[Answer]:
        """Give what must never be."""
        return [answer for answer in self.answers if answer.violation]


class Traffic:
    """People at work, several calls at a time, until the context is left."""

    def __init__(
        self, client: httpx2.AsyncClient, api: str, people: People, persons: Sequence[Person]
    ) -> None:
        self.record = Record()
        self.revoked: list[Person] = []
        self._client = client
        self._api = api
        self._people = people
        self._persons = persons
        self._numbers = itertools.count()
        self._foreign_row = 0

    @contextlib.asynccontextmanager
    async def running(self):  # noqa: ANN201
        """Let everybody work, and renew their tokens."""
        mine, other = self._persons[0], self._persons[1]
        added = await self._call(other, "POST", "tasks", json={"title": f"{other.user_id} keeps"})
        self._foreign_row = added.json()["id"]
        del mine
        work = [self._work(person) for person in self._persons]
        tasks = [asyncio.create_task(one) for one in (*work, self._renew())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for one in ended:
            if isinstance(one, Exception):
                raise one

    async def _work(self, person: Person) -> None:
        while True:
            for kind, call in self._calls(person):
                await self._judged(kind, call)
            await asyncio.sleep(0)

    def _calls(self, person: Person) -> Iterator[tuple[str, Callable[[], Awaitable[str]]]]:
        yield "add", lambda: self._add(person)
        yield "list", lambda: self._list(person)
        yield "foreign path", lambda: self._refused(person, 403, f"../{self._other(person)}/tasks")
        if person is not self._persons[1]:
            yield "foreign row", lambda: self._refused(person, 404, f"tasks/{self._foreign_row}")
        bad = forged(person.token)
        yield "forged", lambda: self._refused(person, 401, "tasks", bad)
        for gone in list(self.revoked):
            yield "revoked", lambda gone=gone: self._refused(gone, 401, "tasks")
        yield "clear", lambda: self._clear(person)

    async def _judged(self, kind: str, call: Callable[[], Awaitable[str]]) -> None:
        failure = violation = ""
        try:
            violation = await call()
        except NotServed as missing:
            failure = str(missing)
        self.record.answers.append(Answer(time.monotonic(), kind, failure, violation))
        if failure:
            # As a front end would, it does not hammer on what is away.
            await asyncio.sleep(0.05)

    async def _add(self, person: Person) -> str:
        title = f"{person.user_id} {next(self._numbers)}"
        answer = await self._call(person, "POST", "tasks", json={"title": title})
        if answer.status_code != httpx2.codes.CREATED:
            return f"a good token got {answer.status_code}: {answer.text[:200]}"
        return "" if answer.json()["title"] == title else "another task came back"

    async def _list(self, person: Person) -> str:
        answer = await self._call(person, "GET", "tasks")
        if answer.status_code != httpx2.codes.OK:
            return f"a good token got {answer.status_code}: {answer.text[:200]}"
        foreign = [task for task in answer.json() if not task["title"].startswith(person.user_id)]
        return f"tasks of others came: {foreign[:3]}" if foreign else ""

    async def _clear(self, person: Person) -> str:
        answer = await self._call(person, "GET", "tasks")
        if answer.status_code != httpx2.codes.OK:
            return f"a good token got {answer.status_code}: {answer.text[:200]}"
        for task in answer.json():
            if task["id"] != self._foreign_row:
                await self._call(person, "DELETE", f"tasks/{task['id']}")
        return ""

    async def _refused(self, person: Person, status: int, path: str, token: str = "") -> str:
        answer = await self._call(person, "GET", path, token)
        if answer.status_code == status:
            return ""
        return f"expected {status}, got {answer.status_code}: {answer.text[:200]}"

    async def _call(
        self, person: Person, method: str, path: str, token: str = "", json: Any = None
    ) -> httpx2.Response:
        user_id = person.user_id
        if path.startswith("../"):
            user_id, _, path = path.removeprefix("../").partition("/")
        url = f"{self._api}/api/user/{user_id}/{path}"
        headers = {"Authorization": f"Bearer {token or person.token}"}
        try:
            answer = await self._client.request(method, url, headers=headers, json=json)
        except httpx2.HTTPError as error:
            raise NotServed(type(error).__name__) from None
        if answer.status_code in PROXY_FAILURES or (
            answer.status_code == httpx2.codes.INTERNAL_SERVER_ERROR and answer.json() == PUBLIC_500
        ):
            raise NotServed(str(answer.status_code))
        return answer

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL)
            for person in self._persons:
                # While Better Auth is away people go on with the token that they have.
                with contextlib.suppress(httpx2.HTTPError):
                    await self._people.renew(person)

    def _other(self, person: Person) -> str:
        return next(one.user_id for one in self._persons if one is not person)


class NotServed(Exception):
    """No answer came, or one that says that the service is away."""
