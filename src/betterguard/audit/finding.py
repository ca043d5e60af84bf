"""One thing that is wrong: which rule, how bad, how sure, where, and by what evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How much harm it does; ordered."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """Its name in lower case."""
        return self.name.lower()

    @classmethod
    def named(cls, name: str) -> Severity:
        """Give the severity of a name; ValueError with the choices otherwise."""
        try:
            return cls[name.upper()]
        except KeyError:
            known = ", ".join(severity.label for severity in cls)
            msg = f"expected a severity ({known}), got {name!r}"
            raise ValueError(msg) from None


class Confidence(IntEnum):
    """How sure the audit is that it is wrong; ordered."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    @property
    def label(self) -> str:
        """Its name in lower case."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule reports: a place, as offset into a file's text, and what is special about it."""

    path: str
    pos: int
    message: str
    severity: Severity | None = None
    confidence: Confidence | None = None
    evidence: tuple[str, ...] = ()
    line: int = 0
    """The line itself, from 1, where the place is in a file that is not Python."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A hit, placed: line and column from 1; columns count characters."""

    path: str
    line: int
    column: int
    rule: str
    name: str
    severity: Severity
    confidence: Confidence
    message: str
    evidence: tuple[str, ...] = ()
    fixable: bool = False
    source: str = ""
    """The source line, without its indentation."""

    @property
    def fingerprint(self) -> tuple[str, str, str]:
        """What stays the same while lines move: for baselines."""
        return (self.rule, self.path, self.source)
