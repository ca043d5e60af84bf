"""Verification that is written by hand, of many kinds; all rules about it share one fixer."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.repair.fixing import fixed, reasons, repaired

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Request
app = FastAPI()
"""
TAIL = """
@app.get("/me")
def me(caller_id: {note} = Depends(get_user)):
    return caller_id
"""
BAD = 'jwt.decode({token}, KEY, algorithms=["EdDSA"], options={{"verify_aud": False}})'
TRY = """    try:
        payload = jwt.decode(authorization, KEY, options={"verify_signature": False})
    except jwt.PyJWTError as err:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
"""
ID = f"def get_user(authorization: str = Header()) -> str:\n{TRY}    return payload['sub']\n"
PLAIN = HEAD + ID + TAIL.format(note="str")


def test_a_dependency_that_gives_the_id_becomes_the_guards() -> None:
    assert fixed(PLAIN, "BG202") == (
        "\nfrom betterguard import BetterGuard\n"
        "from fastapi import Depends, FastAPI, Request\n"
        "app = FastAPI()\n\n"
        "guard = BetterGuard.from_env()\n\n\n"
        "get_user = guard.verify_token\n" + TAIL.format(note="str")
    )


@pytest.mark.parametrize(
    ("returns", "wanted"),
    [
        pytest.param("dict", "return {**caller.claims,", id="claims"),
        pytest.param("dict[str, str]", "return {**caller.claims,", id="claims-of-a-type"),
        pytest.param("UUID", "return UUID(caller_id)", id="uuid"),
        pytest.param("int", "return int(caller_id)", id="number"),
    ],
)
def test_what_it_gives_stays(returns: str, wanted: str) -> None:
    value = "payload" if returns.startswith("dict") else "UUID(payload['sub'])"
    text = (
        "from uuid import UUID"
        + HEAD
        + f'def get_user(authorization: str = Header()) -> {returns}:\n    """Who."""\n{TRY}'
        + f"    return {value}\n"
        + TAIL.format(note=returns)
    )
    made = fixed(text, "BG202")
    assert wanted in made
    assert '"""Who."""' in made
    assert "jwt" not in made


def test_a_dependency_that_loads_the_user_keeps_its_code() -> None:
    text = (
        "from sqlmodel import Field, Session, SQLModel\n"
        "class User(SQLModel, table=True):\n    id: str = Field(primary_key=True)\n"
        + HEAD
        + "def get_user(authorization: str = Header(), session: Session = Depends(db)) -> User:\n"
        + TRY
        + "    return session.get(User, payload['sub'])\n"
        + TAIL.format(note="User")
    )
    made = fixed(text, "BG202")
    assert "caller: betterguard_User = Depends(guard.user),\n) -> User:" in made
    assert 'payload = {**caller.claims, "sub": caller.id' in made
    assert "return session.get(User, payload['sub'])" in made


def test_a_helper_goes_with_its_last_caller() -> None:
    text = (
        HEAD
        + "def decode(token: str) -> dict:\n    return "
        + BAD.format(token="token")
        + "\n\ndef get_user(authorization: str = Header()) -> str:\n"
        + "    return decode(authorization)['sub']\n"
        + TAIL.format(note="str")
    )
    made = fixed(text, "BG205")
    assert "def decode" not in made
    assert "get_user = guard.verify_token" in made


DECODES = """    try:
        return jwt.decode(token, KEY, options={"verify_signature": False})
    except jwt.PyJWTError:
        return None
"""
HELPER = (
    HEAD
    + "def decode(token: str) -> dict | None:\n"
    + DECODES
    + "def get_user(authorization: str = Header()) -> str:\n"
    + "    payload = decode(authorization)\n"
    + "    if payload is None:\n        raise HTTPException(401)\n"
    + "    return payload['sub']\n"
    + TAIL.format(note="str")
)


