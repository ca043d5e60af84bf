"""The routers that code makes, and which of them a name means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.application import Router
from betterguard.audit.symbols import ClassRef, External, FunctionRef, Value
from betterguard.audit.visit import keyword, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from betterguard.audit.application import Key
    from betterguard.audit.calls import Calls
    from betterguard.audit.facts import Expr
    from betterguard.audit.project import Project
    from betterguard.audit.scopes import Scope
    from betterguard.audit.symbols import File

_ROUTERS = re.compile(r"(?:^|\.)(?:FastAPI|Starlette|\w*APIRouter|\w*Router)$")
_APPS = re.compile(r"(?:^|\.)(?:FastAPI|Starlette)$")


class Routers:
    """All routers of a project, by where they are made."""

    def __init__(self, project: Project, calls: Calls, scopes: Iterable[Scope]) -> None:
        self.project = project
        self.calls = calls
        self.made = [router for scope in scopes for router in self._made(scope)]
        """Each in its turn, those included in whose place another of the same name came."""
        self.by_key = {router.key: router for router in self.made}

    def _made(self, scope: Scope) -> Iterator[Router]:
        for stmt in scope.statements:
            if stmt.kind != "assign":
                continue
            call = stmt.exprs[-1]
            if call.kind == "call" and self._makes_router(scope.file, call):
                for target in stmt.exprs[:-1]:
                    yield self._router(scope, target.text, call)

    def _makes_router(self, file: File, call: Expr) -> bool:
        if call.base is not None:
            return False
        if _ROUTERS.search(call.text):
            return True
        target = self.project.resolve(file, call.text)
        if isinstance(target, ClassRef):
            bases = self.project.foreign_bases(target)
            return any(_ROUTERS.search(base) for base in bases)
        return isinstance(target, External) and bool(_ROUTERS.search(target.name))

    def _router(self, scope: Scope, name: str, call: Expr) -> Router:
        full = self.project.qualify(scope.file, call.text)
        return Router(
            scope.key(name),
            scope.file,
            call,
            is_app=bool(_APPS.search(full) or _APPS.search(call.text)),
            prefix=literal(keyword(call, "prefix")),
            dependencies=self.calls.listed(scope.file, call),
        )

    def find(self, scope: Scope, name: str) -> Key | None:
        """Give the router that a name means in a scope."""
        for key in (scope.key(name), (scope.file.path, name)):
            if key in self.by_key:
                return key
        target = self.project.resolve(scope.file, name)
        if isinstance(target, Value) and (target.file.path, target.name) in self.by_key:
            return (target.file.path, target.name)
        return self._returned(target) if isinstance(target, FunctionRef) else None

    def key(self, scope: Scope, name: str) -> Key:
        """Give the same, and for a name that means no known router what it would be kept by."""
        return self.find(scope, name) or (scope.file.path, name)

    def _returned(self, factory: FunctionRef) -> Key | None:
        """Give the router that a function makes and returns."""
        for stmt in factory.statements:
            if stmt.kind == "return" and stmt.exprs and stmt.exprs[0].kind == "name":
                key = (factory.file.path, f"{factory.name}.{stmt.exprs[0].text}")
                if key in self.by_key:
                    return key
        return None
