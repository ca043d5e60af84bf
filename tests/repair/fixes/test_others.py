"""The smaller fixers: for each, what changes and, more of it, what stays."""

from __future__ import annotations

import pytest

from tests.repair.fixing import fixed, reasons, repaired

APP = "from fastapi import FastAPI\nfrom fastapi.middleware.cors import CORSMiddleware\napp = FastAPI()\n"
CORS = APP + "app.add_middleware(CORSMiddleware, {})\n"
MODEL = """from datetime import datetime, timezone
from sqlalchemy import Column, DateTime, func
from sqlmodel import Field, SQLModel
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    {}
"""
NOW = "lambda: datetime.now(timezone.utc)"
SPLIT = '[origin.strip().rstrip("/") for origin in {}.split(",") if origin.strip()]'
CHALLENGE = 'headers={"WWW-Authenticate": "Bearer"}'
HANDLER = (
    "from fastapi import FastAPI, HTTPException\nfrom fastapi.responses import JSONResponse\n"
    "app = FastAPI()\n@app.exception_handler(HTTPException)\nasync def answer(request, exc):\n"
)


def model(line: str) -> str:
    return MODEL.format(line)


CHANGES = [
    pytest.param(
        "BG206",
        "from os import environ\nSECRET_KEY = environ.get('SECRET_KEY', 'x y z')\n",
        "from os import environ\nSECRET_KEY = environ['SECRET_KEY']\n",
        id="BG206-environ-imported",
    ),
    pytest.param(
        "BG206",
        "import os\nclass C:\n    K = os.getenv('JWT_SECRET') or 'a literal'  # later\n",
        "import os\nclass C:\n    K = os.environ['JWT_SECRET']  # later\n",
        id="BG206-or",
    ),
    pytest.param(
        "BG206",
        "import os\nK = os.getenv('SECRET_KEY', os.getenv('JWT_SECRET', 'literal'))\n",
        "import os\nK = os.getenv('SECRET_KEY', os.environ['JWT_SECRET'])\n",
        id="BG206-nested",
    ),
    pytest.param(
        "BG216",
        "import jwt\ndef f(token: str, n):\n    log.info(f'{n}: {token[:9]}')\n    jwt.decode(token, K)\n",
        "import jwt\ndef f(token: str, n):\n    log.info(f'{n}: ***')\n    jwt.decode(token, K)\n",
        id="BG216-only-the-token",
    ),
    pytest.param(
        "BG401",
        model("at: datetime = Field(default_factory=lambda: int(time.time()))").replace(
            "from datetime", "import time\nfrom datetime", 1
        ),
        model(f"at: datetime = Field(default_factory={NOW})"),
        id="BG401-factory",
    ),
    pytest.param(
        "BG401",
        "import time\n"
        + model("at: datetime")
        + "def f():\n    return Task(at=int(time.time()) + 60)\n",
        model("at: datetime").replace("datetime, timezone", "datetime, timedelta, timezone", 1)
        + "def f():\n    return Task(at=datetime.now(timezone.utc) + timedelta(seconds=60))\n",
        id="BG401-sum",
    ),
    pytest.param(
        "BG404",
        model('at: datetime = Field(sa_column=Column(DateTime, server_default="now()"))'),
        model("at: datetime = Field(sa_column=Column(DateTime, server_default=func.now()))"),
        id="BG404-text",
    ),
    pytest.param(
        "BG404",
        model("at: datetime = Field(default=datetime.now(timezone.utc))"),
        model(f"at: datetime = Field(default_factory={NOW})"),
        id="BG404-called",
    ),
    pytest.param(
        "BG408",
        model("updated_at: datetime | None = None"),
        model(
            "updated_at: datetime | None = "
            f'Field(default=None, sa_column_kwargs={{"onupdate": {NOW}}})'
        ),
        id="BG408-plain",
    ),
    pytest.param(
        "BG408",
        model("updated_at: datetime = Field(sa_column_kwargs={'nullable': False})"),
        model(
            "updated_at: datetime = "
            "Field(sa_column_kwargs={\n        'nullable': False, "
            f'"onupdate": {NOW}\n    }})'
        ),
        id="BG408-dictionary",
    ),
    pytest.param(
        "BG408",
        model("updated_at: datetime = Field(sa_column=Column(DateTime(timezone=True)))"),
        model(
            "updated_at: datetime = "
            "Field(sa_column=Column(\n        DateTime(timezone=True), "
            f"onupdate={NOW}\n    ))"
        ),
        id="BG408-column",
    ),
    pytest.param(
        "BG501",
        "from auth import guard\n" + CORS.format('allow_origins=["*"], allow_credentials=True'),
        "from auth import guard\nfrom fastapi import FastAPI\napp = FastAPI()\nguard.install(app)\n",
        id="BG501-guard",
    ),
    pytest.param(
        "BG501",
        "from auth import guard\n"
        + CORS.format('allow_origins=["*"], allow_credentials=True')
        + "guard.install(app)\n",
        "from auth import guard\nfrom fastapi import FastAPI\napp = FastAPI()\nguard.install(app)\n",
        id="BG501-guard-that-is-there",
    ),
    pytest.param(
        "BG502",
        "import os\n"
        + CORS.format('allow_origins=["https://a.example", os.getenv("FRONTEND_URL")]'),
        "import os\n"
        + CORS.format(
            f'allow_origins=["https://a.example", *{SPLIT.format("os.getenv(" + chr(34) + "FRONTEND_URL" + chr(34) + ")")}]'
        ),
        id="BG502-one-of-several",
    ),
    pytest.param(
        "BG504",
        CORS.format("allow_origins=['https://a.example/', 'https://b.example/x']"),
        CORS.format("allow_origins=['https://a.example', 'https://b.example']"),
        id="BG504-slashes",
    ),
    pytest.param(
        "BG602",
        "from fastapi import HTTPException, status\ndef f(token):\n"
        "    raise HTTPException(status.HTTP_403_FORBIDDEN, detail='Invalid token')\n",
        "from fastapi import HTTPException, status\ndef f(token):\n"
        "    raise HTTPException(\n        status.HTTP_401_UNAUTHORIZED, detail='Invalid token', "
        f"{CHALLENGE}\n    )\n",
        id="BG602-by-name",
    ),
    pytest.param(
        "BG603",
        "from fastapi import HTTPException\ndef f():\n    raise HTTPException(\n        401,\n        'no',\n    )\n",
        "from fastapi import HTTPException\ndef f():\n    raise HTTPException(\n        401,\n        'no',\n"
        f"        {CHALLENGE},\n    )\n",
        id="BG603-own-lines",
    ),
    pytest.param(
        "BG603",
        HANDLER
        + "    if exc:\n        return JSONResponse({}, 400)\n    return JSONResponse({}, 500)\n",
        HANDLER
        + '    if exc:\n        return JSONResponse({}, 400, headers=getattr(exc, "headers", None))\n'
        + '    return JSONResponse({}, 500, headers=getattr(exc, "headers", None))\n',
        id="BG603-every-answer-of-a-handler",
    ),
    pytest.param(
        "BG605",
        "from fastapi import HTTPException\ndef f():\n    try: g()\n    except Exception as e:\n"
        "        raise HTTPException(503, f'database: {e}')\n",
        "from fastapi import HTTPException\ndef f():\n    try: g()\n    except Exception as e:\n"
        '        raise HTTPException(503, "The service is not available")\n',
        id="BG605-by-status",
    ),
    pytest.param(
        "BG605",
        "from fastapi import HTTPException\ndef f():\n    try: g()\n    except Busy as e:\n"
        '        raise HTTPException(429, {"why": str(e), "wait": e.seconds})\n',
        "from fastapi import HTTPException\ndef f():\n    try: g()\n    except Busy as e:\n"
        '        raise HTTPException(429, {"why": "Too many requests", "wait": e.seconds})\n',
        id="BG605-a-field-stays",
    ),
    pytest.param(
        "BG701",
        '"""App."""\n' + APP + "print('\u2713')\nprint('\u2192')\n",
        '"""App."""\nfrom betterguard import force_utf8\n'
        + APP.replace("app =", "\nforce_utf8()\napp =")
        + "print('\u2713')\nprint('\u2192')\n",
        id="BG701-once-for-all",
    ),
    pytest.param(
        "BG703",
        "import codecs, sys\nsys.stderr = codecs.getwriter('utf-8')(sys.stderr.buffer)\nprint(sys.stdout)\n",
        'import sys\nsys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")\nprint(sys.stdout)\n',
        id="BG703-codecs",
    ),
    pytest.param(
        "BG704",
        "import logging\nlogging.basicConfig(\n    filename='a.log',  # here\n)\n",
        "import logging\nlogging.basicConfig(\n    filename='a.log',  # here\n    encoding=\"utf-8\",\n)\n",
        id="BG704-own-lines",
    ),
]
STAYS = [
    pytest.param("BG206", "import os\nK = os.environ['SECRET_KEY']\n", id="BG206-required"),
    pytest.param("BG206", "SECRET_KEY_NAME = 'x'\n", id="BG206-a-name"),
    pytest.param("BG206", "import os\nK = os.getenv('SECRET_KEY', '')\n", id="BG206-empty"),
    pytest.param("BG206", "SECRET_KEY = read_secret('a literal')\n", id="BG206-a-call"),
    pytest.param(
        "BG216", "import jwt\ndef f(token):\n    log.info('token ok')\n", id="BG216-a-word"
    ),
    pytest.param(
        "BG216", "import jwt\ndef f(token):\n    log.info(len(token))\n", id="BG216-length"
    ),
    pytest.param("BG216", "import jwt\ndef f(task):\n    log.info(f'{task}')\n", id="BG216-a-task"),
    pytest.param("BG401", "import time\nclaims = {'exp': int(time.time())}\n", id="BG401-claim"),
    pytest.param(
        "BG401",
        "import time\n" + model("at: int = Field(default_factory=time.time)"),
        id="BG401-number",
    ),
    pytest.param(
        "BG404",
        model("at: datetime = Field(sa_column=Column(server_default=func.now()))"),
        id="BG404-func",
    ),
    pytest.param(
        "BG404", model(f"at: datetime = Field(default_factory={NOW})"), id="BG404-factory"
    ),
    pytest.param(
        "BG404",
        model("text: str = Field(sa_column=Column(server_default='now()'))"),
        id="BG404-no-date",
    ),
    pytest.param(
        "BG408",
        model("updated_at: datetime = Field(sa_column_kwargs={'onupdate': func.now()})"),
        id="BG408-there",
    ),
    pytest.param("BG408", model("created_at: datetime"), id="BG408-created"),
    pytest.param("BG408", model("updated: bool = False"), id="BG408-no-date"),
    pytest.param(
        "BG501",
        CORS.format('allow_origins=["https://a.example"], allow_credentials=True'),
        id="BG501-named",
    ),
    pytest.param("BG501", CORS.format('allow_origins=["*"]'), id="BG501-no-credentials"),
    pytest.param("BG502", CORS.format('allow_origins=["https://a.example"]'), id="BG502-literal"),
    pytest.param(
        "BG502",
        "import os\n" + CORS.format('allow_origins=os.environ["FRONTEND_URL"].split(",")'),
        id="BG502-split",
    ),
    pytest.param("BG503", CORS.format('allow_origins=["https://a.example"]'), id="BG503-alone"),
    pytest.param("BG504", CORS.format('allow_origins=["https://a.example"]'), id="BG504-host"),
    pytest.param(
        "BG504", CORS.format('allow_origins=["https://*.a.example"]'), id="BG504-wildcard"
    ),
    pytest.param(
        "BG602",
        "from fastapi import HTTPException\ndef f(token):\n    raise HTTPException(403, detail='Not yours')\n",
        id="BG602-a-real-403",
    ),
    pytest.param(
        "BG603",
        f"from fastapi import HTTPException\ndef f():\n    raise HTTPException(401, {CHALLENGE})\n",
        id="BG603-there",
    ),
    pytest.param(
        "BG603",
        "from fastapi import HTTPException\ndef f():\n    raise HTTPException(404)\n",
        id="BG603-404",
    ),
    pytest.param(
        "BG603",
        "from fastapi import HTTPException\ndef login():\n    raise HTTPException(401)\n",
        id="BG603-sign-in",
    ),
    pytest.param(
        "BG604",
        "from fastapi import status\ndef f(state):\n    return status.HTTP_200_OK\n",
        id="BG604-free",
    ),
    pytest.param(
        "BG605",
        "from fastapi import HTTPException\ndef f():\n    try: g()\n    except ValueError as e:\n        raise HTTPException(422, str(e))\n",
        id="BG605-own-error",
    ),
    pytest.param(
        "BG605",
        "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    debug: bool = False\n",
        id="BG605-off",
    ),
    pytest.param("BG701", APP + "print('caf\u00e9 \u20ac')\n", id="BG701-cp1252"),
    pytest.param("BG701", "print('\u2713')\n", id="BG701-no-application"),
    pytest.param(
        "BG701",
        "from betterguard import force_utf8\n" + APP + "force_utf8()\nprint('\u2713')\n",
        id="BG701-cured",
    ),
    pytest.param("BG702", "import logging\nlogging.info('ok')\n", id="BG702-ascii"),
    pytest.param(
        "BG703", "import sys\nsys.stdout.reconfigure(encoding='utf-8')\n", id="BG703-right"
    ),
    pytest.param(
        "BG703",
        "import io, sys\nout = io.TextIOWrapper(sys.stdout.buffer)\n",
        id="BG703-another-name",
    ),
    pytest.param(
        "BG704", "import logging\nlogging.FileHandler('a', encoding='latin-1')\n", id="BG704-said"
    ),
    pytest.param("BG704", "import logging\nlogging.basicConfig(level=1)\n", id="BG704-no-file"),
]


