"""An MCP server that is mounted for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.application import Route
from betterguard.audit.finding import Confidence, Hit, Severity
from betterguard.audit.rule import Rule, Snippet
from betterguard.audit.rules import _audience as audience
from betterguard.audit.rules import _routes as routes
from betterguard.audit.symbols import Value
from betterguard.audit.visit import keyword, method, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.application import Mount
    from betterguard.audit.code import Code
    from betterguard.audit.symbols import FunctionRef

_MAKES_APP = frozenset({"streamable_http_app", "sse_app", "http_app"})
_AUTH = ("auth", "token_verifier", "auth_server_provider")


def check(code: Code) -> Iterator[Hit]:
    """MCP servers without authentication: mounted ones whose tools reach rows, and routes."""
    yield from _written_out(code)
    for mount in code.app.mounts:
        server = _server(code, mount)
        if server is None or server.expr is None:
            continue
        if any(keyword(server.expr, name) is not None for name in _AUTH):
            continue
        tools = [_route(mount, tool) for tool in _tools(code, server)]
        reaching = [
            tool
            for tool in tools
            if code.security.protection(tool)[0] not in {"required", "optional"}
            and (routes.owned_models(code, tool) or routes.writes(code, tool))
        ]
        if reaching:
            names = ", ".join(sorted(tool.function.name for tool in reaching)[:4])
            yield Hit(
                mount.file.path,
                mount.call.pos,
                f"the MCP server at {mount.path} runs its tools for anyone",
                Severity.CRITICAL,
                evidence=(f"tools that reach users' rows: {names}",),
            )


def _written_out(code: Code) -> Iterator[Hit]:
    """Find routes that answer ``tools/call`` themselves and hand it on to whatever is asked for."""
    for route in code.app.routes:
        if not route.apps or route.conditional or not audience.runs_tools(route):
            continue
        if code.security.protection(route)[0] in {"required", "optional"}:
            continue
        if routes.owned_models(code, route) or routes.writes(code, route):
            continue  # where the rows are seen from the route, it is a route like others
        yield Hit(
            route.file.path,
            route.pos,
            f"the MCP server at {route.path} runs its tools for anyone",
            Severity.HIGH,
            evidence=("the route answers tools/call and authenticates nobody",),
        )


def _server(code: Code, mount: Mount) -> Value | None:
    """Give the MCP server that a mounted application belongs to."""
    owner = receiver(mount.call)
    if method(mount.call) not in _MAKES_APP or owner is None:
        return None
    target = code.project.resolve(mount.file, owner.text)
    if not isinstance(target, Value) or target.expr is None or target.expr.kind != "call":
        return None
    return target if method(target.expr).endswith("MCP") else None


def _tools(code: Code, server: Value) -> Iterator[FunctionRef]:
    for function in code.project.functions:
        for decorator in function.function.decorators:
            owner, _, last = decorator.text.rpartition(".")
            if last == "tool":
                target = code.project.resolve(function.file, owner)
                if isinstance(target, Value) and _same(target, server):
                    yield function


def _same(one: Value, other: Value) -> bool:
    return (one.file.path, one.name) == (other.file.path, other.name)


def _route(mount: Mount, tool: FunctionRef) -> Route:
    """Give a tool as the route that a mounted server makes of it."""
    return Route(
        tool.file, tool, tool.function.pos, ("POST",), mount.path, mount.app, (), (mount.app,)
    )


_HEAD = """
from fastapi import FastAPI
from mcp.server.fastmcp import FastMCP
from sqlmodel import Field, Session, SQLModel, select

class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str

app = FastAPI()
"""
_TOOL = """
@mcp.tool()
def list_tasks(user_id: str) -> list:
    with Session(engine) as session:
        return session.exec(select(Task).where(Task.user_id == user_id)).all()
"""

RULE = Rule(
    id="BG109",
    name="mcp-without-auth",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    cwe=306,
    message="An MCP server is mounted without authentication; its tools reach users' rows.",
    why=(
        "A mounted MCP server is reachable over HTTP like every route, but `dependencies=` of the "
        "application do not apply to it, and its tools take the user's id from whoever calls. "
        "Give the server a token verifier, put a middleware in front, or run it over standard "
        "input and output only."
    ),
    check=check,
    valid=(
        Snippet.of(_HEAD + 'mcp = FastMCP("tasks")' + _TOOL + "mcp.run()\n"),
        Snippet.of(
            _HEAD
            + 'mcp = FastMCP("tasks", token_verifier=verifier)'
            + _TOOL
            + 'app.mount("/mcp", mcp.streamable_http_app())\n'
        ),
        Snippet.of(
            _HEAD
            + 'mcp = FastMCP("clock")\n'
            + "@mcp.tool()\ndef now() -> str:\n    return clock()\n"
            + 'app.mount("/mcp", mcp.sse_app())\n'
        ),
        Snippet.of(
            _HEAD
            + 'from fastapi.responses import JSONResponse\nmcp = FastMCP("tasks")'
            + _TOOL
            + """
@app.middleware("http")
async def gate(request, call_next):
    if not known(request.headers.get("authorization")):
        return JSONResponse({"detail": "no"}, status_code=401)
    return await call_next(request)
app.mount("/mcp", mcp.streamable_http_app())
"""
        ),
    ),
    invalid=(
        Snippet.of(
            _HEAD
            + 'mcp = FastMCP("tasks")'
            + _TOOL
            + 'app.mount("/mcp", mcp.streamable_http_app())\n'
        ),
        Snippet.of(
            "from fastapi import FastAPI\nfrom server import mcp\n"
            "app = FastAPI()\napp.mount('/mcp', mcp.sse_app())\n",
            server=_HEAD + 'mcp = FastMCP("tasks")' + _TOOL,
        ),
        Snippet.of("""
from fastapi import FastAPI, Request
app = FastAPI()
@app.post("/mcp")
async def mcp(request: Request):
    asked = await request.json()
    if asked["method"] == "tools/call":
        return await registry.run(asked["params"]["name"], **asked["params"]["arguments"])
    return {"tools": registry.names()}
"""),
    ),
)
