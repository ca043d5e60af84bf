"""A page used without a mouse: what Tab reaches, and whether one sees where one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.check.expectations import require

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["tab_to"]

FAR = 60
FOCUSED_NAME = """() => {
  const at = document.activeElement;
  const labels = [...(at.labels ?? [])].map((label) => label.textContent);
  return (at.getAttribute("aria-label") ?? (labels.join(" ") || at.textContent)).trim();
}"""
FOCUS_SHOWS = """() => {
  const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);
  return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control of that name has the focus, and see that it shows."""
    for _ in range(FAR):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED_NAME).startswith(name):
            require(page.evaluate(FOCUS_SHOWS), f"“{name}” has the focus and does not show it")
            return
    require(False, f"Tab does not reach “{name}”")  # noqa: FBT003  # it was not reached
