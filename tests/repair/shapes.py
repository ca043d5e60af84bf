"""Small projects of the shapes that people have; ``python -m tests.repair.shapes`` writes golden.

A golden file holds what init does to a shape: the diff of files that were there, and the names
and reasons of new ones. Look at the changes before you keep them.
"""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from betterguard.repair.diffs import unified
from betterguard.repair.scaffold import plan

if TYPE_CHECKING:
    from betterguard.repair.scaffold import Plan

__all__ = ["GOLDEN", "SHAPES", "account", "lay_out"]

GOLDEN = Path(__file__).parent / "golden"
MAIN = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health():
    return {"status": "ok"}
"""
SQLALCHEMY = """\
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite://")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(String, primary_key=True)


class Task(Base):
    __tablename__ = "tasks"
    id = Column(Integer, primary_key=True)
    user_id = Column(String, ForeignKey("users.id"), nullable=False)


class Tag(Base):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
    task_id = Column(Integer, ForeignKey("tasks.id"))
"""
HAND_ROLLED = """\
import os

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPBearer

bearer = HTTPBearer()


def get_current_user(credentials=Depends(bearer)):
    try:
        secret = os.environ["BETTER_AUTH_SECRET"]
        payload = jwt.decode(credentials.credentials, secret, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(status_code=401, detail="Invalid token")
    return payload["sub"]
"""
SIGNING_TEST = """\
import os

import jwt


def bearer(user_id):
    token = jwt.encode({"sub": user_id}, os.environ["BETTER_AUTH_SECRET"])
    return {"Authorization": f"Bearer {token}"}
"""
PYPROJECT = """\
[project]
name = "shape"
version = "0.1.0"
dependencies = [
    # the web
    "fastapi",
    "uvicorn",
]
"""
POETRY = """\
[tool.poetry]
name = "shape"
version = "0.1.0"

[tool.poetry.dependencies]
python = "^3.11"
fastapi = "*"  # the web

[tool.poetry.group.dev.dependencies]
pytest = "*"
"""
FACTORY = '''\
"""Made by a function."""
from __future__ import annotations

import logging

from fastapi import FastAPI

from .routes import router


def create_app(debug: bool = False) -> FastAPI:
    app = FastAPI(title="shape", debug=debug)  # one a call
    app.include_router(router)
    return app
'''
ROUTES = """\
from fastapi import APIRouter

router = APIRouter(prefix="/tasks")


@router.get("")
def tasks():
    return []
"""
LIFESPAN = '''\
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.config import settings


@asynccontextmanager
async def lifespan(application: FastAPI):
    """Open and close."""
    print("open")
    try:
        yield {"settings": settings}
    finally:
        print("closed")


app = FastAPI(
    title="shape",
    lifespan=lifespan,  # its own
)
'''
CONFIG = """\
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    name: str = "shape"

    model_config = SettingsConfigDict(env_file=".env", case_sensitive=False)


settings = Settings()
"""
EVENTS = """\
from fastapi import FastAPI

app = FastAPI(
    title="shape",
    version="1",
)


@app.on_event("startup")
async def startup():
    app.state.started = True


@app.get("/")
async def root():
    return {"started": app.state.started}
"""
CORS = """\
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["http://localhost:3000"],
    allow_credentials=True,
)
"""
AUTH_TS = """\
import { betterAuth } from "better-auth";
import { nextCookies } from "better-auth/next-js";

export const auth = betterAuth({
  emailAndPassword: { enabled: true },
  plugins: [nextCookies()],
});
"""
HS256_TS = """\
import { betterAuth } from "better-auth";
import { jwt } from "better-auth/plugins";
import { SignJWT } from "jose";

export const auth = betterAuth({
  plugins: [jwt({ jwks: { remoteUrl: "http://x" }, jwt: { sign: async (p) => new SignJWT(p) } })],
});
"""
FOREIGN_LIFESPAN = """\
from fastapi import FastAPI
from somewhere import make_lifespan

app = FastAPI(lifespan=make_lifespan())
"""
LIFECYCLE = """\
from contextlib import asynccontextmanager


@asynccontextmanager
async def lifespan(app):
    if app.debug:
        yield
        return

    def numbers():
        yield 1

    async with open_things() as things:
        yield {
            "things": things,
        }