@pytest.mark.parametrize(
    ("path", "other"),
    [
        pytest.param("tests/test_auth.py", "from app import decode\n", id="import"),
        pytest.param("test_auth.py", "import app\napp.decode('x')\n", id="attribute"),
        pytest.param("tests/conftest.py", "patch('app.decode')\n", id="patch"),
        pytest.param(
            "tests/a.py",
            "import app\ndef f(monkeypatch):\n    monkeypatch.setattr(app, 'decode', 1)\n",
            id="setattr",
        ),
        pytest.param("api/__init__.py", "from app import decode\n", id="package"),
        pytest.param("routes.py", "from app import decode\n", id="import-for-nothing"),
        pytest.param("routes.py", "from app import *\n", id="star"),
    ],
)
def test_a_helper_that_others_name_stays_and_asks_the_guard(path: str, other: str) -> None:
    done = repaired({"app.py": HELPER, path: other}, "BG202")
    made = done.workspace.texts["app.py"].decode()
    assert "get_user = guard.verify_token" in made
    assert (
        "def decode(token: str) -> dict | None:\n"
        "    try:\n"
        "        claims = ThreadPoolExecutor(1)"
        ".submit(asyncio.run, guard.verify(token)).result()\n"
        "    except AuthError:\n"
        "        return None\n"
        "    return {**claims.payload, "
    ) in made
    assert "import asyncio\n" in made
    assert done.left == ()


IN_A_LOOP = """
import asyncio
import app
async def main():
    assert app.decode("x") is None
asyncio.run(main())
assert app.decode("x") is None
"""


