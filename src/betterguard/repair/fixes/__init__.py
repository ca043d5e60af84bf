"""The fixers, one file a rule, and the order in which they are tried."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from betterguard.audit.rules import BY_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from betterguard.repair.fix import ByHand, Fix, Site

FIXERS: dict[str, Callable[[Site], Fix | ByHand]] = {
    module.name[:5].upper(): importlib.import_module(f"{__name__}.{module.name}").fix
    for module in pkgutil.iter_modules(__path__)
    if module.name.startswith("bg")
}
"""By the rule's id; the modules bear the names of the rules' modules."""
ORDER = tuple(rule for rule in BY_ID if rule in FIXERS)
"""Who is calling first, then whose rows, then the rest."""


_BY_HAND = {
    "BG001": "save the file as UTF-8, or mend its syntax",
    "BG002": "give the reason, or take the comment away",
    "BG102": "name the paths one by one",
    "BG104": "only you know who calls it: check that sender's signature, or a secret of its own",
    "BG105": "include the router, or remove it",
    "BG106": "leave signing in to Better Auth and remove the route, or check the password in it",
    "BG108": "stored hashes cannot be made anew without the passwords: leave them to Better Auth, "
    "or hash with argon2 at each next sign-in",
    "BG109": "give the MCP server a token_verifier, and let its tools take the caller from there",
    "BG213": "the guard refuses what is signed here: have the front end send Better Auth's token, "
    "then remove it",
    "BG218": "answer 401 there, and sign in as somebody in development, too",
    "BG219": "leave the key on the server: call the service from there, or hand out a short-lived "
    "key that only the caller can use",
    "BG305": "find the user by the id in the token; which column holds Better Auth's id, and who "
    "has none there yet, only you know",
    "BG306": "bind the value instead of writing it into the text",
    "BG606": "define the guard in a module, where FastAPI can resolve the annotation",
}
"""What a person does where no program can decide."""


def by_hand(rule: str) -> str:
    """Tell what to do about a finding that has no fix."""
    return _BY_HAND.get(rule, f"see betterguard audit --explain {rule}")
