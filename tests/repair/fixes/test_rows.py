"""Whose rows: the fixes of BG101, BG301, BG302 and BG303, which have to name the caller."""

from __future__ import annotations

import pytest

from tests.repair.fixing import fixed, reasons, repaired

HEAD = """
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from sqlmodel import Field, Session, SQLModel, delete, select, update
app = FastAPI()
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str
    title: str
def get_session(): ...
def get_user(authorization: str = Header()) -> str:
    try:
        return jwt.decode(authorization, KEY, algorithms=["EdDSA"])["sub"]
    except jwt.PyJWTError as err:
        raise HTTPException(401) from err
"""
ROUTE = """
@app.get("/tasks/{task_id}")
def task(task_id: int, me: str = Depends(get_user), session: Session = Depends(get_session)):
"""


def with_body(*lines: str) -> str:
    return HEAD + ROUTE + "".join(f"    {line}\n" for line in lines)


STATEMENTS = [
    pytest.param(
        "select(Task).where(Task.id == task_id)",
        "select(Task).where(Task.id == task_id, Task.user_id == me)",
        id="where",
    ),
    pytest.param("select(Task)", "select(Task).where(Task.user_id == me)", id="everything"),
    pytest.param(
        "select(Task).order_by(Task.id).where(Task.id == task_id)",
        "select(Task).where(Task.user_id == me).order_by(Task.id).where(Task.id == task_id)",
        id="where-comes-later",
    ),
    pytest.param(
        "delete(Task).where(Task.id == task_id)",
        "delete(Task).where(Task.id == task_id, Task.user_id == me)",
        id="delete",
    ),
    pytest.param(
        "update(Task).where(Task.id == task_id)",
        "update(Task).where(Task.id == task_id, Task.user_id == me)",
        id="update",
    ),
]


def test_a_line_that_would_be_too_long_is_broken() -> None:
    start = "found = session.exec(select(Task).where(Task.id == task_id, Task.title"
    made = fixed(with_body(f"{start}.in_(['a', 'b'])))  # some"), "BG302")
    assert made == with_body(
        "found = session.exec(select(Task).where(",
        "    Task.id == task_id, Task.title.in_(['a', 'b']), Task.user_id == me",
        "))  # some",
    )


@pytest.mark.parametrize(("before", "after"), STATEMENTS)
def test_a_statement_asks_for_the_callers_rows(before: str, after: str) -> None:
    line = "return session.exec({}).all()  # theirs"
    assert fixed(with_body(line.format(before)), "BG302") == with_body(line.format(after))


def test_a_statement_over_several_lines_keeps_its_shape() -> None:
    lines = ["return session.exec(", "    select(Task).where(", "        Task.id == task_id,"]
    end = ["    )", ").all()"]
    after = [*lines, "        Task.user_id == me,", *end]
    assert fixed(with_body(*lines, *end), "BG302") == with_body(*after)


def test_a_row_found_by_its_key_is_compared() -> None:
    made = fixed(with_body("row = session.get(Task, task_id)", "return row"), "BG302")
    assert made == with_body(
        "row = session.get(Task, task_id)",
        "if row is None or row.user_id != me:",
        '    raise HTTPException(status_code=404, detail="Task not found")',
        "return row",
    )


def test_an_id_of_another_type_is_converted() -> None:
    text = with_body("return session.exec(select(Task)).all()").replace(
        "user_id: str", "user_id: uuid.UUID"
    )
    made = fixed("import uuid\n" + text, "BG302")
    assert "Task.user_id == uuid.UUID(me)" in made


NOOPS = [
    pytest.param(
        "return session.exec(select(Task).where(Task.user_id == me)).all()", id="filtered"
    ),
    pytest.param("return session.exec(select(Task).filter_by(user_id=me)).all()", id="filter-by"),
    pytest.param("return session.query(Task).filter(Task.user_id == me).all()", id="query"),
    pytest.param(
        "q = select(Task).where(Task.id == task_id)\n    return session.exec(q.where(Task.user_id == me))",
        id="filtered-later",
    ),
    pytest.param(
        "row = session.get(Task, task_id)\n    if row.user_id != me:\n"
        "        raise HTTPException(404)\n    return row",
        id="compared",
    ),
    pytest.param("return me", id="no-statement"),
]


@pytest.mark.parametrize("line", NOOPS)
def test_a_statement_that_asks_already_stays(line: str) -> None:
    assert fixed(with_body(line), "BG302") == with_body(line)


def test_a_helper_without_the_callers_id_is_left_to_a_person() -> None:
    text = with_body("return find(session, task_id)") + (
        "def find(session, task_id):\n"
        "    return session.exec(select(Task).where(Task.id == task_id)).first()\n"
    )
    assert fixed(text, "BG302") == text
    assert reasons(text, "BG302") == ["hand the caller's id to find, and filter by it"]


