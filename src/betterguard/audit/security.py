"""What code does about identity: verifies tokens, refuses callers, compares owners."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.presence import asks_for_presence, hands_on, held_names
from betterguard.audit.project import GUARD, ClassRef, External, FunctionRef, Value
from betterguard.audit.visit import (
    argument,
    keyword,
    keywords,
    method,
    names_in,
    statements,
    subexpressions,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from betterguard.audit.application import Application, Key, Middleware, Route
    from betterguard.audit.calls import Calls, Dependency
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.project import File, Project

_DECODERS = re.compile(
    r"^(?:jwt|jose\.jwt|authlib\.jose\.\w+|joserfc\.jwt|jwt\.api_jwt|jwt\.PyJWT|python_jwt)"
    r"\.(?:decode|decode_complete|verify)$|^jose\.jws\.verify$"
)
_UNVERIFIED = re.compile(r"(?:^|\.)get_unverified_claims$")
_VERIFIERS = frozenset(
    {"compare_digest", "construct_event", "verify_id_token", "verify_oauth2_token"}
    | {"verify_signature", "checkpw", "verify_jwt_in_request", "introspect_token"}
)
_REFUSING_ERRORS = re.compile(
    r"unauthor|unauthent|credential|authenticat|notauth|autherror|auth_error|invalidtoken"
    r"|invalid_token|missingtoken|tokenexpired|expiredtoken|401|login_required",
    re.IGNORECASE,
)
_UNAUTHORIZED = ("401_UNAUTHORIZED", "HTTPStatus.UNAUTHORIZED", "codes.UNAUTHORIZED")
_FORBIDDEN = ("403_FORBIDDEN", "HTTPStatus.FORBIDDEN", "codes.FORBIDDEN")
_REDIRECTS = re.compile(r"^30[1-8]$|_30[1-8]_")
_SIGN_IN = re.compile(r"log_?in|sign_?in|sign-in|log-in|auth", re.IGNORECASE)
_FORBIDDING_ERRORS = re.compile(
    r"forbidden|permission|accessdenied|access_denied|notallowed|notowner|403", re.IGNORECASE
)
AUTH_NAMES = re.compile(
    r"auth|current_?user|active_?user|get_?user|verify_?(?:token|jwt|user)|token|login_?required"
    r"|permission|require|principal|identity|is_?admin|admin|superuser|api_?key|verify_|protected"
    r"|jwt|bearer|credential|session_?user|validate_?user",
    re.IGNORECASE,
)
_SCHEMES = re.compile(
    r"(?:^|\.)(?:HTTPBearer|OAuth2\w*|APIKey\w+|HTTPBasic|HTTPDigest|OpenIdConnect)$"
)
_CREDENTIAL = re.compile(r"authorization|bearer|cookie|token", re.IGNORECASE)
_EXTENDS = frozenset({"include_router", "mount"})
_SECRET_SETTING = re.compile(
    r"(?:^|[._])(?:\w*_)?(?:SECRET(?:_?KEY)?|TOKEN|API_?KEY)$", re.IGNORECASE
)
_PRIVILEGE = re.compile(
    r"admin|superuser|staff|moderator|role|permission|scope|privilege|internal|service_?token"
    r"|scim|service_?key|api_?key|system_?user|can_?manage|organi[sz]ation_?member",
    re.IGNORECASE,
)
IDENTITY = re.compile(
    r"^(?:.*[._])?(?:(?:current|auth\w*|jwt|token|session|verified|logged_?in|caller|request(?:ing)?)_?"
    r"(?:user|uid|sub|account|principal)?\w*|user|me|principal|claims|payload)$",
    re.IGNORECASE,
)
OWNER_PARAM = re.compile(r"^(?:user_?id|owner_?id|uid|account_?id|userid|user)$", re.IGNORECASE)

UNAUTHORIZED, FORBIDDEN = 401, 403
MAX_GUARDS = 5
"""Calls followed from a middleware to what refuses."""
MAX_PASSING = 3
"""Statements of a ``try`` that only hands a request on and perhaps times it."""
MAX_NAMES = 3
"""Names followed from a raise to the error that they hold."""
BETTERGUARD_GATES = frozenset({"user", "path_user", "verify_token", "fresh_user", "require"})
BETTERGUARD_CALLS = frozenset({"verify", "watch"})
"""What code asks of a guard itself, where it is no dependency."""


@dataclass(frozen=True, slots=True)
class Decode:
    """One call that reads a token's claims."""

    function: FunctionRef | None
    file: File
    call: Expr
    verified: bool
    library: str


