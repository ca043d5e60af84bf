"""Attack one's own API as two of its users, and see what holds.

The API is known by its OpenAPI document alone, so any framework will do. Two users take part:
Alice makes objects, Bob tries to reach them, and credentials that must not count are made from
Alice's valid token.
"""

from __future__ import annotations

from betterguard.live.attack.catalogue import ATTACKS, Attack, Family
from betterguard.live.attack.credentials import Keys
from betterguard.live.attack.people import Person, person
from betterguard.live.attack.result import Result, Verdict
from betterguard.live.attack.run import Options, attack
from betterguard.live.attack.sending import Limits
from betterguard.live.attack.target import AppTarget, Target, UrlTarget, parse_target

__all__ = [
    "ATTACKS",
    "AppTarget",
    "Attack",
    "Family",
    "Keys",
    "Limits",
    "Options",
    "Person",
    "Result",
    "Target",
    "UrlTarget",
    "Verdict",
    "attack",
    "parse_target",
    "person",
]
