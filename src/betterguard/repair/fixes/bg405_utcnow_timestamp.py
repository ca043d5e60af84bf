"""``utcnow().timestamp()``: the moment gets its zone, so that the number is right."""

from __future__ import annotations

from betterguard.audit.rules import _time as time
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.fixes import _time as moments


def fix(site: Site) -> Fix | ByHand:
    """Make every ``utcnow`` that the number is worked out from aware."""
    call = next(
        (e for e in site.file.calls if e.pos == site.hit.pos and e.text.endswith(".timestamp")),
        None,
    )
    if call is None:
        return ByHand("the call is not where it was found")
    if call.base is not None:
        sources = [call.base]
    else:
        function = site.function
        name = call.text.removesuffix(".timestamp")
        sources = list(function.assigned.get(name, ())) if function is not None else []
    wrong = [value for value in sources if time.is_utcnow(site.code, site.file, value)]
    imports = site.imports()
    text = moments.now(imports)
    edits = [Edit(value.pos, value.end, text) for value in wrong]
    return site.fix("take the number of seconds from an aware time", *edits, imports=imports)
