"""What is left to a person, shown the same by every command that writes files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from betterguard.repair.scaffold.plan import Advice


def show_advice(out: Console, advice: Iterable[Advice]) -> None:
    """Print each piece: its title, where, why, and what to write."""
    for one in advice:
        out.print(Text.assemble("\n", (one.title, "bold"), f"  {one.where}"), soft_wrap=True)
        out.print(Text(one.text), soft_wrap=True)
        for line in one.code.splitlines():
            out.print(Text(f"    {line}", "cyan"), soft_wrap=True)


def advice_data(advice: Iterable[Advice]) -> list[dict[str, str]]:
    """Give the same as plain data."""
    return [
        {"title": one.title, "where": one.where, "text": one.text, "code": one.code}
        for one in advice
    ]
