"""A signing secret comes from the environment, and there is none in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety, Site
from betterguard.repair.syntax import argument, around, replaced, source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_SUMMARY = "take the secret from the environment: without it the application does not start"


def fix(site: Site) -> Fix | ByHand:
    """Take the literal away, so that a start without the secret fails."""
    node = site.node("call", "boolean_operator", "expression_statement")
    if node is None:
        return ByHand("take the file out of version control and make a new secret")
    if node.type == "expression_statement":
        return _assigned(site, node)
    if node.type == "boolean_operator":
        left = node.child_by_field_name("left")
        return (
            _read(site, node, left) if left is not None else ByHand("the secret is given elsewhere")
        )
    return _read(site, node, node)


def _read(site: Site, whole: Node, call: Node) -> Fix | ByHand:
    """``getenv("NAME", "literal")`` becomes ``environ["NAME"]``."""
    names = [
        source(c.named_children[0])
        for found in walk(whole, "call")
        if (c := found.child_by_field_name("arguments")) is not None and c.named_children
    ]
    key = argument(call, 0, "key")
    function = source(call.child_by_field_name("function"))
    if key is None or function.rsplit(".", 1)[-1] not in {"getenv", "get"}:
        return ByHand("the secret has a default in a function of the project: take it away there")
    imports = site.imports()
    environ = imports.bound("os", "environ") or f"{imports.use('os')}.environ"
    others = [name for name in names if name != source(key)]
    text = f"{environ}[{source(key)}]"
    if others:
        getenv = f"{imports.use('os')}.getenv"
        text = f"{getenv}({source(key)}) or {environ}[{others[-1]}]"
    return site.fix(_SUMMARY, replaced(whole, text), imports=imports, safety=Safety.UNSAFE)


def _assigned(site: Site, statement: Node) -> Fix | ByHand:
    assignment = statement.named_children[0]
    left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
    if left is None or right is None:
        return ByHand("the secret is given elsewhere")
    if _is_setting(site, statement):
        kind = assignment.child_by_field_name("type")
        if kind is None:
            return ByHand("the setting has no type: give it one, and no value")
        edit = Edit(kind.end_byte, right.end_byte, "")
        return site.fix(_SUMMARY, edit, safety=Safety.UNSAFE)
    if right.type != "string":
        return ByHand("the secret is given elsewhere")
    imports = site.imports()
    environ = imports.bound("os", "environ") or f"{imports.use('os')}.environ"
    name = source(left).rsplit(".", 1)[-1].upper()
    edit = replaced(right, f'{environ}["{name}"]')
    return site.fix(_SUMMARY, edit, imports=imports, safety=Safety.UNSAFE)


def _is_setting(site: Site, statement: Node) -> bool:
    klass = around(statement, "class_definition", "function_definition")
    if klass is None or klass.type != "class_definition":
        return False
    name = source(klass.child_by_field_name("name"))
    ref = site.file.classes.get(name)
    bases = site.code.project.foreign_bases(ref) if ref is not None else set()
    return any(base.endswith(("BaseSettings", "BaseModel")) for base in bases)
