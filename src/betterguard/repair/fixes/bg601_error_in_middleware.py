"""What a handler returns and what middleware raises, which is no response, becomes one."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import derived
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._answers import (
    CHALLENGE,
    INTERNAL,
    answer,
    handled,
    json_response,
    mentions,
    told,
)
from betterguard.repair.syntax import argument, arguments, around, replaced, source, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.symbols import FunctionRef
    from betterguard.repair.fix import Site

_STATUS = re.compile(r"(?:^|HTTP_)([1-5]\d\d)(?:$|_)")
_MEANT = (
    (re.compile(r"NotFound|NoResult|DoesNotExist|Missing"), 404),
    (re.compile(r"Unauthori[sz]ed|Authentication|Token|Credential|JWT|AuthError"), 401),
    (re.compile(r"Forbidden|Permission|AccessDenied|Authori[sz]ation"), 403),
    (re.compile(r"Conflict|Exists|Duplicate|Integrity"), 409),
    (re.compile(r"RateLimit|TooMany"), 429),
    (re.compile(r"Validation"), 422),
)
"""What the names of errors say; what they mean a person has to confirm."""
_DEBUG = re.compile(r"\bif\b.*debug", re.IGNORECASE | re.DOTALL)
_DISPATCH = 2
"""Parameters of middleware that can answer: the request and what comes next."""
_RAISED = ("status_code", "detail", "headers")


def fix(site: Site) -> Fix | ByHand:
    """Answer with a JSONResponse, with the status that is known or most likely meant."""
    statement = site.node("return_statement", "raise_statement")
    function = site.function
    if statement is None or function is None:
        return ByHand("the answer is not where it was found")
    if around(statement, "function_definition", "lambda") != around(
        site.root().named_descendant_for_byte_range(function.function.pos, function.function.pos),
        "function_definition",
    ):
        return ByHand("the answer is made in an inner function")
    call = statement.named_children[0] if statement.named_children else None
    if statement.type == "raise_statement":
        return _middleware(site, function, statement)
    if call is not None and call.type == "call":
        return _said(site, statement)
    return _handler(site, function, statement)


# handlers


def _handler(site: Site, function: FunctionRef, statement: Node) -> Fix | ByHand:
    content = next(walk(statement, "dictionary"), None)
    caught = handled(site)
    if content is None or not caught:
        return ByHand("the handler does not take a request and its error")
    known = {
        _status(handler.exception, caught)
        for handler in site.code.app.handlers
        if handler.function.function is function.function
    }
    if len(known) != 1:
        return ByHand("the handler answers several kinds of errors: choose the status")
    status, safety = known.pop()
    imports = site.imports()
    called = json_response(imports)
    text = source(content)
    if status[0] == "5":
        if any(walk(content, "dictionary_splat")):
            return ByHand("what the client is told is put together elsewhere")
        text = _without(site, content, derived(function, {caught}))
    if status == "422":
        text = f"{imports.use('fastapi.encoders', 'jsonable_encoder')}({text})"
    given = [f"status_code={status}", f"content={text}"]
    if not status.isdigit():
        given.append(f"headers={caught}.headers")
    elif status == "401":
        given.append(CHALLENGE)
    edit = replaced(statement, answer(site, statement, called, given))
    return site.fix(f"answer with {status}", edit, imports=imports, safety=safety)


def _status(exception: str, caught: str) -> tuple[str, Safety]:
    """Give the status that an exception stands for, and whether that is sure."""
    name = exception.rsplit(".", 1)[-1]
    number = _STATUS.search(name)
    if name in {"HTTPException", "StarletteHTTPException"} or (number and number[1] < "500"):
        return f"{caught}.status_code", Safety.SAFE
    if name == "RequestValidationError":
        return "422", Safety.SAFE
    if name == "Exception" or number:
        return number[1] if number else "500", Safety.SAFE
    likely = (status for pattern, status in _MEANT if pattern.search(name))
    return str(next(likely, 500)), Safety.UNSAFE


def _without(site: Site, content: Node, secret: set[str]) -> str:
    """Give a dictionary as it is written, a fixed sentence in place of what tells the error."""
    text = source(content)
    leaks = [
        node
        for node in told(content)
        if any(mentions(node, name) for name in secret) and not _DEBUG.search(source(node))
    ]
    for node in reversed(leaks):
        begin, end = (len(site.text[content.start_byte : at].decode()) for at in node.byte_range)
        text = f'{text[:begin]}"{INTERNAL}"{text[end:]}'
    return text


# middleware


def _middleware(site: Site, function: FunctionRef, statement: Node) -> Fix | ByHand:
    if not _can_answer(function):
        return ByHand("this is no function that answers: send a JSONResponse there")
    if _is_caught(statement):
        return ByHand("an except around it may want the error: give back a JSONResponse")
    return _said(site, statement)


def _said(site: Site, statement: Node) -> Fix | ByHand:
    """Answer with what an HTTPException says."""
    call = next(walk(statement, "call"), None)
    given = _given(call) if call is not None else None
    number = _STATUS.search(given.get("status_code", "").rsplit(".", 1)[-1]) if given else None
    if given is None or number is None:
        return ByHand("the status is not written here: give back a JSONResponse")
    try:
        phrase = HTTPStatus(int(number[1])).phrase
    except ValueError:
        return ByHand(f"{number[1]} is no status: give back a JSONResponse")
    detail = given.get("detail", f'"{phrase}"')
    written = [f"status_code={given['status_code']}", f'content={{"detail": {detail}}}']
    if "headers" in given:
        written.append(f"headers={given['headers']}")
    elif number[1] == "401":
        written.append(CHALLENGE)
    imports = site.imports()
    text = answer(site, statement, json_response(imports), written)
    return site.fix(f"answer with {number[1]}", replaced(statement, text), imports=imports)


def _can_answer(function: FunctionRef) -> bool:
    """Whether what a function gives back is the answer: ``(request, call_next)``, asynchronous."""
    names = [param.name for param in function.params if param.name not in {"self", "cls"}]
    if function.owner is not None and function.name != "dispatch":
        return False
    return function.function.is_async and len(names) == _DISPATCH and "send" not in names


def _is_caught(statement: Node) -> bool:
    """Whether it stands in the body of a ``try`` that has an ``except``."""
    node = statement
    while node.parent is not None and node.type != "function_definition":
        outer = node.parent
        if outer.type == "try_statement" and outer.child_by_field_name("body") == node:
            return any(child.type.startswith("except") for child in outer.named_children)
        node = outer
    return False


def _given(call: Node) -> dict[str, str] | None:
    """Give the arguments of an HTTPException by name; None where they cannot be read."""
    if any(node.type.endswith("splat") for node in arguments(call)) or any(walk(call, "comment")):
        return None
    found = ((name, argument(call, index, name)) for index, name in enumerate(_RAISED))
    return {name: source(node) for name, node in found if node is not None}
