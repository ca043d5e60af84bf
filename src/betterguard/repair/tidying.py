"""Take away the imports that nothing reads any more after a fix, and no others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.repair.edits import apply
from betterguard.repair.imports import Imports
from betterguard.repair.syntax import parse

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.repair.workspace import Workspace

_WORD = re.compile(r"\w+")
_IMPORTS = frozenset({"import_statement", "import_from_statement", "future_import_statement"})


def tidied(before: Workspace, after: Workspace) -> Workspace:
    """Drop names from the changed files' imports that were read before and no longer are."""
    texts: dict[str, bytes] = {}
    for path, text in after.texts.items():
        if path.endswith(".py") and path in before.texts and before.texts[path] != text:
            made = _tidied(before, after, path)
            if made != text:
                texts[path] = made
    return after.with_texts(texts) if texts else after


def _tidied(before: Workspace, after: Workspace, path: str) -> bytes:
    text = after.texts[path]
    if path.endswith("__init__.py"):
        return text
    gone = read_names(before.texts[path]) - read_names(text)
    imports = Imports(text)
    for local, (module, name) in imports.taken.items():
        unread = local.split(".", 1)[0] in gone and (module or name)
        if unread and not _is_offered(after, path, local):
            imports.drop(module, name)
    return apply(text, imports.edits())


def read_names(text: bytes) -> set[str]:
    """Give every name that a text reads, words in its strings included, imports not."""
    return set(_names(parse(text)))


def _names(node: Node) -> list[str]:
    if node.type in _IMPORTS:
        return []
    if node.type == "identifier":
        return [(node.text or b"").decode()]
    if node.type == "string_content":
        return _WORD.findall((node.text or b"").decode(errors="replace"))
    return [name for child in node.named_children for name in _names(child)]


def _is_offered(workspace: Workspace, path: str, name: str) -> bool:
    """Whether another file takes the name from this one, be it a test that replaces it."""
    if workspace.outside.uses(path, name):
        return True
    project = workspace.code.project
    here = project.files[path]
    return any(
        imported.name in {name, "*"} and project.modules.find(file, imported.module) is here
        for file in project.files.values()
        if file is not here
        for imported in file.facts.imports
    )
