from __future__ import annotations

import pytest

from betterguard.audit.config import Config
from betterguard.audit.engine import index
from betterguard.audit.loading import Inputs, modules
from betterguard.audit.sources import decode

AUTH = """
import jwt
from fastapi import Header, HTTPException
def get_user(authorization: str = Header()):
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err
"""


def protection(**files: str) -> dict[str, str]:
    """How each route of a small project is authenticated, by its path."""
    texts = {f"{name.replace('__', '/')}.py": text for name, text in files.items()}
    sources = tuple(decode(path, text.encode()) for path, text in texts.items())
    code = index(Inputs(sources, frozenset(), ""), modules(sources), Config())
    return {
        route.path: code.security.protection(route)[0] if route.apps else "not mounted"
        for route in code.app.routes
    }


WIRINGS = [
    pytest.param(
        {
            "app": "from fastapi import Depends, FastAPI\nfrom auth import get_user\n"
            "app = FastAPI()\n@app.get('/x')\ndef x(user=Depends(get_user)): ...\n"
        },
        id="parameter-default",
    ),
    pytest.param(
        {
            "app": "from fastapi import FastAPI\nfrom deps import CurrentUser\n"
            "app = FastAPI()\n@app.get('/x')\ndef x(user: CurrentUser): ...\n",
            "deps": "from types_ import CurrentUser\n",
            "types_": "from typing import Annotated\nfrom fastapi import Depends\n"
            "from auth import get_user\nCurrentUser = Annotated[str, Depends(get_user)]\n",
        },
        id="annotated-alias-re-exported",
    ),
    pytest.param(
        {
            "app": "from fastapi import Depends, FastAPI\nfrom auth import get_user\n"
            "app = FastAPI(dependencies=[Depends(get_user)])\n@app.get('/x')\ndef x(): ...\n"
        },
        id="on-the-app",
    ),
    pytest.param(
        {
            "app": "from fastapi import FastAPI\nimport routes\n"
            "app = FastAPI()\napp.include_router(routes.router)\n",
            "routes": "from fastapi import APIRouter, Depends\nfrom auth import get_user\n"
            "router = APIRouter(dependencies=[Depends(get_user)])\n"
            "@router.get('/x')\ndef x(): ...\n",
        },
        id="on-the-router",
    ),
    pytest.param(
        {
            "app": "from fastapi import Depends, FastAPI\nfrom api import api\n"
            "from auth import get_user\napp = FastAPI()\n"
            "app.include_router(api, dependencies=[Depends(get_user)])\n",
            "api": "from fastapi import APIRouter\nfrom routes import router\n"
            "api = APIRouter()\napi.include_router(router)\n",
            "routes": "from fastapi import APIRouter\nrouter = APIRouter()\n"
            "@router.get('/x')\ndef x(): ...\n",
        },
        id="where-a-nested-router-is-included",
    ),
    pytest.param(
        {
            "app": "from fastapi import FastAPI\nfrom routes import router\n"
            "def create_app():\n    app = FastAPI()\n    app.include_router(router)\n"
            "    return app\n",
            "routes": "from fastapi import APIRouter, Depends\nfrom auth import get_user\n"
            "router = APIRouter()\n"
            "@router.get('/x', dependencies=[Depends(get_user)])\ndef x(): ...\n",
        },
        id="on-the-decorator-in-an-app-factory",
    ),
    pytest.param(
        {
            "app": "from fastapi import APIRouter, Depends, FastAPI\nfrom auth import get_user\n"
            "app = FastAPI()\nrouter = APIRouter()\n"
            "class Base:\n    user = Depends(get_user)\n"
            "class Tasks(Base):\n    @router.get('/x')\n    def x(self): ...\n"
            "app.include_router(router)\n"
        },
        id="class-controller-through-a-base",
    ),
    pytest.param(
        {
            "app": "from fastapi import Depends, FastAPI\nfrom auth import get_user\n"
            "app = FastAPI()\ndef x(user=Depends(get_user)): ...\n"
            "app.add_api_route('/x', x)\n"
        },
        id="add-api-route",
    ),
    pytest.param(
        {
            "app": "from fastapi import Depends, FastAPI\n"
            "from fastapi.security import HTTPBearer\nfrom auth import get_user\n"
            "class JWTBearer(HTTPBearer):\n    async def __call__(self, request):\n"
            "        return get_user(request)\n"
            "app = FastAPI()\n@app.get('/x')\ndef x(user=Depends(JWTBearer())): ...\n"
        },
        id="subclass-of-http-bearer",
    ),
    pytest.param(
        {
            "app": "from fastapi import Depends, FastAPI\nfrom auth import get_user\n"
            "def role(name):\n    def check(user=Depends(get_user)): ...\n    return check\n"
            "app = FastAPI()\n@app.get('/x')\ndef x(user=Depends(role('admin'))): ...\n"
        },
        id="dependency-made-by-a-factory",
    ),
    pytest.param(
        {
            "app": "from fastapi import FastAPI\nfrom gate import Gate\n"
            "app = FastAPI()\napp.add_middleware(Gate)\n@app.get('/x')\ndef x(): ...\n",
            "gate": "from starlette.middleware.base import BaseHTTPMiddleware\n"
            "from starlette.responses import JSONResponse\n"
            "class Gate(BaseHTTPMiddleware):\n    async def dispatch(self, request, call_next):\n"
            "        if 'authorization' not in request.headers:\n"
            "            return JSONResponse({}, status_code=401)\n"
            "        return await call_next(request)\n",
        },
        id="class-middleware",
    ),
    pytest.param(
        {
            "app": "from fastapi import Depends, FastAPI\nfrom betterguard import BetterGuard\n"
            "guard = BetterGuard.from_env()\napp = FastAPI(lifespan=guard.lifespan)\n"
            "@app.get('/x')\nasync def x(user=Depends(guard.user)): ...\n"
        },
        id="betterguard",
    ),
    pytest.param(
        {
            "app": "from fastapi import FastAPI\nfrom routers import a, b\napp = FastAPI()\n"
            "for module in (a, b):\n    app.include_router(module.router)\n",
            "routers__a": "from fastapi import APIRouter, Depends\nfrom auth import get_user\n"
            "router = APIRouter()\n@router.get('/x')\ndef x(user=Depends(get_user)): ...\n",
            "routers__b": "from fastapi import APIRouter\nrouter = APIRouter()\n",
            "routers____init__": "",
        },
        id="routers-included-in-a-loop",
    ),
]


