"""Who is calling: read and verified rightly, but for one chosen fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import HTTPException

from betterguard.errors import AuthError
from tests.live.attack.vulnerable.verification import FAULTY

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from betterguard.testing.tokens import TokenIssuer

__all__ = ["Doorman"]


@dataclass(frozen=True)
class Doorman:
    """Lets in whom the issuer's tokens name."""

    issuer: TokenIssuer
    fault: str

    async def user(self, connection: HTTPConnection) -> str:
        """Give the caller's id; 401 for everybody unknown."""
        if self.fault == "identity-from-header" and "x-user-id" in connection.headers:
            return connection.headers["x-user-id"]
        if self.fault == "identity-from-query" and "user_id" in connection.query_params:
            return connection.query_params["user_id"]
        token = self.token(connection)
        return await self.whose(token)

    async def optional_user(self, connection: HTTPConnection) -> str | None:
        """Give the caller's id, and None when no credential came."""
        if "authorization" not in connection.headers:
            return None
        try:
            return await self.user(connection)
        except HTTPException:
            if self.fault == "forged-as-anonymous":
                return None
            raise

    def token(self, connection: HTTPConnection) -> str:
        """Read the one bearer token."""
        if self.fault == "token-in-query" and "token" in connection.query_params:
            return connection.query_params["token"]
        given = connection.headers.getlist("authorization")
        if not given or (len(given) > 1 and self.fault != "last-header-wins"):
            raise refusal()
        if self.fault == "any-scheme":
            return given[-1].split(" ")[-1]
        if self.fault == "crash-on-malformed":
            return given[-1].split(" ")[1]
        scheme, _, token = given[-1].partition(" ")
        right = scheme == "Bearer" or (
            scheme.lower() == "bearer" and self.fault != "case-of-bearer"
        )
        if not right or not token or " " in token:
            raise refusal()
        return token

    async def whose(self, token: str) -> str:
        """Verify a token and give its user."""
        faulty = FAULTY.get(self.fault)
        found = None if faulty is None else faulty(self.issuer, token)
        if found is not None:
            return found
        try:
            return (await self.issuer.verifier().verify(token)).user_id
        except AuthError as err:
            raise refusal() from err


def refusal() -> HTTPException:
    """Give the answer to an unknown caller."""
    return HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
