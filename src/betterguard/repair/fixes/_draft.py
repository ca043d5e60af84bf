"""A fix of several files while it is put together: the function's text, and the guard that it asks.

What takes the place of verification written by hand is written here; what stays, elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.fixes._blocks import definition
from betterguard.repair.fixes._guard import guards, module_for, reaches
from betterguard.repair.fixes._verification import sources
from betterguard.repair.lines import start_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.symbols import FunctionRef
    from betterguard.repair.fix import Concern, Site
    from betterguard.repair.imports import Imports

GUARD = "guard"
MORE = '"sub": {caller}, "id": {caller}, "user_id": {caller}'


class NotNow(Exception):
    """Why the guard cannot take over, as a sentence."""


@dataclass
class Draft:
    """Edits and imports of several files while a fix is put together."""

    site: Site
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    wished: dict[str, Imports] = field(default_factory=dict)
    makes_guard: str = ""
    """The file that gets a guard."""
    concerns: list[Concern] = field(default_factory=list)
    """Places outside that go on naming what changes."""

    def imports(self, function: FunctionRef) -> Imports:
        """Give the imports of a function's file that stand before its functions with tokens."""
        path = function.file.path
        if path not in self.wished:
            code = self.site.code
            first = min(
                (
                    ref.function.pos
                    for ref in code.project.in_file(function.file)
                    if ref.outer is None and any(sources(code, ref))
                ),
                default=function.function.pos,
            )
            self.wished[path] = self.site.imports(path, min(first, function.function.pos))
        return self.wished[path]

    def add(self, path: str, *edits: Edit) -> None:
        """Add edits of a file."""
        self.edits.setdefault(path, []).extend(edits)

    def done(self) -> dict[str, tuple[Edit, ...]]:
        """Give all edits by path."""
        paths = dict.fromkeys([*self.edits, *self.wished])
        return {
            path: (
                *self.edits.get(path, ()),
                *(self.wished[path].edits() if path in self.wished else ()),
            )
            for path in paths
        }


def claims_of(caller: str) -> str:
    """Give the guard's claims as a dictionary that has the id by every usual name."""
    more = MORE.format(caller=f"{caller}.id")
    return f"{{**{caller}.claims, {more}}}"


def function_node(draft: Draft, function: FunctionRef) -> Node:
    """Give the definition of a function; `NotNow` where it is gone."""
    node = definition(draft.site, function)
    if node is None:
        msg = "the function is not where it was found"
        raise NotNow(msg)
    return node


def new_body(body: Node, lines: list[str]) -> Edit:
    """Put lines in place of a body, behind its docstring."""
    statements = [child for child in body.named_children if child.type != "comment"]
    first = statements[0]
    indent = " " * first.start_point[1]
    written = f"\n{indent}".join(lines)
    if first.type == "expression_statement" and first.named_children[0].type == "string":
        return Edit(first.end_byte, body.end_byte, f"\n{indent}{written}")
    begin = min(child.start_byte for child in body.children)
    return Edit(begin, body.end_byte, written)


def refusal_of(function: FunctionRef, imports: Imports) -> list[str]:
    """Give the lines that pass on what the guard's verifier refuses.

    An error of the function's own, which its callers wait for, stays; else the answer has the
    status that the guard names.
    """
    refused = imports.use("betterguard", "AuthError")
    own = _own_error(function)
    if own:
        return [f"except {refused} as err:", f"    raise {own}(err.detail) from err"]
    error = imports.use("fastapi", "HTTPException")
    return [
        f"except {refused} as err:",
        f"    raise {error}(",
        '        status_code=err.status, detail=err.detail, headers={"WWW-Authenticate": "Bearer"}',
        "    ) from err",
    ]


def _own_error(function: FunctionRef) -> str:
    """Give the one error that a function raises, if that takes a message and nothing else."""
    raised = [
        stmt.exprs[0]
        for stmt in function.statements
        if stmt.kind == "raise" and stmt.exprs and stmt.exprs[0].kind == "call"
    ]
    names = {error.text for error in raised}
    told = all(len(error.parts) == 1 and not error.names for error in raised)
    named = next(iter(names), "")
    is_answer = named.rsplit(".", 1)[-1].endswith("HTTPException")
    return named if len(names) == 1 and told and named and not is_answer else ""


def guard_for(draft: Draft, function: FunctionRef) -> str:
    """Give the expression for the guard in a function's file: known, imported, or made there."""
    code, here = draft.site.code, function.file
    known = guards(code)
    if draft.makes_guard:
        known = [(code.project.files[draft.makes_guard], GUARD)]
    if len(known) > 1:
        msg = "the project has more than one guard: use the one that is meant"
        raise NotNow(msg)
    if not known:
        return _made(draft, function)
    home, name = known[0]
    if home is here:
        return name
    module = module_for(code, here, home)
    if not module or reaches(code, home, here):
        msg = f"{here.path} cannot import the guard of {home.path}: imports would circle"
        raise NotNow(msg)
    return draft.imports(function).use(module, name)


def _made(draft: Draft, function: FunctionRef) -> str:
    """Make a guard in front of the function."""
    path = function.file.path
    imports = draft.imports(function)
    if GUARD in imports.taken:
        msg = f"{path} has something else named guard"
        raise NotNow(msg)
    text = draft.site.texts[path]
    node = function_node(draft, function)
    if node.parent is not None and node.parent.type == "decorated_definition":
        node = node.parent
    if node.parent is None or node.parent.type != "module":
        msg = "the function stands in a class: make a guard first, with betterguard init"
        raise NotNow(msg)
    begin = _above_comments(text, start_of(text, node.start_byte))
    gap = "" if begin == 0 or not text[start_of(text, begin - 1) : begin].strip() else "\n"
    made = f"{gap}{GUARD} = {imports.use('betterguard', 'BetterGuard')}.from_env()\n\n\n"
    draft.add(path, Edit(begin, begin, made))
    draft.makes_guard = path
    return GUARD


def _above_comments(text: bytes, begin: int) -> int:
    """Give the start of the comment lines right above a line."""
    while begin and text[start_of(text, begin - 1) : begin].startswith(b"#"):
        begin = start_of(text, begin - 1)
    return begin
