"""A WebSocket asks the guard who is calling, before it opens.

A browser sends the token as a subprotocol, which the server has to accept by its name ``bearer``;
what a client did not offer it must not accept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.visit import method, receiver
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._asking import EXPOSED, guards_id, with_parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.symbols import FunctionRef
    from betterguard.repair.fix import Site


def fix(site: Site) -> Fix | ByHand:
    """Add the guard's dependency, and accept the subprotocol that a token came in."""
    function = site.function
    imports = site.imports()
    wanted = guards_id(site, imports)
    if wanted is None:
        return ByHand("make a guard with betterguard init: it reads the token of the handshake")
    added = with_parameter(site, function, wanted)
    if function is None or isinstance(added, ByHand):
        return added if isinstance(added, ByHand) else ByHand("the handler is elsewhere")
    edits: dict[str, list[Edit]] = {site.path: [*added, *imports.edits()]}
    for path, edit in _accepting(site, function):
        edits.setdefault(path, []).append(edit)
    return Fix(
        {path: tuple(made) for path, made in edits.items()},
        f"ask who is calling before the socket opens: {wanted}",
        Safety.UNSAFE,
        frozenset(EXPOSED),
    )


def _accepting(site: Site, function: FunctionRef) -> Iterator[tuple[str, Edit]]:
    """Give the edits of every plain ``accept()`` of the socket, in the handler or what it calls."""
    for ref in site.code.calls.reach(function):
        names = {param.name for param in ref.params}
        for call in ref.calls:
            owner = receiver(call)
            if method(call) == "accept" and not call.parts and owner and owner.text in names:
                offered = f'"bearer" in {owner.text}.scope["subprotocols"]'
                end = call.end - 1
                yield ref.file.path, Edit(end, end, f'subprotocol="bearer" if {offered} else None')
