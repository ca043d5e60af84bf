"""A router whose routes no application includes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Application, Key
    from betterguard.audit.code import Code


def check(code: Code) -> Iterator[Hit]:
    """Routers with routes, in a project with an app, that no ``include_router`` reaches."""
    app = code.app
    apps = [router for router in app.routers.values() if router.is_app]
    used = {route.router for route in app.routes if route.apps}
    routed = {route.router for route in app.routes}
    included = _included(app)
    for key, router in app.routers.items():
        lonely = key in routed and key not in used and key not in included
        if lonely and not router.is_app and any(_near(key, other.key) for other in apps):
            yield Hit(
                router.file.path,
                router.call.pos,
                f"router {key[1]} has routes but is never included",
            )


def _included(app: Application) -> set[Key]:
    return {include.child for router in app.routers.values() for include in router.includes}


def _near(key: Key, app: Key) -> bool:
    """Whether the app's folder is at or above the router's, or at most two above that."""
    folders = app[0].split("/")[:-1]
    shared = key[0].split("/")[: len(folders)]
    return folders == shared or folders[:-2] == shared[: len(folders[:-2])] != []


RULE = Rule(
    id="BG105",
    name="router-not-mounted",
    severity=Severity.INFO,
    confidence=Confidence.MEDIUM,
    cwe=561,
    message="A router is never included in an application.",
    why=(
        "Its routes do not exist, which either is an oversight or means that code is kept that "
        "nobody runs, reviews or tests, until somebody mounts it."
    ),
    check=check,
    valid=(
        Snippet.of(
            "from fastapi import FastAPI\nfrom routes import router\n"
            "app = FastAPI()\napp.include_router(router)\n",
            routes="from fastapi import APIRouter\nrouter = APIRouter()\n"
            "@router.get('/x')\ndef x(): return 1\n",
        ),
    ),
    invalid=(
        Snippet.of(
            "from fastapi import FastAPI\napp = FastAPI()\n",
            routes="from fastapi import APIRouter\nrouter = APIRouter()\n"
            "@router.get('/x')\ndef x(): return 1\n",
        ),
    ),
)
