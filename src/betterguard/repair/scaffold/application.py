"""Hang the guard into the application: ``guard.install(app)`` and its lifespan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.symbols import FunctionRef, Value
from betterguard.audit.visit import keyword, method
from betterguard.repair.edits import Edit
from betterguard.repair.imports import Imports
from betterguard.repair.lines import end_of, indent_of, next_after, start_of
from betterguard.repair.scaffold.naming import module_name
from betterguard.repair.syntax import appended, around, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from betterguard.audit.code import Code
    from betterguard.audit.facts import Expr
    from betterguard.audit.symbols import File
    from betterguard.repair.scaffold.plan import Plan
    from betterguard.repair.scaffold.reading import App, Reading

__all__ = ["hang_in", "is_hung_in", "is_installed"]

COMPOSED = """

_events = {app}.router.lifespan_context


@{contextmanager}
async def {name}({app}: {fastapi}):
    async with {guard}.lifespan({app}), _events({app}):
        yield


{app}.router.lifespan_context = {name}"""


def is_hung_in(reading: Reading) -> bool:
    """Whether some file calls ``guard.install(…)`` by now."""
    return reading.guard is not None and is_installed(reading.code, reading.guard.file)


def is_installed(code: Code, home: File) -> bool:
    """Whether some file calls ``install`` on a guard that stands in ``home``."""
    for file in code.files("betterguard", "fastapi"):
        for call in file.calls:
            if call.text.endswith(".install"):
                target = code.project.resolve(file, call.text.removesuffix(".install"))
                if isinstance(target, Value) and target.file is home:
                    return True
    return False


def hang_in(plan: Plan, reading: Reading, app: App, auth: str, name: str = "guard") -> None:
    """Install the guard of the file at ``auth`` on the application."""
    shown = f"{name}.install({app.name})"
    if not reading.is_editable(app.file):
        text = f"{app.file.path} is not plain UTF-8 that parses, so it is left as it is"
        plan.advise("Hang the guard into the application", text, code=shown)
        return
    wired = _Wiring(plan, reading, app, auth, name)
    wired.install()
    wired.join_lifespan()
    wired.finish(f"{shown} and its lifespan")


class _Wiring:
    """The edits of one application; a lifespan may stand in another file."""

    def __init__(self, plan: Plan, reading: Reading, app: App, auth: str, name: str) -> None:
        self.plan, self.reading, self.app, self.auth, self.name = plan, reading, app, auth, name
        self.text = reading.text(app.file)
        self.imports = self._imports(app.file)
        self.guard = self._use_guard(app.file, self.imports)
        self.edits: list[Edit] = []
        self.after_app = ""

    def install(self) -> None:
        """Call install where the application is made."""
        self.after_app = f"\n{self.guard}.install({self.app.name})"

    def join_lifespan(self) -> None:
        """Run the guard's lifespan: inside the one there is, with events, or as the only one."""
        own = keyword(self.app.router.call, "lifespan")
        if own is not None:
            self._join_own(own)
        elif self._has_events():
            self._join_events()
        else:
            self.edits += _with_argument(self.text, self.app.router.call, self._lifespan)

    def finish(self, what: str) -> None:
        """Hand the edits to the plan."""
        indent = indent_of(self.text, self.app.stmt.pos)
        lines = self.after_app.split("\n")
        added = "\n".join(indent + line if line else line for line in lines)
        at = end_of(self.text, self.app.stmt.end)
        self.edits.append(Edit(at, at, added))
        path = self.reading.place(self.app.file.path)
        self.plan.edit(path, [*self.imports.edits(), *self.edits], what)

    @property
    def _lifespan(self) -> str:
        return f"lifespan={self.guard}.lifespan"

    def _imports(self, file: File) -> Imports:
        project = self.reading.code.project
        tops = {path.split("/", 1)[0].removesuffix(".py") for path in project.files}
        own = frozenset({module_name(self.reading, file, self.auth).split(".")[0], *tops})
        whole = Imports(self.reading.text(file), own)
        if file is not self.app.file or self.app.factory is not None:
            return whole
        # Only imports above the application: below it they come too late.
        above = Imports(self.reading.text(file)[: self.app.stmt.pos], own)
        above.taken.update(
            {name: origin for name, origin in whole.taken.items() if not any(origin)}
        )
        return above

    def _use_guard(self, file: File, imports: Imports) -> str:
        return imports.use(module_name(self.reading, file, self.auth), self.name)

    def _join_own(self, own: Expr) -> None:
        target = self.reading.code.project.resolve(self.app.file, own.text)
        if not isinstance(target, FunctionRef) or not self.reading.is_editable(target.file):
            self._advise(f"lifespan={own.text} is not a function of this project")
            return
        here = target.file is self.app.file
        text = self.reading.text(target.file)
        imports = self.imports if here else self._imports(target.file)
        guard = self.guard if here else self._use_guard(target.file, imports)
        parameter = target.params[0].name if target.params else "app"
        edits = list(_wrapped_yields(text, target, f"{guard}.lifespan({parameter})"))
        if not edits:
            self._advise(f"no yield was found in {target.name}()")
        elif here:
            self.edits.extend(edits)
        else:
            place = self.reading.place(target.file.path)
            self.plan.edit(
                place, [*imports.edits(), *edits], f"{guard}.lifespan inside {target.name}()"
            )

    def _advise(self, why: str) -> None:
        code = f"async with {self.guard}.lifespan(app):\n    yield"
        text = f"{why}: write this around its yield"
        self.plan.advise("Run the guard's lifespan", text, where=self.app.file.path, code=code)

    def _has_events(self) -> bool:
        call = self.app.router.call
        if keyword(call, "on_startup") is not None or keyword(call, "on_shutdown") is not None:
            return True
        return any(
            method(call) in {"on_event", "add_event_handler"}
            for file in self.reading.code.files("fastapi", "starlette")
            for call in file.calls
        )

    def _join_events(self) -> None:
        taken = "lifespan" in self.imports.taken
        self.after_app += COMPOSED.format(
            app=self.app.name,
            guard=self.guard,
            name="guarded_lifespan" if taken else "lifespan",
            contextmanager=self.imports.use("contextlib", "asynccontextmanager"),
            fastapi=self.app.router.call.text,
        )


