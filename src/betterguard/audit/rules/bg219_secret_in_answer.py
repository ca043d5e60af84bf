"""A key of the server's own that a route hands out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.symbols import ClassRef, External, Value
from betterguard.audit.visit import method, positional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import File, FunctionRef

_SECRET = re.compile(
    r"(?:^|_)(?:secret(?:_?key)?|api_?(?:key|secret|token)|private_?key|access_?key|auth_?token"
    r"|service_?(?:role_?)?key|signing_?key|master_?key|password)$",
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    r"publi|anon|site|captcha|turnstile|map|vapid|firebase|posthog|segment|amplitude|mixpanel"
    r"|analytics|search|frontend|client|vite|next",
    re.IGNORECASE,
)
"""Words of keys that are made for browsers."""
_SETTINGS = re.compile(r"^(?:app_?)?(?:settings?|config(?:uration)?|conf|env)$", re.IGNORECASE)
_ANSWERS = frozenset({"JSONResponse", "ORJSONResponse", "UJSONResponse", "PlainTextResponse"})
_READS = ("os.getenv", "os.environ.get", "getenv", "environ.get")
_ENVIRONMENTS = frozenset({"os.environ", "environ"})


def check(code: Code) -> Iterator[Hit]:
    """Values of settings with a secret's name in what a route returns."""
    for route in code.app.routes:
        function = route.function
        for stmt in function.statements:
            if stmt.kind != "return" or not stmt.exprs:
                continue
            for value in _told(code, function, stmt.exprs[0]):
                name = _secret(code, function, value)
                if name:
                    known = code.security.protection(route)[0] == "required"
                    yield Hit(
                        function.file.path,
                        value.pos,
                        f"{name} is sent to whoever calls {route.path}",
                        Severity.HIGH if known else Severity.CRITICAL,
                        evidence=("callers are known" if known else "callers are not even known",),
                    )


def _told(code: Code, function: FunctionRef, value: Expr) -> Iterator[Expr]:
    """Give what an answer holds as it is: not what is computed from it."""
    if value.kind in {"dict", "list", "tuple"} or (
        value.kind == "call" and _answers(code, function.file, value)
    ):
        for part in value.parts:
            yield from _told(code, function, part)
    else:
        yield value


def _answers(code: Code, file: File, call: Expr) -> bool:
    if method(call) in _ANSWERS:
        return True
    target = code.project.resolve(file, call.text) if call.base is None else None
    if not isinstance(target, ClassRef):
        return False
    bases = code.project.foreign_bases(target)
    return any(base.endswith(("BaseModel", "SQLModel")) for base in bases)


def _secret(code: Code, function: FunctionRef, value: Expr) -> str:
    """Give the name of the setting that a value is, where the name is a secret's."""
    local = function.assigned.get(value.text, ()) if value.kind == "name" else ()
    for held in local or (value,):
        name = _read_name(held)
        if not name and held.kind == "name" and _is_setting(code, function, held.text):
            name = held.text.rsplit(".", 1)[-1]
        if name and _SECRET.search(name) and not _PUBLIC.search(name):
            return name
    return ""


def _read_name(value: Expr) -> str:
    """Give the variable of the environment that an expression reads."""
    read = value.kind == "call" and value.text in _READS and bool(positional(value))
    indexed = value.kind == "sub" and value.base is not None and value.base.text in _ENVIRONMENTS
    if (read or indexed) and value.parts and value.parts[0].kind == "str":
        return value.parts[0].text
    return ""


def _is_setting(code: Code, function: FunctionRef, name: str) -> bool:
    head, _, rest = name.partition(".")
    if not rest:
        target = code.project.resolve(function.file, name)
        return (
            isinstance(target, Value)
            and target.expr is not None
            and bool(_read_name(target.expr))
            and name not in {param.name for param in function.params}
        )
    klass = code.calls.local_class(function, head)
    if klass is not None:
        return any(base.endswith("BaseSettings") for base in code.project.foreign_bases(klass))
    if head in function.assigned or head in {param.name for param in function.params}:
        return False
    target = code.project.resolve(function.file, head)
    return isinstance(target, (Value, External)) and bool(_SETTINGS.match(head))


_HEAD = """
import os
from fastapi import Depends, FastAPI
from pydantic_settings import BaseSettings
app = FastAPI()
class Settings(BaseSettings):
    openai_api_key: str
    stripe_publishable_key: str
settings = Settings()
@app.get("/config")
"""

RULE = Rule(
    id="BG219",
    name="secret-in-answer",
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    cwe=200,
    message="A route hands out a key that is the server's own.",
    why=(
        "Whoever reads the answer, in the browser's own tools, can use the key from anywhere, at "
        "the owner's expense and with all that it may do. Call the service from the back end, or "
        "hand out what is made for browsers: a publishable key, or a token that ends soon."
    ),
    check=check,
    valid=(
        Snippet.of(_HEAD + 'def f():\n    return {"key": settings.stripe_publishable_key}\n'),
        Snippet.of(_HEAD + 'def f():\n    return {"ready": bool(settings.openai_api_key)}\n'),
        Snippet.of(_HEAD + "def f(user=Depends(current)):\n    return {'key': user.api_key}\n"),
        Snippet.of(_HEAD + "def f():\n    return ask(api_key=settings.openai_api_key)\n"),
    ),
    invalid=(
        Snippet.of(_HEAD + 'def f():\n    return {"key": settings.openai_api_key}\n'),
        Snippet.of(_HEAD + 'def f():\n    return {"key": os.getenv("OPENAI_API_KEY")}\n'),
        Snippet.of(
            _HEAD + 'def f():\n    key = os.environ["OPENAI_API_KEY"]\n    return {"key": key}\n'
        ),
        Snippet.of(
            _HEAD + "def f(given: Settings = Depends()):\n    return [given.openai_api_key]\n"
        ),
    ),
)
