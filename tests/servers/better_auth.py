"""A real Better Auth server on Node, with people who sign up and tokens that it signs."""

from __future__ import annotations

import contextlib
import sqlite3
import time
import uuid
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import httpx2

from tests.servers.node import running_node_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.servers.node import NodeServer

__all__ = [
    "NEWEST",
    "RELEASES",
    "SECRET",
    "Account",
    "BetterAuth",
    "BetterAuthOptions",
    "Changes",
    "running_better_auth",
]

RELEASES = ("1.3.8", "1.3.34", "1.4.18", "1.6.34", "1.7.25")
NEWEST = RELEASES[-1]
ANSWER_SECONDS = 120.0
SECRET = "a-secret-of-the-tests-4u7Rk2vXq9LmZc8w"

Algorithm = Literal["", "EdDSA", "ES256", "ES512", "PS256", "RS256"]
CookieCache = Literal["", "compact", "jwt", "jwe"]
Payload = Literal["", "user_id", "role", "sid"]
Revokes = Literal["", "user", "session"]
IdKind = Literal["", "serial", "uuid"]


@dataclass(frozen=True, kw_only=True)
class BetterAuthOptions:
    """What to start; every member but the first five is Better Auth's option of that name.

    ``version`` is one of `RELEASES`, those that tests/better_auth/package.json has.
    ``port`` 0 takes a free one; ``database`` is an SQLite file, a new one when None, or the
    address of a PostgreSQL database.
    ``admin`` adds the admin plugin. ``revokes`` says
    whether hooks report the end of a session to the API, and whether as its user's or its own.
    ``expiration_time`` is a duration such as ``"15m"`` or an absolute epoch in digits;
    ``rotation_interval`` and ``grace_period`` are seconds. With ``first_key`` the server has
    made its first key when it counts as ready; else whoever asks first waits for it, which
    with RSA takes seconds on a busy machine.
    """

    version: str = NEWEST
    port: int = 0
    database: Path | str | None = None
    first_key: bool = True
    secret: str = SECRET
    base_url: str = ""
    algorithm: Algorithm = ""
    sign_hs256: bool = False
    cookie_cache: CookieCache = ""
    session_cookie_cache: bool = False
    issuer: str = ""
    audience: tuple[str, ...] = ()
    jwks_path: str = ""
    define_payload: Payload = ""
    generate_id: IdKind = ""
    expiration_time: str = ""
    rotation_interval: int | None = None
    grace_period: int | None = None
    rate_limit: bool = False
    no_jwt_plugin: bool = False
    admin: bool = False
    revokes: Revokes = ""

    def environment(self, database: Path | str) -> dict[str, str]:
        """Give the variables that tests/better_auth reads."""
        return {
            "PORT": str(self.port),
            "DATABASE": str(database),
            "BETTER_AUTH_SECRET": self.secret,
            "BASE_URL": self.base_url,
            "ALGORITHM": self.algorithm,
            "SIGN_HS256": str(int(self.sign_hs256)),
            "COOKIE_CACHE": self.cookie_cache,
            "SESSION_COOKIE_CACHE": str(int(self.session_cookie_cache)),
            "ISSUER": self.issuer,
            "AUDIENCE": ",".join(self.audience),
            "JWKS_PATH": self.jwks_path,
            "DEFINE_PAYLOAD": self.define_payload,
            "GENERATE_ID": self.generate_id,
            "EXPIRATION_TIME": self.expiration_time,
            "ROTATION_INTERVAL": _digits(self.rotation_interval),
            "GRACE_PERIOD": _digits(self.grace_period),
            "RATE_LIMIT": str(int(self.rate_limit)),
            "NO_JWT_PLUGIN": str(int(self.no_jwt_plugin)),
            "ADMIN": str(int(self.admin)),
            "REVOKES": self.revokes,
        }


class Changes(TypedDict, total=False):
    """Members of `BetterAuthOptions`, by name."""

    version: str
    port: int
    database: Path | str | None
    first_key: bool
    secret: str
    base_url: str
    algorithm: Algorithm
    sign_hs256: bool
    cookie_cache: CookieCache
    session_cookie_cache: bool
    issuer: str
    audience: tuple[str, ...]
    jwks_path: str
    define_payload: Payload
    generate_id: IdKind
    expiration_time: str
    rotation_interval: int | None
    grace_period: int | None
    rate_limit: bool
    no_jwt_plugin: bool
    admin: bool
    revokes: Revokes


@dataclass(frozen=True)
class Account:
    """Someone who has signed up or in, with the cookies that the server gave."""

    user_id: str
    email: str
    password: str
    cookies: Mapping[str, str]

    def session_data_cookies(self) -> dict[str, str]:
        """Give the cookies that cache the session, in order: one, or chunks of a large one."""
        return {name: self.cookies[name] for name in self.cookies if "session_data" in name}


