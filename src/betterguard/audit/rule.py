"""What a rule is: its identity, its reasons, its examples, and the check over a project."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from betterguard.audit.code import Code
    from betterguard.audit.finding import Confidence, Hit, Severity

APP = "app.py"


class Fixing(StrEnum):
    """How a rule's findings are fixed where a fix can be right."""

    SAFE = "safe"
    """Behaviour stays, or becomes stricter in the way that the rule tells: ``--fix``."""
    UNSAFE = "unsafe"
    """Only a person can say whether it is what is wanted: ``--unsafe-fixes``."""
    EITHER = "either"
    """One or the other, by the place: ``--diff`` shows the safe ones."""


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
    of each of them in turn, None where a person has to decide. ``fix`` tells of which kind fixes
    are, None where no program can decide.
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
    fix: Fixing | None = None
    fixed: tuple[Snippet | None, ...] = ()

    @property
    def fixable(self) -> bool:
        """Whether ``audit --fix`` has something for it at all."""
        return self.fix is not None
