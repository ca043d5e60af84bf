"""Write the skill's assets anew, each from its one source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.reports.checklist import blank
from betterguard.repair.scaffold.templates import template
from betterguard.skill import skill_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["assets"]

TEMPLATES = ("auth.py", "models.py")


def assets() -> dict[Path, str]:
    """Give what each asset should hold."""
    folder = skill_folder() / "assets"
    return {
        folder / "checklist.md": blank(),
        **{folder / "templates" / name: template(name) for name in TEMPLATES},
    }


def main() -> None:
    """Write the files."""
    for file, text in assets().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
        print(f"written to {file}")


if __name__ == "__main__":
    main()
