from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from betterguard.audit import Config
from betterguard.repair import engine
from betterguard.repair.edits import Edit
from betterguard.repair.engine import repair
from betterguard.repair.fix import Fix
from betterguard.repair.workspace import in_memory, read_project
from tests.repair.golden import fixed, repaired

if TYPE_CHECKING:
    from pathlib import Path

    from betterguard.repair.fix import Site

TEXT = "from datetime import datetime\nx = datetime.utcnow().isoformat()\n"


def with_fixer(monkeypatch: pytest.MonkeyPatch, *edits: Edit) -> None:
    def fix(site: Site) -> Fix:
        return Fix({site.path: edits}, "a fix for a test")

    monkeypatch.setitem(engine.FIXERS, "BG402", fix)


def reason(text: str) -> str:
    done = repair(in_memory({"app.py": text}, Config(select=("BG402",))))
    assert done.workspace.changes() == []
    assert done.applied == ()
    return done.left[0].reason


def test_a_fix_that_breaks_the_file_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with_fixer(monkeypatch, Edit(34, 35, "("))
    assert reason(TEXT) == "rolled back: app.py no longer parses"


def test_a_fix_that_changes_nothing_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with_fixer(monkeypatch, Edit(0, 0, "# looked at\n"))
    assert reason(TEXT) == "rolled back: the finding stays"


def test_a_fix_that_brings_another_finding_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    start = TEXT.index("datetime.utcnow")
    with_fixer(monkeypatch, Edit(start, len(TEXT) - 1, "1\nSECRET_KEY = 'literal'"))
    assert reason(TEXT) == "rolled back: it would bring BG206 to app.py"


def test_the_good_fixes_of_a_rule_stay_where_one_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    real = engine.FIXERS["BG402"]

    def fix(site: Site) -> Fix:
        if site.hit.pos > site.text.index(b"bad"):
            return Fix({site.path: (Edit(site.hit.pos, site.hit.pos, "("),)}, "bad")
        done = real(site)
        assert isinstance(done, Fix)
        return done

    monkeypatch.setitem(engine.FIXERS, "BG402", fix)
    text = TEXT + "y = datetime.utcnow().isoformat()\nbad = datetime.utcnow().isoformat()\n"
    done = repair(in_memory({"app.py": text}, Config(select=("BG402",))))
    assert len(done.applied) == 2
    assert [left.reason for left in done.left] == ["rolled back: app.py no longer parses"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT.replace("\n", "  # noqa: BG402 as the file says\n"), id="suppressed"),
        pytest.param("", id="empty"),
        pytest.param("x = 1", id="no-line-end"),
        pytest.param("\ufeffx = 1\r\n", id="bom-and-crlf"),
        pytest.param("def f(:\n", id="broken"),
    ],
)
def test_what_has_no_finding_is_left_to_the_byte(text: str) -> None:
    assert repaired({"app.py": text}, "BG4").workspace.changes() == []


def test_a_broken_file_is_fixed_no_less_carefully() -> None:
    made = fixed(TEXT + "def f(:\n", "BG402")
    assert "utcnow" not in made
    assert made.endswith("def f(:\n")


def test_a_file_in_another_encoding_is_left_alone(tmp_path: Path) -> None:
    text = "# -*- coding: latin-1 -*-\n# \xe9\n" + TEXT
    (tmp_path / "app.py").write_bytes(text.encode("latin-1"))
    done = repair(read_project([tmp_path], Config(select=("BG402",)), tmp_path))
    assert done.workspace.changes() == []
    assert "not UTF-8" in done.left[0].reason


def test_findings_that_the_configuration_leaves_out_are_not_fixed() -> None:
    config = Config(per_file_ignores=(("app.py", ("BG402",)),))
    done = repair(in_memory({"app.py": TEXT}, config), unsafe=True)
    assert done.workspace.changes() == []
    assert done.left == ()


def test_two_fixes_on_one_line_are_both_made() -> None:
    text = (
        "from datetime import datetime\nx = (datetime.utcnow().date(), datetime.utcnow().date())\n"
    )
    assert "utcnow" not in fixed(text, "BG402")


def test_an_import_that_another_file_takes_from_here_stays() -> None:
    app = "from datetime import datetime\nimport os\nx = os.getenv('JWT_SECRET', 'a')\n"
    other = "from app import datetime\n"
    assert "import datetime" in fixed(app, "BG206", other=other)


def test_a_name_that_was_never_read_keeps_its_import() -> None:
    text = "import json\nfrom datetime import datetime\nx = datetime.utcnow().isoformat()\n"
    assert fixed(text, "BG402").startswith("import json\n")
