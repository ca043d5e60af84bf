"""BetterGuard: what an application holds; one flat asynchronous dependency a need."""

from __future__ import annotations

import contextlib
import logging
import time
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from fastapi.responses import JSONResponse  # noqa: TC002  # FastAPI reads the annotation of `ready`

from betterguard.console import force_utf8
from betterguard.errors import (
    AuthError,
    ConfigurationError,
    Forbidden,
    InvalidToken,
    MissingToken,
    Reason,
    RevocationsUnavailable,
)
from betterguard.events import Event
from betterguard.revocation import Revocations, Subject
from betterguard.settings import Settings
from betterguard.web import assembly, cors
from betterguard.web.answers import add_error_answers
from betterguard.web.bearer import read_bearer
from betterguard.web.dependency import Dependency, NotBare
from betterguard.web.observing import observed
from betterguard.web.readiness import readiness
from betterguard.web.refusals import RefusalLog
from betterguard.web.revocations import DEFAULT_PATH, revocation_router
from betterguard.web.routes import document_answers, path_faults
from betterguard.web.watching import Watches, turn_away

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from fastapi import APIRouter, FastAPI, WebSocket
    from starlette.requests import HTTPConnection

    from betterguard.revocation import RevocationState, RevocationStore
    from betterguard.tokens import (
        Claims,
        KeySetState,
        KeySource,
        TokenVerifier,
    )
    from betterguard.user import User
    from betterguard.web.observing import Observer

__all__ = ["BetterGuard"]

logger = logging.getLogger("betterguard.web")

U = TypeVar("U")
V = TypeVar("V")


