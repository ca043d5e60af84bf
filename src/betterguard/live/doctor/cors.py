"""Can a page on each origin of FRONTEND_URL call the API, and read even its errors?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.addresses import split_list
from betterguard.live.doctor.exchange import ask
from betterguard.live.doctor.outcome import Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from betterguard.live.doctor.exchange import Answer
    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject

__all__ = ["CHECKS", "examine"]

ORIGINS = Check("api.origins", "FRONTEND_URL names the front ends")
PREFLIGHT = Check("api.preflight", "a preflight is answered before anything asks for a token")
ORIGIN = Check("api.origin", "each origin of FRONTEND_URL is admitted")
ORIGIN_FORM = Check("api.origin-form", "origins compared in the form that browsers send")
HEADERS = Check("api.preflight-headers", "the headers Authorization and Content-Type are admitted")
METHODS = Check("api.preflight-methods", "the methods of the API are admitted")
ON_401 = Check("api.cors-401", "CORS headers on a 401, so that the page can read it")
ON_404 = Check("api.cors-404", "CORS headers on a 404, so that the page can read it")
STRANGER = Check("api.stranger", "no other origin is admitted")

CHECKS = (ORIGINS, PREFLIGHT, ORIGIN, ORIGIN_FORM, HEADERS, METHODS, ON_401, ON_404, STRANGER)

MISSING_PATH = "/betterguard-doctor-looks-for-a-404"
UNKNOWN_ORIGIN = "https://stranger.betterguard.invalid"
METHODS_WANTED = ("GET", "POST", "PUT", "PATCH", "DELETE")
ALLOW_ORIGIN = "access-control-allow-origin"
REFUSALS = frozenset({400, 200, 204})  # of CORS middlewares, to an origin that they do not know
INSTALL = "guard.install(app) puts CORS around everything; else add CORSMiddleware last"


async def examine(subject: Subject, path: str, *, protected: bool) -> AsyncIterator[Outcome]:
    """Try each origin, as a browser would, on a path that refuses callers without a token."""
    origins = subject.settings.frontend_origins if subject.settings else ()
    if not origins:
        yield ORIGINS.skipped("FRONTEND_URL names no origin")
        return
    yield ORIGINS.ok(", ".join(origins))
    for origin in origins:
        async for outcome in _origin(subject, origin, path, protected=protected):
            yield outcome
    yield await _stranger(subject, path)


async def _origin(
    subject: Subject, origin: str, path: str, *, protected: bool
) -> AsyncIterator[Outcome]:
    preflight = await _preflight(subject, origin, path)
    if not admits(preflight, origin):
        yield await _not_admitted(subject, origin, path, preflight)
        return
    yield ORIGIN.ok(f"{origin} is admitted")
    for outcome in _admitted(origin, preflight):
        yield outcome
    if protected:
        yield await _readable(ON_401, subject, origin, path)
    yield await _readable(ON_404, subject, origin, MISSING_PATH)


async def _preflight(subject: Subject, origin: str, path: str) -> Answer:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return await ask("OPTIONS", subject.api + path, headers=asked)


def admits(answer: Answer, origin: str) -> bool:
    """Tell whether a browser lets a page of this origin go on."""
    return answer.is_success and answer.header(ALLOW_ORIGIN) in {origin, "*"}


async def _not_admitted(subject: Subject, origin: str, path: str, preflight: Answer) -> Outcome:
    if preflight.header(ALLOW_ORIGIN) in {origin, "*"}:
        if b"headers" in preflight.body:
            return HEADERS.fault(
                f"{origin}: the preflight is refused for its headers",
                "allow_headers=['Authorization', 'Content-Type']",
            )
        return METHODS.fault(
            f"{origin}: the preflight is refused for its method", "allow_methods=['*']"
        )
    if preflight.status not in REFUSALS:
        return PREFLIGHT.fault(
            f"{origin}: OPTIONS {path} answers {preflight.status}",
            f"browsers send no token with a preflight: {INSTALL}, so that it stands before "
            "authentication",
        )
    for written in split_list(subject.environment.frontend_url):
        same = written != origin and written.rstrip("/").lower() == origin
        if same and admits(await _preflight(subject, written, path), written):
            return ORIGIN_FORM.fault(
                f"the API admits {written!a}, browsers send {origin}",
                f"write FRONTEND_URL={origin}",
            )
    return ORIGIN.fault(
        f"{origin} is not admitted (preflight: status {preflight.status})",
        "start the API with this FRONTEND_URL; where CORSMiddleware is written by hand, give it "
        "the list of origins",
    )


def _admitted(origin: str, preflight: Answer) -> Iterator[Outcome]:
    headers = _listed(preflight, "access-control-allow-headers")
    if {"authorization", "content-type"} <= headers or "*" in headers:
        yield HEADERS.ok(f"{origin}: Authorization and Content-Type")
    else:
        yield HEADERS.fault(
            f"{origin}: {', '.join(sorted(headers)) or 'none'}",
            "allow_headers=['Authorization', 'Content-Type']",
        )
    methods = _listed(preflight, "access-control-allow-methods")
    missing = [name for name in METHODS_WANTED if name.lower() not in methods]
    if missing and "*" not in methods:
        yield METHODS.warning(
            f"{origin}: without {', '.join(missing)}", "add them where the API has such operations"
        )
    else:
        yield METHODS.ok(f"{origin}: {', '.join(METHODS_WANTED)}")


def _listed(answer: Answer, header: str) -> set[str]:
    return {item.strip().lower() for item in answer.header(header).split(",") if item.strip()}


async def _readable(check: Check, subject: Subject, origin: str, path: str) -> Outcome:
    answer = await ask("GET", subject.api + path, headers={"Origin": origin})
    if answer.header(ALLOW_ORIGIN) in {origin, "*"}:
        return check.ok(f"{origin}: status {answer.status} can be read")
    return check.fault(
        f"{origin}: status {answer.status} has no Access-Control-Allow-Origin",
        f"the page sees a network error instead: {INSTALL}",
    )


async def _stranger(subject: Subject, path: str) -> Outcome:
    preflight = await _preflight(subject, UNKNOWN_ORIGIN, path)
    allowed = preflight.header(ALLOW_ORIGIN)
    credentials = preflight.header("access-control-allow-credentials").lower() == "true"
    if allowed == UNKNOWN_ORIGIN and credentials:
        return STRANGER.fault(
            "any origin is admitted, with cookies",
            "name the origins instead of '*' or a wide regular expression",
        )
    if allowed in {UNKNOWN_ORIGIN, "*"}:
        return STRANGER.warning(
            "any origin is admitted", "name the origins, unless the API is for every page"
        )
    return STRANGER.ok("an unknown origin is not admitted")