class Security:
    """Answers, with memory, what a function does about identity."""

    def __init__(
        self, project: Project, calls: Calls, app: Application, trusted: tuple[str, ...] = ()
    ) -> None:
        self.project = project
        self.calls = calls
        self.app = app
        self.trusted = frozenset(trusted)
        self._refuses: dict[int, int] = {}
        self._protection: dict[int, tuple[str, str]] = {}
        self._refusing: tuple[Middleware, ...] | None = None
        self._gate: dict[int, str] = {}
        self._public: dict[int, tuple[tuple[str, bool], ...]] = {}
        self._privileged: dict[int, bool] = {}

    # tokens

    def decodes(self, function: FunctionRef) -> Iterator[Decode]:
        """Every decoding of a token in a function."""
        if not function.file.facts.words & {"jwt", "jose"}:
            return
        for call in function.calls:
            found = self.decode(function.file, call, function)
            if found is not None:
                yield found

    def decode(self, file: File, call: Expr, function: FunctionRef | None) -> Decode | None:
        """Give the decoding that a call is, or None."""
        if call.base is not None:
            return None
        name = self.project.qualify(file, call.text)
        if _UNVERIFIED.search(name):
            return Decode(function, file, call, verified=False, library=name)
        if not _DECODERS.match(name):
            return None
        return Decode(function, file, call, not self._switched_off(file, call, function), name)

    def options(self, file: File, call: Expr, function: FunctionRef | None) -> dict[str, Expr]:
        """Give the ``options=`` of a decoding, through a local or a module's variable."""
        given = keyword(call, "options")
        if given is not None and given.kind == "name":
            given = self.value(file, given, function)
        return dict(keywords(given)) if given is not None and given.kind == "dict" else {}

    def value(self, file: File, expr: Expr, function: FunctionRef | None) -> Expr | None:
        """Give what a plain name is bound to, locally or at a module's top level."""
        if function is not None and (bound := function.assigned.get(expr.text)):
            return bound[-1]
        target = self.project.resolve(file, expr.text)
        return target.expr if isinstance(target, Value) else None

    def _switched_off(self, file: File, call: Expr, function: FunctionRef | None) -> bool:
        flag = self.options(file, call, function).get("verify_signature") or keyword(call, "verify")
        return flag is not None and flag.text == "False"

    # refusals

    def refuses(self, function: FunctionRef) -> int:
        """401 when the function's own code can refuse a caller as unknown, 403 as foreign, or 0."""
        key = id(function.function)
        if key not in self._refuses:
            self._refuses[key] = 0
            found = {self.refusal(function, stmt) for stmt in function.statements}
            self._refuses[key] = (
                UNAUTHORIZED if UNAUTHORIZED in found else FORBIDDEN if FORBIDDEN in found else 0
            )
        return self._refuses[key]

    def refusal(self, function: FunctionRef, stmt: Stmt) -> int:
        """401 or 403 when the statement answers so, else 0."""
        if stmt.kind in {"raise", "return"} and stmt.exprs:
            return self.status(function, stmt.exprs[0], raised=stmt.kind == "raise")
        if stmt.kind == "expr" and stmt.exprs and stmt.exprs[0].kind == "call":
            call = stmt.exprs[0]
            if method(call) in {"close", "abort", "send_error"}:
                code = argument(call, 0, "code")
                name = code.text if code is not None else ""
                return 401 if name in {"1008", "4401", "4001", "401"} or "POLICY" in name else 0
        return 0

    def status(self, function: FunctionRef, expr: Expr, *, raised: bool, hops: int = 0) -> int:
        """Give the status that a raised or returned value stands for, where it is 401 or 403."""
        if expr.kind == "name" and raised and hops < MAX_NAMES:
            return self._named_status(function, expr, hops)
        if expr.kind != "call":
            return 0
        given = keyword(expr, "status_code") or keyword(expr, "status")
        candidates = [given] if given is not None else list(expr.parts[:2])
        for part in candidates:
            if part.text == "401" or part.text.endswith(_UNAUTHORIZED):
                return 401
            if part.text == "403" or part.text.endswith(_FORBIDDEN):
                return 403
        if raised and candidates and _sends_to_sign_in(expr, candidates):
            return 401
        return self._error_name(expr.text) if raised and given is None else 0

    def _named_status(self, function: FunctionRef, expr: Expr, hops: int) -> int:
        for value in function.assigned.get(expr.text, ()):
            if found := self.status(function, value, raised=True, hops=hops + 1):
                return found
        target = self.project.resolve(function.file, expr.text)
        if (
            isinstance(target, Value)
            and target.expr is not None
            and (found := self.status(function, target.expr, raised=True, hops=hops + 1))
        ):
            return found
        return self._error_name(expr.text)

    def _error_name(self, name: str) -> int:
        last = name.rsplit(".", 1)[-1]
        if _REFUSING_ERRORS.search(last):
            return 401
        return 403 if _FORBIDDING_ERRORS.search(last) else 0

    # gates

    def gate(self, dependency: Dependency) -> str:
        """How a dependency authenticates: ``required``, ``scheme`` (presence only) or empty."""
        if _shown(dependency.expr).rsplit(".", 1)[-1] in self.trusted:
            return "required"
        return self.target_gate(dependency.target, dependency.expr)

    def target_gate(self, target: object, expr: Expr | None = None) -> str:
        """Give the same for what a dependency names."""
        if isinstance(target, FunctionRef):
            return self.function_gate(target)
        if isinstance(target, Value):
            return self._value_gate(target)
        if isinstance(target, ClassRef):
            gates = {self.function_gate(ref) for ref in self.calls.entry_points(target)}
            if "required" in gates:
                return "required"
            bases = self.project.foreign_bases(target)
            return "scheme" if any(_SCHEMES.search(base) for base in bases) else ""
        if isinstance(target, External):
            return self._foreign_gate(target, expr)
        return ""

    def _value_gate(self, value: Value) -> str:
        klass = self.project.instance(value)
        if klass is not None:
            return self.target_gate(klass)
        expr = value.expr
        if expr is None or expr.kind != "call":
            return "required" if expr is not None and AUTH_NAMES.search(value.name) else ""
        name = self.project.qualify(value.file, expr.text)
        if _SCHEMES.search(name):
            return "" if _is_false(keyword(expr, "auto_error")) else "scheme"
        made = self.project.resolve(value.file, expr.text)
        if isinstance(made, FunctionRef):
            return self.function_gate(made)
        return "required" if AUTH_NAMES.search(value.name) or AUTH_NAMES.search(name) else ""

    def _foreign_gate(self, target: External, expr: Expr | None) -> str:
        first, _, last = target.name.rpartition(".")
        if _SCHEMES.search(target.name):
            quiet = (
                expr is not None and expr.kind == "call" and _is_false(keyword(expr, "auto_error"))
            )
            return "" if quiet else "scheme"
        if last == "optional_user":
            return "optional"
        if _is_guard(first) and last in BETTERGUARD_GATES:
            return "required"
        return "required" if AUTH_NAMES.search(last) else ""

    def function_gate(self, function: FunctionRef) -> str:
        """How a function and all that it runs authenticate the caller."""
        key = id(function.function)
        if key not in self._gate:
            self._gate[key] = ""
            self._gate[key] = self._judge(function)
        return self._gate[key]

    def _judge(self, function: FunctionRef) -> str:
        if _asks_for_secret(function) or self._refuses_everybody(function):
            return "required"
        reached = self.calls.reach(function)
        found: list[str] = []
        for ref in reached:
            found.append(self._own_gate(ref))
            if found[-1] == "required":
                return "required"
        if "presence" in found:
            return "required" if any(hands_on(self.calls, ref) for ref in reached) else "scheme"
        return next(filter(None, found), "")

    def _own_gate(self, function: FunctionRef) -> str:
        """How one function authenticates: ``presence`` where a credential only has to be there."""
        if (
            any(d.verified for d in self.decodes(function))
            or not _VERIFIERS.isdisjoint(function.methods)
            or self.asks_guard(function)
        ):
            return "required"
        presence = self.asks_for_presence(function, held_names(function))
        if self.refuses(function) == UNAUTHORIZED and not presence:
            return "required"
        gates = [
            self.gate(dependency)
            for dependency in self.calls.dependencies(function)
            if isinstance(dependency.target, (External, Value, ClassRef))
        ]
        if "required" in gates:
            return "required"
        return "presence" if presence else next(filter(None, gates), "")

    def asks_for_presence(self, function: FunctionRef, held: set[str]) -> bool:
        """Whether it answers 401, and only where what the client sends is missing or misshapen."""
        if self.refuses(function) != UNAUTHORIZED:
            return False

        def refuses(stmt: Stmt) -> bool:
            return self.refusal(function, stmt) == UNAUTHORIZED

        return asks_for_presence(function, refuses, held)

    def asks_guard(self, function: FunctionRef) -> bool:
        """Whether it has betterguard verify a token, or watch over a WebSocket."""
        if BETTERGUARD_CALLS.isdisjoint(function.methods):
            return False
        asked = (
            self.project.resolve(function.file, call.text)
            for call in function.calls
            if call.base is None and method(call) in BETTERGUARD_CALLS
        )
        return any(
            isinstance(target, External)
            and _is_guard(target.name.rpartition(".")[0].removesuffix(".verifier"))
            for target in asked
        )

    def _refuses_everybody(self, function: FunctionRef) -> bool:
        """Whether all that it does is to refuse."""
        first = next(iter(function.statements), None)
        return first is not None and first.kind == "raise" and bool(self.refusal(function, first))

    def protection(self, route: Route) -> tuple[str, str]:
        """Tell how a route is authenticated, and by what.

        ``required``, ``scheme`` (a credential must be there, nothing verifies it), ``optional``
        or empty.
        """
        if id(route) not in self._protection:
            self._protection[id(route)] = self._protect(route)
        return self._protection[id(route)]

    def _protect(self, route: Route) -> tuple[str, str]:
        best = ("", "")
        own = (*route.dependencies, *self.calls.dependencies(route.function))
        for dependency in own:
            gate = self.gate(dependency)
            if gate == "required":
                return gate, f"dependency {_shown(dependency.expr)}"
            if gate and not best[0]:
                best = (gate, f"dependency {_shown(dependency.expr)}")
        for middleware in self.guards():
            if route.is_websocket and middleware.form != "pure":
                continue
            if self.covers(middleware, route):
                return "required", f"middleware {middleware.name}"
        own_gate = self.function_gate(route.function)
        if own_gate == "required":
            return own_gate, "a check in its own code"
        return best if best[0] or not own_gate else (own_gate, "its own code")

    # middleware

    def guards(self) -> tuple[Middleware, ...]:
        """Give the middleware that refuses callers."""
        if self._refusing is None:
            self._refusing = tuple(
                middleware
                for middleware in self.app.middleware
                if any(self._guards(ref) for ref in self.calls.entry_points(middleware.target))
            )
        return self._refusing

    def refusing(self) -> tuple[Middleware, ...]:
        """Give the middleware that answers 401 at all, be it that it only translates an error."""
        guards = self.guards()
        return tuple(
            middleware
            for middleware in self.app.middleware
            if middleware in guards
            or any(
                self._answers_401(ref, _passes_on)
                for ref in self.calls.entry_points(middleware.target)
            )
        )

    def _guards(self, function: FunctionRef, depth: int = 0) -> bool:
        """Whether it refuses callers: itself, or by what it runs and does not quietly catch.

        To turn the errors of the routes into 401s is not that, nor is to read who is calling
        where a failure changes nothing, as for a rate limit.
        """
        if depth > MAX_GUARDS:
            return False
        if self._answers_401(function, self._passes_on_unasked):
            return True
        quiet = [(s.pos, s.orelse[0].pos) for s in function.statements if _catches_quietly(s)]

        def is_heard(call: Expr) -> bool:
            return not any(start <= call.pos < end for start, end in quiet)

        if any(d.verified and is_heard(d.call) for d in self.decodes(function)):
            return True
        return any(
            self._guards(ref, depth + 1)
            for call, target in self.calls.callees(function)
            if is_heard(call)
            for ref in self.calls.entry_points(target)
            if ref.function is not function.function
        )

    def _answers_401(self, function: FunctionRef, passes_on: Callable[[Stmt], bool]) -> bool:
        """Whether it answers 401 itself, not only for errors of what a request is passed on to."""
        if self.refuses(function) != UNAUTHORIZED:
            return False
        translated = [
            (handler.pos, handler.end)
            for stmt in function.statements
            if stmt.kind == "try" and passes_on(stmt)
            for handler in stmt.orelse
            if handler.kind == "except"
        ]
        return any(
            self.refusal(function, stmt) == UNAUTHORIZED
            and not any(start <= stmt.pos < end for start, end in translated)
            for stmt in function.statements
        )

    def _passes_on_unasked(self, stmt: Stmt) -> bool:
        """Whether a ``try`` hands the request on, and nothing in it asks who is calling."""
        if _passes_on(stmt):
            return True
        inner = statements(stmt.body, nested=False)
        parts = [part for each in inner for expr in each.exprs for part in subexpressions(expr)]
        names = [part.text for part in parts if part.kind in {"call", "name"}]
        asks = any(AUTH_NAMES.search(name) for name in names) or any(
            part.kind == "str" and _CREDENTIAL.search(part.text) for part in parts
        )
        return (
            any(name.rsplit(".", 1)[-1] == "call_next" for name in names)
            and not asks
            and not any(each.kind == "raise" for each in inner)
        )

    def covers(self, middleware: Middleware, route: Route) -> bool:
        """Whether a refusing middleware stands before a route."""
        if route.apps and middleware.app not in route.apps:
            related = {key[0] for key in route.apps}
            if (
                middleware.app in self.app.routers
                and middleware.app[0] not in related
                and not self._may_be(route.apps, middleware.app)
            ):
                return False
        allowed = self.allow_list(middleware)
        return not any(
            route.path == path or (prefix and path != "/" and route.path.startswith(path))
            for path, prefix in allowed
        )

    def _may_be(self, apps: Iterable[Key], other: Key) -> bool:
        """``def extend(app): app.include_router(...)``: which app it is, its caller says."""
        folder = _top(other)
        return all(
            method(self.app.routers[key].call) in _EXTENDS and _top(key) == folder for key in apps
        )

    def allow_list(self, middleware: Middleware) -> tuple[tuple[str, bool], ...]:
        """Give the paths that a middleware lets pass: each with whether it is a prefix."""
        key = id(middleware)
        if key not in self._public:
            found: list[tuple[str, bool]] = []
            for function in self.calls.entry_points(middleware.target):
                found.extend(self._allowed(function))
            if middleware.call is not None:
                found.extend((text, True) for text in _paths(middleware.call.parts))
            self._public[key] = tuple(dict.fromkeys(found))
        return self._public[key]

    def _allowed(self, function: FunctionRef) -> Iterator[tuple[str, bool]]:
        texts = list(self._named_paths(function, function.expressions))
        prefix = any(method(call) == "startswith" for call in function.calls)
        exact = set(self._compared_paths(function)) - set(self._begun_paths(function))
        for text in dict.fromkeys(texts):
            yield text, prefix and text not in exact

    def _compared_paths(self, function: FunctionRef) -> Iterator[str]:
        """``path in {"/health"}``: these are let pass as they stand."""
        compared = [part for part in function.expressions if part.kind == "cmp"]
        return self._named_paths(function, (side for part in compared for side in part.parts))

    def _begun_paths(self, function: FunctionRef) -> Iterator[str]:
        """``path.startswith("/docs")``, also for each of a collection."""
        calls = [call for call in function.calls if method(call) == "startswith"]
        looped = [part for part in function.expressions if part.kind == "comp"]
        loops = [stmt.exprs[1] for stmt in function.statements if stmt.kind == "for"]
        given = [*(part for call in calls for part in call.parts), *loops]
        given.extend(inner for part in looped for inner in subexpressions(part)[1:])
        return self._named_paths(function, given)

    def _named_paths(self, function: FunctionRef, exprs: Iterable[Expr]) -> Iterator[str]:
        """Give the paths that expressions hold, themselves or by the names of constants."""
        for expr in exprs:
            yield from _paths((expr,))
            if expr.kind == "name":
                yield from _paths(self._constants(function, expr.text))

    def _constants(self, function: FunctionRef, name: str) -> Iterable[Expr]:
        if name.startswith(("self.", "cls.")) and function.owner is not None:
            owner = function.owner
            found = self.project.member(owner, name.split(".", 1)[1])
            if isinstance(found, Value) and found.expr is not None:
                return tuple(subexpressions(found.expr))
            init = owner.methods.get("__init__")
            values = init.assigned.get(name, ()) if init is not None else ()
            return tuple(part for value in values for part in subexpressions(value))
        target = self.project.resolve(function.file, name)
        if isinstance(target, Value) and target.expr is not None:
            return tuple(subexpressions(target.expr))
        return ()

    # identity

    def principals(self, function: FunctionRef) -> set[str]:
        """Local names that hold who is calling, as far as dependencies and calls tell."""
        found: set[str] = set()
        for dependency in self.calls.dependencies(function):
            if dependency.param and self.gate(dependency) in {"required", "optional"}:
                found.add(dependency.param)
        for name, values in function.assigned.items():
            for value in values:
                if value.kind == "call" and value.base is None:
                    target = self.calls.target(function, value)
                    own = target if isinstance(target, FunctionRef) else None
                    if own is not None and self._identifies(own):
                        found.add(name)
        return self.derived(function, found | {"request.state"})

    def _identifies(self, function: FunctionRef) -> bool:
        return self.refuses(function) == UNAUTHORIZED or any(
            d.verified for d in self.decodes(function)
        )

    def derived(self, function: FunctionRef, seeds: Iterable[str]) -> set[str]:
        """Give the seeds and every local name that is computed from one of them."""
        found = set(seeds)
        for _ in range(4):
            size = len(found)
            for name, values in function.assigned.items():
                if name not in found and any(mentions(value, found) for value in values):
                    found.add(name)
            if len(found) == size:
                break
        return found

    def privileged(self, route: Route) -> bool:
        """Whether a route is for administrators or services, by its path and its dependencies."""
        key = id(route)
        if key not in self._privileged:
            self._privileged[key] = self._is_privileged(route)
        return self._privileged[key]

    def _is_privileged(self, route: Route) -> bool:
        if _PRIVILEGE.search(route.path) or _PRIVILEGE.search(route.function.name):
            return True
        names = [
            _shown(d.expr) for d in (*route.dependencies, *self.calls.dependencies(route.function))
        ]
        if any(_PRIVILEGE.search(name) for name in names):
            return True
        return any(
            _PRIVILEGE.search(name)
            for stmt in route.function.statements
            if stmt.kind == "if"
            for name in names_in(stmt.exprs[0])
        )


