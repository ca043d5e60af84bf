"""Helpers that verify tokens for others: the guard stands in for them, or they go.

A helper goes with its last caller. Where a test, a script or a package's ``__init__`` names it, the
name stays and asks the guard: those files load as before, and tokens that only the old code took
are refused there, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.fix import Concern
from betterguard.repair.fixes._draft import (
    MORE,
    Draft,
    NotNow,
    function_node,
    guard_for,
    new_body,
    refusal_of,
)
from betterguard.repair.fixes._verification import (
    Given,
    callers,
    given_by,
    is_handed_on,
    is_injected,
    is_named_elsewhere,
)
from betterguard.repair.imports import Imports
from betterguard.repair.lines import next_after, start_of
from betterguard.repair.outside import How, is_of_tests

if TYPE_CHECKING:
    from collections.abc import Callable

    from betterguard.audit.symbols import FunctionRef


def without_helper(
    draft: Draft, function: FunctionRef, dependency: Callable[[Draft, FunctionRef], str]
) -> str:
    """Hand the guard's claims to every dependency that calls a helper; then the helper may go."""
    code = draft.site.code
    using = [ref for ref in callers(code, function) if not is_of_tests(ref.file.path)]
    strangers = [ref.name for ref in using if not is_injected(code, ref)]
    if strangers:
        msg = (
            f"{strangers[0]} calls {function.name} and is no dependency: use the guard there, too, "
            "since it may refuse what the guard takes"
        )
        raise NotNow(msg)
    named = is_named(draft, function, using)
    if not using and not named:
        msg = f"nothing here calls {function.name}: remove it, or use the guard in it"
        raise NotNow(msg)
    if function.owner is not None or is_named_elsewhere(code, function):
        msg = f"{function.name} is named elsewhere: verify with the guard, then remove it"
        raise NotNow(msg)
    for ref in using:
        dependency(draft, ref)
    if named:
        return _kept(draft, function)
    _remove(draft, function)
    for ref in using:
        if ref.file is not function.file:
            draft.imports(ref)
    return f"let the guard verify, and remove {function.name}"


def is_named(draft: Draft, function: FunctionRef, using: list[FunctionRef]) -> bool:
    """Whether something would miss the name: a test, a file that offers it, a nested import."""
    site, path = draft.site, function.file.path
    if site.outside.uses(path, function.name) or is_handed_on(site.code, function):
        return True
    files = {ref.file.path: ref.file for ref in using if ref.file is not function.file}
    for other, file in files.items():
        plain = Imports(site.texts[other]).taken
        for imported in file.facts.imports:
            origin = (imported.module, imported.name)
            if imported.name == function.name and plain.get(imported.alias) != origin:
                return True
    return False


def _remove(draft: Draft, function: FunctionRef) -> None:
    path = function.file.path
    node = function_node(draft, function)
    text = draft.site.texts[path]
    end = next_after(text, node.end_byte)
    while end < len(text) and not text[end : next_after(text, end)].strip():
        end = next_after(text, end)
    draft.add(path, Edit(start_of(text, node.start_byte), end, ""))


def _kept(draft: Draft, function: FunctionRef) -> str:
    """Leave the name of a helper that nothing of the application calls any more."""
    if function.function.is_async:
        return verifier(draft, function)
    imports = draft.imports(function)
    # In a thread of its own: a test may call the helper where an event loop runs already.
    alone = f"{imports.use('concurrent.futures', 'ThreadPoolExecutor')}(1)"
    run = f"{imports.use('asyncio')}.run"
    _ask(draft, function, f"{alone}.submit({run}, {{verification}}).result()")
    return f"let the guard verify, and keep the name {function.name} for those who use it"


def verifier(draft: Draft, function: FunctionRef) -> str:
    """Let an asynchronous helper ask the guard's verifier; its callers stay."""
    _ask(draft, function, "await {verification}")
    return f"let the guard verify in {function.name}"


def _ask(draft: Draft, function: FunctionRef, how: str) -> None:
    """Write a body that asks the guard's verifier, and give back what was given back."""
    given = given_by(draft.site.code, function)
    token = next((p.name for p in function.params if "token" in p.name.lower()), None)
    if token is None or given not in {Given.CLAIMS, Given.ID}:
        msg = f"what {function.name} gives back cannot be told: use guard.verify there"
        raise NotNow(msg)
    body = function_node(draft, function).child_by_field_name("body")
    if body is None:
        msg = "the function is not where it was found"
        raise NotNow(msg)
    verification = f"{guard_for(draft, function)}.verify({token})"
    imports = draft.imports(function)
    more = MORE.format(caller="claims.user_id")
    lines = [
        "try:",
        f"    claims = {how.format(verification=verification)}",
        *_refusal(function, imports),
        "return claims.user_id" if given is Given.ID else f"return {{**claims.payload, {more}}}",
    ]
    draft.add(function.file.path, new_body(body, lines))
    _tell_users(draft, function)


def _refusal(function: FunctionRef, imports: Imports) -> list[str]:
    """Refuse as the function does: by giving nothing back, else by what it raises."""
    kinds = [stmt.kind for stmt in function.statements]
    silent = "raise" not in kinds and any(
        stmt.kind == "return" and stmt.exprs and stmt.exprs[0].text == "None"
        for stmt in function.statements
    )
    if silent:
        return [f"except {imports.use('betterguard', 'AuthError')}:", "    return None"]
    return refusal_of(function, imports)


def _tell_users(draft: Draft, function: FunctionRef) -> None:
    """Note where files outside use a helper, once for each: rather a use than its import."""
    found: dict[str, tuple[bool, int]] = {}
    for use in draft.site.outside.uses(function.file.path, function.name):
        place = (use.how is How.IMPORT, use.line)
        found[use.path] = min(found.get(use.path, place), place)
    text = f"uses {function.name}: it asks the guard now, which refuses tokens signed elsewhere"
    draft.concerns.extend(Concern(path, line, text) for path, (_, line) in found.items())
