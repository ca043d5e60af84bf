"""Check the links of a built site: every page, file and anchor that a page leads to is there.

Usage: python scripts/links.py FOLDER
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["Page", "broken_links"]

LINKS = {"a": "href", "img": "src", "script": "src", "link": "href"}


class Page(HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element leads to and what leads to it."""
        given = dict(attrs)
        if target := given.get(LINKS.get(tag, "")):
            self.links.add(target)
        self.anchors.update(filter(None, (given.get("id"), given.get("name"))))


def broken_links(site: Path) -> list[str]:
    """Give each link within the site that leads nowhere, as ``page: link``."""
    pages = {
        file.resolve(): Page(file.read_text(encoding="utf-8")) for file in site.rglob("*.html")
    }
    return sorted(
        f"{file.relative_to(site.resolve())}: {link}"
        for file, page in pages.items()
        for link in page.links
        if not leads_somewhere(link, file, site.resolve(), pages)
    )


def leads_somewhere(link: str, file: Path, site: Path, pages: dict[Path, Page]) -> bool:
    """Tell whether a link of one page has an end; those to other sites are not followed."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    path = unquote(parts.path)
    base = site if path.startswith("/") else file.parent
    target = (base / path.lstrip("/")).resolve() if path else file
    if target.is_dir():
        target /= "index.html"
    if target in pages:
        return unquote(parts.fragment) in pages[target].anchors
    return target.is_file()


def main(arguments: list[str]) -> int:
    """Check one site; exit 1 when a link is broken, 2 on wrong usage."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(__doc__, file=sys.stderr)
        return 2
    broken = broken_links(Path(arguments[0]))
    print("\n".join(broken) if broken else "every link leads somewhere")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
