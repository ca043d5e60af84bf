"""What isolation costs: each wall against a hand-written WHERE, on one million rows.

PostgreSQL runs here, with psycopg; ten thousand users have a hundred rows each. The variants
take turns within each round, and each figure is the median over the rounds, so that a noisy
machine disturbs all of them alike.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    with_loader_criteria,
)

from betterguard import rows
from betterguard.rows import Owned, owned_index
from betterguard.rows.transactions import tell_the_user
from tests.servers.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.servers.postgres import Postgres

ROWS, USERS = 1_000_000, 10_000
ROUNDS, CALLS = 15, 60
ROLE = "bench_app"
VARIANTS = ("hand", "with_loader_criteria", "wall 1", "RLS", "1+2")


class Base(DeclarativeBase):
    """The tables of this measurement."""


class Note(Owned, Base):
    """One row of the million."""

    __tablename__ = "note"
    __table_args__ = (owned_index("note_by_owner", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    stars: Mapped[int]


@dataclass(frozen=True)
class Cost:
    """Seconds a call: of this process's CPU, and by the clock."""

    cpu: float
    wall: float


def _own(statement: Any, user: str, *, by_hand: bool) -> Any:
    return statement.where(Note.user_id == user) if by_hand else statement


def point_read(session: Session, user: str, key: int, *, by_hand: bool) -> object:
    """Read one row by its key."""
    statement = sa.select(Note).where(Note.id == key)
    return session.scalars(_own(statement, user, by_hand=by_hand)).one()


def ten_reads(session: Session, user: str, key: int, *, by_hand: bool) -> object:
    """Read ten rows by their keys, in one transaction."""
    keys = range(key, key + 10 * USERS, USERS)
    return [point_read(session, user, one, by_hand=by_hand) for one in keys]


def list_of_50(session: Session, user: str, _key: int, *, by_hand: bool) -> object:
    """Read fifty rows."""
    statement = sa.select(Note).order_by(Note.id).limit(50)
    return session.scalars(_own(statement, user, by_hand=by_hand)).all()


def count(session: Session, user: str, _key: int, *, by_hand: bool) -> object:
    """Count the user's rows."""
    statement = sa.select(sa.func.count()).select_from(Note)
    return session.scalar(_own(statement, user, by_hand=by_hand))


def change(session: Session, user: str, key: int, *, by_hand: bool) -> object:
    """Change one row."""
    statement = sa.update(Note).where(Note.id == key).values(stars=Note.stars + 1)
    options = {"synchronize_session": False}
    return session.execute(_own(statement, user, by_hand=by_hand), execution_options=options)


OPERATIONS: Mapping[str, Any] = {
    "point read": point_read,
    "10 reads": ten_reads,
    "list of 50": list_of_50,
    "count": count,
    "update": change,
}


def main() -> None:
    """Fill a database, measure, and print ratios and plans."""
    with running_postgres() as server:
        openers = prepare(server)
        print(f"isolation: {ROWS:,} rows of {USERS:,} users, medians of {ROUNDS} rounds")
        print(f"{'':12}" + "".join(f"{name:>28}" for name in VARIANTS))
        for name, operation in OPERATIONS.items():
            print(line(name, measure(openers, operation)))
        print("cells: client CPU and wall time, as ratios to hand; hand in milliseconds a call\n")
        for name, opener in openers.items():
            print(f"{name}: {plan(opener, by_hand=by_hand(name))}")


def by_hand(variant: str) -> bool:
    """Tell whether a variant's statements have a WHERE of their own."""
    return variant == "hand"


def line(name: str, costs: Mapping[str, Cost]) -> str:
    """Format one operation's figures."""
    hand = costs["hand"]
    cells = [f"{hand.cpu * 1e3:.2f} ms / {hand.wall * 1e3:.2f} ms"]
    for variant in VARIANTS[1:]:
        cost = costs[variant]
        cells.append(f"{cost.cpu / hand.cpu:.2f} / {cost.wall / hand.wall:.2f}")
    return f"{name:12}" + "".join(f"{cell:>28}" for cell in cells)


