"""People who are signed in, and tokens that must not get in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from demo.stack import Origins

__all__ = ["People", "Person", "forged"]


@dataclass
class Person:
    """Somebody with a session at Better Auth and a token that is renewed from it."""

    user_id: str
    cookies: httpx2.Cookies = field(repr=False)
    token: str = field(repr=False)


class People:
    """Signs people up at the page's origin, renews their tokens, signs them out."""

    def __init__(self, client: httpx2.AsyncClient, origins: Origins) -> None:
        self._client = client
        self._origins = origins

    async def new(self) -> Person:
        """Sign somebody up."""
        name = secrets.token_hex(8)
        person = {"name": name, "email": f"{name}@example.com", "password": secrets.token_hex(16)}
        answer = await self._ask("POST", "sign-up/email", httpx2.Cookies(), json=person)
        made = Person(answer.json()["user"]["id"], httpx2.Cookies(answer.cookies), "")
        await self.renew(made)
        return made

    async def renew(self, person: Person) -> None:
        """Fetch a new token; raises httpx2.HTTPError when Better Auth is away."""
        answer = await self._ask("GET", "token", person.cookies)
        person.token = answer.json()["token"]

    async def sign_out(self, person: Person) -> None:
        """End the session; Better Auth's hook tells the back end."""
        await self._ask("POST", "sign-out", person.cookies)

    async def _ask(
        self, method: str, path: str, cookies: httpx2.Cookies, json: object = None
    ) -> httpx2.Response:
        page = self._origins.page
        headers = {
            "Origin": page,
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        }
        url = f"{page}/api/auth/{path}"
        answer = await self._client.request(method, url, headers=headers, json=json)
        return answer.raise_for_status()


def forged(token: str) -> str:
    """Give the token with another signature."""
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{signature[::-1]}"
