"""A parameter named ``status`` in front of ``fastapi.status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.visit import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.symbols import FunctionRef


def check(code: Code) -> Iterator[Hit]:
    """Functions that read ``status.HTTP_…`` while ``status`` is a parameter or local value."""
    for function in code.functions("status"):
        used = {name.split(".", 1)[0] for name in function.names if ".HTTP_" in name}
        if not used:
            continue
        local = {param.name: param.pos for param in function.params}
        for name, values in function.assigned.items():
            if "." not in name and values:
                local.setdefault(name, values[0].pos)
        for name in sorted(used & set(local)):
            yield Hit(
                function.file.path,
                local[name],
                f"{name} hides fastapi.status: {name}.HTTP_… raises AttributeError, a 500",
                evidence=(_place(function, name),),
            )


def _place(function: FunctionRef, name: str) -> str:
    count = sum(
        found.startswith(f"{name}.HTTP_")
        for expr in function.expressions
        if expr.kind == "name"
        for found in names_in(expr)
    )
    return f"{function.name} reads {name}.HTTP_… {count} times"


RULE = Rule(
    id="BG604",
    name="status-shadowed",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=1109,
    message="A parameter hides fastapi.status: the refusal is a 500.",
    why=(
        "`status` is a natural name for a query parameter. With it, `status.HTTP_403_FORBIDDEN` "
        "is an attribute of a string: the request is not answered 403 but crashes. Alias the "
        "parameter (`Query(alias='status')`) or write the number."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of(
            "from fastapi import HTTPException, status\n"
            "def tasks(state: str):\n    raise HTTPException(status.HTTP_403_FORBIDDEN)\n"
        ),
        Snippet.of(
            "from fastapi import HTTPException, status\n"
            "def tasks(status: str):\n    raise HTTPException(403)\n"
        ),
    ),
    invalid=(
        Snippet.of(
            "from fastapi import HTTPException, status\n"
            "def tasks(status: str):\n    raise HTTPException(status.HTTP_403_FORBIDDEN)\n"
        ),
    ),
    fixed=(
        Snippet.of("""\
from fastapi import HTTPException, status
def tasks(status: str):
    raise HTTPException(403)
"""),
    ),
)
