"""Which key may check this header? The key decides the algorithm, never the header.

Each algorithm belongs to one kind of source: HS256 to shared secrets, the asymmetric five to a
key set. A header's ``alg`` and ``kid`` only select among what a source allows.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from betterguard.errors import ConfigurationError, InvalidToken, Reason
from betterguard.events import Event
from betterguard.secret import secret_faults
from betterguard.tokens.jwk import (
    KeyRefused,
    PrivateKeyPublished,
    VerificationKey,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from betterguard.tokens.jws import Header

__all__ = ["EitherKeys", "KeySet", "KeySource", "SharedSecrets", "StaticKeys", "hmac_key"]

logger = logging.getLogger("betterguard.tokens")

SHARED_SECRET_ALGORITHMS = frozenset({"HS256"})


class KeySource(Protocol):
    """Where verification keys come from."""

    @property
    def algorithms(self) -> frozenset[str]:
        """The algorithms whose keys this source may hold."""
        ...

    def epoch(self) -> int:
        """Give a number that changes whenever a key that was there is gone.

        It is asked on every request, so it must cost next to nothing; a source may use the
        moment to begin a refresh in the background.
        """
        ...

    def keys_at_hand(self, header: Header) -> Sequence[VerificationKey]:
        """Give the keys that may check this header, as far as they are known without waiting.

        None of them means that `keys_for` may know more. Raises `InvalidToken` when it cannot.
        """
        ...

    async def keys_for(self, header: Header) -> Sequence[VerificationKey]:
        """Give the keys that may check this header, after a fetch where that is needed.

        Raises `InvalidToken` when there is none, `KeysUnavailable` when that cannot be known.
        """
        ...

    async def keys_after_mismatch(self, header: Header) -> Sequence[VerificationKey]:
        """Give keys to try once more after a signature did not fit, where they may have changed."""
        ...


@dataclass(frozen=True, slots=True)
class KeySet:
    """Public keys, found by a header's ``alg`` and ``kid``."""

    keys: tuple[VerificationKey, ...]

    def find(self, header: Header) -> VerificationKey | None:
        """Give the one key that the header selects, None when there is none.

        Several different keys under one id are never tried in turn: raises `InvalidToken`.
        """
        fitting = [key for key in self.keys if key.alg == header.alg]
        chosen = [key for key in fitting if key.kid == header.kid]
        if not chosen and len(fitting) == 1 and (header.kid is None or fitting[0].kid is None):
            # One side names no id (Better Auth 1.2 and 1.3 on an empty database).
            chosen = fitting
        if len(chosen) > 1 or (not chosen and fitting and header.kid is None):
            raise InvalidToken(Reason.KEY_AMBIGUOUS)
        return chosen[0] if chosen else None


def read_key_set(jwks: Iterable[object]) -> KeySet:
    """Read the keys that are fit and log the rest, each alone; an identical twin counts once."""
    keys: dict[VerificationKey, None] = {}
    for position, jwk in enumerate(jwks):
        try:
            keys[read(jwk)] = None
        except KeyRefused as refused:
            private = isinstance(refused, PrivateKeyPublished)
            logger.log(
                logging.CRITICAL if private else logging.WARNING,
                *("key %d of the key set is not used: %s", position, refused),
                extra=Event.KEY_REFUSED(position=position),
            )
    return KeySet(tuple(keys))


def hmac_key(secret: bytes) -> VerificationKey:
    """Make a key for HS256 of a secret that was found fit."""
    # The secret is hashed into it once here, and not for each token. The standard library's can be
    # copied, too, and takes half as long again.
    prepared = HMAC(secret, SHA256())

    def check(signing_input: bytes, signature: bytes) -> bool:
        mac = prepared.copy()
        mac.update(signing_input)
        return hmac.compare_digest(mac.finalize(), signature)

    # Without a thumbprint: secrets are compared with nothing.
    return VerificationKey(alg="HS256", kid=None, thumbprint="", _check=check)


