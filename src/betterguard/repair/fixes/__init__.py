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
    "BG103": "add Depends(guard.user) to the WebSocket: it reads the token of the handshake",
    "BG104": "let whoever calls it prove that: check its signature or a secret of its own",
    "BG105": "include the router, or remove it",
    "BG106": "leave signing in to Better Auth, or check the password",
    "BG107": "take the identity from the verified token alone",
    "BG108": "leave passwords to Better Auth, or hash them with argon2",
    "BG109": "put the MCP server behind the guard, and let its tools take the caller from there",
    "BG212": "verify with the guard, then remove python-jose",
    "BG213": "let Better Auth issue the tokens",
    "BG305": "find the user by the id in the token",
    "BG306": "bind the value instead of writing it into the text",
    "BG410": "hand the datetime over as it is",
    "BG504": "name the origins of the front end",
}
"""What a person does where no program can decide."""


def by_hand(rule: str) -> str:
    """Tell what to do about a finding that has no fix."""
    return _BY_HAND.get(rule, f"see betterguard audit --explain {rule}")
