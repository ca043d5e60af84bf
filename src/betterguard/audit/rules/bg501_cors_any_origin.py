"""Any origin, with credentials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _cors as cors
from betterguard.audit.visit import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Middleware
    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr

_STAGE = re.compile(r"debug|dev|env|stage|local|test", re.IGNORECASE)
_ANY = re.compile(r"^\^?(?:https?\??://)?\(?\.[*+]\)?\$?$")


def check(code: Code) -> Iterator[Hit]:
    """``*`` (also as a default of the origins) together with ``allow_credentials=True``."""
    for added in cors.middleware(code):
        credentials = cors.option(added, "allow_credentials")
        if credentials is not None and credentials.kind == "name":
            credentials = code.project.binding(added.file, credentials, None)
        if credentials is None or credentials.text != "True":
            continue
        where = _any_origin(code, added)
        if where is not None:
            place = cors.option(added, "allow_origins") or cors.option(added, "allow_origin_regex")
            yield Hit(
                added.file.path,
                place.pos if place is not None else added.pos,
                "any origin may send requests with the user's credentials and read the answers"
                + (", where a setting says so" if _is_staged(place) else ""),
                Severity.MEDIUM if _is_staged(place) else None,
                evidence=(where,),
            )


def _is_staged(place: Expr | None) -> bool:
    """``["*"] if settings.debug else [...]``: only where a setting of the stage says so."""
    return (
        place is not None
        and place.kind == "if"
        and len(place.parts) > 1
        and any(_STAGE.search(name) for name in names_in(place.parts[1]))
    )


def _any_origin(code: Code, added: Middleware) -> str | None:
    for part in cors.literals(cors.origins(code, added)):
        if part.expr.text.strip() == "*":
            return f'"*" in {part.file.path}'
    pattern = cors.option(added, "allow_origin_regex")
    if pattern is not None and pattern.kind == "str" and _ANY.match(pattern.text):
        return "a regular expression that matches everything"
    return None


_APP = """
import os
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins={origins}, allow_credentials={credentials})
"""

RULE = Rule(
    id="BG501",
    name="cors-any-origin",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=942,
    message="CORS allows every origin together with credentials.",
    why=(
        "Starlette then echoes whatever origin asks, `null` included: every page that a "
        "signed-in user opens can call the API with their cookies and read the answers."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of(_APP.format(origins='["https://app.example.com"]', credentials="True")),
        Snippet.of(_APP.format(origins='["*"]', credentials="False")),
        Snippet.of(_APP.format(origins='["*"] if ALL else ORIGINS', credentials="not ALL")),
    ),
    invalid=(
        Snippet.of(_APP.format(origins='["*"]', credentials="True")),
        Snippet.of(_APP.format(origins='os.getenv("ORIGINS", "*").split(",")', credentials="True")),
    ),
    fixed=(
        Snippet.of("""
import os
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=[origin.strip().rstrip("/") for origin in os.environ["FRONTEND_URL"].split(",") if origin.strip()], allow_credentials=True)
"""),
        Snippet.of("""
import os
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=[origin.strip().rstrip("/") for origin in os.environ["FRONTEND_URL"].split(",") if origin.strip()], allow_credentials=True)
"""),
    ),
)
