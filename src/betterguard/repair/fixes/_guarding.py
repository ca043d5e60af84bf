"""Verification written by hand gives way to the guard; names and what they give back stay.

A dependency that gives the caller's id becomes ``guard.verify_token``; one that gives claims asks
``guard.user`` for them. One that does more, such as loading the user's row, keeps its code and gets
its claims from the guard, which FastAPI runs before it. A helper that its dependencies no longer
call goes, unless something else names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Safety
from betterguard.repair.fixes._blocks import definition
from betterguard.repair.fixes._guard import guards, module_for, reaches
from betterguard.repair.fixes._verification import (
    Given,
    Source,
    callers,
    decodes,
    given_by,
    gives_only_token,
    is_injected,
    is_named_elsewhere,
    is_plain,
    other_credential,
    reads_identity,
    sources,
)
from betterguard.repair.lines import next_after, start_of
from betterguard.repair.syntax import appended, replaced

if TYPE_CHECKING:
    from tree_sitter import Node

    from betterguard.audit.project import FunctionRef
    from betterguard.repair.fix import Site
    from betterguard.repair.imports import Imports

_GUARD = "guard"
_MORE = '"sub": {caller}, "id": {caller}, "user_id": {caller}'


class _NotNow(Exception):
    """Why the guard cannot take over, as a sentence."""


@dataclass
class _Draft:
    """Edits and imports of several files while a fix is put together."""

    site: Site
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    wished: dict[str, Imports] = field(default_factory=dict)
    makes_guard: str = ""
    """The file that gets a guard."""

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


def guarded(site: Site) -> Fix | ByHand:
    """Let the guard verify where this finding's function does so by hand."""
    function = site.function
    while function is not None and function.outer is not None:
        function = function.outer
    if function is None:
        return ByHand("tokens are verified at import: use the guard's dependencies")
    draft = _Draft(site)
    try:
        summary = _replace(draft, function)
    except _NotNow as reason:
        return ByHand(str(reason))
    return Fix(draft.done(), summary, Safety.UNSAFE, alone=bool(draft.makes_guard))


def _replace(draft: _Draft, function: FunctionRef) -> str:
    code = draft.site.code
    if is_injected(code, function):
        return _dependency(draft, function)
    if function.function.is_async and function.owner is None and any(sources(code, function)):
        return _verifier(draft, function)
    return _helper(draft, function)


# dependencies and handlers


def _dependency(draft: _Draft, function: FunctionRef) -> str:
    """Replace a dependency whole where it only verifies; else hand it the guard's claims."""
    code = draft.site.code
    other = other_credential(code, function)
    if other:
        msg = f"{function.name} also takes {other}: say whether that is still wanted"
        raise _NotNow(msg)
    calling = callers(code, function)
    if calling:
        msg = f"{calling[0].name} calls {function.name} itself: let it ask with Depends"
        raise _NotNow(msg)
    given = given_by(code, function)
    if given is Given.TOKEN and not decodes(code, function):
        return _token_alone(draft, function)
    if given is None or given is Given.TOKEN or not is_plain(code, function):
        return _claims_handed_in(draft, function)
    if not decodes(code, function):
        msg = f"what {function.name} gives cannot be told: use guard.user there"
        raise _NotNow(msg)
    if given is not Given.CLAIMS and not reads_identity(code, function):
        msg = f"{function.name} gives something other than the user's id: use guard.user there"
        raise _NotNow(msg)
    return _whole(draft, function, given)


def _token_alone(draft: _Draft, function: FunctionRef) -> str:
    """Let ``HTTPBearer`` find the token for a dependency that gives just that."""
    code = draft.site.code
    if not is_plain(code, function) or not gives_only_token(code, function):
        msg = f"{function.name} gives more or less than the token: take HTTPBearer for the header"
        raise _NotNow(msg)
    path = function.file.path
    node = _definition(draft, function)
    parameters, body = node.child_by_field_name("parameters"), node.child_by_field_name("body")
    if parameters is None or body is None:
        msg = "the function is not where it was found"
        raise _NotNow(msg)
    imports = draft.imports(function)
    kind = imports.use("fastapi.security", "HTTPAuthorizationCredentials")
    scheme = f"{imports.use('fastapi.security', 'HTTPBearer')}()"
    asked = f"(credentials: {kind} = {imports.use('fastapi', 'Depends')}({scheme}))"
    draft.add(path, replaced(parameters, asked), _body(body, ["return credentials.credentials"]))
    return f"let HTTPBearer find the token for {function.name}"