def _is_guard(name: str) -> bool:
    """Whether a name is a guard's: known by its class, or as it is usually called."""
    return name == GUARD or name.rsplit(".", 1)[-1] == "guard"


def mentions(expr: Expr, names: set[str]) -> bool:
    """Whether an expression reads one of the names, whole or an attribute of it."""
    return any(holds(names, name) for name in names_in(expr))


def holds(names: set[str], name: str) -> bool:
    """Whether a dotted name is one of the names, or begins with one."""
    while name:
        if name in names:
            return True
        name = name.rpartition(".")[0]
    return False


def _sends_to_sign_in(error: Expr, statuses: list[Expr]) -> bool:
    """``HTTPException(307, headers={"Location": url_for("login")})``: a refusal in a browser."""
    headers = keyword(error, "headers")
    place = keyword(headers, "Location") if headers is not None else None
    return (
        place is not None
        and any(_REDIRECTS.search(status.text) for status in statuses)
        and any(_SIGN_IN.search(part.text) for part in subexpressions(place))
    )


def _paths(exprs: Iterable[Expr]) -> Iterator[str]:
    for expr in exprs:
        for part in subexpressions(expr):
            if part.kind == "str" and part.text.startswith("/"):
                yield part.text


def _shown(expr: Expr) -> str:
    return expr.text or (expr.base.text if expr.base is not None else "")


def _is_false(expr: Expr | None) -> bool:
    return expr is not None and expr.text == "False"


def _catches_quietly(stmt: Stmt) -> bool:
    """Whether a ``try`` goes on whatever fails in it: no handler raises anything."""
    handlers = [inner for inner in stmt.orelse if inner.kind == "except"]
    return (
        stmt.kind == "try"
        and bool(handlers)
        and not any(inner.kind == "raise" for inner in statements(handlers, nested=False))
    )


def _passes_on(stmt: Stmt) -> bool:
    """Whether a ``try`` only hands the request on: ``return await call_next(request)``."""
    return len(stmt.body) <= MAX_PASSING and any(
        part.kind == "call" and part.text.rsplit(".", 1)[-1] in {"call_next", "app"}
        for inner in stmt.body
        for expr in inner.exprs
        for part in subexpressions(expr)
    )


def _top(key: Key) -> str:
    first, slash, _ = key[0].partition("/")
    return first if slash else ""


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


def answers_error(body: Iterable[Stmt]) -> bool:
    """Whether a block ends the request: raises, returns, asserts or leaves the loop."""
    return any(
        stmt.kind in {"raise", "return", "assert"} for stmt in statements(body, nested=False)
    )
