"""A log file is opened as UTF-8."""

from __future__ import annotations

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.syntax import appended


def fix(site: Site) -> Fix | ByHand:
    """Say the encoding."""
    call = site.node("call")
    listed = call.child_by_field_name("arguments") if call is not None else None
    if listed is None:
        return ByHand("the handler is made elsewhere")
    return site.fix("open the log file as UTF-8", *appended(site.text, listed, 'encoding="utf-8"'))
