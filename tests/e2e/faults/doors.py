"""Routes of the demo without authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.live.attack import Family
from tests.e2e.faults.fault import LIST, TASK, TASKS
from tests.e2e.faults.lines import (
    ADDED,
    ADDING,
    DELETING,
    LISTED,
    LISTING,
    READING,
    REPLACING,
    in_routes,
    through,
)

if TYPE_CHECKING:
    from tests.e2e.faults.fault import Fault

__all__ = ["UNGUARDED"]


def unguarded(operation: str, *pairs: tuple[str, str]) -> Fault:
    """Take the authentication from a route, which believes its path instead."""
    return in_routes(Family.CREDENTIAL, "missing-credential", operation, *pairs)


UNGUARDED = {
    "no-auth-on-list": unguarded(
        LIST,
        (LISTING, "async def list_tasks(user_id: str, session: PlainSession) -> list[Task]:\n"),
        (
            LISTED,
            "    return list(await session.exec(select(Task).where(Task.user_id == user_id)))\n",
        ),
    ),
    "no-auth-on-get": unguarded(f"GET {TASK}", (READING, through("NamedTask", READING))),
    "no-auth-on-post": unguarded(
        f"POST {TASKS}",
        (ADDING, ADDING.replace("_: PathUser, session: User", "user_id: str, session: Plain")),
        (ADDED, ADDED.replace("done=new.done", "done=new.done, user_id=user_id")),
    ),
    "no-auth-on-put": unguarded(f"PUT {TASK}", (REPLACING, through("NamedTask", REPLACING))),
    "no-auth-on-delete": unguarded(f"DELETE {TASK}", (DELETING, through("NamedTask", DELETING))),
}
