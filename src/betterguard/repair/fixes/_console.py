"""Make the standard streams UTF-8 where the application begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix
from betterguard.repair.lines import next_after
from betterguard.repair.statements import imports_of
from betterguard.repair.syntax import parse

if TYPE_CHECKING:
    from betterguard.repair.fix import Site


def cured(site: Site) -> Fix | ByHand:
    """Call ``force_utf8`` behind the imports of the file with the application."""
    path = _entry(site)
    if path is None:
        return ByHand("no file makes an application: call betterguard.force_utf8() where it starts")
    text = site.texts[path]
    imports = site.imports(path)
    call = imports.use("betterguard", "force_utf8")
    wished = imports.edits()
    place = _behind_imports(text)
    if place is None:
        return ByHand(f"{path} has no imports to write the call behind")
    edit = Edit(place, place, f"\n{call}()\n")
    return Fix({path: (*wished, edit)}, f"make the standard streams UTF-8, in {path}")


def _entry(site: Site) -> str | None:
    files = {router.file.path for router in site.code.app.routers.values() if router.is_app}
    return min(files, key=lambda path: (path.count("/"), len(path), path), default=None)


def _behind_imports(text: bytes) -> int | None:
    """Give the offset behind the first unbroken run of imports."""
    root = parse(text)
    starts = {statement.start for statement in imports_of(root)}
    end: int | None = None
    for node in root.named_children:
        if node.start_byte in starts:
            end = node.end_byte
        elif end is not None and node.type != "comment":
            break
    return None if end is None else next_after(text, end)