def test_a_helper_that_stays_can_be_called_wherever_it_was(tmp_path: Path) -> None:
    done = repaired({"app.py": HELPER, "tests/test_auth.py": "from app import decode\n"}, "BG202")
    (tmp_path / "app.py").write_bytes(done.workspace.texts["app.py"])
    run = subprocess.run(
        [sys.executable, "-c", IN_A_LOOP],
        cwd=tmp_path,
        env=os.environ | {"BETTER_AUTH_URL": "http://localhost:3000"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(
    ("path", "other"),
    [
        pytest.param("tests/test_auth.py", "from other import decode\n", id="another-module"),
        pytest.param("tests/test_auth.py", "def decode(): ...\ndecode()\n", id="own-function"),
        pytest.param("tests/test_auth.py", "from app import app\n", id="another-name"),
        pytest.param("routes.py", "def decode(token): ...\n", id="namesake"),
        pytest.param("tests/test_auth.py", "", id="nothing"),
    ],
)
def test_a_helper_that_nobody_else_names_goes(path: str, other: str) -> None:
    made = repaired({"app.py": HELPER, path: other}, "BG202").workspace.texts["app.py"].decode()
    assert "decode" not in made


def test_a_helper_that_refuses_by_an_answer_goes_on_doing_so() -> None:
    text = HELPER.replace("        return None\n", "        raise HTTPException(401)\n")
    made = repaired({"app.py": text, "tests/t.py": "from app import decode\n"}, "BG202")
    assert "except AuthError as err:\n        raise HTTPException(" in (
        made.workspace.texts["app.py"].decode()
    )


def test_a_helper_imported_below_a_condition_stays_for_that_import() -> None:
    auth = HEAD + "def decode(token: str) -> dict | None:\n" + DECODES
    routes = "try:\n    from auth import decode\nexcept ImportError:\n    raise\n" + (
        HELPER.replace("def decode(token: str) -> dict | None:\n" + DECODES, "")
    )
    core = "from betterguard import BetterGuard\nguard = BetterGuard.from_env()\n"
    done = repaired({"core.py": core, "auth.py": auth, "app.py": routes}, "BG202")
    assert "def decode(token" in done.workspace.texts["auth.py"].decode()
    assert "guard.verify(" in done.workspace.texts["auth.py"].decode()


def test_who_uses_a_helper_outside_is_told_with_its_line() -> None:
    test = "from app import decode\n\ndef test_it():\n    assert decode('x') is None\n"
    done = repaired({"app.py": HELPER, "tests/test_auth.py": test}, "BG202")
    assert [(one.path, one.line) for one in done.concerns()] == [("tests/test_auth.py", 4)]
    assert "decode" in done.concerns()[0].text


@pytest.mark.parametrize(
    ("path", "test", "lines"),
    [
        pytest.param("tests/a.py", "import jwt\nT = jwt.encode({}, 'k')\n", [2], id="pyjwt"),
        pytest.param("conftest.py", "from jose import jwt\n\njwt.encode({}, K)\n", [3], id="jose"),
        pytest.param("tests/a.py", "import jwt\njwt.decode('x')\n", [], id="reads"),
        pytest.param("tests/a.py", "'jwt'.encode()\n", [], id="text"),
        pytest.param(
            "tests/a.py", "from betterguard.testing.tokens import TokenIssuer\n", [], id="ours"
        ),
    ],
)
def test_tests_that_sign_tokens_themselves_are_told(path: str, test: str, lines: list[int]) -> None:
    done = repaired({"app.py": PLAIN, path: test}, "BG202")
    assert [one.line for one in done.concerns()] == lines


def test_who_calls_a_dependency_outside_is_told_and_who_overrides_it_is_not() -> None:
    test = (
        "from app import app, get_user\n"
        "app.dependency_overrides[get_user] = lambda: 'ada'\n"
        "assert get_user('Bearer x')\n"
    )
    done = repaired({"app.py": PLAIN, "tests/test_auth.py": test}, "BG202")
    assert [(one.path, one.line) for one in done.concerns()] == [("tests/test_auth.py", 3)]


@pytest.mark.parametrize(
    "test",
    [
        pytest.param("from unittest.mock import patch\npatch('app.jwt.decode')\n", id="patch"),
        pytest.param("import app\nsetattr(app, 'jwt', 1)\n", id="setattr"),
        pytest.param("from app import jwt\n", id="import"),
    ],
)
def test_an_import_that_a_test_replaces_stays(test: str) -> None:
    done = repaired({"app.py": PLAIN, "tests/test_auth.py": test}, "BG202")
    assert "import jwt\n" in done.workspace.texts["app.py"].decode()


def test_an_asynchronous_helper_asks_the_verifier() -> None:
    text = (
        HEAD
        + "async def verify(token: str) -> dict:\n    return "
        + BAD.format(token="token")
        + "\nasync def socket(ws):\n    await verify(ws.token)\n"
    )
    made = fixed(text, "BG205")
    assert "claims = await guard.verify(token)" in made
    assert "except AuthError as err:" in made
    assert "await verify(ws.token)" in made


def test_an_asynchronous_method_asks_the_verifier_as_well() -> None:
    text = (
        "from betterguard import BetterGuard"
        + HEAD
        + "guard = BetterGuard.from_env()\nclass Tokens:\n"
        + "    async def verify(self, token: str) -> dict:\n"
        + '        return jwt.decode(token, KEY, options={"verify_signature": False})\n'
        + "tokens = Tokens()\n"
        + "async def get_user(token: str = Header()) -> str:\n"
        + "    return (await tokens.verify(token))['sub']\n"
        + TAIL.format(note="str")
    )
    made = fixed(text, "BG202")
    assert "        try:\n            claims = await guard.verify(token)\n" in made
    assert "        return {**claims.payload, " in made
    assert "return (await tokens.verify(token))['sub']" in made


@pytest.mark.parametrize(
    ("raised", "wanted"),
    [
        pytest.param("jwt.PyJWTError('bad')", "raise jwt.PyJWTError(err.detail)", id="library"),
        pytest.param("Refused(f'no: {err}')", "raise Refused(err.detail)", id="own"),
        pytest.param("HTTPException(401)", "raise HTTPException(\n", id="answer"),
        pytest.param("Refused('no', 401)", "raise HTTPException(\n", id="more-than-a-message"),
        pytest.param("Refused(detail='no')", "raise HTTPException(\n", id="by-name"),
        pytest.param("Refused", "raise HTTPException(\n", id="class"),
    ],
)
def test_a_helper_refuses_in_the_way_that_its_callers_know(raised: str, wanted: str) -> None:
    text = HELPER.replace("        return None\n", f"        raise {raised}\n", 1)
    made = repaired({"app.py": text, "tests/t.py": "from app import decode\n"}, "BG202")
    assert wanted in made.workspace.texts["app.py"].decode()


def test_one_guard_serves_all_files() -> None:
    other = HEAD.replace("app = FastAPI()", "from app import app") + ID.replace("get_user", "other")
    done = repaired({"app.py": PLAIN, "other.py": other}, "BG202")
    texts = b"".join(done.workspace.texts.values())
    assert texts.count(b"BetterGuard.from_env()") == 1
    assert b"from app import app, guard" in done.workspace.texts["other.py"]


CUT = HEAD + "def get_user(authorization: str = Header()) -> str:\n    return authorization{cut}\n"


@pytest.mark.parametrize("cut", ["[7:]", ".split(' ')[1]", ".replace('Bearer ', '')"])
def test_a_dependency_that_gives_the_token_goes_on_giving_it(cut: str) -> None:
    made = fixed(CUT.replace("{cut}", cut) + TAIL.format(note="str"), "BG208")
    assert (
        "def get_user(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> str:\n"
        "    return credentials.credentials\n"
    ) in made
    assert "guard" not in made


CHECKED = PLAIN.replace("return payload['sub']", "payload['sub']\n    return {given}")
GIVES_TOKEN = [
    pytest.param("str", "authorization", id="header"),
    pytest.param("str", "authorization[7:]", id="slice"),
    pytest.param("str", "authorization.split(' ')[1]", id="split"),
    pytest.param("str", "authorization.removeprefix('Bearer ').strip()", id="prefix"),
    pytest.param("str | None", "authorization[7:] if payload else None", id="or-nothing"),
    pytest.param("tuple", "'Bearer', authorization[7:]", id="tuple"),
    pytest.param("str", "cut(authorization)", id="helper"),
    pytest.param("str", "cut(text=authorization)", id="helper-by-keyword"),
]
CUTTER = "def cut(text):\n    scheme, _, rest = text.partition(' ')\n    return rest\n"


@pytest.mark.parametrize(("note", "given"), GIVES_TOKEN)
def test_a_dependency_that_checks_and_gives_the_token_goes_on_giving_it(
    note: str, given: str
) -> None:
    text = CHECKED.replace("{given}", given).replace("-> str", f"-> {note}") + CUTTER
    made = fixed(text, "BG2")
    assert f"return {given}" in made
    assert "caller: User = Depends(guard.user)" in made
    assert "guard.verify_token" not in made


def test_credentials_that_are_handed_on_are_no_id() -> None:
    text = CHECKED.replace("{given}", "credentials.credentials").replace(
        "authorization: str = Header()", "credentials: HTTPAuthorizationCredentials = Depends(S)"
    )
    made = fixed(text, "BG202")
    assert "return credentials.credentials" in made
    assert "guard.verify_token" not in made


def test_a_check_whose_result_nobody_reads_stays() -> None:
    text = (
        CHECKED.replace("payload['sub']\n    ", "")
        .replace("payload = ", "")
        .replace("{given}", "authorization")
    )
    assert fixed(text, "BG202") == text
    assert any("nothing taken from it" in told for told in reasons(text, "BG202"))


def test_an_asynchronous_helper_that_gives_the_token_stays() -> None:
    text = HEAD + (
        "async def verify(token: str) -> str:\n    claims = "
        + BAD.format(token="token")
        + "\n    claims['sub']\n    return token\n"
    )
    assert fixed(text, "BG205") == text


ASYNC = PLAIN.replace("def get_user", "async def get_user") + (
    "async def other(authorization: str = Header()):\n    return await get_user(authorization)\n"
)


def test_an_asynchronous_dependency_that_is_also_called_keeps_its_parameters() -> None:
    text = ASYNC.replace("jwt.decode(authorization,", "jwt.decode(token,").replace(
        "    try:\n", "    token = authorization[7:]\n    try:\n", 1
    )
    made = fixed(text, "BG202")
    assert "async def get_user(authorization: str = Header()) -> str:" in made
    assert (
        "    try:\n"
        "        try:\n"
        "            verified = await guard.verify(token)\n"
        "        except AuthError as err:\n"
        "            raise HTTPException(\n"
        "                status_code=err.status, detail=err.detail, "
        'headers={"WWW-Authenticate": "Bearer"}\n'
        "            ) from err\n"
        '        payload = {**verified.payload, "sub": verified.user_id, '
    ) in made
    assert "    return payload['sub']\n" in made


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ASYNC, id="no-name-for-a-token"),
        pytest.param(ASYNC.replace("authorization: str", "verified: str"), id="name-is-taken"),
        pytest.param(
            ASYNC.replace("        payload = jwt", "        x = 1; payload = jwt"), id="shared-line"
        ),
        pytest.param(
            ASYNC.replace("payload = jwt.decode(authorization", "return jwt.decode(token"),
            id="returned",
        ),
        pytest.param(
            ASYNC.replace("payload = jwt.decode(authorization", "a, b = jwt.decode(token"),
            id="unpacked",
        ),
    ],
)
def test_what_decodes_in_another_form_stays(text: str) -> None:
    assert fixed(text, "BG202") == text


