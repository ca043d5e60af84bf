from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from betterguard.cli.program import app

if TYPE_CHECKING:
    from pathlib import Path

UTCNOW = "from datetime import datetime\r\nx = datetime.utcnow().isoformat()\r\n"
SECRET = "import os\nKEY = os.getenv('JWT_SECRET', 'a-literal')\n"
BY_HAND = "import hashlib\ndef store(password): return hashlib.md5(password.encode()).hexdigest()\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def put(project: Path, text: str) -> Path:
    path = project / "app.py"
    path.write_bytes(text.encode())
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_diff_shows_and_writes_nothing(project: Path) -> None:
    path = put(project, UTCNOW)
    result = run("--diff")
    assert result.exit_code == 1
    assert "+x = datetime.now(timezone.utc)" in result.stdout
    assert "1 would be fixed" in result.stdout
    assert path.read_bytes() == UTCNOW.encode()


def test_fix_writes_and_tells(project: Path) -> None:
    path = put(project, UTCNOW)
    result = run("--fix")
    assert result.exit_code == 0
    assert "BG402 utcnow" in result.stdout
    assert path.read_bytes() == (
        b"from datetime import datetime, timezone\r\n"
        b"x = datetime.now(timezone.utc).replace(tzinfo=None).isoformat()\r\n"
    )


def test_nothing_to_change_is_exit_code_0(project: Path) -> None:
    put(project, "x = 1\n")
    result = run("--diff")
    assert result.exit_code == 0
    assert "nothing is left" in result.stdout


def test_an_unsafe_fix_is_made_on_request_only(project: Path) -> None:
    path = put(project, SECRET)
    result = run("--fix")
    assert result.exit_code == 1
    assert "with --unsafe-fixes" in result.stdout
    assert path.read_bytes() == SECRET.encode()
    assert run("--unsafe-fixes").exit_code == 0
    assert path.read_text() == "import os\nKEY = os.environ['JWT_SECRET']\n"


def test_only_the_selected_rules_are_fixed(project: Path) -> None:
    path = put(project, UTCNOW)
    assert run("--fix", "--select", "BG2").exit_code == 0
    assert path.read_bytes() == UTCNOW.encode()


def test_json_tells_the_same(project: Path) -> None:
    put(project, UTCNOW + SECRET)
    data = json.loads(run("--diff", "--format", "json").stdout)
    assert data["written"] is False
    assert data["fixes"] == [
        {
            "rule": "BG402",
            "path": "app.py",
            "line": 2,
            "safety": "safe",
            "summary": "write the same naive UTC time without utcnow",
        }
    ]
    assert [change["path"] for change in data["changes"]] == ["app.py"]
    assert [(left["rule"], left["fixable"]) for left in data["left"]] == [("BG206", True)]
    assert "--unsafe-fixes" in data["left"][0]["reason"]


def test_other_formats_show_no_fixes(project: Path) -> None:
    put(project, UTCNOW)
    result = run("--diff", "--format", "sarif")
    assert result.exit_code == 2
    assert "sarif" in result.stderr


def test_a_dirty_tree_is_refused_unless_told_otherwise(project: Path) -> None:
    git(project, "init")
    path = put(project, UTCNOW)
    git(project, "add", "app.py")
    result = run("--fix")
    assert result.exit_code == 2
    assert "--allow-dirty" in result.stderr
    assert path.read_bytes() == UTCNOW.encode()
    assert run("--diff").exit_code == 1
    assert run("--fix", "--allow-dirty").exit_code == 0
    assert path.read_bytes() != UTCNOW.encode()


def test_what_is_left_gives_the_reason(project: Path) -> None:
    put(project, BY_HAND)
    result = run("--fix")
    assert result.exit_code == 1
    assert "BG108 password-storage" in result.stdout
    assert "app.py:2" in result.stdout


GUARDED = """import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
app = FastAPI()
def get_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization, KEY, options={"verify_signature": False})["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
@app.get("/me")
def me(caller: str = Depends(get_user)):
    return caller
"""
RUN_INIT = "Run betterguard init now"
PINS = "fastapi==0.100.0\nsqlalchemy==1.4.0\npyjwt==2.14.0\n"


