"""Is the secret fit, is it needed, and is it the one that Better Auth has?"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from betterguard.live.doctor.family import Family
from betterguard.live.doctor.outcome import Check
from betterguard.secret import DEFAULT_SECRETS, HOW_TO_MAKE_ONE, is_key_material, secret_faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from betterguard.environment import Environment
    from betterguard.live.doctor.outcome import Outcome
    from betterguard.live.doctor.subject import Subject
    from betterguard.settings import Settings

__all__ = ["FAMILY", "FINGERPRINT_LINE", "fingerprint"]

KIND = Check("secret.kind", "a shared secret, not a key")
DEFAULT = Check("secret.default", "a secret that only you know")
STRENGTH = Check("secret.strength", "at least 32 bytes at random")
FORM = Check("secret.form", "a secret without quotes or blanks around it")
NEEDED = Check("secret.needed", "no secret where the key set is enough")
FINGERPRINT = Check("secret.fingerprint", "the same fingerprint on both sides")

FINGERPRINT_LINE = (
    "console.log(require('node:crypto').createHash('sha256')"
    ".update(process.env.BETTER_AUTH_SECRET).digest('hex').slice(0, 8))"
)
"""One line for Node that prints what `fingerprint` gives."""
QUOTES = "\"'`"


def fingerprint(secret: str) -> str:
    """Give the first 8 hexadecimal digits of the SHA-256 of a secret's UTF-8 bytes."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()[:8]


async def examine(subject: Subject) -> AsyncIterator[Outcome]:
    """Look at each secret that the variables hold; none is shown."""
    secrets = list(_secrets(subject.environment))
    if not secrets:
        yield NEEDED.ok("no secret is set: tokens are checked with the key set")
        return
    for name, secret in secrets:
        for outcome in _of_one(name, secret):
            yield outcome
    if not _is_needed(subject.settings):
        yield NEEDED.warning(
            "BETTER_AUTH_SECRET is set and tokens are checked with the key set",
            "take it out of this back end's environment: who has it can sign in as anybody",
        )


def _secrets(environment: Environment) -> Iterator[tuple[str, str]]:
    given = environment.given_secrets
    name = "BETTER_AUTH_SECRETS" if environment.better_auth_secrets else "BETTER_AUTH_SECRET"
    for number, secret in enumerate(given, 1):
        yield (f"{name}, number {number}" if len(given) > 1 else name), secret


def _of_one(name: str, secret: str) -> Iterator[Outcome]:
    yield from _form(name, secret)
    faults = secret_faults(secret)
    if faults:
        check = _check_of(secret)
        expected, action = check.expected, f"{HOW_TO_MAKE_ONE}, then restart both"
        yield check.fault(f"{name} {faults[0].partition(';')[0]}", action, expected=expected)
        return
    yield STRENGTH.ok(f"{name} has {len(secret.encode())} bytes")
    # Of a weak secret a fingerprint would help whoever guesses.
    yield FINGERPRINT.ok(
        f"{name} has the fingerprint {fingerprint(secret)}; where Better Auth runs, compare: "
        f'node -e "{FINGERPRINT_LINE}"'
    )


def _check_of(secret: str) -> Check:
    if is_key_material(secret):
        return KIND
    return DEFAULT if secret in DEFAULT_SECRETS else STRENGTH


def _form(name: str, secret: str) -> Iterator[Outcome]:
    if secret != secret.strip() or (secret[:1] in QUOTES and secret[:1] == secret[-1:]):
        yield FORM.warning(
            f"{name} has quotes or blanks around it, which are a part of it here",
            "write it without: readers of .env files drop them, `docker --env-file` does not",
        )


def _is_needed(settings: Settings | None) -> bool:
    return settings is None or bool(settings.secrets)


FAMILY = Family("secret", (KIND, DEFAULT, STRENGTH, FORM, NEEDED, FINGERPRINT), examine)
