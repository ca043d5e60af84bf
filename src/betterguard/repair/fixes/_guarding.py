"""Verification written by hand gives way to the guard; names and what they give back stay.

A dependency that gives the caller's id becomes ``guard.verify_token``; one that gives claims asks
``guard.user`` for them. One that does more, such as loading the user's row, keeps its code and gets
its claims from the guard, which FastAPI runs before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.visit import method
from betterguard.repair.fix import ByHand, Concern, Fix, Safety
from betterguard.repair.fixes._draft import (
    Draft,
    NotNow,
    claims_of,
    function_node,
    guard_for,
    new_body,
)
from betterguard.repair.fixes._guard import guards
from betterguard.repair.fixes._helpers import verifier, without_helper
from betterguard.repair.fixes._in_place import verified_in_place
from betterguard.repair.fixes._verification import (
    Given,
    Source,
    callers,
    decodes,
    given_by,
    gives_only_token,
    is_injected,
    is_plain,
    other_credential,
    reads_identity,
    sources,
)
from betterguard.repair.outside import STAND_IN, How, is_of_tests
from betterguard.repair.syntax import appended, replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from betterguard.audit.symbols import FunctionRef
    from betterguard.repair.edits import Edit
    from betterguard.repair.fix import Site


def guarded(site: Site) -> Fix | ByHand:
    """Let the guard verify where this finding's function does so by hand."""
    function = site.function
    while function is not None and function.outer is not None:
        function = function.outer
    if function is None:
        return ByHand("tokens are verified at import: use the guard's dependencies")
    draft = Draft(site)
    try:
        summary = _replace(draft, function)
    except NotNow as reason:
        return ByHand(str(reason))
    return _made(draft, summary)


def identified(site: Site) -> Fix | ByHand:
    """Let the guard alone say who is calling, where a dependency does nothing but say so."""
    code, function = site.code, site.function
    if (
        function is None
        or function.outer is not None
        or not is_injected(code, function)
        or id(function.function) in code.endpoints
    ):
        return ByHand("take the identity from the verified token: guard.user gives it")
    if "email" in site.hit.message.lower():
        return ByHand(
            f"{function.name} gives an e-mail address: the guard knows people by their id"
        )
    given = given_by(code, function)
    if given is None and function.function.returns is None and _gives_what_it_read(function):
        given = Given.ID
    if given is None or given is Given.TOKEN or callers(code, function):
        return ByHand(f"{function.name} gives more than an id: take that from guard.user")
    if not is_plain(code, function):
        return ByHand(f"{function.name} does more than tell who is calling: ask guard.user in it")
    draft = Draft(site)
    _tell_callers(draft, function)
    try:
        summary = _whole(draft, function, given)
    except NotNow as reason:
        return ByHand(str(reason))
    return _made(draft, summary)


def _gives_what_it_read(function: FunctionRef) -> bool:
    """Whether every value that it gives is a parameter, or taken out of something by its name."""
    params = {param.name for param in function.params}
    values = [
        value
        for stmt in function.statements
        if stmt.kind == "return" and stmt.exprs and stmt.exprs[0].text != "None"
        for value in function.assigned.get(stmt.exprs[0].text, (stmt.exprs[0],))
    ]
    return bool(values) and all(
        value.text in params or value.kind == "sub" or method(value) == "get" for value in values
    )


def _made(draft: Draft, summary: str) -> Fix:
    return Fix(
        draft.done(),
        summary,
        Safety.UNSAFE,
        alone=bool(draft.makes_guard),
        concerns=(*draft.concerns, *_signers(draft)),
    )


def _signers(draft: Draft) -> Iterator[Concern]:
    """Note the tests that sign tokens as the old code took them: without issuer or audience."""
    if draft.site.outside.mentions(STAND_IN):
        return
    text = (
        "signs tokens itself, which the guard refuses: sign with betterguard.testing.tokens, "
        "or run `betterguard init --test-tokens`"
    )
    for use in draft.site.outside.signing():
        if is_of_tests(use.path):
            yield Concern(use.path, use.line, text)


def _replace(draft: Draft, function: FunctionRef) -> str:
    code = draft.site.code
    if is_injected(code, function):
        return _dependency(draft, function)
    if function.function.is_async and any(sources(code, function)):
        return verifier(draft, function)
    return without_helper(draft, function, _dependency)


def _dependency(draft: Draft, function: FunctionRef) -> str:
    """Replace a dependency whole where it only verifies; else hand it the guard's claims."""
    code = draft.site.code
    other = other_credential(code, function)
    if other:
        msg = f"{function.name} also takes {other}: say whether that is still wanted"
        raise NotNow(msg)
    calling = [ref for ref in callers(code, function) if not is_of_tests(ref.file.path)]
    if calling:
        return verified_in_place(draft, function, calling[0].name)
    _tell_callers(draft, function)
    given = given_by(code, function)
    if given is Given.TOKEN and not decodes(code, function):
        return _token_alone(draft, function)
    if given is None or given is Given.TOKEN or not is_plain(code, function):
        return _claims_handed_in(draft, function)
    if not decodes(code, function):
        msg = f"what {function.name} gives cannot be told: use guard.user there"
        raise NotNow(msg)
    if given is not Given.CLAIMS and not reads_identity(code, function):
        msg = f"{function.name} gives something other than the user's id: use guard.user there"
        raise NotNow(msg)
    return _whole(draft, function, given)


