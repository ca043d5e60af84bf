"""What init sees and leaves to people: what is shown here could not be written safely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.rules._audience import is_public
from betterguard.audit.symbols import FunctionRef, Value
from betterguard.audit.visit import method
from betterguard.repair.fixes._guard import guards
from betterguard.repair.lines import line_of
from betterguard.repair.scaffold.application import is_installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.code import Code
    from betterguard.audit.models import Model
    from betterguard.audit.symbols import File
    from betterguard.repair.scaffold.plan import Plan
    from betterguard.repair.scaffold.reading import App, Reading

__all__ = [
    "show_cors",
    "show_hand_rolled",
    "show_isolation",
    "show_open_routes",
    "show_other_apps",
    "tell_uninstalled",
]

BETTER_AUTH_TABLES = frozenset({"account", "session", "verification", "jwk"})


def tell_uninstalled(plan: Plan, code: Code) -> None:
    """Tell to run init where a project has a guard, and an application that nothing hangs it in."""
    found = guards(code)
    apps = [router for router in code.app.routers.values() if router.is_app]
    if not apps or any(is_installed(code, home) for home, _ in found):
        return
    for home, name in found:
        text = (
            f"the {name} in {home.path} is not installed on the application yet: init adds "
            f"{name}.install and its lifespan, the settings that it reads, and a test"
        )
        plan.advise(
            "Run betterguard init now", text, where=apps[0].file.path, code="betterguard init"
        )


def show_hand_rolled(plan: Plan, reading: Reading, module: str) -> None:
    """Name the files that verify tokens by themselves, and the names that routes take from them."""
    by_file: dict[str, File] = {decode.file.path: decode.file for decode in reading.code.decodes}
    for path, file in sorted(by_file.items()):
        names = ", ".join(sorted(_dependencies(reading.code, file)))
        offered = f": its {names} can come from the guard" if names else ""
        text = (
            f"{path} verifies tokens by itself and is left as it is{offered}; "
            "`betterguard audit --fix` replaces it and keeps the names"
        )
        code = f"from {module} import CurrentUser, PathUser, verify_token"
        plan.advise("Let the guard verify", text, where=path, code=code)


def _dependencies(code: Code, file: File) -> Iterator[str]:
    """Give the functions of a file that routes depend on."""
    seen: set[str] = set()
    for other in code.files("fastapi"):
        for call in other.calls:
            if method(call) in {"Depends", "Security"} and call.parts:
                target = code.project.resolve(other, call.parts[0].text)
                if isinstance(target, FunctionRef) and target.file is file:
                    seen.add(target.name)
    yield from seen


def show_cors(plan: Plan, reading: Reading, app: App) -> None:
    """Tell of a CORSMiddleware that the guard makes superfluous."""
    for middleware in reading.code.app.middleware:
        if middleware.app == app.router.key and middleware.name.endswith("CORSMiddleware"):
            line = line_of(reading.text(middleware.file), middleware.pos)
            text = (
                "guard.install puts CORS around everything, error answers included, once "
                "FRONTEND_URL is set: this one can then go"
            )
            plan.advise("Remove CORSMiddleware", text, where=f"{middleware.file.path}:{line}")


def show_open_routes(plan: Plan, reading: Reading) -> None:
    """Tell how many routes nothing guards."""
    code = reading.code
    count = sum(
        not code.security.protection(route)[0] and not is_public(code, route)
        for route in code.app.routes
    )
    if count:
        asking = "1 route asks" if count == 1 else f"{count} routes ask"
        text = (
            f"{asking} nobody who is calling; give those that need it a user. "
            "`betterguard audit --routes` lists them all"
        )
        shown = "async def tasks(user: PathUser): ...    # or user: CurrentUser"
        plan.advise("Guard the routes", text, code=shown)


def show_other_apps(plan: Plan, reading: Reading) -> None:
    """Name the applications that were left alone."""
    others = [app.file.path for app in reading.apps[1:] if app.file is not reading.apps[0].file]
    if others:
        text = "there are other applications; run `betterguard init` on their folders"
        plan.advise("Look at the others", text, where=", ".join(sorted(set(others))))


def show_isolation(plan: Plan, reading: Reading, module: str) -> None:
    """Show how the sessions are kept to the caller's rows, with the project's own names."""
    code = reading.code
    models = sorted(code.models.all.values(), key=lambda model: model.table)
    if not models or code.is_isolated:
        return
    engine = _engine(code)
    where = f"{engine.file.path}" if engine is not None else ""
    text = (
        "the engine is not isolated yet, which changes every statement, so it is shown and not "
        "written: give each table its owner, then isolate the engine (docs/isolation.md)"
    )
    shown = [*dict.fromkeys(_tables(models)), "", *_database(engine, models, module)]
    plan.advise("Isolate the rows", text, where=where, code="\n".join(shown))


def _engine(code: Code) -> Value | None:
    for file in code.files("sqlalchemy", "sqlmodel"):
        for name, stmts in file.values.items():
            value = Value(file, name, stmts)
            made = value.expr
            if made is not None and method(made) in {"create_engine", "create_async_engine"}:
                return value
    return None


def _tables(models: list[Model]) -> Iterator[str]:
    """Say of each table what its declaration needs."""
    for model in models:
        if model.is_user or model.table.strip("s") in BETTER_AUTH_TABLES:
            yield f"# {model.name}: __table_args__ = {{'info': closed()}}; shared() if all read it"
        elif model.owner:
            given = "sa_column_kwargs=owner()" if model.is_sqlmodel else "**owner()"
            yield f"# {model.name}.{model.owner}: add {given}"
        else:
            hint = "via('…')" if model.parents() else "shared()"
            yield f"# {model.name}: __table_args__ = {{'info': {hint}}}"


def _database(engine: Value | None, models: list[Model], module: str) -> Iterator[str]:
    made = engine.expr if engine is not None else None
    is_async = made is not None and method(made) == "create_async_engine"
    session = "AsyncSession" if is_async else "Session"
    sqlmodel = models[0].is_sqlmodel
    metadata = "SQLModel.metadata" if sqlmodel else "Base.metadata"
    name = engine.name if engine is not None else "engine"
    option = f", session_class={session}" if sqlmodel else ""
    yield "# betterguard[sqlalchemy]"
    yield "from betterguard.rows import closed, isolate, owner, shared, via"
    yield "from betterguard.web.sessions import user_session"
    yield f"from {module} import guard"
    yield ""
    yield f"isolate({name}, {metadata})"
    yield f"UserSession = Annotated[{session}, Depends(user_session({name}, guard{option}))]"