@dataclass(frozen=True)
class BetterAuth:
    """A running server, addressed at ``url``, its origin without a trailing slash."""

    url: str
    options: BetterAuthOptions
    database: Path | str
    node: NodeServer
    client: httpx2.Client

    @property
    def key_set_url(self) -> str:
        """Where the key set is published."""
        return f"{self.url}/api/auth{self.options.jwks_path or '/jwks'}"

    def sign_up(self, name: str = "Ada") -> Account:
        """Register a new person, who is signed in thereby."""
        email, password = f"{uuid.uuid4().hex}@example.org", uuid.uuid4().hex
        answer = self._post("sign-up", {"name": name, "email": email, "password": password})
        return _account(answer, email, password)

    def sign_in(self, account: Account) -> Account:
        """Sign a known person in again: the same user, a session of its own."""
        credentials = {"email": account.email, "password": account.password}
        return _account(self._post("sign-in", credentials), account.email, account.password)

    def ask_for_token(self, account: Account) -> httpx2.Response:
        """Ask for a JWT and give the whole answer, good or bad."""
        return self._request("GET", "/api/auth/token", account)

    def token(self, account: Account) -> str:
        """Give a JWT for the person, as a front end would fetch it."""
        return _text(_good(self.ask_for_token(account)).json(), "token")

    def session_data(self, account: Account) -> str:
        """Give what caches the session, its chunks joined; with a ``jwt`` strategy it is a JWT."""
        return "".join(account.session_data_cookies().values())

    def verification_token(self, account: Account) -> str:
        """Give the token that the e-mail to verify the person's address would carry."""
        path = "/test/verification-token"
        answer = self.client.get(path, params={"email": account.email})
        return _text(_good(answer).json(), "token")

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Have Better Auth's own ``signJWT`` sign these claims over its defaults."""
        return _text(_good(self.client.post("/test/sign", json=dict(claims))).json(), "token")

    def key_set(self) -> dict[str, Any]:
        """Give the published key set; asking makes the first key when there is none."""
        answer: dict[str, Any] = _good(self.client.get(self.key_set_url)).json()
        return answer

    def key_ids(self) -> set[str]:
        """Give the ids of the published keys."""
        return {key["kid"] for key in self.key_set()["keys"]}

    def delete_keys(self) -> None:
        """Empty the table of keys behind the server's back, as a database reset does."""
        self._execute("DELETE FROM jwks")

    def expire_keys(self, seconds_ago: int = 1) -> None:
        """Let every key's time be over, so that the next signature makes the server rotate."""
        moment = time.gmtime(time.time() - seconds_ago)
        text = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", moment)
        self._execute("UPDATE jwks SET expiresAt = ?", text)

    def report_to(self, api_url: str, secret: str) -> None:
        """Tell the server which API its hooks report to, and the secret that signs."""
        variables = {"API_URL": api_url, "BETTER_AUTH_REVOCATION_SECRET": secret}
        _good(self.client.post("/test/environment", json=variables))

    def sign_out(self, account: Account) -> None:
        """End the session that the account's cookies name."""
        _good(self._request("POST", "/api/auth/sign-out", account))

    def change_password(self, account: Account, *, new: str) -> None:
        """Change the password and end the other sessions."""
        body = {
            "currentPassword": account.password,
            "newPassword": new,
            "revokeOtherSessions": True,
        }
        _good(self._request("POST", "/api/auth/change-password", account, body))

    def ban(self, account: Account, *, by: Account) -> None:
        """Ban someone, in the name of an administrator, as whom ``by`` is made known first."""
        self._execute("UPDATE user SET role = 'admin' WHERE id = ?", by.user_id)
        body = {"userId": account.user_id}
        _good(self._request("POST", "/api/auth/admin/ban-user", by, body))

    def log(self) -> str:
        """Give what the server has printed so far."""
        return self.node.log()

    def _execute(self, statement: str, *values: str) -> None:
        database = sqlite3.connect(self.database, timeout=ANSWER_SECONDS)
        with contextlib.closing(database) as connection:
            connection.execute(statement, values)
            connection.commit()

    def _post(self, action: str, body: Mapping[str, str]) -> httpx2.Response:
        return _good(self.client.post(f"/api/auth/{action}/email", json=dict(body)))

    def _request(
        self, method: str, path: str, account: Account, body: Mapping[str, Any] | None = None
    ) -> httpx2.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in account.cookies.items())
        json = None if body is None else dict(body)
        return self.client.request(method, path, headers={"cookie": cookies}, json=json)


@contextlib.contextmanager
def running_better_auth(
    options: BetterAuthOptions | None = None, /, **changes: Unpack[Changes]
) -> Iterator[BetterAuth]:
    """Start a server, wait until it answers, and end it afterwards whatever happens.

    ``changes`` go over ``options``. Raises RuntimeError with the tail of the server's log
    when it does not start.
    """
    chosen = replace(options or BetterAuthOptions(), **changes)
    with running_node_server(_alias(chosen.version)) as node:
        database = chosen.database or node.folder / "auth.db"
        url = node.tell(chosen.environment(database))
        # A cookie POST without an Origin is refused; an account keeps its cookies itself.
        headers = {"origin": url}
        with httpx2.Client(
            base_url=url, headers=headers, cookies=_no_cookies(), timeout=ANSWER_SECONDS
        ) as client:
            server = BetterAuth(url, chosen, database, node, client)
            if chosen.first_key and not (chosen.sign_hs256 or chosen.no_jwt_plugin):
                server.key_set()
            yield server


def _alias(version: str) -> str:
    """Give the npm alias that holds a release; the newest has the package's own name."""
    return "better-auth" if version == NEWEST else f"better-auth-{version}"


def _account(answer: httpx2.Response, email: str, password: str) -> Account:
    user = answer.json()["user"]
    return Account(str(user["id"]), email, password, dict(answer.cookies))


def _good(answer: httpx2.Response) -> httpx2.Response:
    if answer.is_error:
        msg = f"{answer.request.url.path} answered {answer.status_code}: {answer.text[:500]}"
        raise RuntimeError(msg)
    return answer


def _text(body: Mapping[str, Any], member: str) -> str:
    value = body.get(member)
    if not isinstance(value, str):
        msg = f"expected a text as {member!r}, got {type(value).__name__}"
        raise TypeError(msg)
    return value


def _no_cookies() -> CookieJar:
    """Give a jar that keeps nothing, so that one client can speak for several people."""
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))


def _digits(value: int | None) -> str:
    return "" if value is None else str(value)