def advised(*arguments: str) -> list[str]:
    data = json.loads(run("--unsafe-fixes", "--diff", "--format", "json", *arguments).stdout)
    return [one["code"] for one in data["advice"] if one["title"] != RUN_INIT]


def test_pins_that_are_too_old_for_the_new_requirement_are_told(project: Path) -> None:
    put(project, GUARDED)
    (project / "requirements.txt").write_text(PINS)
    assert advised() == ["fastapi>=0.128"]
    result = run("--unsafe-fixes")
    assert "the project pins fastapi 0.100.0; betterguard needs 0.128 or newer" in result.stdout
    assert "betterguard>=" in (project / "requirements.txt").read_text()


def test_where_a_list_cannot_be_added_to_the_line_is_told(project: Path) -> None:
    put(project, GUARDED)
    made = "fastapi==0.130.0 --hash=sha256:" + "0" * 64 + "\n"
    (project / "requirements.txt").write_text(made)
    assert [code.split(">=")[0] for code in advised()] == ["betterguard"]


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        pytest.param(UTCNOW, PINS, id="no-fix-needs-it"),
        pytest.param(GUARDED, PINS + "betterguard==1.0\n", id="required-already"),
        pytest.param(GUARDED, "fastapi==0.130.0\n", id="new-enough"),
        pytest.param(GUARDED, "fastapi\n", id="no-pin"),
    ],
)
def test_no_pin_is_told(project: Path, text: str, pins: str) -> None:
    put(project, text)
    (project / "requirements.txt").write_text(pins)
    assert advised() == []


def test_a_guard_that_a_fix_brings_wants_init(project: Path) -> None:
    put(project, GUARDED)
    lines = run("--unsafe-fixes", "--select", "BG2").stdout.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith(RUN_INIT))
    assert lines[at:][-1].strip() == "betterguard init"
    assert CliRunner().invoke(app, ["init", "--yes"]).exit_code == 0
    assert "guard.install(app)" in (project / "app.py").read_text()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "from betterguard import BetterGuard\n"
            + GUARDED.replace(
                "app = FastAPI()\n",
                "guard = BetterGuard.from_env()\n"
                "app = FastAPI(lifespan=guard.lifespan)\nguard.install(app)\n",
            ),
            id="installed",
        ),
        pytest.param(GUARDED.partition("@app")[0].replace("app = FastAPI()\n", ""), id="no-app"),
        pytest.param(UTCNOW, id="no-guard"),
        pytest.param("app = 1\n", id="nothing"),
    ],
)
def test_nothing_else_does(project: Path, text: str) -> None:
    put(project, text)
    assert RUN_INIT not in run("--unsafe-fixes").stdout


def test_the_library_that_takes_another_ones_place_is_required(project: Path) -> None:
    put(
        project,
        "from jose import jwt\n"
        "def f(t): return jwt.decode(t, JWT_SECRET, algorithms=['HS256'], audience='a')\n",
    )
    (project / "requirements.txt").write_text("fastapi\npython-jose\n")
    run("--unsafe-fixes", "--select", "BG212")
    assert "pyjwt[crypto]>=" in (project / "requirements.txt").read_text()


def test_what_fixes_leave_and_concern_is_told(project: Path) -> None:
    put(project, GUARDED)
    (project / "tests").mkdir()
    test = "import jwt\n\ntoken = jwt.encode({}, 'k')\n"
    (project / "tests" / "test_app.py").write_text(test)
    data = json.loads(run("--unsafe-fixes", "--diff", "--format", "json").stdout)
    assert [(one["path"], one["line"]) for one in data["concerns"]] == [("tests/test_app.py", 3)]
    shown = run("--unsafe-fixes").stdout
    assert "1 to look at, which fixes leave as they are" in shown
    assert "tests/test_app.py:3: signs tokens itself" in shown
    assert (project / "tests" / "test_app.py").read_text() == test


def test_nothing_is_said_where_nothing_is_concerned(project: Path) -> None:
    put(project, UTCNOW)
    assert "to look at" not in run("--fix").stdout
