"""A signing secret that stands in the code, or in a file that everyone has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Fixing, Rule, Snippet
from betterguard.audit.rules._secrets import is_secret
from betterguard.audit.symbols import Value
from betterguard.audit.visit import (
    PAIR,
    argument,
    keyword,
    keywords,
    method,
    positional,
    subexpressions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr, Stmt
    from betterguard.audit.symbols import File

_SHORTEST = 32
_READS = frozenset({"getenv", "get", "config", "env", "str", "environ"})
"""What reads a variable of the environment."""
_SIGNS = frozenset({"decode", "encode"})
_COOKIES = frozenset({"set_cookie", "delete_cookie", "APIKeyCookie"})
"""What takes the name of a cookie."""
_ASIDE = re.compile(r"(?:^|/)(?:docs?|examples?|scripts?|fixtures?|migrations?)/")


def check(code: Code) -> Iterator[Hit]:
    """Literal defaults and values of signing secrets, and ``.env`` files under version control."""
    for file in code.files("secret", "SECRET", "jwt", "jose"):
        if _ASIDE.search(file.path) or code.is_script(file):
            continue
        yield from _literals(code, file)
        yield from _self_compared(file)
    yield from _committed(code)


def _literals(code: Code, file: File) -> Iterator[Hit]:
    for stmt in file.flat.statements.items:
        if (
            stmt.kind == "assign"
            and any(is_secret(t.text) for t in stmt.exprs[:-1])
            and not _is_for_tests(file, stmt)
        ):
            literal = _own_literal(stmt.exprs[-1])
            itself = literal is not None and _names_itself(stmt.exprs[0].text, literal.text)
            if literal is None or not _is_value(literal) or itself:
                continue
            if not _names_cookie(code, stmt.exprs[0].text):
                yield _hit(file, stmt, f"{stmt.exprs[0].text} has a literal value", literal)
    for expr in file.expressions:
        if expr.kind == "call":
            yield from _in_call(code, file, expr)
        elif expr.kind == "bool" and expr.text == "or" and len(expr.parts) > 1:
            first, last = expr.parts[0], expr.parts[-1]
            if (
                last.kind == "str"
                and first.kind == "call"
                and _asks_for_secret(first)
                and _is_value(last)
            ):
                yield Hit(file.path, expr.pos, _default_message(first), Severity.HIGH)


def _names_itself(name: str, text: str) -> bool:
    """Whether a value is a name: ``SECRET = "secret"`` of a list of choices, a key of a mapping."""
    if text.lower() == name.lower():
        return True
    plain = re.sub(r"\W|_", "", text.lower())
    last = name.lower().rsplit(".", 1)[-1]
    return last.endswith("_key") and "secret" not in last and plain == last[:-4].replace("_", "")


def _is_for_tests(file: File, stmt: Stmt) -> bool:
    """Whether it stands in a class of settings for tests."""
    return any(
        ref.name.startswith("Test") and ref.klass.pos <= stmt.pos < ref.klass.end
        for ref in file.classes.values()
    )


def _names_cookie(code: Code, name: str) -> bool:
    """Whether the project uses a variable as the name of a cookie, which is no secret."""
    last = name.rsplit(".", 1)[-1]
    if not re.search(r"cookie|session", last, re.IGNORECASE):
        return False
    return any(
        given.kind == "name" and given.text.rsplit(".", 1)[-1] == last
        for file in code.files("fastapi", "starlette")
        for call in file.calls
        if method(call) in _COOKIES or call.text.endswith("cookies.get")
        for given in (argument(call, 0, "key"), keyword(call, "name"))
        if given is not None
    )


def _in_call(code: Code, file: File, call: Expr) -> Iterator[Hit]:
    name = method(call)
    if name in _READS:
        yield from _default_of_environment(file, call)
    if name in _SIGNS:
        yield from _literal_key(code, file, call)
    if call.names:
        yield from _literal_argument(file, call)


def _own_literal(value: Expr) -> Expr | None:
    """Give a literal that is the value, or the default of a settings field."""
    if value.kind == "str":
        return value
    if value.kind == "call" and method(value) in {"Field", "SecretStr"}:
        given = argument(value, 0, "default")
        if given is not None:
            return _own_literal(given)
    return None


def _is_value(literal: Expr) -> bool:
    """Whether a text could serve as a secret: not empty, no variable's name, no address."""
    text = literal.text
    return bool(text) and not re.fullmatch(r"[A-Z][A-Z0-9_]+|https?://\S+|[./~].*", text)


