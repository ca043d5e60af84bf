"""What init does for tests that sign tokens themselves: it tells, and writes when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from betterguard.errors import ConfigurationError
from betterguard.repair.scaffold import plan
from betterguard.repair.writing import write

if TYPE_CHECKING:
    from pathlib import Path

    from betterguard.repair.scaffold import Plan

MAIN = """\
from fastapi import FastAPI

from app.routes import router

app = FastAPI()
app.include_router(router, prefix="/api")
"""
CONFIG = """\
import os


class Settings:
    secret = os.environ.get("JWT_SECRET", "")


settings = Settings()


def get_settings():
    return settings
"""
SIGNING = """\
import jwt

from .config import settings

KEY = settings.secret


def sign(data):
    payload = data.copy()
    return jwt.encode(payload, settings.secret, algorithm="HS256")
"""
ROUTES = """\
from fastapi import APIRouter

from app.signing import sign

router = APIRouter()


@router.post("/login")
def login():
    return {"token": sign({"sub": "ada"})}


@router.get("/tasks")
def tasks():
    return []
"""
PROJECT = {
    "requirements.txt": "fastapi\npyjwt\n",
    "app/__init__.py": "",
    "app/main.py": MAIN,
    "app/config.py": CONFIG,
    "app/signing.py": SIGNING,
    "app/routes.py": ROUTES,
}
DIRECT = """\
import jwt
from app.config import settings

def test_it():
    token = jwt.encode({"user_id": "ada"}, settings.secret)
"""
CONFTEST = "tests/conftest.py"


def lay_out(folder: Path, tests: dict[str, str]) -> Path:
    for name, text in (PROJECT | tests).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def planned(folder: Path, tests: dict[str, str]) -> Plan:
    return plan(lay_out(folder, tests), test_tokens=True)


def written(folder: Path, tests: dict[str, str], conftest: str = CONFTEST) -> str:
    write(planned(folder, tests).changes())
    assert plan(folder, test_tokens=True).changes() == []
    return (folder / conftest).read_bytes().decode()


def fixture(text: str) -> str:
    """Give what is written into the fixture, without its docstring and its comment."""
    lines = text.partition("def _tokens_of_the_tests")[2].splitlines()
    return "\n".join(line.strip() for line in lines[6:] if line and "# Imported" not in line)


def test_a_new_conftest(tmp_path: Path) -> None:
    assert (
        written(tmp_path, {"tests/test_it.py": DIRECT})
        == '''\
"""What the tests here share."""

import pytest
from betterguard.testing.own_tokens import TokensOfTheTests


@pytest.fixture(autouse=True)
def _tokens_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the guard take tokens that the tests sign themselves: in tests, and nowhere else.

    They lack the issuer and the audience that it asks for. Where tests take their tokens from
    betterguard.testing.tokens, this can go.
    """
    # Imported here, so that whatever is set above comes before the application.
    from app.auth import guard
    from app.config import settings

    TokensOfTheTests(settings.secret, claim="user_id").stand_in(guard, monkeypatch)