@pytest.mark.parametrize(("rule", "before", "after"), CHANGES)
def test_changes(rule: str, before: str, after: str) -> None:
    guard = "from betterguard import BetterGuard\nguard = BetterGuard.from_env()\n"
    assert fixed(before, rule, auth=guard) == after


@pytest.mark.parametrize(("rule", "text"), STAYS)
def test_stays(rule: str, text: str) -> None:
    assert fixed(text, rule) == text


def test_there_are_more_examples_of_what_stays() -> None:
    assert len(STAYS) > len(CHANGES)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "print('\u2713 done \u2192 \u20ac')\n", "print('[ok] done -> \u20ac')\n", id="known"
        ),
        pytest.param("print(f'\U0001f680 {x}')\n", "print(f'[rocket] {x}')\n", id="by-name"),
        pytest.param(
            "print('a', '\u26a0\ufe0f b')\n", "print('a', '[!] b')\n", id="second-argument"
        ),
    ],
)
def test_characters_are_replaced_on_request(before: str, after: str) -> None:
    assert fixed(before, "BG701") == before
    done = repaired({"app.py": before}, "BG701", emoji=True)
    assert done.workspace.texts["app.py"].decode() == after


def test_a_package_that_the_project_lacks_is_required_on_request_only() -> None:
    text = APP + "print('\u2713')\n"
    assert fixed(text, "BG701", unsafe=False) == text
    guard = "from betterguard import BetterGuard\nguard = BetterGuard.from_env()\n"
    assert "force_utf8()" in fixed(text, "BG701", unsafe=False, auth=guard)


def test_a_migration_is_told() -> None:
    text = model("user_id: str\n    at: datetime = Field(default_factory=datetime.now)")
    assert any("needs a migration" in told for told in reasons(text, "BG407", unsafe=False))
