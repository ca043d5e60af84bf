"""The pytest plugin: ``pytest --betterguard`` tries the paths on the application's own tables.

A ``conftest.py`` implements the hook ``pytest_betterguard_case``. Without the option nothing is
collected and SQLAlchemy is not imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.testing.isolation import IsolationCase

__all__ = ["pytest_addhooks", "pytest_addoption", "pytest_collection_modifyitems"]


class Hooks:
    """The hook that an application implements."""

    @pytest.hookspec(firstresult=True)
    def pytest_betterguard_case(self, config: pytest.Config) -> IsolationCase | None:
        """Give the application's test database, with rows of two users in it."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Make the hook known."""
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--betterguard``."""
    parser.getgroup("betterguard").addoption(
        "--betterguard",
        action="store_true",
        help="try the paths to other users' rows on the database of pytest_betterguard_case",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the paths behind the application's own tests."""
    if config.getoption("--betterguard"):
        items.extend(_paths(session, config))


def _paths(session: pytest.Session, config: pytest.Config) -> Iterator[pytest.Item]:
    from betterguard.testing.isolation import owned_tables  # noqa: PLC0415  # an extra
    from betterguard.testing.paths import PATHS  # noqa: PLC0415  # as above

    case = config.hook.pytest_betterguard_case(config=config)
    if case is None:
        msg = "--betterguard needs a hook pytest_betterguard_case(config) in conftest.py"
        raise pytest.UsageError(msg)
    for table in owned_tables(case.metadata):
        for path in PATHS:
            name = f"betterguard[{table}-{path}]"
            yield PathItem.from_parent(session, name=name, case=case, table=table, path=path)


class PathItem(pytest.Item):
    """One path on one table."""

    def __init__(self, *, case: IsolationCase, table: str, path: str, **options: Any) -> None:
        super().__init__(**options)
        self.case, self.table, self.path_name = case, table, path

    def runtest(self) -> None:
        """Go the path as both users."""
        from betterguard.testing.isolation import try_path  # noqa: PLC0415  # an extra

        try_path(self.case, self.table, self.path_name)
