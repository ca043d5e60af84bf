"""Who takes part in the steps, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from demo.check.person import Person
    from demo.stack import Origins

__all__ = ["Scene"]


@dataclass(frozen=True)
class Scene:
    """Two people, the demo that they both use, and the folder for pictures."""

    origins: Origins
    alice: Person
    bob: Person
    screenshots: Path