TOKEN_ALONE = """
from betterguard import BetterGuard
from fastapi import Depends, FastAPI, Header, HTTPException
guard = BetterGuard.from_env()
app = FastAPI(lifespan=guard.lifespan)
guard.install(app)
def get_token(authorization: str = Header()) -> str:
    if not authorization.startswith("Bearer "):
        raise HTTPException(401, headers={{"WWW-Authenticate": "Bearer"}})
    return authorization.split(" ")[1]
async def get_user(token: str = Depends(get_token)) -> str:
    {}
@app.get("/me")
def me(me: str = Depends(get_user)):
    return me
"""


def test_a_token_that_the_guards_verifier_gets_is_looked_at_by_the_guard_before() -> None:
    text = TOKEN_ALONE.format("return (await guard.verify(token)).user_id")
    made = fixed(text, "BG208")
    assert (
        "def get_token(credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer()), "
        "caller: User = Depends(guard.user)) -> str:\n    return credentials.credentials\n"
    ) in made


def test_nor_is_one_whose_verification_a_test_replaces() -> None:
    text = TOKEN_ALONE.format("return (await guard.verify(token)).user_id")
    files = {"app.py": text, "tests/test_me.py": "patch('app.get_user', who)\n"}
    made = repaired(files, "BG208").workspace.texts["app.py"].decode()
    assert "Depends(HTTPBearer())) -> str:\n    return credentials.credentials\n" in made


