"""Make the standard streams UTF-8 where the application begins."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix
from betterguard.repair.lines import next_after
from betterguard.repair.statements import imports_of
from betterguard.repair.syntax import parse, replaced, source, walk

if TYPE_CHECKING:
    from betterguard.repair.fix import Site


def cured(site: Site) -> Fix | ByHand:
    """Call ``force_utf8`` behind the imports of the file with the application."""
    if site.emoji:
        return replaced_characters(site)
    path = _entry(site)
    if path is None:
        return ByHand("no file makes an application: call betterguard.force_utf8() where it starts")
    place = _behind_imports(site.texts[path])
    if place is None:
        return ByHand(f"{path} has no imports to write the call behind")
    imports = site.imports(path, place)
    call = imports.use("betterguard", "force_utf8")
    wished = imports.edits()
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


_PLAIN = {
    "\u2713": "[ok]",
    "\u2714": "[ok]",
    "\u2705": "[ok]",
    "\u2717": "[no]",
    "\u2718": "[no]",
    "\u274c": "[no]",
    "\u26a0": "[!]",
    "\u2192": "->",
    "\u2190": "<-",
    "\u21d2": "=>",
    "\u2265": ">=",
    "\u2264": "<=",
    "\u2260": "!=",
    "\u2212": "-",
    "\ufe0f": "",
    "\u200d": "",
}


def replaced_characters(site: Site) -> Fix | ByHand:
    """Write ASCII for the characters of a call's texts that cp1252 does not have."""
    call = site.node("call")
    texts = walk(call, "string_content") if call is not None else iter(())
    edits = [
        replaced(node, after)
        for node in texts
        if (after := "".join(map(_plain, source(node)))) != source(node)
    ]
    if not edits:
        return ByHand("the characters are written as escapes, or made elsewhere")
    return site.fix("write plain characters", *edits)


def _plain(character: str) -> str:
    """Give a character, or what says the same in ASCII: its name where nothing else does."""
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        name = unicodedata.name(character, "?").lower()
        return _PLAIN.get(character, f"[{name}]")
    return character