def prepare(server: Postgres) -> dict[str, Callable[[str], Session]]:
    """Make two databases, one with policies, and give each variant's way to a session."""
    server.server.psql(f"CREATE ROLE {ROLE} LOGIN")
    plain, guarded = filled(server, policies=False), filled(server, policies=True)
    wall_1, both = sa.create_engine(plain), sa.create_engine(guarded)
    rows.isolate(wall_1, Base.metadata)
    rows.isolate(both, Base.metadata)
    only_rls = sa.create_engine(guarded)
    tell_the_user(only_rls)
    hand = sa.create_engine(plain)
    return {
        "hand": lambda _user: Session(hand),
        "with_loader_criteria": lambda user: filtering_session(hand, user),
        "wall 1": lambda user: rows.session(wall_1, user),
        "RLS": lambda user: Session(only_rls.execution_options(betterguard_user=user)),
        "1+2": lambda user: rows.session(both, user),
    }


def filled(server: Postgres, *, policies: bool) -> sa.URL:
    """Create a database with its million rows; give the application's address of it."""
    name = server.new_database()
    engine = sa.create_engine(server.url("psycopg", name))
    Base.metadata.create_all(engine)
    extra = rows.policies(Base.metadata, role=ROLE) if policies else ()
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO note (id, user_id, title, stars) SELECT n, 'user-' || n %% {USERS},"  # noqa: S608  # constants
            f" 'note ' || n, 0 FROM generate_series(1, {ROWS}) n"
        )
        for statement in (*rows.grants(Base.metadata, role=ROLE), *extra):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE note")
    engine.dispose()
    return server.url("psycopg", name, ROLE)


class FilteringSession(Session):
    """A session that filters as SQLAlchemy's documentation shows."""


@event.listens_for(FilteringSession, "do_orm_execute")
def _add_criteria(state: ORMExecuteState) -> None:
    user = state.session.info["user"]
    option = with_loader_criteria(Note, lambda kind: kind.user_id == user, include_aliases=True)
    state.statement = state.statement.options(option)


def filtering_session(engine: sa.Engine, user: str) -> Session:
    """Open a session with the documented recipe."""
    return FilteringSession(engine, info={"user": user})


def measure(openers: Mapping[str, Callable[[str], Session]], operation: Any) -> dict[str, Cost]:
    """Run the operation by every variant, in turns."""
    samples: dict[str, list[Cost]] = {name: [] for name in openers}
    for number in range(ROUNDS + 1):
        for name, opener in openers.items():
            cost = one_round(opener, operation, number, by_hand=by_hand(name))
            if number:  # the first round compiles and connects
                samples[name].append(cost)
    return {
        name: Cost(
            statistics.median(cost.cpu for cost in costs),
            statistics.median(cost.wall for cost in costs),
        )
        for name, costs in samples.items()
    }


def one_round(
    opener: Callable[[str], Session], operation: Any, number: int, *, by_hand: bool
) -> Cost:
    """Run a number of calls, each in a session of its own, as requests are."""
    cpu, wall = time.process_time(), time.perf_counter()
    for call in range(CALLS):
        key = 1 + (number * CALLS + call) * 7 % (USERS - 1)
        with opener(f"user-{key}") as session:
            operation(session, f"user-{key}", key, by_hand=by_hand)
            session.commit()
    return Cost((time.process_time() - cpu) / CALLS, (time.perf_counter() - wall) / CALLS)


def plan(opener: Callable[[str], Session], *, by_hand: bool) -> str:
    """Give the plan of the list, on one line, as PostgreSQL explains it to this variant."""
    user = "user-7"
    statement = _own(sa.select(Note).order_by(Note.id).limit(50), user, by_hand=by_hand)
    seen: list[str] = []
    with opener(user) as session:
        engine: Any = session.get_bind()

        def explain(_c: Any, cursor: Any, sql: str, parameters: Any, _x: Any, _m: Any) -> None:
            cursor.execute(f"EXPLAIN (COSTS OFF) {sql}", parameters)
            seen.append("; ".join(row[0].strip() for row in cursor.fetchall()))

        event.listen(engine, "before_cursor_execute", explain)
        session.scalars(statement).all()
        event.remove(engine, "before_cursor_execute", explain)
    return seen[-1]


if __name__ == "__main__":
    main()