'''
    )


def test_a_conftest_keeps_its_bytes(tmp_path: Path) -> None:
    before = (
        '\ufeff"""Shared."""\r\nimport os  # first\r\n\r\nimport pytest\r\n\r\n'
        "os.environ['JWT_SECRET'] = 'x'\r\nfrom app.config import settings\r\n\r\n"
        "@pytest.fixture\r\ndef client( ):\r\n    pass   \r\n"
    )
    after = written(tmp_path, {CONFTEST: before, "tests/test_it.py": DIRECT})
    added = "from betterguard.testing.own_tokens import TokensOfTheTests\r\n"
    kept, _, fixture_ = after.replace(added, "", 1).partition("\r\n\r\n@pytest.fixture(autouse")
    assert kept == before
    assert fixture_.count("\n") == fixture_.count("\r\n") == 11
    assert "from app.config" not in fixture_


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(
            "from jose import jwt\nKEY = 'k'\n\ndef test_it():\n    p = {'iat': 1}\n"
            "    p['sub'] = 'ada'\n    jwt.encode(p, KEY)\n",
            "from app.auth import guard\nTokensOfTheTests('k').stand_in(guard, monkeypatch)",
            id="jose-and-a-constant",
        ),
        pytest.param(
            "import os\nimport jwt\n\ndef test_it():\n    key = os.environ['JWT_SECRET']\n"
            "    jwt.encode({'userId': 'ada'}, key)\n",
            "import os\nfrom app.auth import guard\n"
            "TokensOfTheTests(os.environ['JWT_SECRET'], claim=\"userId\")"
            ".stand_in(guard, monkeypatch)",
            id="a-variable-of-the-environment",
        ),
        pytest.param(
            "import jwt\nfrom app.config import get_settings\n\ndef test_it():\n"
            "    s = get_settings()\n    jwt.encode({'id': 'ada'}, s.secret)\n",
            "from app.auth import guard\nfrom app.config import get_settings\n"
            'TokensOfTheTests(get_settings().secret, claim="id").stand_in(guard, monkeypatch)',
            id="settings-from-a-function",
        ),
        pytest.param(
            "import jwt\nfrom app.config import settings\n\ndef test_it():\n"
            "    jwt.encode({'sub': 'ada'}, settings.secret.get_secret_value())\n"
            "    jwt.encode({'sub': 'ada'}, 'wrong')\n    jwt.encode({'sub': 'bob'}, 'wrong')\n",
            "from app.auth import guard\nfrom app.config import settings\n"
            "TokensOfTheTests(settings.secret.get_secret_value()).stand_in(guard, monkeypatch)",
            id="forged-ones-beside",
        ),
        pytest.param(
            "from app.signing import sign\n\ndef test_it():\n    sign({'user_id': 'ada'})\n",
            "from app.auth import guard\nfrom app.config import settings\n"
            "TokensOfTheTests(settings.secret).stand_in(guard, monkeypatch)",
            id="the-application-signs",
        ),
        pytest.param(
            "def test_it(client):\n    client.post('/api/login')\n",
            "from app.auth import guard\nfrom app.config import settings\n"
            "TokensOfTheTests(settings.secret).stand_in(guard, monkeypatch)",
            id="the-application-signs-in",
        ),
        pytest.param(
            "import jwt\nimport app.config\n\ndef test_it():\n"
            "    jwt.encode({'sub': 'ada'}, app.config.settings.secret)\n",
            "import app.config\nfrom app.auth import guard\n"
            "TokensOfTheTests(app.config.settings.secret).stand_in(guard, monkeypatch)",
            id="by-its-module",
        ),
        pytest.param(
            "import jwt\nfrom app.signing import KEY as K\n\ndef test_it():\n"
            "    jwt.encode({'sub': 'ada'}, K)\n",
            "from app.auth import guard\nfrom app.signing import KEY\n"
            "TokensOfTheTests(KEY).stand_in(guard, monkeypatch)",
            id="under-another-name",
        ),
    ],
)
def test_key_and_claim_are_those_of_the_tests(tmp_path: Path, text: str, wanted: str) -> None:
    assert fixture(written(tmp_path, {"tests/test_it.py": text})) == wanted


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def test_it():\n    'x'.encode()\n", id="another-encode"),
        pytest.param("import jwt\n\ndef test_it(t):\n    jwt.decode(t)\n", id="decodes"),
        pytest.param("def test_it(client):\n    client.get('/api/tasks')\n", id="another-route"),
        pytest.param(
            "from betterguard.testing.tokens import TokenIssuer\n\nT = TokenIssuer().token()\n",
            id="as-better-auth-does",
        ),
    ],
)
def test_other_tests_are_left_alone(tmp_path: Path, text: str) -> None:
    found = planned(tmp_path, {"tests/test_it.py": text})
    assert "no test that signs tokens itself" in found.present
    assert tmp_path / CONFTEST not in {change.path for change in found.changes()}
    assert not [one for one in plan(tmp_path).advice if "tests" in one.title.lower()]


def test_it_goes_into_the_nearest_conftest(tmp_path: Path) -> None:
    direct = {"tests/api/test_it.py": DIRECT, "tests/test_other.py": "", CONFTEST: ""}
    assert "settings.secret" in written(tmp_path, direct, "tests/api/conftest.py")
    assert (tmp_path / CONFTEST).read_text() == ""


def test_beside_the_requirements_it_joins_the_setting(tmp_path: Path) -> None:
    text = written(tmp_path, {"test_it.py": DIRECT}, "conftest.py")
    assert text.index("BETTER_AUTH_URL") < text.index("TokensOfTheTests(")


def test_a_key_of_the_same_file_is_named(tmp_path: Path) -> None:
    conftest = "import jwt\nTEST_KEY = 'k'\n\ndef token():\n    jwt.encode({'sub': 1}, TEST_KEY)\n"
    text = written(tmp_path, {CONFTEST: conftest})
    assert "TokensOfTheTests(TEST_KEY).stand_in" in text


def test_without_the_option_it_is_told_and_nothing_is_weakened(tmp_path: Path) -> None:
    found = plan(lay_out(tmp_path, {"tests/test_it.py": DIRECT, CONFTEST: "# none\n"}))
    (told,) = [one for one in found.advice if one.title == "Bring the tests along"]
    assert "1 file of tests signs tokens" in told.text
    assert (told.where, told.code) == ("tests/test_it.py:5", "betterguard init --test-tokens")
    assert not [c for c in found.changes() if b"TokensOfTheTests" in c.after]


@pytest.mark.parametrize(
    ("tests", "why"),
    [
        pytest.param(
            {"tests/test_it.py": "import jwt\n\ndef sign(key):\n    jwt.encode({'id': 1}, key)\n"},
            "put it in place of SECRET",
            id="the-key-is-a-parameter",
        ),
        pytest.param(
            {"tests/test_it.py": DIRECT, CONFTEST: "def broken(:\n"}, "left as it is", id="broken"
        ),
    ],
)
def test_what_cannot_be_written_is_shown(tmp_path: Path, tests: dict[str, str], why: str) -> None:
    found = planned(tmp_path, tests)
    (told,) = [one for one in found.advice if one.title == "Let the tests' tokens pass"]
    assert why in told.text
    assert ".stand_in(guard, monkeypatch)" in told.code
    assert not [c for c in found.changes() if b"TokensOfTheTests" in c.after]


def test_the_vendored_file_has_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--vendor"):
        plan(lay_out(tmp_path, {}), vendor=True, test_tokens=True)
