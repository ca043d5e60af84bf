from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from betterguard.repair.outside import How, Outside, beside

if TYPE_CHECKING:
    from pathlib import Path

AUTH = "src/app/auth.py"


def how(text: str, *, name: str = "verify", path: str = "tests/test_auth.py") -> list[How]:
    return [use.how for use in Outside({path: text.encode()}).uses(AUTH, name)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("from app.auth import verify\n", [How.IMPORT], id="import"),
        pytest.param(
            "from src.app.auth import verify as v\nv(1)\n", [How.IMPORT, How.CALL], id="as"
        ),
        pytest.param("from auth import *\nverify(1)\n", [How.IMPORT, How.CALL], id="star"),
        pytest.param("import app.auth\napp.auth.verify(1)\n", [How.CALL], id="dotted"),
        pytest.param("from app import auth\nx = auth.verify\n", [How.NAME], id="module"),
        pytest.param("from app import auth as a\na.verify(1)\n", [How.CALL], id="module-as"),
        pytest.param('patch("app.auth.verify")\n', [How.TEXT], id="patch"),
        pytest.param('@patch("app.auth.verify.inner")\ndef f(): ...\n', [How.TEXT], id="below"),
        pytest.param(
            "import app.auth as a\nmonkeypatch.setattr(a, 'verify', 1)\n", [How.TEXT], id="setattr"
        ),
        pytest.param(
            "m = import_module('app.auth')\nm.verify(1)\n", [How.CALL], id="import_module"
        ),
        pytest.param(
            "from app.auth import verify\napp.dependency_overrides[verify] = 1\n",
            [How.IMPORT, How.NAME],
            id="override",
        ),
    ],
)
def test_a_name_is_found(text: str, wanted: list[How]) -> None:
    assert how(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("from app.tokens import verify\nverify(1)\n", id="another-module"),
        pytest.param("from app.auth import verify_all\n", id="another-name"),
        pytest.param("def verify(x): ...\nverify(1)\n", id="own"),
        pytest.param("from app import auth\nother.auth\n", id="module-alone"),
        pytest.param("client.verify(1)\n", id="attribute-of-something"),
        pytest.param("x = 'verify'\n", id="text-alone"),
        pytest.param("patch('app.tokens.verify')\n", id="patch-of-another"),
        pytest.param("x = 'please verify app.auth.verify now'\n", id="prose"),
        pytest.param("# app.auth.verify\n", id="comment"),
        pytest.param("from .auth import verify\n", id="neighbour-of-that-name"),
        pytest.param("from ..auth import verify\n", id="relative-elsewhere"),
        pytest.param("def f(:\n    verify\n", id="broken"),
        pytest.param("x = get('auth')\ny = client.verify\n", id="word-of-that-name"),
    ],
)
def test_others_are_not(text: str) -> None:
    assert how(text) == []


def test_relative_imports_are_followed_from_the_files_own_folder() -> None:
    assert how("from ..auth import verify\n", path="src/app/tests/test_a.py") == [How.IMPORT]
    assert how("from .. import auth\nauth.verify()\n", path="src/app/tests/t.py") == [How.CALL]


def test_a_packages_own_file_goes_by_the_packages_name() -> None:
    held = Outside({"tests/a.py": b"from app.auth import verify\n"})
    assert held.uses("app/auth/__init__.py", "verify") != []
    assert held.uses("__init__.py", "verify") == []


def test_lines_count_from_one() -> None:
    held = Outside({"tests/a.py": b"\nfrom auth import verify\n\nverify()\n"})
    assert [use.line for use in held.uses("auth.py", "verify")] == [2, 4]


def test_files_of_the_whole_project_are_read_and_audited_ones_are_not(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "src/app.py", "src/test_a.py", "tests/b.py", "check.py"):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.write_text("from app import x\n")
    found = beside([tmp_path / "src"], {"src/app.py"}, tmp_path)
    assert set(found.texts) == {"src/test_a.py", "tests/b.py", "check.py"}
