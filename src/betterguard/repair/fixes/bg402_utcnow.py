"""``datetime.utcnow`` becomes aware where columns keep a zone, its naive equal elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules import _time as time
from betterguard.audit.visit import keywords, subexpressions
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety, Site
from betterguard.repair.fixes import _time as moments
from betterguard.repair.syntax import around, source

if TYPE_CHECKING:
    from betterguard.audit.facts import Expr

_CLAIMS = frozenset({"exp", "iat", "nbf"})


def fix(site: Site) -> Fix | ByHand:
    """Write the moment with its zone; a reference becomes a lambda."""
    expr = next((e for e in site.file.expressions if e.pos == site.hit.pos and _is(site, e)), None)
    if expr is None:
        return ByHand("the call is not where it was found")
    aware, safety = _wanted(site, expr)
    imports = site.imports()
    text = moments.now(imports, aware=aware)
    if expr.kind == "name":
        text = f"lambda: {text}"
    summary = f"write {'an aware' if aware else 'the same naive'} UTC time without utcnow"
    return site.fix(summary, Edit(expr.pos, expr.end, text), imports=imports, safety=safety)


def _is(site: Site, expr: Expr) -> bool:
    return time.is_utcnow(site.code, site.file, expr)


def _wanted(site: Site, expr: Expr) -> tuple[bool, Safety]:
    """Whether the value is to be aware, and whether that may be done unasked."""
    columns = moments.columns_at(site, expr.pos)
    if columns:
        zoned = {moments.keeps_zone(site.code, model, column) for model, column in columns}
        return True in zoned, Safety.SAFE if len(zoned) == 1 else Safety.UNSAFE
    if _is_written_out(site, expr):
        return False, Safety.SAFE
    if _is_claim(site, expr):
        return True, Safety.SAFE
    if moments.is_aware_project(site.code):
        return True, Safety.UNSAFE
    return False, Safety.SAFE


def _is_written_out(site: Site, expr: Expr) -> bool:
    """``utcnow().isoformat()``: with a zone, the text would be another one."""
    parent = site.node_of(expr).parent
    return (
        parent is not None
        and parent.type == "attribute"
        and source(parent.child_by_field_name("attribute")) in {"isoformat", "strftime", "date"}
    )


def _is_claim(site: Site, expr: Expr) -> bool:
    """Whether the value is an expiry or another time in a token."""
    pair = around(site.node_of(expr), "pair", "keyword_argument", "assignment")
    if pair is None:
        return False
    key = pair.child_by_field_name("key") or pair.child_by_field_name("name")
    if key is not None:
        return source(key).strip("\"'") in _CLAIMS
    name = source(pair.child_by_field_name("left"))
    function = site.function
    return function is not None and any(
        known in _CLAIMS and _begins_with(value, name)
        for call in function.expressions
        if call.kind in {"dict", "call"}
        for known, value in keywords(call)
    )


def _begins_with(value: Expr, name: str) -> bool:
    """``expire``, ``expire.timestamp()``, ``int(expire.timestamp())``."""
    return any(part.text.split(".", 1)[0] == name for part in subexpressions(value))
