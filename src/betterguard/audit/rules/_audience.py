"""For whom a route is meant: people yet to sign in, administrators, machines, developers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from betterguard.audit.rules._ownership import client_names, path_owners
from betterguard.audit.rules._routes import owned_models
from betterguard.audit.visit import method, names_in

if TYPE_CHECKING:
    from betterguard.audit.application import Route
    from betterguard.audit.code import Code

_SIGN_IN = re.compile(
    r"(?:(?:request|send|resend|verify|validate|check|confirm|complete|start|initiate|create|use)-?)?"
    r"(?:(?:log|sign)-?(?:in|on|up|out)(?:-all)?|registration|(?:forgot|forgotten|reset|recover)-?password"
    r"|password-?(?:reset|recovery|forgot)|magic-?links?|oauth2?|openid|sso|saml"
    r"|csrf(?:-?token)?|jwks(?:\.json)?|\.?well-known|e?mail-?verification"
    r"|(?:access|refresh|id|reset)-?token|token-?refresh|authorize|otp|mfa|2fa)"
    r"|(?:re)?send-?(?:code|verification(?:-?\w+)?)|verify-?(?:e?mail|code|account|phone)"
)
"""Steps of a path that belong to signing in and out, wherever they stand."""
_SIGN_IN_HERE = re.compile(
    r"register|token|refresh|verify|verification|confirm\w*|callback|providers|session|exchange"
    r"|(?:auth-?)?status|activate|recover\w*"
)
"""The same, where nothing but ``_PLAIN`` steps stand beside: ``/auth/token``, ``/users/verify``."""
_PLAIN = re.compile(
    r"api|rest|v\d+|public|auth\w*|iam|identity|security|users?|accounts?|e?mail|password|session"
    r"|google|github|facebook|apple|microsoft|linkedin|discord"
)
_SIGN_IN_NAME = re.compile(
    r"(?:(?:api|handle|do|post|user|get|start)_)*"
    r"(?:log_?in|log_?out|sign_?in|sign_?up|sign_?out|register|oauth\w*|sso|refresh(?:_\w*token)?"
    r"|(?:exchange|issue)\w*_token|forgot_password|reset_password|recover_password|csrf(?:_token)?"
    r"|verify_(?:e?mail|otp|code)|magic_link)"
    r"(?:_(?:user|new|account|route|endpoint|handler|view|page|form|access|token|for|with|by|via"
    r"|e?mail|password|google|github|callback|api|json|sso|provider|social|oidc))*",
    re.IGNORECASE,
)
_PROBE = re.compile(
    r"health\w*(?:-?check)?|live(?:ness|z)?|ready|readiness|readyz|startup|ping|heartbeat"
)
_TECHNICAL = re.compile(
    r"health\w*(?:-?check)?|live(?:ness|z)?|ready|readiness|readyz|startup|ping|heartbeat|docs|redoc"
    r"|openapi(?:\.json)?|favicon\.(?:ico|png)|robots\.txt|static|assets|public"
)
_TECHNICAL_NAME = re.compile(
    r"(?:get_|read_|api_)?(?:health\w*|liveness\w*|readiness\w*|ping|root|index|home(?:page)?"
    r"|welcome|landing|favicon|robots)(?:_(?:check|page|probe|endpoint|view|status))?",
    re.IGNORECASE,
)
_FOR_EVERYBODY = re.compile(
    r"status|version|info|metrics|verify|exists|about|terms|privacy|pricing|plans|config|welcome"
    r"|root|home|index|themes?|session|(?:vapid-?)?(?:public-?)?key"
)
"""Last steps of paths that may be public, unless they reach rows that belong to somebody."""
_PERSONAL = re.compile(r"user|account|member|profile|person|people|customer|payment|order")
_PICTURES = re.compile(r"media|images?|img|avatars?|thumbnails?|icons?|logos?")
_FORMS = re.compile(
    r"contact(?:-us)?|newsletter|leads?|waitlist|(?:un)?subscribe|feedback|confirm\w*|demo-request"
)
"""Last steps that take something from visitors."""
_CAPABILITY = re.compile(
    r"(?:\w+_)?(?:token|secret|signature)"
    r"|(?:invit\w*|share|reset|verif\w*|confirm\w*|activation|magic|unsubscribe)_?"
    r"(?:code|key|id|hash|slug)",
    re.IGNORECASE,
)
"""Path parameters that only whoever was given them knows."""
_PROVES = re.compile(
    r"token|code|otp|secret|signature|password|key|hash|state|body|form|data|request",
    re.IGNORECASE,
)
"""Parameters by which somebody can show who they are."""
_DEBUG = re.compile(
    r"(?:^|[/_-])(?:tests?|debug|dev|demo|seed|tmp|temp|sandbox)(?:$|[/_-])", re.IGNORECASE
)
_MACHINE = re.compile(
    r"web-?hooks?|dapr|cron|pubsub|internal|bindings?|hooks|worker|tasks-queue|ingest|triggers?",
)
_MACHINE_OR_ROWS = re.compile(r"jobs?|events?|schedulers?|consumers?|notify|subscri(?:be|ptions?)")
"""Words of machines, unless the application keeps such things: ``/events/{event_id}``."""
_MACHINE_NAME = re.compile(
    r"(?:\w+_)?web_?hook(?:s|_\w+)?|cron(?:_\w+)?|\w+_(?:cron|job_endpoint)"
    r"|(?:handle|on|receive|process|consume)_\w*(?:events?|messages?|jobs?|ed|due|sent)",
    re.IGNORECASE,
)
_ENVELOPE = re.compile(r"(?:cloud_?)?event|envelope|cloud_event_\w+", re.IGNORECASE)
"""Parameters that hold what a broker delivers."""
_PRIVILEGE = re.compile(
    r"admin|superuser|staff|moderator|role|permission|scope|privilege|internal|service_?token"
    r"|scim|service_?key|api_?key|system_?user|can_?manage|organi[sz]ation_?member",
    re.IGNORECASE,
)
_HASHES = re.compile(r"hash|make_password|set_password", re.IGNORECASE)


def is_public(code: Code, route: Route) -> bool:
    """Whether a route is one that people reach before they are signed in."""
    if any(_matches(route.path, given) for given in code.knowledge.public_routes):
        return True
    if route.path.rstrip("/") in {"", "/api", "/api/v1", "/v1"}:
        return True
    if _is_sign_in(route) and not _is_about_another(code, route):
        return True
    if _is_probe(code, route):
        return True
    if _is_open(route):
        return not any(model.owner for model in owned_models(code, route, counts=False))
    return _signs_up(code, route)


def _matches(path: str, given: str) -> bool:
    return path.startswith(given[:-1]) if given.endswith("*") else path == given


def _steps(path: str) -> list[str]:
    """Give the fixed steps of a path, in lower case, with hyphens for underscores."""
    steps = (step.lower().replace("_", "-") for step in path.split("/"))
    return [step for step in steps if step and "{" not in step]


def _is_sign_in(route: Route) -> bool:
    if _SIGN_IN_NAME.fullmatch(route.function.name):
        return True
    if any(_CAPABILITY.fullmatch(name) for name in route.path_params):
        return True
    steps = _steps(route.path)
    if any(_SIGN_IN.fullmatch(step) for step in steps):
        return True
    rest = [step for step in steps if not _PLAIN.fullmatch(step)]
    return bool(rest) and all(_SIGN_IN_HERE.fullmatch(step) for step in rest)


def _is_about_another(code: Code, route: Route) -> bool:
    """Whether a path names any user, and nothing that is sent along proves to be that one."""
    if not path_owners(route):
        return False
    chosen = client_names(code, route) - set(path_owners(route))
    return not any(
        _PROVES.search(param.name)
        or code.project.annotated(route.file, param.annotation) is not None
        for param in route.function.params
        if param.name in chosen and param.annotation is not None
    )


def _is_probe(code: Code, route: Route) -> bool:
    """Whether it tells if the application lives, and takes nothing from who asks."""
    steps = _steps(route.path)
    return any(_PROBE.fullmatch(step) for step in steps[-2:]) and not client_names(code, route)


def _is_open(route: Route) -> bool:
    steps = _steps(route.path)
    if any(_TECHNICAL.fullmatch(step) for step in steps):
        return True
    if _TECHNICAL_NAME.fullmatch(route.function.name):
        return True
    last = steps[-1] if steps and not route.path.rstrip("/").endswith("}") else ""
    if _FORMS.fullmatch(last):
        return route.methods == ("POST",)
    if route.methods == ("GET",) and any(_PICTURES.fullmatch(step) for step in steps):
        return True
    words = last.split("-")
    return bool(_FOR_EVERYBODY.fullmatch(last)) or (
        any(_FOR_EVERYBODY.fullmatch(word) for word in words)
        and not any(_PERSONAL.match(word) for word in words)
    )


def _signs_up(code: Code, route: Route) -> bool:
    """Whether the route makes an account: a new user with a password, hashed."""
    if route.methods != ("POST",):
        return False
    reached = code.calls.reach(route.function)
    makes = any(
        (model := code.models.get(code.calls.name(function, call.text))) is not None
        and model.is_user
        for function in reached
        for call in function.calls
        if call.base is None and method(call)[:1].isupper()
    )
    return makes and any(
        _HASHES.search(method(call)) for function in reached for call in function.calls
    )


def is_privileged(code: Code, route: Route) -> bool:
    """Whether a route is for administrators or services: by its names, or by what it asks."""
    function = route.function
    if _PRIVILEGE.search(route.path) or _PRIVILEGE.search(function.name):
        return True
    dependencies = (*route.dependencies, *code.calls.dependencies(function))
    if any(_PRIVILEGE.search(dependency.name) for dependency in dependencies):
        return True
    return any(
        _PRIVILEGE.search(name)
        for stmt in function.statements
        if stmt.kind == "if"
        for name in names_in(stmt.exprs[0])
    )


def is_debug(route: Route) -> bool:
    """Whether path or name says that the route was for trying things out."""
    return bool(_DEBUG.search(route.path) or _DEBUG.search(route.function.name))


def is_callback(code: Code, route: Route) -> bool:
    """Whether another machine calls the route: events, jobs, webhooks."""
    if _MACHINE_NAME.fullmatch(route.function.name):
        return True
    steps = _steps(route.path)
    if any(_MACHINE.fullmatch(word) for step in steps for word in (step, *step.split("-"))):
        return True
    delivered = any(_ENVELOPE.fullmatch(param.name) for param in route.function.params)
    if delivered and route.methods == ("POST",) and "events" not in code.app.collections:
        return True
    words = [step for step in steps if _MACHINE_OR_ROWS.fullmatch(step)]
    return any(word.replace("-", "_") not in code.app.collections for word in words)


def runs_tools(route: Route) -> bool:
    """Whether the route's own code is an MCP server: it answers ``tools/call`` of JSON-RPC."""
    return any(expr.text == "tools/call" for expr in route.function.texts)
