"""What the CORS fixers share: a guard that installs CORS, or origins read from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules import _cors as cors
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._guard import imported_guard
from betterguard.repair.syntax import at, removed, replaced, source, statement_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.application import Middleware
    from betterguard.repair.fix import Site

_SPLIT = '[{item}.strip().rstrip("/") for {item} in {value}.split(",") if {item}.strip()]'


def from_environment(site: Site) -> Fix | ByHand:
    """Install the project's guard in place of the middleware, else read FRONTEND_URL."""
    added = _added(site)
    call = _call(site, added) if added is not None else None
    if added is None or call is None:
        return ByHand("the origins are given elsewhere")
    return installed(site, added, call) or _listed(site, call)


def _added(site: Site) -> Middleware | None:
    """Give the middleware that the finding is about: in its file, around its place."""
    own = [m for m in cors.middleware(site.code) if m.file.path == site.path and m.call is not None]
    around_it = [m for m in own if m.call and m.call.pos <= site.hit.pos < m.call.end]
    return next(iter(around_it or own), None)


def _call(site: Site, added: Middleware) -> Node | None:
    assert added.call is not None
    return at(site.root(), added.call.pos, "call")


def installed(site: Site, added: Middleware, call: Node) -> Fix | None:
    """``guard.install(app)`` in place of ``app.add_middleware(CORSMiddleware, …)``."""
    imports = site.imports()
    guard = imported_guard(site, imports)
    app = source(call.child_by_field_name("function")).rpartition(".")[0]
    if guard is None or not app or added.form != "class":
        return None
    install, statement = f"{guard}.install({app})", statement_of(call)
    # Where the application has it by now, as init writes it, a second one would be in the way.
    there = statement.parent is not None and any(
        source(other) == install for other in statement.parent.named_children
    )
    return site.fix(
        "let the guard answer CORS for the front ends in FRONTEND_URL",
        removed(site.text, statement) if there else replaced(call, install),
        imports=imports,
        safety=Safety.UNSAFE,
    )


def _listed(site: Site, call: Node) -> Fix | ByHand:
    imports = site.imports()
    value = f'{imports.use("os")}.environ["FRONTEND_URL"]'
    text = split(value)
    for name in ("allow_origins", "allow_origin_regex"):
        node = _keyword(call, name)
        given = node.child_by_field_name("value") if node is not None else None
        if node is not None and given is not None:
            edit = replaced(node, f"allow_origins={text}")
            return site.fix(
                "allow the front ends that FRONTEND_URL names, and no others",
                edit,
                imports=imports,
                safety=Safety.UNSAFE,
            )
    return ByHand("the middleware is given its origins elsewhere")


def _keyword(call: Node, name: str) -> Node | None:
    for node in call.child_by_field_name("arguments").named_children:  # type: ignore[union-attr]
        if node.type == "keyword_argument" and source(node.child_by_field_name("name")) == name:
            return node
    return None


def split(value: str) -> str:
    """Give a list of origins out of a text with commas, each without a slash at its end."""
    return _SPLIT.format(item="origin", value=value)
