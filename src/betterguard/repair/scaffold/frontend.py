"""The front end's side, which is shown and not edited: what its auth.ts lacks, and the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betterguard.audit.frontend import AuthServer
    from betterguard.repair.scaffold.plan import Plan

__all__ = ["nearest", "show_frontend", "signs_with_secret"]

JWT_IMPORT = 'import { jwt } from "better-auth/plugins";'
CALL = """\
// The token of the person who is signed in, for 15 minutes: ask again when it is over.
const { token } = await (await fetch("/api/auth/token")).json();
await fetch(`${API_URL}/…`, { headers: { Authorization: `Bearer ${token}` } });"""


def signs_with_secret(servers: tuple[AuthServer, ...]) -> bool:
    """Whether the front end signs HS256 tokens with a function of its own."""
    return any(server.custom_sign for server in servers)


def nearest(servers: tuple[AuthServer, ...]) -> tuple[AuthServer, ...]:
    """Give the front ends that stand next to the back end, where a repository has several."""
    ups = {server: server.path.count("../") for server in servers}
    return tuple(server for server in servers if ups[server] == min(ups.values()))


def show_frontend(plan: Plan, servers: tuple[AuthServer, ...]) -> None:
    """Say what is to be pasted where."""
    for server in servers:
        if not server.jwt_plugin:
            _show_plugin(plan, server)
        plan.present.extend([f"the jwt() plugin in {server.path}"] if server.jwt_plugin else [])
    if not servers:
        text = "no betterAuth({…}) was found near: its auth.ts needs the jwt plugin"
        plan.advise("Issue tokens", text, code=f"{JWT_IMPORT}\n\nplugins: [jwt()],")
    plan.advise("Send the token", "in the front end, with each request to this back end", code=CALL)


def _show_plugin(plan: Plan, server: AuthServer) -> None:
    where = f"{server.path}:{server.line}"
    if server.has_plugins:
        text = "betterAuth({…}) has plugins, and jwt is not among them: add it"
        code = f"{JWT_IMPORT}\n\nplugins: [jwt(), …],"
    else:
        text = "betterAuth({…}) has no plugins: it issues no tokens that a back end could check"
        code = f"{JWT_IMPORT}\n\nexport const auth = betterAuth({{\n  …,\n  plugins: [jwt()],\n}});"
    plan.advise("Issue tokens", text, where=where, code=code)
