"""Better Auth's sign-outs and bans, told to this application by a signed message."""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from betterguard.errors import RevocationsUnavailable
from betterguard.events import Event
from betterguard.limits import MAX_LEEWAY
from betterguard.revocation import Subject
from betterguard.revocation.record import nameable
from betterguard.web.answers import Refusal
from betterguard.web.refusals import Hush

if TYPE_CHECKING:
    from collections.abc import Callable

    from betterguard.revocation import Revocations

__all__ = ["DEFAULT_PATH", "SIGNATURE_HEADER", "revocation_router", "signature_of"]

logger = logging.getLogger("betterguard.web")

DEFAULT_PATH = "/betterguard/revocations"
SIGNATURE_HEADER = "X-Betterguard-Signature"
MAX_BODY = 4_096  # bytes
MAX_MESSAGE_AGE = 300.0  # seconds
LATEST = 10**15  # milliseconds since 1970, far away: no larger number is divided


class Message(BaseModel):
    """What Better Auth's hook sends: ``at`` is its own clock's time, in milliseconds since 1970."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    subject: Subject = Field(strict=False)
    id: Annotated[str, AfterValidator(nameable)]
    at: Annotated[int, Field(lt=LATEST)]


def signature_of(secret: str, body: bytes) -> str:
    """Give the signature that a message must carry: HMAC-SHA256 of its bytes, in hexadecimal."""
    return hmac.digest(secret.encode("utf-8"), body, hashlib.sha256).hex()


def revocation_router(
    revocations: Revocations, secret: str, path: str, clock: Callable[[], float]
) -> APIRouter:
    """Give the route that records what a message says.

    It answers 204; 401 for a signature that does not fit, 413 for more than 4 KiB, 422 for what
    is no message or not of these five minutes, 503 when the store is away. A message that comes
    twice changes nothing.
    """
    router = APIRouter()
    hush = Hush()  # anybody may send what is forged, and often

    @router.post(path, include_in_schema=False, status_code=204)
    async def receive(request: Request) -> Response:
        body = await _body(request)
        given = request.headers.get(SIGNATURE_HEADER, "").encode("latin-1")
        if not hmac.compare_digest(given, signature_of(secret, body).encode("ascii")):
            left_out = hush.left_out(Event.REVOCATION_FORGED)
            if left_out is not None:
                logger.warning(
                    "a message to revoke came with a signature that does not fit",
                    extra=Event.REVOCATION_FORGED(left_out=left_out),
                )
            raise HTTPException(401, "Invalid signature")  # noqa: BG603 a MAC is no HTTP scheme
        message = _message(body, clock())
        try:
            await revocations.revoke(message.subject, message.id, message.at / 1000)
        except RevocationsUnavailable as error:
            raise Refusal(error) from None
        return Response(status_code=204)

    return router


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413, "Message too large")
    return bytes(body)


def _message(body: bytes, now: float) -> Message:
    try:
        message = Message.model_validate_json(body)
    except ValidationError:
        message = None
    # An old one would be of no use and make the record grow; one from the future would refuse
    # tokens that are yet to be issued.
    if message is None or not now - MAX_MESSAGE_AGE <= message.at / 1000 <= now + MAX_LEEWAY:
        raise HTTPException(422, "Invalid message")
    return message
