"""Fix a small project in memory, twice: the second time must change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit import Config
from betterguard.repair.engine import repair
from betterguard.repair.workspace import in_memory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from betterguard.repair.engine import Repair

APP = "app.py"


def repaired(
    files: Mapping[str, str | bytes], rule: str = "BG", *, unsafe: bool = True, emoji: bool = False
) -> Repair:
    config = Config(select=(rule,))
    done = repair(in_memory(files, config), unsafe=unsafe, emoji=emoji)
    after = dict(files) | {
        change.path.as_posix(): change.after for change in done.workspace.changes()
    }
    again = repair(in_memory(after, config), unsafe=unsafe, emoji=emoji)
    assert again.workspace.changes() == []
    assert again.applied == ()
    return done


def fixed(text: str, rule: str, *, unsafe: bool = True, **others: str) -> str:
    files = {APP: text} | {f"{name}.py": body for name, body in others.items()}
    return repaired(files, rule, unsafe=unsafe).workspace.texts[APP].decode()


def reasons(text: str, rule: str, *, unsafe: bool = True) -> list[str]:
    return [left.reason for left in repaired({APP: text}, rule, unsafe=unsafe).left]