def _whole(draft: _Draft, function: FunctionRef, given: Given) -> str:
    path = function.file.path
    node = _definition(draft, function)
    guard = _guard(draft, function)
    if given is Given.ID:
        draft.add(path, replaced(node, f"{function.name} = {guard}.verify_token"))
        return f"let the guard verify: {function.name} = {guard}.verify_token"
    parameters = node.child_by_field_name("parameters")
    body = node.child_by_field_name("body")
    if parameters is None or body is None:
        msg = "the function is not where it was found"
        raise _NotNow(msg)
    asked, result = _asked(draft, function, guard, given)
    draft.add(path, replaced(parameters, f"({asked})"), _body(body, result))
    return f"let the guard verify for {function.name}"


def _asked(draft: _Draft, function: FunctionRef, guard: str, given: Given) -> tuple[str, list[str]]:
    """Give the parameter that asks the guard, and the statements that give back what was given."""
    imports = draft.imports(function)
    depends = imports.use("fastapi", "Depends")
    if given is Given.CLAIMS:
        user = imports.use("betterguard", "User")
        return f"caller: {user} = {depends}({guard}.user)", [f"return {_claims('caller')}"]
    convert = imports.use("uuid", "UUID") if given is Given.UUID else "int"
    error = imports.use("fastapi", "HTTPException")
    refusal = (
        f'raise {error}(status_code=401, detail="Invalid user id", '
        'headers={"WWW-Authenticate": "Bearer"}) from err'
    )
    lines = [
        "try:",
        f"    return {convert}(caller_id)",
        "except ValueError as err:",
        f"    {refusal}",
    ]
    return f"caller_id: str = {depends}({guard}.verify_token)", lines


def _claims(caller: str) -> str:
    more = _MORE.format(caller=f"{caller}.id")
    return f"{{**{caller}.claims, {more}}}"


def _claims_handed_in(draft: _Draft, function: FunctionRef) -> str:
    """Ask the guard in a parameter, and read its claims where the token was decoded."""
    found = list(sources(draft.site.code, function))
    if not found:
        msg = f"where {function.name} gets its claims cannot be told: use guard.user"
        raise _NotNow(msg)
    path = function.file.path
    node = _definition(draft, function)
    parameters = node.child_by_field_name("parameters")
    taken = {param.name for param in function.params} | set(function.assigned)
    if parameters is None or "caller" in taken or any("*" in name for name in taken):
        msg = f"{function.name} has a name `caller` already, or takes any parameters"
        raise _NotNow(msg)
    imports = draft.imports(function)
    guard = _guard(draft, function)
    user, depends = imports.use("betterguard", "User"), imports.use("fastapi", "Depends")
    text = f"caller: {user} = {depends}({guard}.user)"
    draft.add(path, *appended(draft.site.texts[path], parameters, text))
    for one in found:
        draft.add(path, _read(draft, path, one))
    return f"let the guard verify before {function.name}"


def _read(draft: _Draft, path: str, one: Source) -> Edit:
    root = draft.site.root(path)
    node = root.named_descendant_for_byte_range(one.call.pos, one.call.end) or root
    if node.parent is not None and node.parent.type == "await":
        node = node.parent
    if node.parent is not None and node.parent.type == "expression_statement":
        msg = "a token is checked and nothing taken from it: use guard.user where it is used"
        raise _NotNow(msg)
    return replaced(node, "caller.id" if one.given is Given.ID else _claims("caller"))


# helpers


def _helper(draft: _Draft, function: FunctionRef) -> str:
    """Hand the guard's claims to every dependency that calls a helper; then the helper may go."""
    code = draft.site.code
    using = callers(code, function)
    strangers = [ref.name for ref in using if not is_injected(code, ref)]
    if strangers:
        msg = f"{strangers[0]} calls {function.name} and is no dependency: use the guard there"
        raise _NotNow(msg)
    if not using:
        msg = f"nothing here calls {function.name}: remove it, or use the guard in it"
        raise _NotNow(msg)
    if function.owner is not None or is_named_elsewhere(code, function):
        msg = f"{function.name} is named elsewhere: verify with the guard, then remove it"
        raise _NotNow(msg)
    for ref in using:
        _dependency(draft, ref)
    path = function.file.path
    node = _definition(draft, function)
    text = draft.site.texts[path]
    end = next_after(text, node.end_byte)
    while end < len(text) and not text[end : next_after(text, end)].strip():
        end = next_after(text, end)
    draft.add(path, Edit(start_of(text, node.start_byte), end, ""))
    for ref in using:
        if ref.file is not function.file:
            draft.imports(ref)
    return f"let the guard verify, and remove {function.name}"


