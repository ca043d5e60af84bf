"""Can the key set be had where the settings say, and can its keys be used?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx2

from betterguard.errors import InvalidToken
from betterguard.live.doctor.exchange import DEADLINE, Unreachable, ask, tls_for
from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check
from betterguard.tokens.fetching import FetchFailed, fetch_key_set
from betterguard.tokens.hints import quoted
from betterguard.tokens.jwk import KeyRefused, PrivateKeyPublished, read
from betterguard.tokens.jws import parse_json_object

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from betterguard.live.doctor.exchange import Answer
    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject
    from betterguard.tokens.jwk import VerificationKey

__all__ = ["FAMILY"]

REACHABLE = Check("keys.reachable", f"an answer within {DEADLINE:g} s")
FOUND = Check("keys.found", "status 200")
JSON = Check("keys.json", 'a JSON object {"keys": […]}')
PUBLIC = Check("keys.public", "public keys only")
USABLE = Check("keys.usable", "every key fit to check signatures")
ANY = Check("keys.any", "at least one key that can be used")
IDS = Check("keys.ids", "every key under an id of its own")
FETCHED = Check("keys.fetched", "the guard's own fetch gets the keys")
FRESH = Check("keys.fresh", "no cache between that holds the set for over ten minutes")

NOT_FOUND = 404
LONGEST_CACHED = 600  # seconds: as long as the guard itself keeps a set
RUN_SERVER = (
    "start Better Auth, or set BETTER_AUTH_JWKS_URL to where this machine reaches it; an address "
    "inside a cluster is known only there"
)
NO_KEY_SET = (
    "add the jwt() plugin; with `jwksPath` set BETTER_AUTH_JWKS_URL to it; with a `jwt.sign` of "
    "your own there is no key set: BETTER_AUTH_TOKENS=secret"
)
REVOKE = (
    "replace these keys at once: whoever read them can sign as anybody; publish only the public "
    "members"
)


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Fetch the set once, look at it step by step, then let the guard's own fetch decide."""
    url = subject.key_set_url
    if not url:
        yield REACHABLE.skipped(_why_none(subject))
        return
    try:
        answer = await ask("GET", url, headers={"Accept": "application/json"})
    except Unreachable as failure:
        yield REACHABLE.fault(f"{url}: {failure}", RUN_SERVER)
        return
    yield REACHABLE.ok(url)
    entries, trouble = _entries(url, answer)
    if trouble is not None:
        yield trouble
        return
    yield FOUND.ok(f"keys in the set: {len(entries)}")
    for outcome in (*_keys(entries), _freshness(answer)):
        yield outcome
    yield await _fetched(url)


def _why_none(subject: Subject) -> str:
    if subject.settings is None:
        return "the settings must be put right first"
    return "the settings take a shared secret, no key set"


def _entries(url: str, answer: Answer) -> tuple[tuple[Any, ...], Outcome | None]:
    """Give what the set holds, or the outcome that says why there is none."""
    if answer.status != httpx2.codes.OK:
        target = answer.header("location")
        found = f"{url}: status {answer.status}" + (f" to {quoted(target)}" if target else "")
        action = NO_KEY_SET if answer.status == NOT_FOUND else _status_action(target)
        return (), FOUND.fault(found, action)
    try:
        entries = parse_json_object(answer.body).get("keys")
    except InvalidToken:
        what = "an HTML page" if answer.is_html else "something that is no JSON object"
        return (), JSON.fault(f"{url}: {what}", _not_json(answer))
    if not isinstance(entries, tuple):
        return (), JSON.fault(f'{url}: a JSON object without "keys"', _not_json(answer))
    return entries, None


def _status_action(target: str) -> str:
    if target:
        return "set BETTER_AUTH_JWKS_URL to the final address: the guard follows no redirects"
    return "read Better Auth's log; the address must answer without a cookie"


def _not_json(answer: Answer) -> str:
    if answer.is_html:
        return (
            "a front end answered for Better Auth: set BETTER_AUTH_URL (or BETTER_AUTH_JWKS_URL) "
            "to the server whose /api/auth/ok answers, and look at the proxy's routes"
        )
    return "set BETTER_AUTH_JWKS_URL to Better Auth's key set"


def _keys(entries: tuple[Any, ...]) -> Iterator[Outcome]:
    usable: list[VerificationKey] = []
    for position, entry in enumerate(entries):
        try:
            usable.append(read(entry))
        except PrivateKeyPublished as refused:
            yield PUBLIC.fault(f"key {position}: {refused}", REVOKE)
        except KeyRefused as refused:
            yield USABLE.warning(f"key {position}: {refused}", "the guard leaves this key out")
    if not usable:
        yield ANY.fault(
            f"none among {len(entries)}",
            "have Better Auth sign once (GET /api/auth/token) so that it makes a key; look at the "
            "table jwks and at keyPairConfig",
        )
        return
    shown = ", ".join(f"{key.alg} {quoted(key.kid or '(no id)')}" for key in usable[:5])
    yield ANY.ok(shown)
    yield from _ids(usable)


def _ids(usable: list[VerificationKey]) -> Iterator[Outcome]:
    several = [
        kid for (kid, _), count in Counter((k.kid, k.alg) for k in usable).items() if count > 1
    ]
    if several or (len(usable) > 1 and any(key.kid is None for key in usable)):
        yield IDS.warning(
            "several keys share an id, or have none",
            "delete the duplicates in the table jwks: tokens that fit several keys are refused",
        )
    else:
        yield IDS.ok("ids are distinct")


def _freshness(answer: Answer) -> Outcome:
    control, age = answer.header("cache-control"), answer.header("age")
    longest = max(map(int, ("0", *_seconds(control), *([age] if age.isdigit() else []))))
    found = f"Cache-Control {quoted(control) if control else 'absent'}, Age {age or 'absent'}"
    if longest > LONGEST_CACHED:
        return FRESH.warning(
            found, "exempt the key set from the cache: a new key would be unknown for so long"
        )
    return FRESH.ok(f"{found}; the guard keeps the set for ten minutes")


def _seconds(control: str) -> Iterator[str]:
    for directive in control.split(","):
        name, _, value = directive.strip().partition("=")
        if name.lower() in {"max-age", "s-maxage"} and value.isdigit():
            yield value


async def _fetched(url: str) -> Outcome:
    try:
        keys = await fetch_key_set(url, deadline=DEADLINE, tls=tls_for(url))
    except FetchFailed as failure:
        return FETCHED.fault(
            f"{url}: {failure}", "see the check above that failed, or the limits in docs/tokens.md"
        )
    return FETCHED.ok(f"keys that can be used: {len(keys.keys)}")


FAMILY = Family("keys", (REACHABLE, FOUND, JSON, PUBLIC, USABLE, ANY, IDS, FRESH, FETCHED), examine)