class BetterGuard(NotBare, Generic[U]):
    """Verifies callers for one application; made once, at import.

    ``user`` makes the application's own user from verified claims (by default a `User`); what
    it refuses with ValueError is a token that is not valid here. ``path_parameter`` is the
    part of a path that ``path_user`` compares. ``keys`` replaces the keys that the settings
    name, as a test does, and ``revocation_store`` the store. ``observer`` is told of outcomes.
    ``clock`` gives seconds since 1970.
    """

    @overload
    def __init__(
        self: BetterGuard[User],
        settings: Settings,
        *,
        path_parameter: str = ...,
        keys: KeySource | None = ...,
        revocation_store: RevocationStore | None = ...,
        observer: Observer | None = ...,
        clock: Callable[[], float] = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        settings: Settings,
        *,
        user: Callable[[Claims], U],
        path_parameter: str = ...,
        keys: KeySource | None = ...,
        revocation_store: RevocationStore | None = ...,
        observer: Observer | None = ...,
        clock: Callable[[], float] = ...,
    ) -> None: ...

    def __init__(  # noqa: PLR0913 - each may be replaced, all by name
        self,
        settings: Settings,
        *,
        user: Callable[[Claims], Any] = attrgetter("user"),
        path_parameter: str = "user_id",
        keys: KeySource | None = None,
        revocation_store: RevocationStore | None = None,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("write Depends(guard.user), or another of the guard's dependencies")
        self.settings = settings
        self._make_user: Callable[[Claims], U] = user
        self._remote = assembly.remote_keys(settings) if keys is None else None
        source = keys or assembly.access_keys(settings, self._remote)
        self.verifier = assembly.verifier(settings, source, clock)
        self._cookie = assembly.session_cookie(settings, self._remote, clock)
        self._observer = observer
        self._refusals = RefusalLog(observer)
        self._revocations = assembly.revocations(settings, revocation_store, clock)
        self._clock = clock
        self._watches = Watches(
            *(self._revocations, self._refusals),
            # The cookie's keys are among the remote ones, or the secrets, which never go.
            epoch=(self._remote or source).epoch,
            leeway=settings.leeway,
            clock=clock,
        )
        self.user: Dependency[U] = self._dependency(self._user, "user", (401, 503))
        """Who is calling; 401 when nobody that can be believed."""
        self.optional_user: Dependency[U | None] = self._dependency(
            self._optional_user, "optional_user", (401, 503)
        )
        """Who is calling, None when no credential came at all; a bad one is 401 nevertheless."""
        self.path_user: Dependency[U] = self._dependency(
            self._path_user, "path_user", (401, 403, 503), path_parameter
        )
        """Who is calling; 403 when the path names another user."""
        self.verify_token: Dependency[str] = self._dependency(
            self._user_id, "verify_token", (401, 503)
        )
        """The caller's id alone, for ``current_user_id: str = Depends(verify_token)``."""
        self.fresh_user: Dependency[U] = self._dependency(
            self._user, "fresh_user", (401, 503), fresh=True
        )
        """Who is calling, and not revoked as of now: the store of revocations is asked, and 503
        is the answer when it is away. For what must not happen after a sign-out."""
        if observer is not None:
            observer.watch(self)

    @overload
    @classmethod
    def from_env(
        cls,
        *,
        env_file: str | Path | None = ...,
        path_parameter: str = ...,
        revocation_store: RevocationStore | None = ...,
        observer: Observer | None = ...,
    ) -> BetterGuard[User]: ...

    @overload
    @classmethod
    def from_env(
        cls,
        *,
        user: Callable[[Claims], V],
        env_file: str | Path | None = ...,
        path_parameter: str = ...,
        revocation_store: RevocationStore | None = ...,
        observer: Observer | None = ...,
    ) -> BetterGuard[V]: ...

    @classmethod
    def from_env(cls, *, env_file: str | Path | None = ".env", **options: Any) -> BetterGuard[Any]:
        """Make a guard from the environment and ``.env``.

        Raises `ConfigurationError` that lists every fault, so that a wrongly configured
        application does not start.
        """
        return cls(Settings.from_env(env_file), **options)

    def require(
        self, predicate: Callable[[U], bool | Awaitable[bool]], *, name: str = "require(…)"
    ) -> Dependency[U]:
        """Give a dependency that answers 403 to users for whom the predicate is not true.

        ``guard.require(lambda user: user.claims.get("role") == "admin")``
        """

        async def permit(user: U) -> None:
            allowed = predicate(user)
            if not (allowed if isinstance(allowed, bool) else await allowed):
                raise self._told(Forbidden(Reason.PREDICATE_FAILED))

        return self._dependency(self._user, name, (401, 403, 503), permit=permit)

    def install(
        self, app: FastAPI, *, allow_credentials: bool = True, problem_details: bool = False
    ) -> None:
        """Set an application up: CORS around everything, error answers, docs, UTF-8 console.

        ``allow_credentials`` lets the configured front ends, and only those, send cookies.
        ``problem_details`` answers errors as RFC 9457 instead of ``{"detail": …}``.
        """
        force_utf8()
        if self.settings.frontend_origins or self.settings.frontend_preview:
            cors.wrap(app, self.settings, allow_credentials=allow_credentials)
        else:
            logger.warning(
                "FRONTEND_URL is not set: browsers on other origins are not served",
                extra=Event.SETTING_UNWISE(),
            )
        add_error_answers(app, self._refusals, problem_details=problem_details)
        document_answers(app)

    async def verify(self, token: str) -> Claims:
        """Give the claims of a token that came in another way than the dependencies look for.

        In a message of a WebSocket, say, or in the call of a tool. Raises an `AuthError` wherever
        a request with this token would be refused, for what has been revoked, too.
        """
        try:
            return await observed(self._verified_access, self._observer)(token)
        except AuthError as error:
            refusal = self._told(error)
        del token  # what a crash report shows of this frame
        raise refusal.with_traceback(None)

    def watch(self, socket: WebSocket) -> AbstractAsyncContextManager[U, bool]:
        """Give the caller of a WebSocket, and end the block when requests would be refused to it.

        ``async with guard.watch(socket) as user:`` around what the route does after ``accept``.
        Within a second of a revocation, when the token expires, and when the key that signed it
        is gone from the key set, the block is left wherever it waits and the socket is closed:
        with code 1008, or 1013 when what is revoked cannot be known any longer. What stands
        after the block runs nevertheless.

        Raises WebSocketDisconnect, on a closed socket, when the caller is refused from the
        start; before ``accept`` the handshake is refused as the dependencies refuse it.
        """
        # Said to type checkers: what stands after an endless loop in the block is reached.
        return cast("AbstractAsyncContextManager[U, bool]", self._watched(socket))

    @contextlib.asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Check the application's routes, fetch the keys in the background, and tidy up.

        An application with a lifespan of its own writes ``async with guard.lifespan(app):``
        inside it.
        """
        faults = path_faults(app)
        if faults:
            raise ConfigurationError(faults)
        for warning in self.settings.warnings:
            logger.warning(warning, extra=Event.SETTING_UNWISE())
        if self._remote is not None:
            self._remote.begin_refresh()
        if self._revocations is not None:
            self._revocations.begin()
        try:
            yield
        finally:
            if self._remote is not None:
                await self._remote.aclose()
            if self._revocations is not None:
                await self._revocations.aclose()

    def key_set_state(self) -> KeySetState | None:
        """Tell the remote key set's state, for health checks; None when there is no such set."""
        return None if self._remote is None else self._remote.state()

    def revocation_state(self) -> RevocationState | None:
        """Tell what is known of revocations, for health checks; None without a store."""
        return None if self._revocations is None else self._revocations.state()

    async def ready(self) -> JSONResponse:
        """Answer a health check: 503 until tokens can be checked, and whenever they cannot.

        ``app.get("/ready")(guard.ready)``. It tells nothing of the inside.
        """
        return readiness(self._remote, self._revocations)

    async def revoke(self, user_id: str, *, at: float | None = None) -> None:
        """Refuse every token issued to the user until now, in every process within a second.

        ``at`` is that moment by Better Auth's clock, in seconds since 1970; without it tokens
        issued within the leeway from now are refused too, since its clock may be ahead. Times
        in tokens are whole seconds: one issued in the very second of the moment is refused.
        Raises `RevocationsUnavailable` when the store is away: it holds in this process then,
        and is written to the store later. Raises `ConfigurationError` without a store, ValueError
        for an id that is no text of 1 to 512 printable characters.
        """
        await self._revoked().revoke(Subject.USER, user_id, at)

    async def revoke_session(self, session_id: str) -> None:
        """Refuse every token whose claim ``sid`` is this; raises as `revoke` does."""
        await self._revoked().revoke(Subject.SESSION, session_id)

    async def revoke_token(self, token_id: str) -> None:
        """Refuse one token, named by its ``jti`` or its `token_digest`; raises as `revoke` does."""
        await self._revoked().revoke(Subject.TOKEN, token_id)

    def revocation_route(self, path: str = DEFAULT_PATH) -> APIRouter:
        """Give the route to which Better Auth's hooks report sign-outs and bans.

        ``app.include_router(guard.revocation_route())``. Raises `ConfigurationError` without
        ``BETTER_AUTH_REVOCATION_SECRET`` or without a store.
        """
        secret = self.settings.revocation_secret
        if secret is None:
            raise ConfigurationError(["BETTER_AUTH_REVOCATION_SECRET is not set"])
        return revocation_router(self._revoked(), secret, path, self._clock)

    async def _authenticate(
        self, connection: HTTPConnection, *, fresh: bool = False
    ) -> Claims | None:
        try:
            verifier, token = self._credential(connection)
            if verifier is None or token is None:
                return None
            return await self._verified(verifier, token, fresh=fresh)
        except AuthError as error:
            self._told(error)
            raise

    async def _verified_access(self, token: str) -> Claims:
        return await self._verified(self.verifier, token, fresh=False)

    async def _verified(self, verifier: TokenVerifier, token: str, *, fresh: bool) -> Claims:
        claims = await verifier.verify(token)
        if fresh or self._revocations is not None:
            await self._admit(claims, token, fresh=fresh)
        return claims

    @contextlib.asynccontextmanager
    async def _watched(self, socket: WebSocket) -> AsyncIterator[U]:
        try:
            claims = self._required(await observed(self._authenticate, self._observer)(socket))
            user = self._made(claims)
        except AuthError as error:
            refusal = error.with_traceback(None)  # the frames below hold the token
        else:
            verifier, token = self._credential(socket)
            if verifier is not None and token is not None:
                async with self._watches.over(socket, claims, token, verifier.verify):
                    yield user
            return
        await turn_away(socket, refusal)

    def _credential(self, connection: HTTPConnection) -> tuple[TokenVerifier | None, str | None]:
        token = read_bearer(connection)
        if token is not None:
            return self.verifier, token
        if self._cookie is None:
            return None, None
        return self._cookie.verifier, self._cookie.read(connection)

    async def _admit(self, claims: Claims, token: str, *, fresh: bool) -> None:
        """Refuse what has been revoked; remembered tokens come here, too."""
        revocations = self._revocations
        if revocations is None:
            hint = "guard.fresh_user needs BETTER_AUTH_REVOCATION_STORE"
            raise RevocationsUnavailable(Reason.REVOCATIONS_UNREACHABLE, hint)
        if fresh or not revocations.usable():
            await revocations.catch_up()
        revocations.check(claims.user_id, claims.payload, token)

    def _revoked(self) -> Revocations:
        if self._revocations is None:
            raise ConfigurationError(["BETTER_AUTH_REVOCATION_STORE is not set"])
        return self._revocations

    def _user(self, claims: Claims | None) -> U:
        return self._made(self._required(claims))

    def _optional_user(self, claims: Claims | None) -> U | None:
        return None if claims is None else self._made(claims)

    def _path_user(self, claims: Claims | None, path_user_id: str) -> U:
        known = self._required(claims)
        if known.user_id != path_user_id:
            raise self._told(Forbidden(Reason.OTHER_USER))
        return self._made(known)

    def _user_id(self, claims: Claims | None) -> str:
        return self._required(claims).user_id

    def _required(self, claims: Claims | None) -> Claims:
        if claims is None:
            raise self._told(MissingToken(Reason.CREDENTIAL_MISSING))
        return claims

    def _made(self, claims: Claims) -> U:
        try:
            return self._make_user(claims)
        except ValueError as err:
            # Not its message: pydantic's quotes what the token says.
            hint = f"the application's user model refused the claims ({type(err).__name__})"
            refused = InvalidToken(Reason.USER_REFUSED, hint)
        raise self._told(refused)

    def _told(self, error: AuthError) -> AuthError:
        self._refusals.tell(error)
        return error

    def _dependency(  # noqa: PLR0913 - what a dependency is made of
        self,
        decide: Callable[..., V],
        name: str,
        statuses: tuple[int, ...],
        path_parameter: str | None = None,
        *,
        permit: Callable[[V], Awaitable[None]] | None = None,
        fresh: bool = False,
    ) -> Dependency[V]:
        authenticate: Callable[[HTTPConnection], Awaitable[Claims | None]] = (
            partial(self._authenticate, fresh=True) if fresh else self._authenticate
        )
        return Dependency(
            observed(authenticate, self._observer),
            decide,
            name=name,
            statuses=statuses,
            path_parameter=path_parameter,
            permit=permit,
        )