class _Unchanging:
    """What sources have in common whose keys change only with a restart."""

    def keys_at_hand(self, header: Header) -> Sequence[VerificationKey]:
        """Give the keys that may check this header, or raise `InvalidToken`."""
        raise NotImplementedError

    def epoch(self) -> int:
        """Stay the same."""
        return 0

    async def keys_for(self, header: Header) -> Sequence[VerificationKey]:
        """Give what is at hand: there is no more."""
        return self.keys_at_hand(header)

    async def keys_after_mismatch(self, header: Header) -> Sequence[VerificationKey]:  # noqa: ARG002 - the protocol's shape
        """Give none: there is no more."""
        return ()


class StaticKeys(_Unchanging):
    """A key set that is given with the configuration (RFC 7517: ``{"keys": […]}``).

    Unlike a fetched set it must be right as a whole: any key that cannot be used raises
    `ConfigurationError`.
    """

    def __init__(self, jwks: Mapping[str, object]) -> None:
        self._set, faults = _read_static(jwks.get("keys"))
        if faults:
            del jwks  # it may hold a private key, and a crash report shows locals
            raise ConfigurationError(faults)
        self.algorithms = frozenset(key.alg for key in self._set.keys)

    def keys_at_hand(self, header: Header) -> Sequence[VerificationKey]:
        """Give the key that the header selects, or raise `InvalidToken`."""
        key = self._set.find(header)
        if key is None:
            raise InvalidToken(Reason.KEY_UNKNOWN)
        return (key,)


class SharedSecrets(_Unchanging):
    """HS256 secrets, their UTF-8 bytes used as they are (Better Auth never base64-decodes them).

    Several may be given for a rotation, the newest first. A secret that is short, a known
    default, or public key material raises `ConfigurationError`.
    """

    algorithms = SHARED_SECRET_ALGORITHMS

    def __init__(self, secrets: Sequence[str]) -> None:
        faults = list(_faults_of([secrets] if isinstance(secrets, str) else secrets))
        if faults:
            del secrets  # a crash report shows locals
            raise ConfigurationError(faults)
        several = [secrets] if isinstance(secrets, str) else secrets
        self._keys = tuple(hmac_key(secret.encode("utf-8")) for secret in several)

    def keys_at_hand(self, header: Header) -> Sequence[VerificationKey]:  # noqa: ARG002 - secrets carry no key ids
        """Give every secret: shared secrets carry no key ids."""
        return self._keys


class EitherKeys:
    """Two or more sources side by side, each for algorithms that only it has."""

    def __init__(self, *sources: KeySource) -> None:
        self._by_algorithm = {alg: source for source in sources for alg in source.algorithms}
        if len(self._by_algorithm) != sum(len(source.algorithms) for source in sources):
            raise ConfigurationError(["an algorithm belongs to exactly one source of keys"])
        self._sources = sources
        self.algorithms = frozenset(self._by_algorithm)

    def epoch(self) -> int:
        """Change when any source changes."""
        return sum(source.epoch() for source in self._sources)

    def keys_at_hand(self, header: Header) -> Sequence[VerificationKey]:
        """Ask the source that the algorithm belongs to."""
        return self._by_algorithm[header.alg].keys_at_hand(header)

    async def keys_for(self, header: Header) -> Sequence[VerificationKey]:
        """Ask the source that the algorithm belongs to."""
        return await self._by_algorithm[header.alg].keys_for(header)

    async def keys_after_mismatch(self, header: Header) -> Sequence[VerificationKey]:
        """Ask the source that the algorithm belongs to."""
        return await self._by_algorithm[header.alg].keys_after_mismatch(header)


def _read_static(jwks: object) -> tuple[KeySet, list[str]]:
    found: dict[VerificationKey, None] = {}
    faults: list[str] = []
    for position, jwk in enumerate(jwks if isinstance(jwks, list) else ()):
        try:
            found[read(jwk)] = None
        except KeyRefused as refused:
            faults.append(f"key {position} of the static key set cannot be used: {refused}")
    if not found and not faults:
        faults.append('the static key set holds no keys: {"keys": […]} is expected')
    if len({(key.kid, key.alg) for key in found}) < len(found):
        faults.append("the static key set holds different keys of one id and algorithm")
    return KeySet(tuple(found)), faults


def _faults_of(secrets: Sequence[str]) -> Iterator[str]:
    if not secrets:
        yield "no shared secret was given"
    for secret in secrets:
        yield from (f"shared secret {fault}" for fault in secret_faults(secret))