"""

SHAPES: dict[str, dict[str, str]] = {
    "flat-requirements": {"main.py": MAIN, "requirements.txt": "fastapi\nuvicorn"},
    "src-layout": {
        "pyproject.toml": PYPROJECT,
        "src/__init__.py": "",
        "src/main.py": MAIN.replace("FastAPI()", "FastAPI(title='shape')")
        + "\n\nfrom src.api.routes import router\n\napp.include_router(router)\n",
        "src/api/__init__.py": "",
        "src/api/routes.py": ROUTES,
    },
    "factory-poetry": {
        "pyproject.toml": POETRY,
        "poetry.lock": "",
        "app/__init__.py": "",
        "app/main.py": FACTORY,
        "app/routes.py": ROUTES,
    },
    "lifespan-and-settings": {
        "requirements.txt": "fastapi==0.100.0\n",
        ".env": "NAME=mine\n",
        ".env.example": "NAME=shape\nFRONTEND_URL=",
        "app/__init__.py": "",
        "app/main.py": LIFESPAN,
        "app/config.py": CONFIG,
    },
    "startup-events": {"main.py": EVENTS, "Pipfile": '[packages]\nfastapi = "*"\n'},
    "cors-middleware": {"app/main.py": CORS, "requirements.txt": "fastapi\n"},
    "hand-rolled-auth": {
        "requirements.txt": "fastapi\npyjwt\n",
        "app/__init__.py": "",
        "app/auth.py": HAND_ROLLED,
        "app/main.py": MAIN.replace(
            "from fastapi import FastAPI\n",
            "from fastapi import Depends, FastAPI\n\nfrom app.auth import get_current_user\n",
        ).replace("def health()", "def health(user=Depends(get_current_user))"),
    },
    "tests-sign-tokens": {
        "requirements.txt": "fastapi\npyjwt\n",
        "app/__init__.py": "",
        "app/auth.py": HAND_ROLLED,
        "app/main.py": MAIN,
        "tests/test_routes.py": SIGNING_TEST,
    },
    "sync-sqlalchemy": {
        "requirements.txt": "fastapi\nsqlalchemy\n",
        "main.py": "from database import Base, engine\n" + MAIN,
        "database.py": SQLALCHEMY,
    },
    "monorepo": {
        "frontend/package.json": "{}",
        "frontend/lib/auth.ts": AUTH_TS,
        "backend/pyproject.toml": PYPROJECT,
        "backend/uv.lock": "",
        "backend/main.py": MAIN,
        "backend/tests/conftest.py": "import pytest\n",
    },
    "crlf-and-bom": {
        "main.py": "\ufeff" + MAIN.replace("\n", "\r\n"),
        "requirements.txt": "fastapi\r\nuvicorn\r\n",
        ".env.example": "NAME=shape\r\n",
        "conftest.py": '"""Tests."""\r\n\r\nimport pytest\r\n',
    },
    "own-sources-folder": {
        "pyproject.toml": PYPROJECT,
        "src/service/__init__.py": "",
        "src/service/app.py": "from service.routes import router\n" + MAIN,
        "src/service/routes.py": ROUTES,
        "src/service/dependencies.py": "",
    },
    "lifespan-elsewhere": {
        "app/__init__.py": "",
        "app/lifecycle.py": LIFECYCLE,
        "app/main.py": "import fastapi\n\nfrom app.lifecycle import lifespan\n\n"
        "app: fastapi.FastAPI = fastapi.FastAPI(lifespan=lifespan)\n",
    },
    "made-in-a-class": {
        "requirements.txt": "fastapi\n",
        "server.py": "from fastapi import FastAPI\n\n\nclass Server:\n"
        "\tdef __init__(self):\n\t\tself.app = FastAPI(\n\t\t\ttitle='shape',\n\t\t)\n",
    },
    "dockerfile-tells": {
        "app/main.py": MAIN,
        "Dockerfile": 'WORKDIR /srv/app\nCMD ["uvicorn", "main:app", "--port", "80"]\n',
        "requirements.txt": "fastapi\n",
    },
    "foreign-lifespan": {"main.py": FOREIGN_LIFESPAN, "requirements.txt": "fastapi\n"},
    "hs256-and-env-elsewhere": {
        "web/auth.ts": HS256_TS,
        "api/requirements.txt": "fastapi\n",
        "api/main.py": MAIN,
        "api/config.py": CONFIG.replace('".env"', '".env.local"'),
        "api/.env.local": "BETTER_AUTH_URL=http://auth\n",
    },
    "generated-requirements": {
        "main.py": MAIN,
        "pyproject.toml": PYPROJECT,
        "requirements.txt": "# This file was autogenerated by uv\nfastapi==0.165.0\n",
        "requirements.in": "fastapi\n",
    },
    "name-taken": {
        "main.py": "guard = 1\n" + MAIN.replace("app", "api"),
        "auth/__init__.py": "",
        "requirements/base.txt": "fastapi\n",
    },
}


def lay_out(shape: str, folder: Path) -> Path:
    """Write a shape's files below a folder."""
    for name, text in SHAPES[shape].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def account(found: Plan) -> str:
    """Tell what a plan does, without the text of templates."""
    changes = found.changes()
    edited = unified([change for change in changes if change.before is not None], found.root)
    new = [change.path for change in changes if change.before is None]
    lines = [f"new {path.relative_to(found.root).as_posix()}" for path in new]
    lines += [f"why {reason.what}" for reason in found.reasons]
    lines += [f"there {present}" for present in found.present]
    for advice in found.advice:
        where = advice.where.replace(str(found.root), "").replace("\\", "/")
        lines += [f"left {advice.title} {where}", f"  {advice.text}"]
        lines += [f"  | {line}" for line in advice.code.splitlines()]
    text = edited.replace("\r", "<CR>") + "\n".join(lines) + "\n"
    return text.replace(version("betterguard"), "NOW")


def _main() -> None:
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            text = account(plan(lay_out(shape, Path(folder))))
            (GOLDEN / f"{shape}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _main()
