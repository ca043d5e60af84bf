"""Write docs/rules/ anew from the rules."""

from __future__ import annotations

from pathlib import Path

from betterguard.audit.reports.explain import overview, page
from betterguard.audit.rules import RULES

PAGES = Path(__file__).resolve().parent.parent / "docs" / "rules"


def main() -> None:
    """Write one page a rule and the overview; remove pages of rules that are gone."""
    PAGES.mkdir(parents=True, exist_ok=True)
    for old in PAGES.glob("BG*.md"):
        old.unlink()
    for rule in RULES:
        (PAGES / f"{rule.id}.md").write_text(page(rule), encoding="utf-8")
    (PAGES / "README.md").write_text(overview(), encoding="utf-8")
    print(f"{len(RULES)} pages in {PAGES}")


if __name__ == "__main__":
    main()
