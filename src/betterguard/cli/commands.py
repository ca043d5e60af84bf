"""How a function becomes a command that the program can import when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["alone", "group"]


def alone(function: Callable[..., Any], examples: str) -> typer.Typer:
    """Give a command by itself; ``examples`` stand below its help, in rich's markup."""
    app = _app()
    app.command(epilog=examples)(function)
    return app


def group(name: str, about: str) -> typer.Typer:
    """Give a group to which commands can be added; by itself it shows its help."""
    return _app(name=name, help=about, no_args_is_help=True)


def _app(**options: Any) -> typer.Typer:  # noqa: ANN401  typer's own options
    return typer.Typer(
        add_completion=False,
        rich_markup_mode="rich",
        # A traceback must not show a token that a local variable holds.
        pretty_exceptions_show_locals=False,
        **options,
    )
