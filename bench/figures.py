"""Percentiles, and line charts as SVG: enough to see whether a curve is flat."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["line_chart", "percentile"]

WIDTH, HEIGHT, MARGIN = 720, 300, 48
COLOURS = ("#1b6ca8", "#c0392b", "#2e7d32", "#7b4b94")


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Give the value below which so many percent of the ordered values lie."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def line_chart(
    file: Path,
    title: str,
    x_label: str,
    y_label: str,
    lines: Mapping[str, Sequence[tuple[float, float]]],
) -> None:
    """Draw lines over a common x-axis; the y-axis begins at zero."""
    everything = [point for points in lines.values() for point in points]
    right = max(x for x, _ in everything) or 1.0
    top = max(y for _, y in everything) * 1.1 or 1.0
    drawn = [
        text(WIDTH / 2, 20, title, "middle"),
        text(WIDTH / 2, HEIGHT - 8, x_label, "middle"),
        text(4, 34, y_label, "start"),
        text(MARGIN, HEIGHT - 28, "0", "middle"),
        text(WIDTH - MARGIN, HEIGHT - 28, f"{right:.4g}", "middle"),
        text(MARGIN - 4, MARGIN + 4, f"{top:.4g}", "end"),
        f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}" stroke="#888"/>',
    ]
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{scaled_x(x, right):.1f},{scaled_y(y, top):.1f}" for x, y in points)
        drawn.append(f'<polyline points="{path}" stroke="{colour}" stroke-width="2"/>')
        drawn.append(text(WIDTH - MARGIN, MARGIN + 16 * number, name, "end", colour))
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" fill="none" '
        f'font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(drawn)}</svg>\n',
        encoding="utf-8",
    )


def scaled_x(value: float, right: float) -> float:
    """Place a value on the x-axis."""
    return MARGIN + value / right * (WIDTH - 2 * MARGIN)


def scaled_y(value: float, top: float) -> float:
    """Place a value on the y-axis."""
    return HEIGHT - MARGIN - value / top * (HEIGHT - 2 * MARGIN)


def text(x: float, y: float, words: str, anchor: str, colour: str = "#222") -> str:
    """Write words at a place."""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'
