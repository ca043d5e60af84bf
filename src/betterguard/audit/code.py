"""A project as the rules see it: names, calls, tables, the application, and identity."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from betterguard.audit.allowlist import AllowLists
from betterguard.audit.assembly import assemble
from betterguard.audit.auth_middleware import AuthMiddleware
from betterguard.audit.calls import Calls
from betterguard.audit.decoding import Decode, Decodings
from betterguard.audit.gates import Gates
from betterguard.audit.knowledge import Knowledge
from betterguard.audit.models import Models
from betterguard.audit.ownership import Ownership
from betterguard.audit.project import Project
from betterguard.audit.queries import Queries
from betterguard.audit.refusals import Refusals
from betterguard.audit.security import Security
from betterguard.audit.visit import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from betterguard.audit.application import Application
    from betterguard.audit.environment import Environment
    from betterguard.audit.facts import Module
    from betterguard.audit.symbols import File, FunctionRef


class Code:
    """Everything that a rule may ask; each part is made when first asked for."""

    def __init__(
        self,
        modules: Iterable[Module],
        environment: Environment,
        knowledge: Knowledge | None = None,
    ) -> None:
        self.project = Project(modules, environment.prefix)
        self.environment = environment
        self.knowledge = knowledge or Knowledge()
        self._reaching: dict[int, bool] = {}
        self._files: dict[tuple[str, ...], tuple[File, ...]] = {}
        self._functions: dict[tuple[str, ...], tuple[FunctionRef, ...]] = {}

    @cached_property
    def calls(self) -> Calls:
        """Which call runs what."""
        return Calls(self.project)

    @cached_property
    def app(self) -> Application:
        """Apps, routers, routes, middleware."""
        return assemble(self.project, self.calls)

    @cached_property
    def security(self) -> Security:
        """How routes are authenticated."""
        return Security(self.calls, self.decodings, self.refusals, self.gates, self.auth_middleware)

    @cached_property
    def decodings(self) -> Decodings:
        """Which calls read a token's claims."""
        return Decodings(self.project)

    @cached_property
    def refusals(self) -> Refusals:
        """Which statements refuse a caller."""
        return Refusals(self.project)

    @cached_property
    def gates(self) -> Gates:
        """How dependencies and functions authenticate."""
        trusted = self.knowledge.auth_dependencies
        return Gates(self.project, self.calls, self.decodings, self.refusals, trusted)

    @cached_property
    def allow_lists(self) -> AllowLists:
        """Which paths middleware lets pass."""
        return AllowLists(self.project, self.calls)

    @cached_property
    def auth_middleware(self) -> AuthMiddleware:
        """Which middleware refuses callers."""
        return AuthMiddleware(self.app, self.calls, self.decodings, self.refusals, self.allow_lists)

    @cached_property
    def models(self) -> Models:
        """The mapped tables."""
        return Models(self.project, self.knowledge.owner_columns)

    @cached_property
    def queries(self) -> Queries:
        """The database statements."""
        return Queries(self.project, self.calls, self.models)

    @cached_property
    def ownership(self) -> Ownership:
        """Whose rows, and whether code asks."""
        return Ownership(self.calls, self.queries)

    def files(self, *words: str) -> tuple[File, ...]:
        """Give the files in whose text one of the words occurs (see ``walk.TRIGGERS``)."""
        if words not in self._files:
            files = self.project.files.values()
            self._files[words] = tuple(
                [file for file in files if not file.facts.words.isdisjoint(words)]
            )
        return self._files[words]

    def functions(self, *words: str) -> tuple[FunctionRef, ...]:
        """Top-level functions and methods of those files; nested ones belong to their outer one."""
        if words not in self._functions:
            self._functions[words] = tuple(
                [
                    function
                    for file in self.files(*words)
                    for function in self.project.in_file(file)
                    if function.outer is None
                ]
            )
        return self._functions[words]

    @cached_property
    def decodes(self) -> tuple[Decode, ...]:
        """Every decoding of a token in the project's functions."""
        return tuple(
            decode
            for function in self.functions("jwt", "jose")
            for decode in self.decodings.of(function)
        )

    @cached_property
    def endpoints(self) -> frozenset[int]:
        """The functions that answer requests, by ``id``."""
        return frozenset([id(route.function.function) for route in self.app.routes])

    def reaches_owned(self, function: FunctionRef) -> bool:
        """Whether a function, or what it runs, has statements over rows with an owner."""
        key = id(function.function)
        if key not in self._reaching:
            self._reaching[key] = any(
                any(query.model.owner for query in self.queries.of(ref)) or self.queries.raw(ref)
                for ref in self.calls.reach(function)
            )
        return self._reaching[key]

    def is_script(self, file: File) -> bool:
        """Whether a file is run by hand: it runs something itself, and nothing imports it."""
        runs = any(
            (stmt.kind == "if" and "__name__" in set(names_in(stmt.exprs[0])))
            or (stmt.kind == "expr" and stmt.exprs[0].text in {"print", "asyncio.run", "main"})
            for stmt in file.facts.body
            if stmt.exprs
        )
        return (
            runs
            and not self._is_imported(file)
            and not any(key[0] == file.path for key in self.app.routers)
        )

    def _is_imported(self, file: File) -> bool:
        last = file.path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
        return any(
            importer is not file and self.project.modules.find(importer, name) is file
            for importer, name in (*self._imports[last], *self._imports[""])
        )

    @cached_property
    def _imports(self) -> Mapping[str, list[tuple[File, str]]]:
        """What files import, by the last part of the name."""
        found: defaultdict[str, list[tuple[File, str]]] = defaultdict(list)
        for file in self.project.files.values():
            names = {imported.module for imported in file.facts.imports}
            names.update([f"{each.module}.{each.name}" for each in file.facts.imports if each.name])
            for name in names:
                found[name.rpartition(".")[2]].append((file, name))
        return found

    def mentions(self, name: str) -> bool:
        """Whether a name is read anywhere in the project, beyond its definition."""
        return name in self._names_read

    @cached_property
    def _names_read(self) -> frozenset[str]:
        names = {
            expr.text
            for file in self.files("jwt", "jose", "fastapi", "starlette")
            for expr in file.expressions
            if expr.kind in {"name", "call"}
        }
        return frozenset([name.rsplit(".", 1)[-1] for name in names])

    @cached_property
    def is_isolated(self) -> bool:
        """Whether betterguard filters every statement of the project's engine itself."""
        return any(
            self.project.qualify(file, call.text).startswith("betterguard.")
            and call.text.rsplit(".", 1)[-1] == "isolate"
            for file in self.files("betterguard")
            for call in file.calls
            if call.base is None
        )

    @cached_property
    def uses_better_auth(self) -> bool:
        """Whether the project shows any sign of Better Auth."""
        if self.environment.servers:
            return True
        if any(entry.name.startswith("BETTER_AUTH") for entry in self.environment.env):
            return True
        return any("BETTER_AUTH" in file.facts.words for file in self.project.files.values())
