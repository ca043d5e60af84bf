"""PyJWT in place of python-jose, where a file uses no more of it than both have; else the guard.

Names stay: ``jwt`` is PyJWT's module, ``JWTError`` its broadest error. Only shared secrets are
taken over, since python-jose takes public keys in forms that PyJWT does not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from betterguard.audit.rules._secrets import is_secret
from betterguard.audit.visit import argument, keywords
from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._guarding import guarded
from betterguard.repair.lines import indent_of
from betterguard.repair.syntax import source, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from betterguard.audit.decoding import Decode
    from betterguard.audit.facts import Import
    from betterguard.repair.fix import Site

_ERRORS = {"JWTError": "PyJWTError", "ExpiredSignatureError": "ExpiredSignatureError"}
_CALLS = frozenset({"decode", "encode", "get_unverified_header"})
_ARGUMENTS = frozenset({"token", "key", "algorithms", "audience", "issuer", "options"})
_OPTIONS = frozenset(f"verify_{what}" for what in ("signature", "aud", "iss", "exp", "iat", "nbf"))


def fix(site: Site) -> Fix | ByHand:
    """Let the guard verify where one function does; else import the other library."""
    decodes = [
        decode
        for decode in site.code.decodes
        if decode.file is site.file and decode.library.startswith("jose.")
    ]
    if len(decodes) == 1:
        made = guarded(replace(site, hit=replace(site.hit, pos=decodes[0].call.pos)))
        if isinstance(made, Fix):
            return made
    reason = _in_the_way(site, decodes)
    if reason:
        return ByHand(f"{reason}: verify with the guard, then remove python-jose")
    edits = [_rewritten(site, node) for node in walk(site.root(), "import_from_statement")]
    errors = list(_attributes(site))
    return site.fix(
        "let PyJWT verify, which knows EdDSA",
        *(edit for edit in edits if edit is not None),
        *errors,
        safety=Safety.UNSAFE,
    )


def _in_the_way(site: Site, decodes: list[Decode]) -> str:
    """Tell what PyJWT does not have, or does in another way."""
    imported = list(_imported(site))
    for one in imported:
        known = one.name == "jwt" or one.name in _ERRORS
        if one.module not in {"jose", "jose.exceptions"} or not known:
            return f"{'.'.join(filter(None, (one.module, one.name)))} has no equal in PyJWT"
    locals_ = {one.alias for one in imported if one.name == "jwt"}
    for expr in site.file.expressions:
        head, _, used = expr.text.partition(".")
        is_read = expr.kind in {"name", "call"} and head in locals_ and used
        if is_read and used.split(".", 1)[0] not in _CALLS | _ERRORS.keys():
            return f"{expr.text} has no equal in PyJWT"
    return next((reason for decode in decodes if (reason := _differs(site, decode))), "")


def _differs(site: Site, decode: Decode) -> str:
    call = decode.call
    key = argument(call, 1, "key")
    if key is None or key.kind != "name" or not is_secret(key.text):
        return "PyJWT takes keys in another form"
    names = {name for name, _ in keywords(call)}
    if not names <= _ARGUMENTS or (argument(call, 2, "algorithms") is None):
        return "PyJWT checks these arguments in another way"
    options = site.code.decodings.options(site.file, call, decode.function)
    if argument(call, 3, "options") is not None and (not options or not options.keys() <= _OPTIONS):
        return "PyJWT has other options"
    return ""


def _imported(site: Site) -> Iterator[Import]:
    return (
        one
        for one in site.file.facts.imports
        if one.module.split(".", 1)[0] == "jose" and one.alias != one.module
    )


def _rewritten(site: Site, node: Node) -> Edit | None:
    """Write one import of jose as imports of PyJWT, by the same local names."""
    module = source(node.child_by_field_name("module_name"))
    if module.split(".", 1)[0] != "jose":
        return None
    lines: list[str] = []
    errors: list[str] = []
    for name in node.children_by_field_name("name"):
        alias = name.child_by_field_name("alias")
        wanted = source(name.child_by_field_name("name") or name)
        local = source(alias) if alias is not None else wanted
        if wanted == "jwt":
            lines.append("import jwt" if local == "jwt" else f"import jwt as {local}")
        else:
            found = _ERRORS[wanted]
            errors.append(found if local == found else f"{found} as {local}")
    if errors:
        lines.append(f"from jwt import {', '.join(errors)}")
    glue = f"\n{indent_of(site.text, node.start_byte)}"
    return Edit(node.start_byte, node.end_byte, glue.join(lines))


def _attributes(site: Site) -> Iterator[Edit]:
    """Write ``jwt.JWTError`` by PyJWT's name."""
    locals_ = {one.alias for one in _imported(site) if one.name == "jwt"}
    for node in walk(site.root(), "attribute"):
        last = node.child_by_field_name("attribute")
        if last is not None and source(node.child_by_field_name("object")) in locals_:
            found = _ERRORS.get(source(last))
            if found is not None and found != source(last):
                yield Edit(last.start_byte, last.end_byte, found)
