"""How dependencies and functions authenticate a caller: by what they run, or by their name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.presence import asks_for_presence, hands_on, held_names
from betterguard.audit.project import GUARD
from betterguard.audit.refusals import UNAUTHORIZED
from betterguard.audit.symbols import ClassRef, External, FunctionRef, Value
from betterguard.audit.visit import keyword, method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.calls import Calls, Dependency
    from betterguard.audit.decoding import Decodings
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.project import Project
    from betterguard.audit.refusals import Refusals
    from betterguard.audit.symbols import Target

AUTH_NAMES = re.compile(
    r"auth|current_?user|active_?user|get_?user|verify_?(?:token|jwt|user)|token|login_?required"
    r"|permission|require|principal|identity|is_?admin|admin|superuser|api_?key|verify_|protected"
    r"|jwt|bearer|credential|session_?user|validate_?user",
    re.IGNORECASE,
)
_VERIFIERS = frozenset(
    {"compare_digest", "construct_event", "verify_id_token", "verify_oauth2_token"}
    | {"verify_signature", "checkpw", "verify_jwt_in_request", "introspect_token"}
)
_SCHEMES = re.compile(
    r"(?:^|\.)(?:HTTPBearer|OAuth2\w*|APIKey\w+|HTTPBasic|HTTPDigest|OpenIdConnect)$"
)
_SECRET_SETTING = re.compile(
    r"(?:^|[._])(?:\w*_)?(?:SECRET(?:_?KEY)?|TOKEN|API_?KEY)$", re.IGNORECASE
)
_BETTERGUARD_GATES = frozenset({"user", "path_user", "verify_token", "fresh_user", "require"})
_BETTERGUARD_CALLS = frozenset({"verify", "watch"})
"""What code asks of a guard itself, where it is no dependency."""


class Gates:
    """Tells, with memory, how a caller is authenticated.

    A gate is ``required``, ``optional``, ``scheme`` (a credential must be there, nothing verifies
    it) or empty. ``trusted`` are names of dependencies that the project's configuration vouches
    for.
    """

    def __init__(
        self,
        project: Project,
        calls: Calls,
        decodings: Decodings,
        refusals: Refusals,
        trusted: tuple[str, ...] = (),
    ) -> None:
        self.project = project
        self.calls = calls
        self.decodings = decodings
        self.refusals = refusals
        self.trusted = frozenset(trusted)
        self._of: dict[int, str] = {}

    # dependencies

    def of_dependency(self, dependency: Dependency) -> str:
        """How a dependency authenticates."""
        if dependency.name.rsplit(".", 1)[-1] in self.trusted:
            return "required"
        return self._of_target(dependency.target, dependency.expr)

    def _of_target(self, target: Target, expr: Expr) -> str:
        """How what a dependency names authenticates; ``expr`` is how it is written."""
        if isinstance(target, FunctionRef):
            return self.of_function(target)
        if isinstance(target, Value):
            return self._of_value(target)
        if isinstance(target, ClassRef):
            return self._of_class(target)
        if isinstance(target, External):
            return _of_library(target, expr)
        return ""

    def _of_class(self, klass: ClassRef) -> str:
        gates = {self.of_function(ref) for ref in self.calls.entry_points(klass)}
        if "required" in gates:
            return "required"
        bases = self.project.foreign_bases(klass)
        return "scheme" if any(_SCHEMES.search(base) for base in bases) else ""

    def _of_value(self, value: Value) -> str:
        klass = self.project.instance(value)
        if klass is not None:
            return self._of_class(klass)
        expr = value.expr
        if expr is None:
            return ""
        by_name = "required" if AUTH_NAMES.search(value.name) else ""
        if expr.kind != "call":
            return by_name
        name = self.project.qualify(value.file, expr.text)
        if _SCHEMES.search(name):
            return _of_scheme(expr)
        made = self.project.resolve(value.file, expr.text)
        if isinstance(made, FunctionRef):
            return self.of_function(made)
        return "required" if AUTH_NAMES.search(name) else by_name

    # functions

    def of_function(self, function: FunctionRef) -> str:
        """How a function and all that it runs authenticate the caller."""
        key = id(function.function)
        if key not in self._of:
            self._of[key] = ""  # what a cycle finds
            self._of[key] = self._of_reach(function)
        return self._of[key]

    def _of_reach(self, function: FunctionRef) -> str:
        if _asks_for_secret(function) or self._refuses_everybody(function):
            return "required"
        reached = self.calls.reach(function)
        found: list[str] = []
        for ref in reached:
            found.append(self._of_own_code(ref))
            if found[-1] == "required":
                return "required"
        if "presence" in found:
            return "required" if any(hands_on(self.calls, ref) for ref in reached) else "scheme"
        return next(filter(None, found), "")

    def _of_own_code(self, function: FunctionRef) -> str:
        """How one function authenticates: ``presence`` where a credential only has to be there."""
        if (
            self.decodings.verifies(function)
            or not _VERIFIERS.isdisjoint(function.methods)
            or self.asks_guard(function)
        ):
            return "required"
        presence = self.asks_for_presence(function, held_names(function))
        if self.refusals.of(function) == UNAUTHORIZED and not presence:
            return "required"
        gates = [
            self.of_dependency(dependency)
            for dependency in self.calls.dependencies(function)
            if isinstance(dependency.target, (External, Value, ClassRef))
        ]
        if "required" in gates:
            return "required"
        return "presence" if presence else next(filter(None, gates), "")

    def asks_for_presence(self, function: FunctionRef, held: set[str]) -> bool:
        """Whether it answers 401, and only where what the client sends is missing or misshapen."""
        if self.refusals.of(function) != UNAUTHORIZED:
            return False

        def refuses(stmt: Stmt) -> bool:
            return self.refusals.refusal(function, stmt) == UNAUTHORIZED

        return asks_for_presence(function, refuses, held)

    def asks_guard(self, function: FunctionRef) -> bool:
        """Whether it has betterguard verify a token, or watch over a WebSocket."""
        if _BETTERGUARD_CALLS.isdisjoint(function.methods):
            return False
        return any(
            isinstance(target, External)
            and _is_guard(target.name.rpartition(".")[0].removesuffix(".verifier"))
            for target in self._asked(function)
        )

    def _asked(self, function: FunctionRef) -> Iterator[Target]:
        for call in function.calls:
            if call.base is None and method(call) in _BETTERGUARD_CALLS:
                yield self.project.resolve(function.file, call.text)

    def _refuses_everybody(self, function: FunctionRef) -> bool:
        """Whether all that it does is to refuse."""
        first = next(iter(function.statements), None)
        return (
            first is not None
            and first.kind == "raise"
            and bool(self.refusals.refusal(function, first))
        )


def _of_library(target: External, expr: Expr) -> str:
    owner, _, last = target.name.rpartition(".")
    if _SCHEMES.search(target.name):
        return _of_scheme(expr)
    if last == "optional_user":
        return "optional"
    if _is_guard(owner) and last in _BETTERGUARD_GATES:
        return "required"
    return "required" if AUTH_NAMES.search(last) else ""


def _of_scheme(expr: Expr) -> str:
    """``HTTPBearer(auto_error=False)`` lets everybody pass."""
    auto_error = keyword(expr, "auto_error") if expr.kind == "call" else None
    return "" if auto_error is not None and auto_error.text == "False" else "scheme"


def _is_guard(name: str) -> bool:
    """Whether a name is a guard's: known by its class, or as it is usually called."""
    return name == GUARD or name.rsplit(".", 1)[-1] == "guard"


def _asks_for_secret(function: FunctionRef) -> bool:
    """``if key != settings.CRON_SECRET: return``: a parameter has to equal a secret setting."""
    given = {param.name for param in function.params}
    return any(
        stmt.kind == "if"
        and bool(stmt.body)
        and stmt.body[-1].kind in {"raise", "return"}
        and _differs_from_secret(stmt.exprs[0], given)
        for stmt in function.statements
    )


def _differs_from_secret(condition: Expr, given: set[str]) -> bool:
    if condition.kind != "cmp" or condition.text != "!=":
        return False
    names = [side.text for side in condition.parts if side.kind == "name"]
    return any(name in given for name in names) and any(
        _SECRET_SETTING.search(name) and name.partition(".")[0] not in given for name in names
    )