def _tell_callers(draft: Draft, function: FunctionRef) -> None:
    """Note where files outside call a dependency themselves, with parameters that it had."""
    text = f"calls {function.name} itself: FastAPI hands it what the guard found out"
    draft.concerns.extend(
        Concern(use.path, use.line, text)
        for use in draft.site.outside.uses(function.file.path, function.name)
        if use.how is How.CALL
    )


def _token_alone(draft: Draft, function: FunctionRef) -> str:
    """Let ``HTTPBearer`` find the token for a dependency that gives just that."""
    code = draft.site.code
    if not is_plain(code, function) or not gives_only_token(code, function):
        msg = f"{function.name} gives more or less than the token: take HTTPBearer for the header"
        raise NotNow(msg)
    path = function.file.path
    node = function_node(draft, function)
    parameters, body = node.child_by_field_name("parameters"), node.child_by_field_name("body")
    if parameters is None or body is None:
        msg = "the function is not where it was found"
        raise NotNow(msg)
    imports = draft.imports(function)
    kind = imports.use("fastapi.security", "HTTPAuthorizationCredentials")
    scheme = f"{imports.use('fastapi.security', 'HTTPBearer')}()"
    depends = imports.use("fastapi", "Depends")
    asked = f"credentials: {kind} = {depends}({scheme})"
    if guards(code) and _guard_verifies_it(draft.site, function):
        user = imports.use("betterguard", "User")
        asked += f", caller: {user} = {depends}({guard_for(draft, function)}.user)"
    draft.add(
        path, replaced(parameters, f"({asked})"), new_body(body, ["return credentials.credentials"])
    )
    return f"let HTTPBearer find the token for {function.name}"


def _guard_verifies_it(site: Site, function: FunctionRef) -> bool:
    """Whether everything that is handed the token asks the guard, and no test puts in its own."""
    code = site.code
    asking = [
        code.calls.reach(ref)
        for ref in code.project.functions
        for dependency in code.calls.dependencies(ref)
        for one in code.calls.entry_points(dependency.target)
        if one.function is function.function
    ]
    return bool(asking) and all(
        any(code.gates.asks_guard(ref) for ref in reach) and not _is_replaced(site, reach)
        for reach in asking
    )


def _is_replaced(site: Site, reach: Sequence[FunctionRef]) -> bool:
    """Whether a test writes one of the functions as text, as ``mock.patch`` wants it."""
    return any(
        use.how is How.TEXT
        for path in {ref.file.path for ref in reach}
        for name in {ref.name for ref in reach}
        for use in site.outside.uses(path, name)
    )


def _whole(draft: Draft, function: FunctionRef, given: Given) -> str:
    path = function.file.path
    node = function_node(draft, function)
    guard = guard_for(draft, function)
    if given is Given.ID:
        draft.add(path, replaced(node, f"{function.name} = {guard}.verify_token"))
        return f"let the guard verify: {function.name} = {guard}.verify_token"
    parameters = node.child_by_field_name("parameters")
    body = node.child_by_field_name("body")
    if parameters is None or body is None:
        msg = "the function is not where it was found"
        raise NotNow(msg)
    asked, result = _asked(draft, function, guard, given)
    draft.add(path, replaced(parameters, f"({asked})"), new_body(body, result))
    return f"let the guard verify for {function.name}"


def _asked(draft: Draft, function: FunctionRef, guard: str, given: Given) -> tuple[str, list[str]]:
    """Give the parameter that asks the guard, and the statements that give back what was given."""
    imports = draft.imports(function)
    depends = imports.use("fastapi", "Depends")
    if given is Given.CLAIMS:
        user = imports.use("betterguard", "User")
        return f"caller: {user} = {depends}({guard}.user)", [f"return {claims_of('caller')}"]
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


def _claims_handed_in(draft: Draft, function: FunctionRef) -> str:
    """Ask the guard in a parameter, and read its claims where the token was decoded."""
    found = list(sources(draft.site.code, function))
    if not found:
        msg = f"where {function.name} gets its claims cannot be told: use guard.user"
        raise NotNow(msg)
    path = function.file.path
    node = function_node(draft, function)
    parameters = node.child_by_field_name("parameters")
    taken = {param.name for param in function.params} | set(function.assigned)
    if parameters is None or "caller" in taken or any("*" in name for name in taken):
        msg = f"{function.name} has a name `caller` already, or takes any parameters"
        raise NotNow(msg)
    imports = draft.imports(function)
    guard = guard_for(draft, function)
    user, depends = imports.use("betterguard", "User"), imports.use("fastapi", "Depends")
    text = f"caller: {user} = {depends}({guard}.user)"
    draft.add(path, *appended(draft.site.texts[path], parameters, text))
    for one in found:
        draft.add(path, _read(draft, path, one))
    return f"let the guard verify before {function.name}"


def _read(draft: Draft, path: str, one: Source) -> Edit:
    root = draft.site.root(path)
    node = root.named_descendant_for_byte_range(one.call.pos, one.call.end) or root
    if node.parent is not None and node.parent.type == "await":
        node = node.parent
    if node.parent is not None and node.parent.type == "expression_statement":
        msg = "a token is checked and nothing taken from it: use guard.user where it is used"
        raise NotNow(msg)
    return replaced(node, "caller.id" if one.given is Given.ID else claims_of("caller"))