def _hit(file: File, stmt: Stmt, message: str, literal: Expr) -> Hit:
    short = len(literal.text.encode()) < _SHORTEST
    evidence = (f"{len(literal.text)} characters, less than {_SHORTEST}",) if short else ()
    return Hit(file.path, stmt.pos, message, Severity.HIGH, evidence=evidence)


def _asks_for_secret(call: Expr) -> bool:
    if method(call) not in _READS:
        return False
    if method(call) == "get" and not call.text.endswith("environ.get"):
        return False
    first = argument(call, 0, "key")
    return first is not None and first.kind == "str" and is_secret(first.text)


def _default_of_environment(file: File, call: Expr) -> Iterator[Hit]:
    if not _asks_for_secret(call):
        return
    given = positional(call)
    default = given[1] if len(given) > 1 else keyword(call, "default")
    if default is not None and default.kind == "str" and _is_value(default):
        yield Hit(file.path, call.pos, _default_message(call), Severity.HIGH)


def _default_message(call: Expr) -> str:
    return f"{call.parts[0].text} falls back to a literal: without it anyone can sign tokens"


def _literal_key(code: Code, file: File, call: Expr) -> Iterator[Hit]:
    """Find a literal that a token is signed or verified with, whatever its name."""
    if call.base is not None:
        return
    if not re.search(r"(?:^|\.)jwt\.", code.project.qualify(file, call.text)):
        return
    key = argument(call, 1, "key")
    if key is None:
        return
    if key.kind == "str" and key.text:
        yield Hit(file.path, call.pos, "the signing key is a literal", Severity.HIGH)
    elif key.kind == "name":
        yield from _named_key(code, file, key.text)


def _named_key(code: Code, file: File, name: str) -> Iterator[Hit]:
    bound = code.project.resolve(file, name)
    if not isinstance(bound, Value) or bound.expr is None or is_secret(bound.name):
        return  # a secret by its name is found where it is bound
    literal = _own_literal(bound.expr) or _fallback(bound.expr)
    if literal is not None and _is_value(literal):
        message = f"{bound.name}, which signs tokens, has a literal value"
        yield _hit(bound.file, bound.stmts[-1], message, literal)


def _fallback(value: Expr) -> Expr | None:
    """Give the default of ``os.getenv(name, default)`` and of ``… or default``."""
    if value.kind == "bool" and value.text == "or":
        last = value.parts[-1]
    elif value.kind == "call" and value.text.endswith(("getenv", "environ.get")):
        given = argument(value, 1, "default")
        if given is None:
            return None
        last = given
    else:
        return None
    return last if last.kind == "str" else None


def _literal_argument(file: File, call: Expr) -> Iterator[Hit]:
    """``SessionMiddleware(secret_key="…")``, ``JWTStrategy(secret="…")``."""
    for name, value in keywords(call):
        if value.kind == "str" and is_secret(name) and _is_value(value):
            yield Hit(file.path, value.pos, f"{name} is a literal", Severity.HIGH)


def _self_compared(file: File) -> Iterator[Hit]:
    """Find a variable compared with another reading of itself: the check can never fail."""
    sources: dict[str, str] = {}
    for stmt in file.facts.body:
        if (
            stmt.kind == "assign"
            and stmt.exprs[-1].kind == "call"
            and _asks_for_secret(stmt.exprs[-1])
        ):
            sources[stmt.exprs[0].text] = stmt.exprs[-1].parts[0].text
        if stmt.kind == "if" and stmt.exprs:
            for part in subexpressions(stmt.exprs[0]):
                if part.kind == "cmp" and len(part.parts) == PAIR:
                    left, right = (sources.get(p.text) for p in part.parts)
                    if left is not None and left == right:
                        yield Hit(
                            file.path,
                            stmt.pos,
                            f"{left} is compared with itself: the check never fires",
                            Severity.INFO,
                            Confidence.MEDIUM,
                        )


