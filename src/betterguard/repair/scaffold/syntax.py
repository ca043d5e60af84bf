"""Python text as a tree of nodes, for what the audit's records leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tree_sitter import Parser

from betterguard.audit.walk import PYTHON

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["root_of"]


def root_of(text: bytes) -> Node:
    """Give the root of a file's tree; text that does not parse has a tree with errors in it."""
    return Parser(PYTHON).parse(text).root_node
