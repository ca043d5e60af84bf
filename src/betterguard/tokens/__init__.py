"""Is this string a valid token, and whose? No web framework, no database.

A token passes these stations, each of which may only refuse: `jws` (structure), `keys` or
`jwks` (which key may check this header), the signature, `claims` (time, issuer, audience,
kind, subject). `memory` remembers what passed.
"""

from __future__ import annotations

from betterguard.tokens.claims import ClaimRules, Claims, TokenKind
from betterguard.tokens.jwks import KeySetState, RemoteKeySet
from betterguard.tokens.keys import EitherKeys, KeySource, SharedSecrets, StaticKeys
from betterguard.tokens.memory import TokenMemory
from betterguard.tokens.verifier import TokenVerifier

__all__ = [
    "ClaimRules",
    "Claims",
    "EitherKeys",
    "KeySetState",
    "KeySource",
    "RemoteKeySet",
    "SharedSecrets",
    "StaticKeys",
    "TokenKind",
    "TokenMemory",
    "TokenVerifier",
]