OPEN = """
@app.get("/all")
async def everything({params}):
    return 1
"""
PROTECTED = with_body("return session.exec(select(Task).where(Task.user_id == me)).all()")
TOUCH = "    session.exec(select(Task)).all()\n    return 1"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "session: Session = Depends(get_session)",
            "me: str = Depends(get_user), session: Session = Depends(get_session)",
            id="one-line",
        ),
        pytest.param(
            "\n    limit: int,\n    session: Session = Depends(get_session),\n",
            "\n    limit: int,\n    me: str = Depends(get_user),\n"
            "    session: Session = Depends(get_session),\n",
            id="own-lines",
        ),
        pytest.param(
            "\n    session: Session = Depends(get_session)  # db\n",
            "\n    me: str = Depends(get_user),\n    session: Session = Depends(get_session)  # db\n",
            id="no-last-comma",
        ),
    ],
)
def test_a_route_asks_as_the_others_do(before: str, after: str) -> None:
    text = PROTECTED + OPEN.replace("    return 1", TOUCH)
    assert fixed(text.replace("{params}", before), "BG101") == text.replace("{params}", after)


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(
            "session: Session = Depends(get_session), user: str = Depends(get_user)", id="asks"
        ),
        pytest.param("session: Session, me: str", id="name-is-taken"),
        pytest.param("session: Session, **more", id="takes-any"),
    ],
)
def test_a_route_that_asks_or_cannot_stays(params: str) -> None:
    text = (PROTECTED + OPEN.replace("    return 1", TOUCH)).replace("{params}", params)
    assert fixed(text, "BG101") == text


BELOW = HEAD.replace(
    "def get_user", OPEN.format(params="session").replace("    return 1", TOUCH) + "def get_user"
)


def test_a_dependency_that_stands_below_the_route_is_not_named_above_it() -> None:
    text = BELOW + ROUTE + "    return session.get(Task, task_id)\n"
    assert fixed(text, "BG101") == text
    assert reasons(text, "BG101") == [
        "no dependency of the project tells who is calling: betterguard init makes one"
    ]


def test_the_guard_serves_where_the_dependency_stands_below_the_route() -> None:
    text = BELOW + ROUTE + "    return session.get(Task, task_id)\n"
    guard = "from betterguard import BetterGuard\nguard = BetterGuard.from_env()\n"
    made = fixed(text, "BG101", auth=guard)
    assert "from auth import guard\n" in made
    assert "def everything(session, caller_id: str = Depends(guard.verify_token)):" in made


def test_a_dependency_of_another_file_is_imported() -> None:
    other = PROTECTED
    text = (
        "from fastapi import APIRouter\nfrom sqlmodel import select\nfrom tasks import Task, app\n"
        "router = APIRouter()\n@router.get('/all')\ndef everything(session):\n"
        "    return session.exec(select(Task)).all()\napp.include_router(router)\n"
    )
    made = fixed(text, "BG101", tasks=other)
    assert "from fastapi import APIRouter, Depends\n" in made
    assert "from tasks import Task, app, get_user\n" in made
    assert "def everything(session, me: str = Depends(get_user)):" in made


GUARD = "from betterguard import BetterGuard\nguard = BetterGuard.from_env()\n"
PEOPLE = """
from fastapi import APIRouter, Depends, HTTPException
from sqlmodel import Field, Session, SQLModel, select
from auth import guard
class User(SQLModel, table=True):
    id: str = Field(primary_key=True)
    email: str
class Task(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str
def get_session(): ...
def load_user(session: Session = Depends(get_session), me: str = Depends(guard.verify_token)):
    user = session.exec(select(User).where(User.id == me)).first()
    if user is None:
        raise HTTPException(401)
    return user
router = APIRouter()
"""
ME = """@router.get("/me")
def me(user: User = Depends(load_user)):
    return user.id
"""
SYNC = """@router.post("/sync")
def sync(email: str, session: Session = Depends(get_session)):
    session.add(User(id="x", email=email))
    session.commit()
"""
ADD = """@router.post("/tasks")
def add(title: str, session: Session = Depends(get_session)):
    session.add(Task(user_id="x"))
    session.commit()
"""
MAIN = "from fastapi import FastAPI\nfrom people import router\napp = FastAPI()\n"
INCLUDE = "app.include_router(router)\n"
TASKS = """
from fastapi import APIRouter, Depends
from people import Session, Task, get_session
router = APIRouter()
"""


WHO = """import jwt
from fastapi import Header
def who(token: str = Header()) -> str:
    return jwt.decode(token, KEY, algorithms=["EdDSA"])["sub"]
"""


def asked(files: dict[str, str], path: str, handler: str) -> str:
    done = repaired({"auth.py": GUARD, "app.py": MAIN + INCLUDE} | files, "BG101")
    text = " ".join(done.workspace.texts[path].decode().split())
    return text.partition(f"def {handler}(")[2].partition("):")[0].strip(" ,")


