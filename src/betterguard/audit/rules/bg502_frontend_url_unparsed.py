"""The front end's address taken from the environment as it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _cors as cors
from betterguard.audit.visit import method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.rules._cors import Part

_ADDRESS = re.compile(r"front|origin|cors|client|ui_|web_|app_url|site", re.IGNORECASE)


def check(code: Code) -> Iterator[Hit]:
    """Variables with origins that reach ``allow_origins`` without being split or cleaned."""
    for added in cors.middleware(code):
        found = cors.origins(code, added)
        if not found or cors.is_split(found):
            continue
        reported: set[tuple[str, int]] = set()
        for part in (*cors.environment_reads(found), *_settings(code, found)):
            key = (part.file.path, part.expr.pos)
            if key not in reported and _is_address(part.expr):
                reported.add(key)
                yield Hit(
                    part.file.path,
                    part.expr.pos,
                    f"{_name(part.expr)} is used as one origin: no comma list, no slash removed",
                )


def _name(expr: Expr) -> str:
    return expr.parts[0].text if expr.kind == "call" else expr.text


def _is_address(expr: Expr) -> bool:
    return bool(_ADDRESS.search(_name(expr))) and not (
        expr.kind == "call" and method(expr) in {"getenv", "get"} and "_URLS" in _name(expr)
    )


def _settings(code: Code, found: list[Part]) -> list[Part]:
    """``settings.frontend_url`` where the field is a plain text."""
    listed: list[Part] = []
    for part in found:
        if part.expr.kind != "name" or "." not in part.expr.text:
            continue
        target = code.project.resolve(part.file, part.expr.text)
        stmts = getattr(target, "stmts", ())
        owner = getattr(target, "owner", None)
        note = stmts[0].note if stmts else None
        if owner is not None and note is not None and note.text == "str":
            listed.append(part)
    return listed


_APP = """
import os
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins={origins}, allow_credentials=True)
"""

RULE = Rule(
    id="BG502",
    name="frontend-url-unparsed",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=183,
    message="The front end's address is used as one origin without being parsed.",
    why=(
        "Origins compare as exact strings. A comma list in FRONTEND_URL, a trailing slash, a "
        "capital letter, and no origin matches any more: the browser shows a CORS error and the "
        "server logs nothing. betterguard parses FRONTEND_URL and refuses to start on what "
        "cannot be an origin."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(
        Snippet.of(
            _APP.format(origins='[u.strip() for u in os.environ["FRONTEND_URL"].split(",")]')
        ),
        Snippet.of(_APP.format(origins='["https://app.example.com"]')),
    ),
    invalid=(
        Snippet.of(_APP.format(origins='[os.getenv("FRONTEND_URL", "http://localhost:3000")]')),
    ),
    fixed=(
        Snippet.of("""
import os
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=[origin.strip().rstrip("/") for origin in os.getenv("FRONTEND_URL", "http://localhost:3000").split(",") if origin.strip()], allow_credentials=True)
"""),
    ),
)
