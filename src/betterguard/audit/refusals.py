"""Statements that refuse a caller: 401 for somebody unknown, 403 for somebody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.symbols import Value
from betterguard.audit.visit import argument, keyword, method, statements, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.project import Project
    from betterguard.audit.symbols import FunctionRef

UNAUTHORIZED, FORBIDDEN = 401, 403
MAX_NAMES = 3
"""Names followed from a raise to the error that they hold."""
_UNAUTHORIZED = ("401_UNAUTHORIZED", "HTTPStatus.UNAUTHORIZED", "codes.UNAUTHORIZED")
_FORBIDDEN = ("403_FORBIDDEN", "HTTPStatus.FORBIDDEN", "codes.FORBIDDEN")
_REFUSING_ERRORS = re.compile(
    r"unauthor|unauthent|credential|authenticat|notauth|autherror|auth_error|invalidtoken"
    r"|invalid_token|missingtoken|tokenexpired|expiredtoken|401|login_required",
    re.IGNORECASE,
)
_FORBIDDING_ERRORS = re.compile(
    r"forbidden|permission|accessdenied|access_denied|notallowed|notowner|403", re.IGNORECASE
)
_CLOSES = frozenset({"close", "abort", "send_error"})
_REFUSING_CODES = frozenset({"1008", "4401", "4001", "401"})
"""Codes with which a WebSocket is closed, and statuses that ``abort`` takes."""
_REDIRECTS = re.compile(r"^30[1-8]$|_30[1-8]_")
_SIGN_IN = re.compile(r"log_?in|sign_?in|sign-in|log-in|auth", re.IGNORECASE)


class Refusals:
    """Tells, with memory, how functions refuse callers by their own code."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._of: dict[int, int] = {}

    def of(self, function: FunctionRef) -> int:
        """401 when the function's own code can refuse a caller as unknown, 403 as foreign, or 0."""
        key = id(function.function)
        if key not in self._of:
            found = {self.refusal(function, stmt) for stmt in function.statements}
            self._of[key] = next((code for code in (UNAUTHORIZED, FORBIDDEN) if code in found), 0)
        return self._of[key]

    def refusal(self, function: FunctionRef, stmt: Stmt) -> int:
        """401 or 403 when the statement answers so, else 0."""
        if not stmt.exprs:
            return 0
        expr = stmt.exprs[0]
        if stmt.kind in {"raise", "return"}:
            return self.status(function, expr, raised=stmt.kind == "raise")
        closes = stmt.kind == "expr" and expr.kind == "call" and method(expr) in _CLOSES
        return UNAUTHORIZED if closes and _closes_as_unknown(expr) else 0

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
                return UNAUTHORIZED
            if part.text == "403" or part.text.endswith(_FORBIDDEN):
                return FORBIDDEN
        if raised and candidates and _sends_to_sign_in(expr, candidates):
            return UNAUTHORIZED
        return _by_name(expr.text) if raised and given is None else 0

    def _named_status(self, function: FunctionRef, expr: Expr, hops: int) -> int:
        for value in self._held(function, expr.text):
            if found := self.status(function, value, raised=True, hops=hops + 1):
                return found
        return _by_name(expr.text)

    def _held(self, function: FunctionRef, name: str) -> Iterator[Expr]:
        """Give what a name is bound to: in the function, then where its module says."""
        yield from function.assigned.get(name, ())
        target = self.project.resolve(function.file, name)
        if isinstance(target, Value) and target.expr is not None:
            yield target.expr


def _by_name(error: str) -> int:
    """Give the status that an error's class stands for by its name."""
    last = error.rsplit(".", 1)[-1]
    if _REFUSING_ERRORS.search(last):
        return UNAUTHORIZED
    return FORBIDDEN if _FORBIDDING_ERRORS.search(last) else 0


def _closes_as_unknown(call: Expr) -> bool:
    """``websocket.close(code=1008)``, ``abort(401)``."""
    code = argument(call, 0, "code")
    return code is not None and (code.text in _REFUSING_CODES or "POLICY" in code.text)


def _sends_to_sign_in(error: Expr, statuses: list[Expr]) -> bool:
    """``HTTPException(307, headers={"Location": url_for("login")})``: a refusal in a browser."""
    headers = keyword(error, "headers")
    place = keyword(headers, "Location") if headers is not None else None
    return (
        place is not None
        and any(_REDIRECTS.search(status.text) for status in statuses)
        and any(_SIGN_IN.search(part.text) for part in subexpressions(place))
    )


def answers_error(body: Iterable[Stmt]) -> bool:
    """Whether a block ends the request: raises, returns or asserts."""
    return any(
        stmt.kind in {"raise", "return", "assert"} for stmt in statements(body, nested=False)
    )