@pytest.mark.parametrize("files", WIRINGS)
def test_authentication_is_found_however_it_is_wired(files: dict[str, str]) -> None:
    assert protection(auth=AUTH, **files) == {"/x": "required"}


def test_a_dependency_that_refuses_nobody_is_no_authentication() -> None:
    app = (
        "from fastapi import Depends, FastAPI\napp = FastAPI()\n"
        "def get_user(x: str = ''): return x\n@app.get('/x')\ndef x(user=Depends(get_user)): ...\n"
    )
    assert protection(app=app) == {"/x": ""}


def test_a_bare_scheme_demands_a_credential_and_verifies_nothing() -> None:
    app = (
        "from fastapi import Depends, FastAPI\nfrom fastapi.security import HTTPBearer\n"
        "app = FastAPI()\n@app.get('/x')\ndef x(c=Depends(HTTPBearer())): ...\n"
    )
    assert protection(app=app) == {"/x": "scheme"}


def test_a_path_on_the_allow_list_is_not_covered_by_middleware() -> None:
    app = (
        "from fastapi import FastAPI\nfrom fastapi.responses import JSONResponse\n"
        "app = FastAPI()\n@app.middleware('http')\nasync def gate(request, call_next):\n"
        "    if request.url.path in {'/open'}:\n        return await call_next(request)\n"
        "    return JSONResponse({}, status_code=401)\n"
        "@app.get('/open')\ndef a(): ...\n@app.get('/x')\ndef b(): ...\n"
    )
    assert protection(app=app) == {"/open": "", "/x": "required"}


def test_http_middleware_does_not_cover_a_websocket() -> None:
    app = (
        "from fastapi import FastAPI\nfrom fastapi.responses import JSONResponse\n"
        "app = FastAPI()\n@app.middleware('http')\nasync def gate(request, call_next):\n"
        "    return JSONResponse({}, status_code=401)\n"
        "@app.websocket('/ws')\nasync def ws(socket): ...\n"
    )
    assert protection(app=app) == {"/ws": ""}


def test_prefixes_of_nested_routers_add_up() -> None:
    files = {
        "app": "from fastapi import FastAPI\nfrom api import api\n"
        "app = FastAPI()\napp.include_router(api, prefix='/v1')\n",
        "api": "from fastapi import APIRouter\nfrom routes import router\n"
        "api = APIRouter(prefix='/api')\napi.include_router(router, prefix='/in')\n",
        "routes": "from fastapi import APIRouter\nrouter = APIRouter(prefix='/tasks')\n"
        "@router.get('/{id}')\ndef x(id): ...\n",
    }
    assert list(protection(**files)) == ["/v1/api/in/tasks/{id}"]
