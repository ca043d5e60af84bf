"""The documentation as a site: nothing is missing from it, nothing leads nowhere."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.links import broken_links
from scripts.reference import PAGE, commands, reference

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def pages(nav: object) -> Iterator[str]:
    """Give every page that a part of the navigation names."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for below in nav.values():
            yield from pages(below)
    elif isinstance(nav, list):
        for below in nav:
            yield from pages(below)


def test_every_page_is_in_the_navigation() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    written = {
        str(page.relative_to(DOCS))
        for page in DOCS.rglob("*.md")
        if not page.name.startswith("BG")  # rules: their overview leads to each
    }
    assert set(pages(nav)) == written


def test_the_command_line_is_documented_as_it_is() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_command_has_its_help() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for words in commands():
        assert f"## {' '.join(('betterguard', *words))}\n" in page


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        pytest.param("other.html", False, id="page"),
        pytest.param("other.html#there", False, id="anchor"),
        pytest.param("#here", False, id="own-anchor"),
        pytest.param("/other.html", False, id="from-the-top"),
        pytest.param("below/", False, id="folder-with-an-index"),
        pytest.param("https://example.com/nowhere", False, id="another-site"),
        pytest.param("picture%20one.svg", False, id="escaped"),
        pytest.param("none.html", True, id="no-page"),
        pytest.param("other.html#nowhere", True, id="no-anchor"),
        pytest.param("#nowhere", True, id="no-own-anchor"),
        pytest.param("empty/", True, id="folder-without-an-index"),
    ],
)
def test_broken_links_are_found(tmp_path: Path, link: str, *, broken: bool) -> None:
    (tmp_path / "other.html").write_text('<h2 id="there">there</h2>')
    (tmp_path / "picture one.svg").write_text("<svg/>")
    for folder in ("below", "empty"):
        (tmp_path / folder).mkdir()
    (tmp_path / "below" / "index.html").write_text("<p>below</p>")
    (tmp_path / "page.html").write_text(f'<p id="here"><a href="{link}">a link</a></p>')
    assert broken_links(tmp_path) == ([f"page.html: {link}"] if broken else [])
