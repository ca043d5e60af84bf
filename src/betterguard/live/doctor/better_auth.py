"""Is Better Auth itself there, and does it issue the tokens that the settings expect?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from betterguard.addresses import is_loopback
from betterguard.errors import InvalidToken
from betterguard.live.doctor.exchange import DEADLINE, Answer, Unreachable, ask
from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check
from betterguard.settings import TokenSource
from betterguard.tokens.jws import parse_json_object

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject

__all__ = ["FAMILY"]

OK = Check("better-auth.ok", f'/ok answers {{"ok":true}} within {DEADLINE:g} s')
PLUGIN = Check("better-auth.jwt-plugin", "/token answers 401 to a caller without a session")
SIGNING = Check("better-auth.signing", "Better Auth signs what the settings take")
BASE_URL = Check("better-auth.base-url", "a baseURL whose origin is the expected issuer")
RATE_LIMIT = Check("better-auth.rate-limit", "sign-in is limited (3 in 10 s by default)")
COOKIE_CACHE = Check("better-auth.cookie-cache", "no session that outlives its sign-out")

HTTP_OK, UNAUTHORIZED, NOT_FOUND, TOO_MANY = 200, 401, 404, 429
ATTEMPTS = 4
NOBODY = json.dumps({"email": "betterguard-doctor@example.invalid", "password": "not-a-password"})
START_IT = (
    "start Better Auth, or set BETTER_AUTH_URL to its baseURL (with its path, where the API is "
    "not under /api/auth)"
)


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Ask Better Auth's public routes; nobody signs in."""
    for outcome in _cookie_cache(subject):
        yield outcome
    url = subject.auth_url
    if not url:
        yield OK.skipped("BETTER_AUTH_URL is not set")
        return
    well = await _well(url)
    yield well
    if well.action:
        return
    token_route = await ask("GET", f"{url}/token")
    plugin = _plugin(url, token_route)
    yield plugin
    if not plugin.action:
        yield await _signing(subject, url)
    yield await _base_url(subject, url)
    yield await _rate_limit(subject, url)


async def _well(url: str) -> Outcome:
    try:
        answer = await ask("GET", f"{url}/ok")
    except Unreachable as failure:
        return OK.fault(f"{url}/ok: {failure}", START_IT)
    if _member(answer, "ok") is True:
        return OK.ok(f"{url}/ok")
    return OK.fault(f"{url}/ok: status {answer.status} and no such answer", START_IT)


def _member(answer: Answer, name: str) -> object:
    try:
        return parse_json_object(answer.body).get(name)
    except InvalidToken:
        return None


def _plugin(url: str, answer: Answer) -> Outcome:
    if answer.status == UNAUTHORIZED:
        return PLUGIN.ok(f"{url}/token asks for a session")
    if answer.status == NOT_FOUND:
        return PLUGIN.fault(f"{url}/token: status 404", "add jwt() to Better Auth's plugins")
    return PLUGIN.warning(f"{url}/token: status {answer.status}", "read Better Auth's log")


async def _signing(subject: Subject, url: str) -> Outcome:
    """Compare what the settings take with whether there is a key set to sign with."""
    tokens = subject.settings.tokens if subject.settings else None
    key_set = await ask("GET", subject.key_set_url or f"{url}/jwks")
    keys = _member(key_set, "keys")
    has_keys = key_set.status == HTTP_OK and bool(keys)
    if tokens is TokenSource.SECRET and has_keys:
        return SIGNING.fault(
            "Better Auth signs with a key set, the settings take HS256 only",
            "set BETTER_AUTH_TOKENS=jwks and BETTER_AUTH_URL; the jwt() plugin never signs HS256",
        )
    if tokens is TokenSource.JWKS and key_set.status == NOT_FOUND:
        return SIGNING.fault(
            "Better Auth publishes no key set, the settings take nothing else",
            "with a `jwt.sign` of your own set BETTER_AUTH_TOKENS=secret and BETTER_AUTH_SECRET",
        )
    if tokens is None:
        return SIGNING.skipped("the settings must be put right first")
    return SIGNING.ok(f"tokens are checked by {tokens}, as Better Auth signs")


async def _base_url(subject: Subject, url: str) -> Outcome:
    """Learn baseURL from where Better Auth would redirect a visitor with a dead link."""
    answer = await ask("GET", f"{url}/reset-password/betterguard-doctor?callbackURL=%2F")
    target = urlsplit(answer.header("location"))
    if not target.netloc:
        return BASE_URL.skipped("Better Auth did not tell (its version, or hidden routes)")
    origin = f"{target.scheme}://{target.netloc}"
    issuers = subject.settings.issuers if subject.settings else None
    if issuers is None or origin in issuers:
        return BASE_URL.ok(f"{origin}, which its tokens have as iss and aud by default")
    return BASE_URL.warning(
        f"{origin}, which its tokens have as iss and aud by default",
        f"{_cure(subject, url, origin)}, unless the jwt plugin has such an `issuer` of its own",
        expected=f"one of the settings' issuers: {', '.join(sorted(issuers))}",
    )


def _cure(subject: Subject, url: str, origin: str) -> str:
    if subject.environment.better_auth_issuer:
        return "take BETTER_AUTH_ISSUER out of the settings"
    return f"set BETTER_AUTH_URL={origin} (and BETTER_AUTH_JWKS_URL={url}/jwks to fetch keys here)"


async def _rate_limit(subject: Subject, url: str) -> Outcome:
    if not (is_loopback(url) or subject.probe_sign_in):
        return RATE_LIMIT.skipped(
            f"not tried on another machine; --probe-sign-in sends {ATTEMPTS} failing sign-ins"
        )
    headers = {"Content-Type": "application/json", "Origin": _origin(subject, url)}
    for attempt in range(1, ATTEMPTS + 1):
        answer = await ask("POST", f"{url}/sign-in/email", headers=headers, content=NOBODY.encode())
        if answer.status == TOO_MANY:
            return RATE_LIMIT.ok(f"attempt {attempt} of a failing sign-in was refused")
        if answer.status == NOT_FOUND:
            return RATE_LIMIT.skipped("there is no sign-in by e-mail and password")
    return RATE_LIMIT.warning(
        f"{ATTEMPTS} failing sign-ins in a row were all answered",
        "Better Auth limits in production only; elsewhere set rateLimit.enabled, and "
        "advanced.ipAddress behind a proxy",
    )


def _origin(subject: Subject, url: str) -> str:
    issuers = subject.settings.issuers if subject.settings else None
    parts = urlsplit(url)
    return min(issuers) if issuers else f"{parts.scheme}://{parts.netloc}"


def _cookie_cache(subject: Subject) -> Iterator[Outcome]:
    if subject.settings is None:
        return
    if subject.settings.cookie_cache:
        yield COOKIE_CACHE.warning(
            "BETTER_AUTH_COOKIE_CACHE=true: a copied session-cache cookie is taken until it "
            "expires (maxAge, 5 minutes by default), signed out or not",
            "keep session.cookieCache.maxAge short, or take bearer tokens only",
        )
    else:
        yield COOKIE_CACHE.ok("session-cache cookies are not taken")


FAMILY = Family("better-auth", (COOKIE_CACHE, OK, PLUGIN, SIGNING, BASE_URL, RATE_LIMIT), examine)