def _with_argument(text: bytes, call: Expr, argument: str) -> list[Edit]:
    node = parse(text).named_descendant_for_byte_range(call.pos, call.end)
    arguments = node.child_by_field_name("arguments") if node is not None else None
    assert arguments is not None  # the audit read it as a call
    return appended(text, arguments, argument)


def _wrapped_yields(text: bytes, function: FunctionRef, manager: str) -> Iterator[Edit]:
    """Put ``async with`` around each yield of a lifespan."""
    pos = function.function.pos
    node = around(parse(text).named_descendant_for_byte_range(pos, pos), "function_definition")
    for found in _yields(node) if node is not None else ():
        indent = indent_of(text, found.start_byte)
        if start_of(text, found.start_byte) + len(indent) == found.start_byte:
            unit = "\t" if "\t" in indent else "    "
            yield Edit(found.start_byte, found.start_byte, f"async with {manager}:\n{indent}{unit}")
            yield from _deeper(text, found, unit)


def _deeper(text: bytes, node: Node, unit: str) -> Iterator[Edit]:
    """Indent the further lines of a statement, unless a string that spans lines is in it."""
    written = text[node.start_byte : node.end_byte]
    if b'"""' in written or b"'''" in written:
        return
    at = next_after(text, node.start_byte)
    while at < node.end_byte:
        yield Edit(at, at, unit)
        at = next_after(text, at)


def _yields(function: Node) -> Iterator[Node]:
    """Give the statements of a function that yield, not those of functions inside it."""
    stack = list(function.named_children)
    while stack:
        node = stack.pop()
        if node.type in {"function_definition", "class_definition", "lambda"}:
            continue
        if node.type == "expression_statement" and node.named_children[0].type == "yield":
            yield node
            continue
        stack.extend(node.named_children)
