"""A dependency that others also call keeps its parameters: the guard verifies where it decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.visit import argument
from betterguard.repair.edits import Edit
from betterguard.repair.fixes._draft import MORE, Draft, NotNow, guard_for, refusal_of
from betterguard.repair.fixes._passing import is_named_token
from betterguard.repair.fixes._verification import Given, Source, sources
from betterguard.repair.lines import indent_of, start_of
from betterguard.repair.syntax import source, statement_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.symbols import FunctionRef

_CLAIMS = "verified"


def verified_in_place(draft: Draft, function: FunctionRef, caller: str) -> str:
    """Ask the guard's verifier instead of every decoding; `NotNow` where that cannot be written."""
    found = list(sources(draft.site.code, function))
    taken = {param.name for param in function.params} | set(function.assigned)
    if not function.function.is_async or not found or _CLAIMS in taken:
        msg = f"{caller} calls {function.name} itself: let it ask with Depends"
        raise NotNow(msg)
    path = function.file.path
    guard = guard_for(draft, function)
    for one in found:
        draft.add(path, _asked(draft, function, one, guard))
    return f"let the guard verify in {function.name}"


def _asked(draft: Draft, function: FunctionRef, one: Source, guard: str) -> Edit:
    """Write ``payload = decode(token)`` as a question to the guard, and its answer."""
    path = function.file.path
    text = draft.site.texts[path]
    root = draft.site.root(path)
    call = root.named_descendant_for_byte_range(one.call.pos, one.call.end) or root
    statement = statement_of(call)
    name = _assigned(statement, call)
    token = argument(one.call, 0, "token") or argument(one.call, 0, "jwt")
    alone = not text[start_of(text, statement.start_byte) : statement.start_byte].strip()
    if not name or not alone or token is None or not is_named_token(token.text):
        msg = f"where {function.name} gets its claims cannot be told: use guard.verify there"
        raise NotNow(msg)
    imports = draft.imports(function)
    more = MORE.format(caller=f"{_CLAIMS}.user_id")
    given = f"{_CLAIMS}.user_id" if one.given is Given.ID else f"{{**{_CLAIMS}.payload, {more}}}"
    lines = [
        "try:",
        f"    {_CLAIMS} = await {guard}.verify({token.text})",
        *refusal_of(function, imports),
        f"{name} = {given}",
    ]
    glue = f"\n{indent_of(text, statement.start_byte)}"
    return Edit(statement.start_byte, statement.end_byte, glue.join(lines))


def _assigned(statement: Node, call: Node) -> str:
    """Give the plain name that takes the whole result of a call; empty where that is not so."""
    inner = statement.named_children[0] if statement.named_children else None
    if statement.type != "expression_statement" or inner is None or inner.type != "assignment":
        return ""
    value = inner.child_by_field_name("right")
    if value is not None and value.type == "await":
        value = value.named_children[0]
    name = source(inner.child_by_field_name("left"))
    return name if value == call and name.isidentifier() else ""
