"""What a rule is: its identity, its reasons, its examples, and the check over a project."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from betterguard.audit.code import Code
    from betterguard.audit.finding import Confidence, Hit, Severity

APP = "app.py"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Files of a small project; a lone text is ``app.py``."""

    files: Mapping[str, str]

    @classmethod
    def of(cls, text: str, /, **others: str) -> Snippet:
        """``app.py`` and, by keyword, other Python files (``models=…`` is ``models.py``)."""
        return cls({APP: text} | {f"{name}.py": body for name, body in others.items()})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    ``message`` says what is wrong in general; a hit says it of the place. ``valid`` snippets give
    no finding of this rule, ``invalid`` ones give at least one; ``fixed`` says what the fixes make
    of each of them in turn, None where a person has to decide.
    """

    id: str
    name: str
    severity: Severity
    confidence: Confidence
    cwe: int
    message: str
    why: str
    check: Callable[[Code], Iterator[Hit]] = field(repr=False)
    valid: tuple[Snippet, ...] = ()
    invalid: tuple[Snippet, ...] = ()
    fixable: bool = False
    fixed: tuple[Snippet | None, ...] = ()
