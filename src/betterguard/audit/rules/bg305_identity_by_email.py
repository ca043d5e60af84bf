"""The caller's account looked up by the e-mail address in the token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.rules import _tokens as tokens
from betterguard.audit.visit import method, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.queries import Query
    from betterguard.audit.symbols import FunctionRef

_BY_EMAIL = re.compile(r"\bwhere\b[^;]*\bemail\s*=\s*(?::|%|\?|\$)", re.IGNORECASE | re.DOTALL)


def check(code: Code) -> Iterator[Hit]:
    """Find the first look-up by e-mail of each function that knows the token's claims."""
    files: set[str] = set()
    for function in code.functions("email"):
        if not code.queries.of(function) and not code.queries.raw(function):
            continue
        emails = _claimed_emails(code, function)
        if not emails:
            continue
        hit = _by_query(code, function, emails) or _by_text(code, function, emails, files)
        if hit is not None:
            yield hit


def _claimed_emails(code: Code, function: FunctionRef) -> set[str]:
    """Names that hold an e-mail address out of the claims."""
    claims = tokens.payload_names(code, function) | {
        "request.state.user",
        "request.state.current_user",
    }
    callers = {
        d.param
        for d in code.calls.dependencies(function)
        if d.param and code.gates.of_dependency(d) == "required"
    }
    found = {f"{name}.email" for name in claims | callers}
    for name, values in function.assigned.items():
        if any(_takes_email(value, claims | callers) for value in values):
            found.add(name)
    return found & function.names


def _takes_email(value: Expr, claims: set[str]) -> bool:
    for part in subexpressions(value):
        if (
            part.kind == "call"
            and method(part) == "get"
            and part.parts
            and part.parts[0].text == "email"
            and part.text.rpartition(".")[0] in claims
        ):
            return True
        if (
            part.kind == "sub"
            and part.base is not None
            and part.parts
            and part.parts[0].text == "email"
            and part.base.text in claims
        ):
            return True
        if part.kind == "name" and part.text.endswith(".email") and part.text[:-6] in claims:
            return True
    return False


def _by_query(code: Code, function: FunctionRef, emails: set[str]) -> Hit | None:
    found = [q for q in code.queries.of(function) if q.model.is_user]
    by_email = [query for query in found if _filters_email(query, emails)]
    if not by_email:
        return None
    first = by_email[0]
    by_id = [query for query in found if _filters_id(query)]
    before = bool(by_id) and all(first.call.pos < query.call.pos for query in by_id)
    return Hit(
        function.file.path,
        first.call.pos,
        "the caller's account is found by the e-mail claim"
        + (" before the id is even tried" if before else ""),
        Severity.HIGH if before else Severity.MEDIUM,
        evidence=(f"in {function.name}",),
    )


def _filters_email(query: Query, emails: set[str]) -> bool:
    return any(
        mentions(condition, emails)
        and any(name.endswith(".email") and name[:1].isupper() for name in names_in(condition))
        for condition in query.conditions
    )


def _filters_id(query: Query) -> bool:
    return any(
        name.endswith(".id") and name[:1].isupper()
        for condition in query.conditions
        for name in names_in(condition)
    )


def _by_text(code: Code, function: FunctionRef, emails: set[str], files: set[str]) -> Hit | None:
    if function.file.path in files:
        return None
    for raw in code.queries.raw(function):
        if _BY_EMAIL.search(raw.sql) and emails:
            files.add(function.file.path)
            return Hit(
                function.file.path,
                raw.text.pos,
                "the caller's account is found by the e-mail claim",
                Severity.MEDIUM,
                evidence=(f"in {function.name}",),
            )
    return None


RULE = Rule(
    id="BG305",
    name="identity-by-email",
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    cwe=289,
    message="The caller is identified by an e-mail address instead of the user's id.",
    why=(
        "An e-mail address changes, may be unverified, may be missing, and may belong to "
        "another account tomorrow; a default such as 'unknown@example.com' makes one account of "
        "many people. The id in `sub` is what the token proves."
    ),
    check=check,
    valid=(
        Snippet.of(
            "import jwt\nfrom fastapi import Depends\nfrom sqlmodel import select\n"
            "from models import User\n"
            "def current_user(token, session):\n"
            "    payload = jwt.decode(token, KEY, algorithms=['EdDSA'])\n"
            "    return session.exec(select(User).where(User.id == payload['sub'])).first()\n",
            models="from sqlmodel import Field, SQLModel\n"
            "class User(SQLModel, table=True):\n"
            "    id: str = Field(primary_key=True)\n    email: str\n",
        ),
        Snippet.of(
            "from pydantic import BaseModel\nfrom sqlmodel import select\n"
            "from models import User\n"
            "class LoginInput(BaseModel):\n    email: str\n    password: str\n"
            "def authenticate(session, payload: LoginInput):\n"
            "    user = session.exec(select(User).where(User.email == payload.email)).first()\n"
            "    return user if verify_password(payload.password, user.digest) else None\n",
            models="from sqlmodel import Field, SQLModel\n"
            "class User(SQLModel, table=True):\n"
            "    id: str = Field(primary_key=True)\n    email: str\n    digest: str\n",
        ),
    ),
    invalid=(
        Snippet.of(
            "import jwt\nfrom fastapi import Depends\nfrom sqlmodel import select\n"
            "from models import User\n"
            "def current_user(token, session):\n"
            "    payload = jwt.decode(token, KEY, algorithms=['EdDSA'])\n"
            "    email = payload.get('email')\n"
            "    return session.exec(select(User).where(User.email == email)).first()\n",
            models="from sqlmodel import Field, SQLModel\n"
            "class User(SQLModel, table=True):\n"
            "    id: str = Field(primary_key=True)\n    email: str\n",
        ),
    ),
)
