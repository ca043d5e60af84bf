"""Routes of the demo in which one user reaches what is another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from betterguard.live.attack import Family
from tests.e2e.faults.fault import LIST, TASK, TASKS
from tests.e2e.faults.lines import (
    ADDED,
    ADDING,
    CHANGING,
    DELETING,
    FINDING,
    LISTING,
    READING,
    REPLACING,
    in_routes,
    through,
)

if TYPE_CHECKING:
    from tests.e2e.faults.fault import Fault

__all__ = ["UNFILTERED"]


def crossing(attack: str, operation: str, *pairs: tuple[str, str]) -> Fault:
    """Let a route reach what is another user's."""
    return in_routes(Family.CROSSING, attack, operation, *pairs)


UNFILTERED = {
    "path-not-compared-on-list": crossing(
        "path-user", LIST, (LISTING, LISTING.replace("_: PathUser, session: User", "session: Path"))
    ),
    "path-not-compared-on-post": crossing(
        "path-user",
        f"POST {TASKS}",
        (ADDING, ADDING.replace("_: PathUser, session: User", "session: Path")),
    ),
    "path-not-compared-on-get": crossing(
        "path-user",
        f"GET {TASK}",
        (FINDING, FINDING.replace("_: PathUser, session: User", "session: Path")),
    ),
    "list-unfiltered": crossing("list-foreign", LIST, (LISTING, through("AnyTask", LISTING))),
    "get-unfiltered": crossing(
        "read-foreign", f"GET {TASK}", (READING, through("AnyTask", READING))
    ),
    "put-unfiltered": crossing(
        "update-foreign", f"PUT {TASK}", (REPLACING, through("AnyTask", REPLACING))
    ),
    "patch-unfiltered": crossing(
        "update-foreign", f"PATCH {TASK}", (CHANGING, through("AnyTask", CHANGING))
    ),
    "delete-unfiltered": crossing(
        "delete-foreign", f"DELETE {TASK}", (DELETING, through("AnyTask", DELETING))
    ),
    "owner-from-body": crossing(
        "assign-owner",
        f"POST {TASKS}",
        (
            ADDING,
            through("AnyTask", ADDING).replace("TaskIn, _:", "OwnedTaskIn, user:"),
        ),
        (
            ADDED,
            """\
    owner = new.user_id or user.id
    return await saved(Task(title=new.title, done=new.done, user_id=owner), session)
""",
        ),
    ),
    "owner-changed-by-put": crossing(
        "change-owner",
        f"PUT {TASK}",
        (REPLACING, through("FilteredTask", REPLACING).replace("TaskIn", "OwnedTaskIn")),
        ("new.model_dump()", "new.model_dump(exclude_none=True)"),
    ),
    "owner-changed-by-patch": crossing(
        "change-owner",
        f"PATCH {TASK}",
        (CHANGING, through("FilteredTask", CHANGING).replace("TaskChanges", "OwnedChanges")),
    ),
    "oracle-by-status": crossing(
        "existence-oracle",
        f"GET {TASK}",
        (READING, "async def read_task(task: AnyTask, user: CurrentUser) -> Task:\n"),
        (
            "    return task\n\n\n@router.put",
            """\
    if task.user_id != user.id:
        raise HTTPException(403)
    return task


@router.put""",
        ),
    ),
    "oracle-by-text": crossing(
        "existence-oracle",
        f"DELETE {TASK}",
        (DELETING, through("AnyTask", DELETING).replace("task:", "user: CurrentUser, task:")),
        (
            "    await session.delete(task)\n",
            """\
    if task.user_id != user.id:
        raise HTTPException(404, "This task is not yours")
    await session.delete(task)
""",
        ),
    ),
}
