"""A dependency that cannot be misused: inside ``Depends(…)`` it runs, anywhere else it raises.

``user: User = guard.user`` without ``Depends`` would make FastAPI read the user from the
request's body, that is, from the caller. So these objects pose as a ``Depends`` that refuses
to be one: FastAPI asks for its target when the route is registered, and gets the error.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Generic, NoReturn, TypeVar

from fastapi import Path
from fastapi.params import Depends
from starlette.requests import HTTPConnection

from betterguard.errors import AuthError
from betterguard.web.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from betterguard.tokens import Claims

__all__ = ["Dependency", "NotBare"]

T = TypeVar("T")


class NotBare(Depends):
    """What FastAPI takes for a ``Depends`` and what then tells how to write it rightly."""

    def __init__(self, how: str) -> None:
        self._how = how

    @property
    def dependency(self) -> NoReturn:  # pyright: ignore[reportIncompatibleVariableOverride] - it exists to raise
        """Raise: FastAPI reads this when the guard stands where ``Depends(…)`` belongs."""
        msg = f"a guard was passed bare where a dependency is meant: {self._how}"
        raise TypeError(msg)

    # Each is itself alone, compared in C: FastAPI looks dependencies up on every request.
    __eq__ = object.__eq__  # pyright: ignore[reportAssignmentType] - positional only, as it is in C
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Dependency(NotBare, Generic[T]):
    """An asynchronous dependency for ``Depends(…)``.

    ``authenticate`` gives verified claims, None when no credential came; ``decide`` makes of
    them what the route gets, or refuses, and so may ``permit``, which may take its time.
    ``statuses`` are those that it may answer with. With ``path_parameter`` it hands that part of
    the route's path to ``decide``.

    It is no ``SecurityBase`` of FastAPI, which works out OAuth scopes on every request;
    `document_answers` shows the bearer scheme in OpenAPI instead.
    """

    def __init__(  # noqa: PLR0913 - what a dependency is made of, all but two by name
        self,
        authenticate: Callable[[HTTPConnection], Awaitable[Claims | None]],
        decide: Callable[..., T],
        *,
        name: str,
        statuses: tuple[int, ...],
        path_parameter: str | None = None,
        permit: Callable[[T], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(f"write Depends(guard.{name})")
        self.statuses = statuses
        self.path_parameter = path_parameter
        self._authenticate = authenticate
        self._decide = decide
        self._permit = permit
        self.__signature__ = _signature(path_parameter)

    async def __call__(self, connection: HTTPConnection, **path: str) -> T:
        """Resolve, or raise the answer to give."""
        try:
            decided = self._decide(await self._authenticate(connection), *path.values())
            if self._permit is not None:
                await self._permit(decided)
        except AuthError as error:
            # Its traceback ends here: the frames below hold the token.
            refusal = Refusal(error.with_traceback(None))
        else:
            return decided
        raise refusal


def _signature(path_parameter: str | None) -> inspect.Signature:
    parameters = [_parameter("connection", HTTPConnection)]
    if path_parameter is not None:
        told = Path(description="The id of the user whose resource this is.")
        parameters.append(_parameter(path_parameter, Annotated[str, told]))
    return inspect.Signature(parameters)


def _parameter(name: str, annotation: Any) -> inspect.Parameter:  # noqa: ANN401 - any annotation
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