def _verifier(draft: _Draft, function: FunctionRef) -> str:
    """Let an asynchronous helper ask the guard's verifier; its callers stay."""
    code = draft.site.code
    given = given_by(code, function)
    token = next((p.name for p in function.params if "token" in p.name.lower()), None)
    if token is None or given not in {Given.CLAIMS, Given.ID}:
        msg = f"what {function.name} gives back cannot be told: use guard.verifier there"
        raise _NotNow(msg)
    path = function.file.path
    body = _definition(draft, function).child_by_field_name("body")
    if body is None:
        msg = "the function is not where it was found"
        raise _NotNow(msg)
    guard = _guard(draft, function)
    imports = draft.imports(function)
    refused = imports.use("betterguard", "AuthError")
    error = imports.use("fastapi", "HTTPException")
    more = _MORE.format(caller="claims.user_id")
    lines = [
        "try:",
        f"    claims = await {guard}.verifier.verify({token})",
        f"except {refused} as err:",
        f"    raise {error}(",
        '        status_code=err.status, detail=err.detail, headers={"WWW-Authenticate": "Bearer"}',
        "    ) from err",
        "return claims.user_id" if given is Given.ID else f"return {{**claims.payload, {more}}}",
    ]
    draft.add(path, _body(body, lines))
    return f"let the guard verify in {function.name}"


# text


def _definition(draft: _Draft, function: FunctionRef) -> Node:
    node = definition(draft.site, function)
    if node is None:
        msg = "the function is not where it was found"
        raise _NotNow(msg)
    return node


def _body(body: Node, lines: list[str]) -> Edit:
    """Put lines in place of a body, behind its docstring."""
    statements = [child for child in body.named_children if child.type != "comment"]
    first = statements[0]
    indent = " " * first.start_point[1]
    written = f"\n{indent}".join(lines)
    if first.type == "expression_statement" and first.named_children[0].type == "string":
        return Edit(first.end_byte, body.end_byte, f"\n{indent}{written}")
    begin = min(child.start_byte for child in body.children)
    return Edit(begin, body.end_byte, written)


def _guard(draft: _Draft, function: FunctionRef) -> str:
    """Give the expression for the guard in a function's file: known, imported, or made there."""
    code, here = draft.site.code, function.file
    known = guards(code)
    if draft.makes_guard:
        known = [(code.project.files[draft.makes_guard], _GUARD)]
    if len(known) > 1:
        msg = "the project has more than one guard: use the one that is meant"
        raise _NotNow(msg)
    if not known:
        return _made(draft, function)
    home, name = known[0]
    if home is here:
        return name
    module = module_for(code, here, home)
    if not module or reaches(code, home, here):
        msg = f"{here.path} cannot import the guard of {home.path}: imports would circle"
        raise _NotNow(msg)
    return draft.imports(function).use(module, name)


def _made(draft: _Draft, function: FunctionRef) -> str:
    """Make a guard in front of the function."""
    path = function.file.path
    imports = draft.imports(function)
    if _GUARD in imports.taken:
        msg = f"{path} has something else named guard"
        raise _NotNow(msg)
    text = draft.site.texts[path]
    node = _definition(draft, function)
    if node.parent is not None and node.parent.type == "decorated_definition":
        node = node.parent
    if node.parent is None or node.parent.type != "module":
        msg = "the function stands in a class: make a guard first, with betterguard init"
        raise _NotNow(msg)
    begin = _above_comments(text, start_of(text, node.start_byte))
    gap = "" if begin == 0 or not text[start_of(text, begin - 1) : begin].strip() else "\n"
    made = f"{gap}{_GUARD} = {imports.use('betterguard', 'BetterGuard')}.from_env()\n\n\n"
    draft.add(path, Edit(begin, begin, made))
    draft.makes_guard = path
    return _GUARD


def _above_comments(text: bytes, begin: int) -> int:
    """Give the start of the comment lines right above a line."""
    while begin and text[start_of(text, begin - 1) : begin].startswith(b"#"):
        begin = start_of(text, begin - 1)
    return begin
