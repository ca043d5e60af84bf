"""Load, and a judgement on every answer: whose data came, who got in, what a failure showed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import httpx2

from demo.cluster.people import forged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from demo.cluster.people import People, Person

__all__ = ["WAITED_IN_VAIN", "Answer", "Record", "Traffic"]

RENEWAL = 2.0  # seconds between two renewals of somebody's token
PROXY_FAILURES = frozenset({502, 503, 504})
WAITED_IN_VAIN = "no answer came, nor a word that there will be none"
PUBLIC_500 = '{"detail":"Internal Server Error"}'


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: when, after how long, to which kind of call, and what is wrong with it."""

    at: float
    took: float
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


class Traffic:
    """People at work, several calls at a time, until the context is left."""

    def __init__(
        self, client: httpx2.AsyncClient, api: str, people: People, persons: Sequence[Person]
    ) -> None:
        self.record = Record()
        self.revoked: list[Person] = []
        self._client = client
        self._api = api
        self.people = people
        self._persons = persons
        self._numbers = itertools.count()
        self._foreign_row = 0
        self._under_way: set[asyncio.Event] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let everybody work, and renew their tokens."""
        keeper = self._persons[-1]
        kept = {"title": f"{keeper.user_id} keeps this"}
        added = await self._call(keeper, "POST", "tasks", json=kept)
        self._foreign_row = added.json()["id"]
        work = [self._work(person) for person in self._persons]
        tasks = [asyncio.create_task(one) for one in (*work, self._renew())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for one in ended:
            if isinstance(one, Exception):
                raise one

    async def calls_under_way(self) -> None:
        """Wait until every call that is under way now has ended."""
        await asyncio.gather(*(ended.wait() for ended in self._under_way))

    async def _work(self, person: Person) -> None:
        while True:
            for kind, call in self._calls(person):
                await self._judged(kind, call)
            await asyncio.sleep(0)

    def _calls(self, person: Person) -> Iterator[tuple[str, Callable[[], Awaitable[str]]]]:
        yield "add", partial(self._add, person)
        yield "list", partial(self._list, person)
        other = next(one.user_id for one in self._persons if one is not person)
        yield "foreign path", partial(self._refused, person, 403, "tasks", of=other)
        if person is not self._persons[-1]:
            row = f"tasks/{self._foreign_row}"
            yield "foreign row", partial(self._refused, person, 404, row)
        yield "forged", partial(self._refused, person, 401, "tasks", token=forged(person.token))
        for gone in self.revoked:
            yield "revoked", partial(self._refused, gone, 401, "tasks")
        yield "clear", partial(self._clear, person)

    async def _judged(self, kind: str, call: Callable[[], Awaitable[str]]) -> None:
        failure = violation = ""
        asked = time.monotonic()
        try:
            violation = await call()
        except NotServed as missing:
            failure = str(missing)
        except Hung:
            failure, violation = "hung", WAITED_IN_VAIN
        now = time.monotonic()
        self.record.answers.append(Answer(now, now - asked, kind, failure, violation))
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

    async def _refused(self, person: Person, status: int, path: str, **options: str) -> str:
        answer = await self._call(person, "GET", path, **options)
        if answer.status_code == status:
            return ""
        return f"expected {status}, got {answer.status_code}: {answer.text[:200]}"

    async def _call(  # noqa: PLR0913  # a request has that many parts
        self,
        person: Person,
        method: str,
        path: str,
        *,
        of: str = "",
        token: str = "",
        json: object = None,
    ) -> httpx2.Response:
        """Call the API for a person; ``of`` and ``token`` are others than that person's."""
        url = f"{self._api}/api/user/{of or person.user_id}/{path}"
        headers = {"Authorization": f"Bearer {token or person.token}"}
        try:
            with self._noted():
                answer = await self._client.request(method, url, headers=headers, json=json)
        except httpx2.ReadTimeout:
            raise Hung from None
        except httpx2.HTTPError as error:
            raise NotServed(type(error).__name__) from None
        if says_that_it_is_away(answer):
            raise NotServed(str(answer.status_code))
        return answer

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        ended = asyncio.Event()
        self._under_way.add(ended)
        try:
            yield
        finally:
            self._under_way.remove(ended)
            ended.set()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL)
            for person in self._persons:
                await self._judged("renew", partial(self._renewed, person))

    async def _renewed(self, person: Person) -> str:
        # While Better Auth is away people go on with the token that they have.
        try:
            await self.people.renew(person)
        except httpx2.HTTPStatusError as error:
            seen = str(error.response.status_code)
        except httpx2.HTTPError as error:
            seen = type(error).__name__
        else:
            return ""
        msg = f"{seen} at Better Auth"
        raise NotServed(msg)


class NotServed(Exception):
    """No answer came, or one that says that the service is away."""


class Hung(Exception):
    """Somebody waited in vain."""


def says_that_it_is_away(answer: httpx2.Response) -> bool:
    """Tell an answer that owns up to a failure and shows nothing of the inside."""
    if answer.status_code in PROXY_FAILURES:
        return True
    failed = answer.status_code == httpx2.codes.INTERNAL_SERVER_ERROR
    return failed and answer.text == PUBLIC_500
