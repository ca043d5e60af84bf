"""Passwords kept in clear or under a fast, unsalted hash."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.dataflow import mentions
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.visit import PAIR, names_in, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import FunctionRef

_FAST = re.compile(r"^hashlib\.(?:md5|sha1|sha224|sha256|sha384|sha512|sha3_\w+|blake2\w)$")
_HASHES = re.compile(r"hash", re.IGNORECASE)
_PROPER = re.compile(r"bcrypt|argon2|scrypt|pbkdf2|checkpw|hashpw|pwd_context|password_hash\.")
_PRETENDED = re.compile(r"fake|mock|dummy|test|stub|plain", re.IGNORECASE)
_REQUEST = re.compile(
    r"(?:form|data|request|req|body|credentials|payload|login|_in|dto|schema|input)$", re.IGNORECASE
)
_STORED = re.compile(r"(?:^|[._])(?:hashed|password_hash|hashed_password|stored\w*|pwd_hash|hash)$")
_PLAIN = re.compile(r"(?:^|[._])(?:plain_?)?(?:password|passwd|pwd)$")


def check(code: Code) -> Iterator[Hit]:
    """Hash functions that do not hash, comparisons in clear, and general-purpose hashes."""
    for function in code.functions("password"):
        if function.owner is not None and _PRETENDED.search(function.owner.name):
            continue
        yield from _fast_hashes(code, function)
        yield from _clear(function)


def _fast_hashes(code: Code, function: FunctionRef) -> Iterator[Hit]:
    proper = any(_PROPER.search(call.text) for call in function.calls)
    for call in function.calls:
        if proper and not _is_returned(function, call):
            continue  # a long password is shortened before it is hashed as it should
        if (
            call.base is None
            and _FAST.match(code.project.qualify(function.file, call.text))
            and any(
                _PLAIN.search(name.split("(")[0].removesuffix(".encode"))
                for part in call.parts
                for name in names_in(part)
            )
            and not _is_shortened(code, function, call)
        ):
            yield Hit(
                function.file.path,
                call.pos,
                f"{call.text} is no password hash: far too fast",
                Severity.HIGH,
            )


def _is_shortened(code: Code, function: FunctionRef, call: Expr) -> bool:
    """Whether the digest goes back to callers, which all hash it as they should."""
    callers = [
        caller
        for caller in code.functions("password")
        if function.name in caller.methods and caller.function is not function.function
    ]
    return (
        bool(callers)
        and _is_returned(function, call)
        and all(any(_PROPER.search(used.text) for used in caller.calls) for caller in callers)
    )


def _is_returned(function: FunctionRef, call: Expr) -> bool:
    return any(
        stmt.kind == "return" and stmt.pos <= call.pos < stmt.end for stmt in function.statements
    )


def _clear(function: FunctionRef) -> Iterator[Hit]:
    plain = {param.name for param in function.params if _PLAIN.search(param.name)}
    for stmt in function.statements:
        if stmt.kind != "return" or not stmt.exprs:
            continue
        value = stmt.exprs[0]
        if _HASHES.search(function.name) and _is_clear(value, plain):
            yield Hit(
                function.file.path, stmt.pos, f"{function.name} returns the password in clear"
            )
    for expr in function.expressions:
        if expr.kind == "cmp" and expr.text in {"==", "!="} and len(expr.parts) == PAIR:
            left, right = expr.parts
            if _compares_clear(left, right, plain) or _compares_clear(right, left, plain):
                yield Hit(
                    function.file.path, expr.pos, "a stored password is compared in clear text"
                )


def _is_clear(value: Expr, plain: set[str]) -> bool:
    """Whether it is the password itself, or text with it in it."""
    if value.kind == "name":
        return value.text in plain
    if value.kind == "fstr":
        return any(part.kind == "name" and part.text in plain for part in value.parts)
    return (
        value.kind == "bin"
        and value.text == "+"
        and mentions(value, plain)
        and not any(part.kind == "call" for part in subexpressions(value))
    )


def _compares_clear(stored: Expr, given: Expr, plain: set[str]) -> bool:
    if stored.kind != "name" or not (_STORED.search(stored.text) or "." in stored.text):
        return False
    is_stored = bool(_STORED.search(stored.text)) or bool(
        re.search(r"(?:^|\.)(?:db_)?(?:user|account|row|existing\w*)\.password$", stored.text)
    )
    return is_stored and (
        _is_clear(given, plain)
        or (
            given.kind == "name"
            and bool(_PLAIN.search(given.text))
            and bool(_REQUEST.search(given.text.rpartition(".")[0]))
        )
    )


RULE = Rule(
    id="BG108",
    name="password-storage",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    cwe=256,
    message="Passwords are stored in clear or under a general-purpose hash.",
    why=(
        "Whoever reads the table has every password; SHA-256 without salt falls to a graphics "
        "card in hours. Better Auth hashes passwords with scrypt and keeps them in its own "
        "table: a back end behind it needs no password column at all."
    ),
    check=check,
    valid=(
        Snippet.of("""
from passlib.context import CryptContext
pwd_context = CryptContext(schemes=["bcrypt"])
def hash_password(password: str) -> str:
    return pwd_context.hash(password)
def verify_password(plain_password: str, hashed_password: str) -> bool:
    return pwd_context.verify(plain_password, hashed_password)
def same(password: str, confirm_password: str) -> bool:
    return password == confirm_password
"""),
        Snippet.of("""
import hashlib
from passlib.context import CryptContext
pwd_context = CryptContext(schemes=["bcrypt"])
class Passwords:
    @staticmethod
    def shortened(password: str) -> str:
        return hashlib.sha256(password.encode()).hexdigest()
    @staticmethod
    def digest(password: str) -> str:
        return pwd_context.hash(Passwords.shortened(password))
    @staticmethod
    def verify(password: str, digest: str) -> bool:
        return pwd_context.verify(Passwords.shortened(password), digest)
"""),
    ),
    invalid=(
        Snippet.of("""
import hashlib
def make(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
"""),
        Snippet.of("""
def hash_password(password: str) -> str:
    return f"hashed_{password}"
"""),
        Snippet.of("""
def verify_password(password: str, hashed: str) -> bool:
    return hashed == f"hashed_{password}"
"""),
    ),
)