def test_a_token_that_something_else_gets_is_not() -> None:
    made = fixed(TOKEN_ALONE.format("return await elsewhere.check(token)"), "BG208")
    assert "Depends(HTTPBearer())) -> str:\n    return credentials.credentials\n" in made


def test_a_dependency_that_is_also_called_stays() -> None:
    text = PLAIN + "def other(authorization: str = Header()):\n    return get_user(authorization)\n"
    assert fixed(text, "BG202") == text
    assert "other calls get_user itself: let it ask with Depends" in reasons(text, "BG202")


def test_a_route_that_verifies_itself_keeps_its_code() -> None:
    text = PLAIN.replace("def get_user", '@app.get("/who")\ndef get_user')
    made = fixed(text, "BG202")
    assert "caller: User = Depends(guard.user)) -> str:" in made
    assert "return payload['sub']" in made


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("    if not authorization: return None\n    return {cut}", id="or-nothing"),
        pytest.param("    return 'Bearer', {cut}", id="tuple"),
    ],
)
def test_a_dependency_that_gives_more_than_the_token_stays(text: str) -> None:
    whole = CUT.replace("    return authorization{cut}", text.replace("{cut}", "authorization[7:]"))
    whole = whole.replace("-> str", "") + TAIL.format(note="str")
    assert fixed(whole, "BG208") == whole
    assert any("gives more or less" in told for told in reasons(whole, "BG208"))


