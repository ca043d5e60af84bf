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
    from collections.abc import AsyncIterator, Iterator

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
    async for outcome in _docs(subject, document):
        yield outcome
    refused, opened = await _probe(subject, document)
    for path in opened:
        yield OPEN.fault(f"GET {path} answers without a token", GUARD_ROUTES)
    if refused is None:
        yield _unprotected(subject)
        path = "/betterguard-doctor"
    else:
        path = refused.path
        yield PROTECTED.ok(f"GET {path} answers {refused.answer.status} without a token")
        for outcome in _challenge(refused):
            yield outcome
        async for outcome in _tokens(subject, refused):
            yield outcome
    async for outcome in cors.examine(subject, path, protected=refused is not None):
        yield outcome


async def _docs(subject: Subject, document: Answer) -> AsyncIterator[Outcome]:
    page = await ask("GET", f"{subject.api}/docs")
    shown = [
        name
        for name, answer in (("/docs", page), ("/openapi.json", document))
        if answer.status == 200  # noqa: PLR2004 - OK
    ]
    found = f"open: {', '.join(shown)}" if shown else "/docs and /openapi.json are closed"
    if shown and subject.environment.production:
        yield DOCS.warning(
            found, "FastAPI(openapi_url=None) in production, unless the API is meant for the public"
        )
    else:
        yield DOCS.ok(found)


async def _probe(subject: Subject, document: Answer) -> tuple[Refused | None, list[str]]:
    """Give the first operation that refuses, and the secured ones that do not."""
    refused, opened = None, []
    for operation in _candidates(subject, document):
        answer = await ask("GET", subject.api + operation.path)
        if answer.status in {UNAUTHORIZED, FORBIDDEN}:
            refused = refused or Refused(operation.path, answer)
        elif operation.secured and answer.status < 300:  # noqa: PLR2004 - successes
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


def _challenge(refused: Refused) -> Iterator[Outcome]:
    answer = refused.answer
    if answer.status == FORBIDDEN:
        yield CHALLENGE.fault(
            f"GET {refused.path} answers 403 without a token",
            "answer 401: 403 is for callers who are known (FastAPI's HTTPBearer did so "
            "before 0.122)",
            expected="401 with WWW-Authenticate: Bearer",
        )
    elif not answer.header("www-authenticate").lower().startswith("bearer"):
        yield CHALLENGE.fault(f"GET {refused.path}: none on its 401", CHALLENGE_ACTION)
    else:
        yield CHALLENGE.ok(f"WWW-Authenticate: {answer.header('www-authenticate')[:80]}")


async def _tokens(subject: Subject, refused: Refused) -> AsyncIterator[Outcome]:
    status = await _status_with(subject, refused.path, UNSIGNED_TOKEN)
    if status == UNAUTHORIZED:
        yield FORGED.ok("an unsigned token is answered 401")
    elif status >= SERVER_ERROR:
        yield FORGED.fault(
            f"an unsigned token is answered {status}",
            "answer 401 for whatever a token may hold; the log has the exception",
        )
    else:
        yield FORGED.fault(
            f"an unsigned token is answered {status}", "verify signatures: use the guard"
        )
    if subject.token:
        yield _taken(refused.path, await _status_with(subject, refused.path, subject.token))


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
