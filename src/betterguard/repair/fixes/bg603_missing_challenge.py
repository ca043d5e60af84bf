"""A 401 gets its ``WWW-Authenticate`` header; a handler passes the exception's headers on."""

from __future__ import annotations

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.syntax import appended, argument

_CHALLENGE = 'headers={"WWW-Authenticate": "Bearer"}'


def fix(site: Site) -> Fix | ByHand:
    """Add the header, or pass on those that the exception has."""
    call = site.node("call")
    listed = call.child_by_field_name("arguments") if call is not None else None
    if call is None or listed is None:
        return ByHand("the answer is made elsewhere")
    if argument(call, -1, "headers") is not None:
        return ByHand("the answer has headers of its own: add WWW-Authenticate to them")
    caught = _handled(site)
    text = f'headers=getattr({caught}, "headers", None)' if caught else _CHALLENGE
    return site.fix("tell the client how to authenticate", *appended(site.text, listed, text))


def _handled(site: Site) -> str:
    """Give the name of the exception where the place is in an exception handler."""
    function = site.function
    handlers = {id(handler.function.function) for handler in site.code.app.handlers}
    if (
        function is None
        or id(function.function) not in handlers
        or len(function.params) < len("ab")
    ):
        return ""
    return function.params[1].name
