"""A standard stream that was wrapped again is told its encoding instead."""

from __future__ import annotations

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.syntax import argument, around, replaced, source

_KEPT = ("newline", "line_buffering", "write_through")
_STREAMS = frozenset({"sys.stdout", "sys.stderr"})


def fix(site: Site) -> Fix | ByHand:
    """Write ``sys.stdout.reconfigure(…)`` for ``sys.stdout = TextIOWrapper(…)``."""
    call = site.node("call")
    assignment = around(call, "assignment")
    target = source(assignment.child_by_field_name("left")) if assignment is not None else ""
    if call is None or assignment is None or target not in _STREAMS:
        return ByHand("the wrapped stream is kept under another name")
    encoding = source(argument(call, 1, "encoding")) or '"utf-8"'
    errors = source(argument(call, 2, "errors")) or '"backslashreplace"'
    kept = [f"{name}={source(given)}" for name in _KEPT if (given := argument(call, -1, name))]
    text = f"{target}.reconfigure({', '.join([f'{encoding=!s}', f'{errors=!s}', *kept])})"
    return site.fix("change the stream's encoding in place", replaced(assignment, text))
