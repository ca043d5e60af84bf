"""Is this process ready for requests? An answer for a load balancer, with nothing inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse

if TYPE_CHECKING:
    from betterguard.revocation import Revocations
    from betterguard.tokens import RemoteKeySet

__all__ = ["readiness"]

RETRY_AFTER = {"Retry-After": "1"}


def readiness(keys: RemoteKeySet | None, revocations: Revocations | None) -> JSONResponse:
    """Answer 200 when tokens can be checked, else 503 and what is waited for."""
    waiting_for = []
    # Asked before anybody sends a request: so it is this question that begins a fetch.
    if keys is not None and not keys.usable():
        waiting_for.append("keys")
    if revocations is not None and not revocations.usable():
        waiting_for.append("revocations")
    if waiting_for:
        body = {"status": "unavailable", "waiting_for": waiting_for}
        return JSONResponse(body, 503, headers=RETRY_AFTER)
    return JSONResponse({"status": "ready"})
