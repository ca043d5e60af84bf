"""Does the running API refuse rightly, and can the front ends read its answers?

Only GET and OPTIONS are sent, without a credential but for the one that was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.live.doctor import cors
from betterguard.live.doctor.exchange import DEADLINE, Unreachable, ask
from betterguard.live.doctor.family import Family
from betterguard.live.doctor.openapi import Operation, readable_operations
from betterguard.live.doctor.outcome import Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from betterguard.live.doctor.exchange import Answer
    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject

__all__ = ["FAMILY"]

REACHABLE = Check("api.reachable", f"an answer within {DEADLINE:g} s")
PROTECTED = Check("api.protected", "an operation that answers 401 without a token")
OPEN = Check("api.open", "401 from each operation that the OpenAPI document calls secured")
CHALLENGE = Check("api.challenge", "WWW-Authenticate: Bearer on a 401 (RFC 6750)")
FORGED = Check("api.forged", "401 for a token that nobody signed")
TOKEN = Check("api.token", "the API takes the token that was given")
DOCS = Check("api.docs", "in production, no public /docs and /openapi.json")

UNAUTHORIZED, FORBIDDEN, SERVER_ERROR = 401, 403, 500
MAX_PROBED = 20
MISSING_PATH = "/betterguard-doctor"
# Decodes to {"alg":"none"} and {"sub":"doctor"}: a token without a signature.
UNSIGNED_TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkb2N0b3IifQ."  # noqa: S105 - nobody signed it
GUARD_ROUTES = "give the route Depends(guard.user) or another of the guard's dependencies"
CHALLENGE_ACTION = (
    "raise the guard's errors, or HTTPException(401, headers={'WWW-Authenticate': 'Bearer'})"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """An operation that refuses callers without a token, and its answer."""

    path: str
    answer: Answer


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Find an operation that needs a token, then look at how it refuses and to whom."""
    if not subject.api:
        yield REACHABLE.skipped("no address was given (--api)")
        return
    try:
        document = await ask("GET", f"{subject.api}/openapi.json")
    except Unreachable as failure:
        yield REACHABLE.fault(
            f"{subject.api}: {failure}", "start the API, or give another address with --api"
        )
        return
    yield REACHABLE.ok(subject.api)
    yield _docs(subject, document, await ask("GET", f"{subject.api}/docs"))
    refused, opened = await _probe(subject, document)
    for path in opened:
        yield OPEN.fault(f"GET {path} answers without a token", GUARD_ROUTES)
    if refused is None:
        yield _unprotected(subject)
    else:
        async for outcome in _refusing(subject, refused):
            yield outcome
    path = MISSING_PATH if refused is None else refused.path
    async for outcome in cors.examine(subject, path, protected=refused is not None):
        yield outcome


def _docs(subject: Subject, document: Answer, page: Answer) -> Outcome:
    pages = (("/docs", page), ("/openapi.json", document))
    shown = ", ".join(name for name, answer in pages if answer.is_success)
    if not shown:
        return DOCS.ok("/docs and /openapi.json are closed")
    if subject.environment.production:
        action = "FastAPI(openapi_url=None) in production, unless the API is meant for the public"
        return DOCS.warning(f"open: {shown}", action)
    return DOCS.ok(f"open: {shown}")


async def _probe(subject: Subject, document: Answer) -> tuple[Refused | None, list[str]]:
    """Give the first operation that refuses, and the secured ones that do not."""
    refused, opened = None, []
    for operation in _candidates(subject, document):
        answer = await ask("GET", subject.api + operation.path)
        if answer.status in {UNAUTHORIZED, FORBIDDEN}:
            refused = refused or Refused(operation.path, answer)
        elif operation.secured and answer.is_success:
            opened.append(operation.path)
    return refused, opened


def _candidates(subject: Subject, document: Answer) -> list[Operation]:
    if subject.api_path:
        return [Operation(subject.api_path, secured=True)]
    operations = readable_operations(document.body)
    secured = [operation for operation in operations if operation.secured]
    return (secured or operations)[:MAX_PROBED]


def _unprotected(subject: Subject) -> Outcome:
    if subject.api_path:
        return PROTECTED.fault(f"GET {subject.api_path} does not answer 401", GUARD_ROUTES)
    return PROTECTED.warning(
        "no GET operation of /openapi.json answers 401 without a token",
        "name one with --api-path, such as /api/me; if there is none, nothing is protected",
    )


async def _refusing(subject: Subject, refused: Refused) -> AsyncIterator[Outcome]:
    yield PROTECTED.ok(f"GET {refused.path} answers {refused.answer.status} without a token")
    yield _challenge(refused)
    yield _forged(await _status_with(subject, refused.path, UNSIGNED_TOKEN))
    if subject.token:
        yield _taken(refused.path, await _status_with(subject, refused.path, subject.token))


def _challenge(refused: Refused) -> Outcome:
    challenge = refused.answer.header("www-authenticate")
    if refused.answer.status == FORBIDDEN:
        return CHALLENGE.fault(
            f"GET {refused.path} answers 403 without a token",
            "answer 401: 403 is for callers who are known (FastAPI's HTTPBearer did so "
            "before 0.122)",
            expected="401 with WWW-Authenticate: Bearer",
        )
    if not challenge.lower().startswith("bearer"):
        return CHALLENGE.fault(f"GET {refused.path}: none on its 401", CHALLENGE_ACTION)
    return CHALLENGE.ok(f"WWW-Authenticate: {challenge[:80]}")


def _forged(status: int) -> Outcome:
    found = f"an unsigned token is answered {status}"
    if status == UNAUTHORIZED:
        return FORGED.ok(found)
    if status >= SERVER_ERROR:
        return FORGED.fault(found, "answer 401 for whatever a token may hold; read the API's log")
    return FORGED.fault(found, "verify signatures: use the guard")


async def _status_with(subject: Subject, path: str, token: str) -> int:
    answer = await ask("GET", subject.api + path, headers={"Authorization": f"Bearer {token}"})
    return answer.status


def _taken(path: str, status: int) -> Outcome:
    if status == UNAUTHORIZED:
        return TOKEN.fault(
            f"GET {path} answers 401 to it",
            "where the checks of the token above passed, the API runs with other settings than "
            "these: restart it with the same environment",
        )
    if status >= SERVER_ERROR:
        return TOKEN.fault(f"GET {path} answers {status} to it", "read the API's log")
    return TOKEN.ok(f"GET {path} answers {status} to it")


FAMILY = Family(
    "api",
    (REACHABLE, DOCS, OPEN, PROTECTED, CHALLENGE, FORGED, TOKEN, *cors.CHECKS),
    examine,
)
