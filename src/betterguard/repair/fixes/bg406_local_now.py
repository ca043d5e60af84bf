"""``datetime.now()`` without a zone becomes the moment in UTC, as the columns want it."""

from __future__ import annotations

from betterguard.audit.rules import _time as time
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety, Site
from betterguard.repair.fixes import _time as moments


def fix(site: Site) -> Fix | ByHand:
    """Only on request: what was local time so far becomes UTC."""
    call = next(
        (
            e
            for e in site.file.calls
            if e.pos == site.hit.pos
            and not e.parts
            and site.code.project.qualify(site.file, e.text) in time.NOW
        ),
        None,
    )
    if call is None:
        return ByHand("the call is not where it was found")
    columns = moments.columns_at(site, call.pos)
    aware = all(moments.keeps_zone(site.code, model, column) for model, column in columns)
    imports = site.imports()
    text = moments.now(imports, aware=aware)
    return site.fix(
        "write the time in UTC instead of the machine's zone",
        Edit(call.pos, call.end, text),
        imports=imports,
        safety=Safety.UNSAFE,
    )
