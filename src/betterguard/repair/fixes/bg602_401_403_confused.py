"""A missing or invalid token is answered with 401 and its challenge."""

from __future__ import annotations

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.syntax import appended, argument, replaced, source, walk


def fix(site: Site) -> Fix | ByHand:
    """Write 401 for 403."""
    statement = site.node("raise_statement")
    call = next(walk(statement, "call"), None) if statement is not None else None
    status = argument(call, 0, "status_code") if call is not None else None
    listed = call.child_by_field_name("arguments") if call is not None else None
    if call is None or status is None or listed is None or "403" not in source(status):
        return ByHand("the status is given elsewhere")
    text = (
        "401"
        if source(status) == "403"
        else source(status).replace("403_FORBIDDEN", "401_UNAUTHORIZED")
    )
    edits = [replaced(status, text)]
    if argument(call, -1, "headers") is None:
        edits += appended(site.text, listed, 'headers={"WWW-Authenticate": "Bearer"}')
    return site.fix("answer with 401, so that the client signs in again", *edits)
