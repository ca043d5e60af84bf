"""From a project's code to the application that it puts together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.audit.application import Application
from betterguard.audit.mounting import Mounting
from betterguard.audit.routers import Routers
from betterguard.audit.scopes import scopes
from betterguard.audit.wiring import Wiring

if TYPE_CHECKING:
    from betterguard.audit.calls import Calls
    from betterguard.audit.project import Project


def assemble(project: Project, calls: Calls) -> Application:
    """Give the application: first its routers, then what is added to them, then its routes."""
    places = list(scopes(project))
    routers = Routers(project, calls, places)
    wiring = Wiring(project, calls, places, routers)
    routes = Mounting(calls, routers).routes(wiring.registrations)
    return Application(
        routers.by_key, list(routes), wiring.middleware, wiring.handlers, wiring.mounts
    )
