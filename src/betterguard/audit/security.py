"""How a route is authenticated, and which names in its code hold who is calling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.dataflow import derived
from betterguard.audit.refusals import UNAUTHORIZED
from betterguard.audit.symbols import FunctionRef

if TYPE_CHECKING:
    from betterguard.audit.application import Route
    from betterguard.audit.auth_middleware import AuthMiddleware
    from betterguard.audit.calls import Calls
    from betterguard.audit.decoding import Decodings
    from betterguard.audit.gates import Gates
    from betterguard.audit.refusals import Refusals


class Security:
    """Answers, with memory, who may come to a route."""

    def __init__(
        self,
        calls: Calls,
        decodings: Decodings,
        refusals: Refusals,
        gates: Gates,
        middleware: AuthMiddleware,
    ) -> None:
        self.calls = calls
        self.decodings = decodings
        self.refusals = refusals
        self.gates = gates
        self.middleware = middleware
        self._protection: dict[int, tuple[str, str]] = {}

    def protection(self, route: Route) -> tuple[str, str]:
        """Tell how a route is authenticated, one of what `Gates` tells, and by what."""
        if id(route) not in self._protection:
            self._protection[id(route)] = self._protect(route)
        return self._protection[id(route)]

    def _protect(self, route: Route) -> tuple[str, str]:
        weaker = ("", "")
        for dependency in (*route.dependencies, *self.calls.dependencies(route.function)):
            gate = self.gates.of_dependency(dependency)
            by = f"dependency {dependency.name}"
            if gate == "required":
                return gate, by
            if gate and not weaker[0]:
                weaker = gate, by
        middleware = self.middleware.before(route)
        if middleware is not None:
            return "required", f"middleware {middleware.name}"
        own = self.gates.of_function(route.function)
        if own == "required":
            return own, "a check in its own code"
        return weaker if weaker[0] or not own else (own, "its own code")

    def principals(self, function: FunctionRef) -> set[str]:
        """Local names that hold who is calling, as far as dependencies and calls tell."""
        found = {
            dependency.param
            for dependency in self.calls.dependencies(function)
            if dependency.param and self.gates.of_dependency(dependency) in {"required", "optional"}
        }
        for name, values in function.assigned.items():
            for value in values:
                if value.kind == "call" and value.base is None:
                    target = self.calls.target(function, value)
                    if isinstance(target, FunctionRef) and self._identifies(target):
                        found.add(name)
        return derived(function, found | {"request.state"})

    def _identifies(self, function: FunctionRef) -> bool:
        return self.refusals.of(function) == UNAUTHORIZED or self.decodings.verifies(function)
