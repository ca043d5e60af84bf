"""What the front end's ``betterAuth({…})`` says about the tokens that reach the back end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tree_sitter_typescript
from tree_sitter import Language, Parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

TYPESCRIPT = Language(tree_sitter_typescript.language_tsx())
_ALGORITHM = re.compile(r"^['\"](EdDSA|ES256|ES512|PS256|RS256)['\"]$")


@dataclass(frozen=True, slots=True)
class AuthServer:
    """One ``betterAuth({…})`` call."""

    path: str
    line: int
    jwt_plugin: bool
    """The ``jwt()`` plugin: tokens signed with a key set, never HS256."""
    algorithm: str
    """``keyPairConfig.alg``, or the plugin's default."""
    custom_sign: bool
    """``jwt: { sign }``: the application signs tokens itself, usually HS256."""
    cookie_jwt: bool
    """``session.cookieCache.strategy: "jwt"``: an HS256 cookie."""
    has_plugins: bool = False
    """Whether it lists plugins at all."""


def read_auth_servers(path: str, source: bytes) -> Iterator[AuthServer]:
    """Every ``betterAuth({…})`` call of one TypeScript or JavaScript file."""
    if b"betterAuth" not in source:
        return
    root = Parser(TYPESCRIPT).parse(source).root_node
    for call in _calls(root, b"betterAuth"):
        yield _server(path, call)


def _server(path: str, call: Node) -> AuthServer:
    plugins = list(_calls(call, b"jwt"))
    pairs = dict(_pairs(call))
    algorithm = next(
        (found[1] for key, value in _pairs(call) if key == "alg" and (found := _match(value))),
        "EdDSA",
    )
    strategy = [value for key, value in _pairs(call) if key == "strategy"]
    return AuthServer(
        path,
        call.start_point[0] + 1,
        bool(plugins),
        algorithm,
        any(key == "sign" for plugin in plugins for key, _ in _pairs(plugin)),
        "cookieCache" in pairs and any(_text(value).strip("\"'") == "jwt" for value in strategy),
        "plugins" in pairs,
    )


def _match(node: Node) -> re.Match[str] | None:
    return _ALGORITHM.match(_text(node))


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _descendants(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(reversed(top.named_children))


def _calls(node: Node, name: bytes) -> Iterator[Node]:
    for found in _descendants(node):
        if found.type == "call_expression":
            callee = found.child_by_field_name("function")
            if callee is not None and callee.text == name:
                yield found


def _pairs(node: Node) -> Iterator[tuple[str, Node]]:
    for found in _descendants(node):
        if found.type in {"pair", "method_definition"}:
            key = found.child_by_field_name("key") or found.child_by_field_name("name")
            value = found.child_by_field_name("value") or found
            if key is not None:
                yield _text(key).strip("\"'"), value
