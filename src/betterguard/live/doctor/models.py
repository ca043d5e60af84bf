"""The application's tables, imported by name from its own code."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

from sqlalchemy import MetaData

__all__ = ["Unloaded", "load_metadata"]


class Unloaded(Exception):
    """The name leads to no tables; the message says why, without what the code said."""


def load_metadata(name: str) -> MetaData:
    """Import ``module:attribute``: a ``MetaData``, or what has one (a base, SQLModel).

    The working directory counts as the application's root, as for uvicorn.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        msg = "the form is module:attribute, such as app.models:Base"
        raise Unloaded(msg)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    with redirect_stdout(sys.stderr):  # what the application prints is no part of the report
        found = _attribute(module, attribute)
    metadata = found if isinstance(found, MetaData) else getattr(found, "metadata", None)
    if not isinstance(metadata, MetaData):
        msg = f"{name} is a {type(found).__name__}, neither a MetaData nor a declarative base"
        raise Unloaded(msg)
    return metadata


def _attribute(module: str, attribute: str) -> object:
    try:
        found: object = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as err:
        msg = f"there is no module {err.name}"
        raise Unloaded(msg) from err
    except AttributeError as err:
        msg = f"{module} has no {attribute}"
        raise Unloaded(msg) from err
    except (Exception, SystemExit) as err:  # noqa: BLE001  somebody's code may raise anything
        # Not its message: a settings class may quote what it was given.
        msg = f"importing {module} raised {type(err).__name__}"
        raise Unloaded(msg) from None
    return found
