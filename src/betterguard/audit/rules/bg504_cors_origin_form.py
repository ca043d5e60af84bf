"""Origins in a form that matches nothing, or too much."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules import _cors as cors
from betterguard.audit.visit import method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Middleware
    from betterguard.audit.code import Code

_TENANTS = re.compile(
    r"vercel\\?\.app|netlify\\?\.app|herokuapp|onrender|pages\\?\.dev|github\\?\.io|web\\?\.app|railway\\?\.app"
)
_LOCAL = re.compile(r"^https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?/?$")


def check(code: Code) -> Iterator[Hit]:
    """Find a string for a list, slashes, wildcards, wide patterns, localhost only."""
    for added in cors.middleware(code):
        yield from _string(added)
        yield from _pattern(added)
        yield from _literals(code, added)


def _string(added: Middleware) -> Iterator[Hit]:
    given = cors.option(added, "allow_origins")
    if given is None:
        return
    is_text = given.kind in {"str", "fstr"} or (
        given.kind == "call" and cors.ENVIRONMENT.search(given.text) is not None
    )
    if is_text and given.text != "*":
        yield Hit(
            added.file.path,
            given.pos,
            "allow_origins is one string: every part of it counts as an origin",
            Severity.HIGH,
        )


def _pattern(added: Middleware) -> Iterator[Hit]:
    pattern = cors.option(added, "allow_origin_regex")
    if pattern is None or pattern.kind != "str":
        return
    if (
        _TENANTS.search(pattern.text)
        and re.search(r"(?:\.\*|\[\^|\.\+|\\S|\w\+|\])[^/]*", pattern.text)
        and not re.search(r"\w{4,}-|-\w{4,}", re.sub(r"\[[^\]]*\]", "", pattern.text))
    ):
        yield Hit(
            added.file.path,
            pattern.pos,
            "the pattern lets every tenant of a hosting service in",
            Severity.HIGH,
        )


def _literals(code: Code, added: Middleware) -> Iterator[Hit]:
    found = cors.literals(cors.origins(code, added))
    texts = [part for part in found if part.expr.text.startswith(("http://", "https://"))]
    for part in texts:
        if "*" in part.expr.text:
            yield Hit(part.file.path, part.expr.pos, "a wildcard inside an origin matches nothing")
        elif re.match(r"^https?://[^/]+/.*$", part.expr.text) and "," not in part.expr.text:
            cleaned = any(
                p.expr.kind == "call" and method(p.expr) in {"rstrip", "removesuffix"}
                for p in cors.origins(code, added)
            )
            if not cleaned:
                yield Hit(
                    part.file.path,
                    part.expr.pos,
                    "an origin ends at the host: with a slash or a path it matches nothing",
                )
    given = cors.option(added, "allow_origins")
    if (
        given is not None
        and given.kind == "list"
        and texts
        and len(texts) == len(given.parts)
        and all(_LOCAL.match(part.expr.text) for part in texts)
    ):
        yield Hit(
            added.file.path,
            given.pos,
            "only localhost is allowed: no deployed front end can call this API",
            Severity.LOW,
            Confidence.MEDIUM,
        )


_APP = """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, {options})
"""

RULE = Rule(
    id="BG504",
    name="cors-origin-form",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=183,
    message="An allowed origin has a form that matches nothing, or too much.",
    why=(
        "Starlette compares whole strings, `https://app.example.com` without a slash; a string "
        "instead of a list becomes a substring test; `https://.*\\.vercel\\.app` lets in whoever "
        "deploys there."
    ),
    check=check,
    fix=Fixing.SAFE,
    valid=(Snippet.of(_APP.format(options='allow_origins=["https://app.example.com"]')),),
    invalid=(
        Snippet.of(_APP.format(options='allow_origins="https://app.example.com"')),
        Snippet.of(_APP.format(options='allow_origins=["https://app.example.com/"]')),
        Snippet.of(_APP.format(options='allow_origins=["https://*.example.com"]')),
        Snippet.of(_APP.format(options='allow_origin_regex=r"https://.*\\.vercel\\.app"')),
        Snippet.of(_APP.format(options='allow_origins=["http://localhost:3000"]')),
    ),
    fixed=(
        Snippet.of("""
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"])
"""),
        Snippet.of("""
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"])
"""),
        None,
        None,
        None,
    ),
)
