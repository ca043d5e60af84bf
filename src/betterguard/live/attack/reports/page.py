"""A result as one HTML page that needs nothing else: the matrix, each hole, what was not tried."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING

from betterguard.live.attack.catalogue import Family
from betterguard.live.attack.reports.gaps import gaps
from betterguard.live.attack.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.live.attack.catalogue import Attack
    from betterguard.live.attack.result import Cell, Exercise, Result

__all__ = ["as_html"]

MARKS = {Verdict.HELD: "✓", Verdict.OPEN: "✗", Verdict.UNTRIED: "-"}
WORDS = {Verdict.HELD: "held", Verdict.OPEN: "open", Verdict.UNTRIED: "not tried"}
_FAMILIES = {
    Family.CREDENTIAL: "Credentials that must not count",
    Family.CROSSING: "One user, another user's objects",
    Family.SURFACE: "What the document does not list",
}
# Nothing is loaded and nothing runs, whatever an answer of the application may hold.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_html(result: Result) -> str:
    """Give the page."""
    style = (
        files("betterguard.live.attack.reports").joinpath("page.css").read_text(encoding="utf-8")
    )
    title = escape(f"{result.title or 'API'}: betterguard attack")
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>",
            *_header(result),
            "<main>",
            *_matrix(result),
            *_holes(result),
            *_lists(result),
            *_catalogue(result.attacks()),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _header(result: Result) -> Iterator[str]:
    count = result.count()
    open_ = count[Verdict.OPEN]
    done = sum(one.done for one in result.exercises.values())
    yield f"<header><h1>{escape(result.title or 'API')}</h1>"
    yield f'<p class="soft">{escape(result.target)}</p>'
    if open_:
        yield f'<a class="verdict open" href="#open">{open_} open</a>'
    else:
        yield '<p class="verdict held">Nothing open</p>'
    yield '<dl class="figures">'
    figures = {
        "operations exercised": f"{done} / {len(result.exercises)}",
        "attacks held": str(count[Verdict.HELD]),
        "attacks open": str(open_),
        "attacks not tried": str(count[Verdict.UNTRIED]),
        "requests": str(result.requests),
        "seconds": f"{result.seconds:.1f}",
    }
    for name, figure in figures.items():
        yield f"<div><dt>{name}</dt><dd>{figure}</dd></div>"
    yield "</dl></header>"


def _matrix(result: Result) -> Iterator[str]:
    attacks = result.attacks()
    firsts = {next(group).name for _, group in groupby(attacks, lambda one: one.family)}
    yield '<h2>Operations and attacks</h2><p class="legend">'
    for verdict, word in WORDS.items():
        yield f'<span><span class="mark {verdict}">{MARKS[verdict]}</span> {word}</span>'
    yield "<span>empty: does not apply</span></p>"
    yield '<div class="scroll"><table class="matrix"><thead>'
    yield '<tr><td class="corner" rowspan="2"></td>'
    for family, group in groupby(attacks, lambda one: one.family):
        width = len(list(group))
        span = f'colspan="{width}" scope="colgroup"'
        yield f'<th class="family first" {span}>{_FAMILIES[family]}</th>'
    yield "</tr><tr>"
    for attack in attacks:
        first = " first" if attack.name in firsts else ""
        yield f'<th class="attack{first}" scope="col"><span>{attack.name}</span></th>'
    yield "</tr></thead><tbody>"
    for exercise in result.exercises.values():
        yield f'<tr><th scope="row">{_operation(exercise)}</th>'
        for attack in attacks:
            cell = result.cells.get((exercise.operation, attack.name))
            yield _cell(cell, first=attack.name in firsts)
        yield "</tr>"
    yield "</tbody></table></div>"


def _operation(exercise: Exercise) -> str:
    tag = "public" if exercise.public else "" if exercise.done else "not exercised"
    shown = f'<span class="tag">{tag}</span>' if tag else ""
    return f'<span class="operation">{escape(exercise.operation)}</span>{shown}'


def _cell(cell: Cell | None, *, first: bool) -> str:
    place = " first" if first else ""
    if cell is None:
        return f'<td class="none{place}"></td>'
    verdict = cell.verdict
    title = escape(f"{cell.attack.name}: {WORDS[verdict]}{f', {cell.note}' if cell.note else ''}")
    inside = f'{MARKS[verdict]}<span class="name">{cell.attack.name}</span>'
    if verdict is Verdict.OPEN:
        mark = f'<a class="mark open" href="#{cell.attack.name}" title="{title}">{inside}</a>'
    else:
        mark = f'<span class="mark {verdict}" title="{title}">{inside}</span>'
    return f'<td class="{verdict}{place}">{mark}</td>'


def _holes(result: Result) -> Iterator[str]:
    if result.open:
        yield '<h2 id="open">Open</h2>'
    for cells in result.holes().values():
        attack = cells[0].attack
        severity = attack.severity.label
        yield f'<details class="hole" id="{attack.name}" open><summary>'
        yield f'<span class="severity {severity}">{severity}</span> <b>{attack.name}</b>'
        yield f'<span class="tag">{len(cells)}</span></summary><div>'
        yield f'<p class="soft">{escape(attack.tries)} {escape(attack.cure)}</p><ul>'
        for cell in cells:
            yield f'<li><span class="operation">{escape(cell.operation)}</span>'
            yield f"<br>{escape(cell.note)}</li>"
        yield "</ul>"
        yield from _proof(cells[0])
        yield "</div></details>"


def _proof(cell: Cell) -> Iterator[str]:
    if cell.exchange is not None:
        for lines in (cell.exchange.request_lines(), cell.exchange.answer_lines()):
            yield f"<pre>{escape(chr(10).join(lines))}</pre>"


def _lists(result: Result) -> Iterator[str]:
    public = [one.operation for one in result.exercises.values() if one.public]
    sections = {
        "Not tried": [f"{what}: {why}" for what, why in gaps(result)],
        "Public, the same for anybody": public,
        "Left behind": result.left_behind,
        "Notes": result.notes,
    }
    for title, lines in sections.items():
        if lines:
            items = "".join(f"<li>{escape(line)}</li>" for line in lines)
            yield f"<h2>{title}</h2><ul>{items}</ul>"


def _catalogue(attacks: Iterable[Attack]) -> Iterator[str]:
    yield "<details><summary>What each attack tries</summary><div>"
    yield '<table class="catalogue"><tbody>'
    for attack in attacks:
        yield (
            f'<tr><th scope="row">{attack.name}</th><td>{attack.severity.label}</td>'
            f"<td>{escape(attack.tries)}</td><td>{escape(attack.cure)}</td></tr>"
        )
    yield "</tbody></table></div></details>"
