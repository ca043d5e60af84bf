"""A default that was worked out once becomes one for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.fix import ByHand, Fix, Site
from betterguard.repair.syntax import around, replaced, source

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNC = (("sqlalchemy", "func"), ("sqlmodel", "func"))


def fix(site: Site) -> Fix | ByHand:
    """``"now()"`` becomes ``func.now()``; a called default becomes a factory."""
    node = site.node("string", "call")
    option = around(node, "keyword_argument", "pair")
    if node is None or option is None:
        return ByHand("the default is not written beside its column")
    if node.type == "string":
        return _server_default(site, node)
    return _factory(site, node, option)


def _server_default(site: Site, node: Node) -> Fix:
    imports = site.imports()
    known = next((found for name in _FUNC if (found := imports.bound(*name))), None)
    func = known or imports.use(*_FUNC[0])
    return site.fix(
        "let the server work the default out for each row",
        replaced(node, f"{func}.now()"),
        imports=imports,
    )


def _factory(site: Site, node: Node, option: Node) -> Fix | ByHand:
    name = option.child_by_field_name("name")
    call = around(option.parent, "call")
    if name is None or call is None:
        return ByHand("the default is given in a dictionary")
    edits = [replaced(node, f"lambda: {source(node)}")]
    if source(call.child_by_field_name("function")).rsplit(".", 1)[-1] == "Field":
        edits.append(replaced(name, "default_factory"))
    return site.fix("work the default out for each row", *edits)