def test_a_route_that_makes_the_callers_row_does_not_ask_for_that_row() -> None:
    line = asked({"people.py": PEOPLE + ME + SYNC}, "people.py", "sync")
    assert line.count("caller_id: str = Depends(guard.verify_token)") == 1


def test_a_route_beside_those_that_load_the_row_loads_it_too() -> None:
    line = asked({"people.py": PEOPLE + ME + ADD}, "people.py", "add")
    assert line.count("user: User = Depends(load_user)") == 1


def test_a_route_elsewhere_asks_for_the_id_alone() -> None:
    app = MAIN.replace(
        "people import router", "people import router\nfrom tasks import router as more"
    )
    files = {
        "people.py": PEOPLE + ME,
        "tasks.py": TASKS + ADD,
        "app.py": app + INCLUDE + "app.include_router(more)\n",
    }
    assert (
        asked(files, "tasks.py", "add").count("caller_id: str = Depends(guard.verify_token)") == 1
    )


def test_a_file_that_imports_in_two_ways_imports_the_guard_in_the_one_that_always_works() -> None:
    two_ways = (
        "try:\n    from ..core.tables import Session, Task, get_session\n"
        "except ImportError:\n    from core.tables import Session, Task, get_session\n"
    )
    tasks = "\nfrom fastapi import APIRouter, Depends\n" + two_ways + "router = APIRouter()\n" + ADD
    app = (
        "from fastapi import FastAPI\nfrom routes.tasks import router\napp = FastAPI()\n" + INCLUDE
    )
    files = {
        "core/__init__.py": "",
        "core/auth.py": GUARD,
        "core/tables.py": PEOPLE.partition("def load_user")[0].replace("auth", "core.auth"),
        "routes/__init__.py": "",
        "routes/tasks.py": tasks,
        "app.py": app,
    }
    made = repaired(files, "BG101").workspace.texts["routes/tasks.py"].decode()
    assert "\nfrom core.auth import guard\n" in made


def test_the_projects_own_dependency_on_the_id_comes_before_the_guards() -> None:
    app = MAIN.replace(
        "people import router", "people import router\nfrom tasks import router as more"
    )
    own = ME.replace("user: User = Depends(load_user)", "me: str = Depends(who)").replace(
        "user.id", "me"
    )
    files = {
        "people.py": PEOPLE + WHO + own,
        "tasks.py": TASKS + ADD,
        "app.py": app + INCLUDE + "app.include_router(more)\n",
    }
    assert asked(files, "tasks.py", "add").count("me: str = Depends(who)") == 1


def test_what_loads_the_row_serves_where_nothing_else_does() -> None:
    people = PEOPLE.replace("from auth import guard\n", "import jwt\nfrom fastapi import Header\n")
    people = people.replace("me: str = Depends(guard.verify_token)", "token: str = Header()")
    people = people.replace(
        "    user = session",
        "    me = jwt.decode(token, KEY, algorithms=['EdDSA'])['sub']\n    user = session",
    )
    app = MAIN.replace(
        "people import router", "people import router\nfrom tasks import router as more"
    )
    files = {
        "auth.py": "",
        "people.py": people + ME,
        "tasks.py": TASKS + ADD,
        "app.py": app + INCLUDE + "app.include_router(more)\n",
    }
    assert asked(files, "tasks.py", "add").count("user: User = Depends(load_user)") == 1


PATH = """
@app.get("/api/{user_id}/tasks")
def tasks(user_id: %s, me: str = Depends(get_user)):
    %s
"""
REFUSE = '    if %s != %s:\n        raise HTTPException(status_code=403, detail="Forbidden")\n'


@pytest.mark.parametrize(
    ("note", "first", "condition"),
    [
        pytest.param("str", "return load(user_id)", ("user_id", "me"), id="texts"),
        pytest.param("int", "return load(user_id)", ("str(user_id)", "str(me)"), id="a-number"),
    ],
)
def test_the_path_is_compared(note: str, first: str, condition: tuple[str, str]) -> None:
    before = HEAD + PATH % (note, first)
    after = before.replace(f"    {first}", REFUSE % condition + f"    {first}")
    assert fixed(before, "BG301") == after


def test_the_comparison_comes_behind_the_docstring() -> None:
    text = HEAD + PATH % ("str", '"""Tasks."""\n    return load(user_id)')
    assert '"""Tasks."""\n    if user_id != me:\n' in fixed(text, "BG301")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            "if user_id != me:\n        raise HTTPException(403)\n    return load(user_id)",
            id="inline",
        ),
        pytest.param(
            "own(user_id, me)\n    return load(user_id)\ndef own(a, b):\n"
            "    if a != b:\n        raise HTTPException(403)",
            id="helper",
        ),
    ],
)
def test_a_path_that_is_compared_stays(body: str) -> None:
    text = HEAD + PATH % ("str", body)
    assert fixed(text, "BG301") == text
