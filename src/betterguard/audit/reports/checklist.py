"""The implementation checklist: what must hold, what checks it, and how a project stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from betterguard.audit.finding import Finding

__all__ = ["SECTIONS", "Box", "Section", "blank", "filled"]

AUDIT = "betterguard audit --select {}"
DOCTOR = "betterguard doctor"
ATTACK = "betterguard attack app.main:app --mint keys"


@dataclass(frozen=True, slots=True)
class Box:
    """One thing that must hold.

    ``rules`` are ids or beginnings of ids: a finding of one of them leaves the box open. A box
    without rules is what reading code cannot tell; ``command`` tells it then.
    """

    text: str
    rules: tuple[str, ...] = ()
    command: str = ""

    @property
    def check(self) -> str:
        """The command that checks it."""
        return self.command or AUDIT.format(",".join(self.rules))


@dataclass(frozen=True, slots=True)
class Section:
    """The boxes of one subject."""

    title: str
    boxes: tuple[Box, ...]


SECTIONS = (
    Section(
        "Middleware: who is calling",
        (
            Box(
                "Every route, WebSocket and callback knows its caller, or is meant to be public",
                ("BG101", "BG102", "BG103", "BG104", "BG105", "BG109"),
            ),
            Box(
                "Nobody's identity comes from what the caller says about itself",
                ("BG106", "BG107", "BG108"),
            ),
            Box(
                "Signature, algorithm, issuer, audience and expiry are checked, with no way around",
                ("BG201", "BG202", "BG204", "BG205", "BG207", "BG213", "BG217", "BG218"),
            ),
            Box(
                "Keys and secrets are of the right kind, and neither in the code nor in answers",
                ("BG206", "BG211", "BG212", "BG214", "BG219"),
            ),
            Box(
                "The credential is read strictly, the claims safely, and neither is logged",
                ("BG208", "BG210", "BG216"),
            ),
            Box("The settings fit the Better Auth that is really there", command=DOCTOR),
        ),
    ),
    Section(
        "Isolation: whose rows",
        (
            Box("A path's user is compared with the caller", ("BG301", "BG304")),
            Box("Every query, update and delete is its owner's", ("BG302", "BG306")),
            Box("Owners come from the token: not from a body, not by e-mail", ("BG303", "BG305")),
            Box("The database keeps users apart by itself: policies, roles, keys", command=DOCTOR),
            Box("No user reaches another's objects in the running application", command=ATTACK),
        ),
    ),
    Section(
        "Schema: times",
        (
            Box(
                "Only aware UTC times reach timestamp columns",
                ("BG401", "BG402", "BG403", "BG405", "BG406", "BG410"),
            ),
            Box("Rows say when they were made and changed", ("BG404", "BG407", "BG408")),
            Box("The live tables are as the models say", command=DOCTOR),
        ),
    ),
    Section(
        "CORS",
        (
            Box(
                "The front ends' origins, exactly, and around everything",
                ("BG501", "BG502", "BG503", "BG504"),
            ),
            Box("Each front end can call, and read a 401, a 404 and a 500", command=DOCTOR),
        ),
    ),
    Section(
        "Errors",
        (
            Box(
                "401, 403 and 404 are told apart, with WWW-Authenticate",
                ("BG601", "BG602", "BG603", "BG604", "BG606"),
            ),
            Box("Answers say nothing of the inside", ("BG605",)),
        ),
    ),
    Section(
        "Windows",
        (
            Box(
                "Whatever is printed or logged, a console takes it",
                ("BG701", "BG702", "BG703", "BG704"),
            ),
        ),
    ),
    Section(
        "The audit itself",
        (Box("Every file was read, every suppression has a reason", ("BG0",)),),
    ),
)


def blank() -> str:
    """Give the checklist with every box open, each with the command that checks it."""
    return _page(lambda box: f"- [ ] {box.text}\n  `{box.check}`")


def filled(findings: Sequence[Finding]) -> str:
    """Give the checklist as a project stands: what the audit found, and what it cannot tell."""
    return _page(lambda box: _line(box, findings))


def _page(line: Callable[[Box], str]) -> str:
    return "\n".join(_lines(line)) + "\n"


def _lines(line: Callable[[Box], str]) -> Iterator[str]:
    yield "# Checklist"
    for section in SECTIONS:
        yield f"\n## {section.title}\n"
        yield from map(line, section.boxes)


def _line(box: Box, findings: Sequence[Finding]) -> str:
    if not box.rules:
        return f"- [ ] {box.text} (reading code cannot tell: run `{box.check}`)"
    open_ones = [finding for finding in findings if finding.rule.startswith(box.rules)]
    if not open_ones:
        return f"- [x] {box.text}"
    first = min(open_ones)
    count = "1 finding" if len(open_ones) == 1 else f"{len(open_ones)} findings, the first"
    where = f"{first.path}:{first.line}, {first.rule}"
    return f"- [ ] {box.text} ({count} at {where}: `{box.check}`)"