def _committed(code: Code) -> Iterator[Hit]:
    for entry in code.environment.env:
        if (
            entry.path in code.environment.committed
            and not re.search(r"example|sample|template|dist$", entry.path, re.IGNORECASE)
            and is_secret(entry.name)
            and entry.value
            and not re.search(
                r"your|change|example|placeholder|<|xxx|\$\{", entry.value, re.IGNORECASE
            )
        ):
            yield Hit(
                entry.path,
                0,
                f"{entry.name} is under version control",
                Severity.HIGH,
                line=entry.line,
            )


RULE = Rule(
    id="BG206",
    name="secret-in-code",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=798,
    message="A signing secret has a literal value or default, or is under version control.",
    why=(
        "Whoever can read the repository can sign tokens for every user, and a forgotten "
        "variable in production silently puts the default to work. Read the secret from the "
        "environment, without a default, and refuse to start when it is missing or shorter than "
        "32 bytes."
    ),
    check=check,
    fix=Fixing.UNSAFE,
    valid=(
        Snippet.of("import os\nBETTER_AUTH_SECRET = os.environ['BETTER_AUTH_SECRET']\n"),
        Snippet.of(
            "from pydantic_settings import BaseSettings\n"
            "class Settings(BaseSettings):\n    better_auth_secret: str\n    secret_name: str\n"
        ),
        Snippet.of("import os\nSECRET_KEY = os.getenv('SECRET_KEY', '')\n"),
        Snippet.of(
            "from fastapi import Request\nfrom pydantic_settings import BaseSettings\n"
            "class Settings(BaseSettings):\n    SECRET: str\n"
            "    SESSION_COOKIE_KEY: str = 'app_session'\n"
            "settings = Settings()\n"
            "def who(request: Request):\n"
            "    return request.cookies.get(settings.SESSION_COOKIE_KEY)\n"
        ),
        Snippet.of(
            "from pydantic_settings import BaseSettings\n"
            "class TestSettings(BaseSettings):\n    secret_key: str = 'for-tests'\n"
        ),
        Snippet.of("import jwt\nCSRF_TOKEN_KEY = 'csrftoken'\n"),
        Snippet.of("import os\nMINIO_SECRET_KEY = os.getenv('MINIO_SECRET_KEY', 'minioadmin')\n"),
    ),
    invalid=(
        Snippet.of("import os\nKEY = os.getenv('BETTER_AUTH_SECRET', 'change-me')\n"),
        Snippet.of("import os\nKEY = os.environ.get('JWT_SECRET') or 'change-me'\n"),
        Snippet.of(
            "from pydantic_settings import BaseSettings\n"
            "class Settings(BaseSettings):\n    better_auth_secret: str = 'change-me'\n"
        ),
        Snippet.of("SECRET_KEY = 'a-literal-secret-of-some-length-that-is-long'\n"),
        Snippet.of("TASKFLOW_JWT_SECRET = 'a-literal-secret'\n"),
        Snippet.of(
            "import jwt\nfrom config import settings\n"
            "def read(token):\n"
            "    return jwt.decode(token, settings.PEPPER, algorithms=['HS256'])\n",
            config="import os\nclass Settings:\n    PEPPER = os.getenv('PEPPER', 'a-literal')\n"
            "settings = Settings()\n",
        ),
        Snippet.of(
            "from fastapi import FastAPI\n"
            "from starlette.middleware.sessions import SessionMiddleware\n"
            "app = FastAPI()\napp.add_middleware(SessionMiddleware, secret_key='a-literal')\n"
        ),
    ),
    fixed=(
        Snippet.of("""\
import os
KEY = os.environ['BETTER_AUTH_SECRET']
"""),
        Snippet.of("""\
import os
KEY = os.environ['JWT_SECRET']
"""),
        Snippet.of("""\
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    better_auth_secret: str
"""),
        Snippet.of("""\
import os

SECRET_KEY = os.environ["SECRET_KEY"]
"""),
        Snippet.of("""\
import os

TASKFLOW_JWT_SECRET = os.environ["TASKFLOW_JWT_SECRET"]
"""),
        None,  # the literal is in another file
        None,  # no name tells what the variable should be called
    ),
)
