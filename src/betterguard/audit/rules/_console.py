"""What several rules ask about output: which calls print or log, and what text they write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.visit import method, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.facts import Expr
    from betterguard.audit.project import FunctionRef

LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception", "log"})
_LOGGERS = re.compile(r"(?:^|[._])(?:log|logger|logging|_log|_logger|LOG|LOGGER|structlog)$")


def is_print(call: Expr) -> bool:
    """Whether a call writes to the standard output at once."""
    return call.base is None and call.text in {"print", "sys.stdout.write", "sys.stderr.write"}


def is_log(call: Expr) -> bool:
    """Whether a call goes through logging."""
    owner = receiver(call)
    return method(call) in LEVELS and owner is not None and bool(_LOGGERS.search(owner.text))


def outputs(function: FunctionRef) -> Iterator[Expr]:
    """The calls of a function that print or log."""
    for call in function.calls:
        if is_print(call) or is_log(call):
            yield call
