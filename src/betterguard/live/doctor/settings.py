"""Do the variables make sense, each by itself and together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.addresses import (
    AddressRefused,
    is_loopback,
    parse_address,
    parse_origin,
    split_list,
)
from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from betterguard.environment import Environment
    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject

__all__ = ["FAMILY"]

VALID = Check("settings.valid", "variables that the guard starts with")
WISE = Check("settings.wise", "nothing that is allowed and yet unwise")
ISSUER = Check("settings.issuer", "the issuer that Better Auth writes: an origin, no path")
HTTPS = Check("settings.https", "https addresses in production")
LOOPBACK = Check("settings.loopback", "in production, addresses of other machines than this one")
FRONTEND_FORM = Check("settings.frontend-form", "origins as browsers send them")

# The secret family tells what is wrong with a secret; that it is missing is told here.
OF_THE_SECRET = ("BETTER_AUTH_SECRET ", "BETTER_AUTH_SECRETS ")
MISSING = "is not set"


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Ask the library's own reading of the variables, then what it does not judge."""
    faults = [fault for fault in subject.faults if not _is_of_the_secret(fault)]
    for fault in faults:
        yield VALID.fault(fault, "change the variable as it says; docs/settings.md has the list")
    if not faults:
        yield VALID.ok("every variable can be read")
    for outcome in (*_unwise(subject), *_issuer(subject), *_frontend_form(subject)):
        yield outcome
    if subject.environment.production:
        for outcome in _production(subject.environment):
            yield outcome


def _is_of_the_secret(fault: str) -> bool:
    return fault.startswith(OF_THE_SECRET) and MISSING not in fault


def _unwise(subject: Subject) -> Iterator[Outcome]:
    for warning in subject.settings.warnings if subject.settings else ():
        yield WISE.warning(warning, "change the variable, unless it is meant so")


def _issuer(subject: Subject) -> Iterator[Outcome]:
    for issuer in subject.settings.issuers or () if subject.settings else ():
        try:
            address = parse_address(issuer)
        except AddressRefused:
            continue  # a name of one's own, as Better Auth's `issuer` option allows
        if address.path or issuer.endswith("/"):
            yield ISSUER.warning(
                f"BETTER_AUTH_ISSUER is {issuer}",
                f"set it to {address.origin}, or leave it out; keep it only where Better Auth's "
                "jwt plugin has exactly this `issuer`",
            )


def _frontend_form(subject: Subject) -> Iterator[Outcome]:
    written = split_list(subject.environment.frontend_url)
    origins = subject.settings.frontend_origins if subject.settings else ()
    odd = [item for item in written if _is_origin(item) and item != parse_origin(item)]
    if not odd:
        if origins:
            yield FRONTEND_FORM.ok(", ".join(origins))
        return
    yield FRONTEND_FORM.warning(
        f"FRONTEND_URL has {', '.join(map(ascii, odd))}",
        f"write {','.join(origins)}: the guard forgives it, other readers of the variable compare "
        "to the letter",
    )


def _is_origin(item: str) -> bool:
    try:
        parse_origin(item)
    except AddressRefused:
        return False  # told as invalid already, without a password that it may hold
    return True


def _production(environment: Environment) -> Iterator[Outcome]:
    for name, text in _addresses(environment):
        try:
            origin = parse_address(text).origin
        except AddressRefused:
            continue  # told as invalid already
        if is_loopback(origin):
            yield LOOPBACK.fault(f"{name} is {origin}", f"set {name} to the public address")
        elif origin.startswith("http:") and name != "BETTER_AUTH_JWKS_URL":
            yield HTTPS.fault(
                f"{name} is {origin}", f"serve it by https and write {name}=https://…"
            )
        else:
            yield HTTPS.ok(f"{name} is {origin}")


def _addresses(environment: Environment) -> Iterator[tuple[str, str]]:
    for name in ("BETTER_AUTH_URL", "BETTER_AUTH_JWKS_URL", "FRONTEND_URL"):
        for text in split_list(getattr(environment, name.lower())):
            yield name, text


FAMILY = Family("settings", (VALID, WISE, ISSUER, HTTPS, LOOPBACK, FRONTEND_FORM), examine)