def test_a_dependency_that_gives_another_claim_stays() -> None:
    text = PLAIN.replace("['sub']", "['email']")
    assert fixed(text, "BG202") == text
    assert "get_user gives something other than the user's id: use guard.user there" in reasons(
        text, "BG202"
    )


STAYS = [
    pytest.param(PLAIN.replace("Header()", "Cookie()"), "a cookie", id="cookie"),
    pytest.param(
        PLAIN.replace("Header()", "Header()").replace(
            "    try:", "    authorization = authorization or request.query_params['t']\n    try:"
        ),
        "a token in the address",
        id="address",
    ),
    pytest.param(
        "class Invited:\n    token: str\n"
        + HEAD
        + ID.replace(" = Header()", "")
        + '@app.post("/join")\ndef join(sent: Invited):\n    return get_user(sent.token)\n',
        "join also takes a token that the header does not carry",
        id="body",
    ),
    pytest.param(
        HEAD
        + ID.replace(" = Header()", "")
        + '@app.get("/join")\ndef join(token: str):\n    held = token\n    return get_user(held)\n',
        "join also takes a token that the header does not carry",
        id="parameter-of-the-address",
    ),
    pytest.param(
        HEAD + ID.replace("= Header()", ""), "nothing here calls get_user", id="nobody-calls-it"
    ),
    pytest.param(
        HEAD + ID.replace(" = Header()", "") + "def job():\n    get_user(TOKEN)\n",
        "job calls get_user and is no dependency",
        id="called-by-a-job",
    ),
    pytest.param(
        HEAD
        + ID.replace(" = Header()", "")
        + "CHECK = get_user\ndef dep(a: str = Header()) -> str:\n    return get_user(a)\n",
        "get_user is named elsewhere",
        id="named-elsewhere",
    ),
    pytest.param("guard = 1\n" + PLAIN, "something else named guard", id="name-is-taken"),
    pytest.param(
        "from betterguard import BetterGuard\na = BetterGuard.from_env()\n"
        "b = BetterGuard.from_env()\n" + PLAIN,
        "more than one guard",
        id="two-guards",
    ),
    pytest.param(
        HEAD
        + "class Auth:\n    def verify(self, authorization: str = Header()):\n"
        + TRY.replace("    ", "        ", 1).replace("\n    ", "\n        "),
        "",
        id="method",
    ),
]


@pytest.mark.parametrize(("text", "reason"), STAYS)
def test_what_the_guard_cannot_take_over_stays(text: str, reason: str) -> None:
    assert fixed(text, "BG202") == text
    assert any(reason in told for told in reasons(text, "BG202"))


NOOPS = [
    pytest.param(
        PLAIN.replace('options={"verify_signature": False}', 'algorithms=["EdDSA"]'), id="verified"
    ),
    pytest.param(
        "import jwt\nprint(jwt.decode(T, options={'verify_signature': False}))\n", id="script"
    ),
    pytest.param(HEAD + "from a import guard\nget_user = guard.verify_token\n", id="guarded"),
    pytest.param("decode = 1\n", id="nothing"),
]


@pytest.mark.parametrize("text", NOOPS)
def test_what_is_right_stays(text: str) -> None:
    assert fixed(text, "BG202") == text


def test_nothing_is_done_unasked() -> None:
    assert fixed(PLAIN, "BG202", unsafe=False) == PLAIN
