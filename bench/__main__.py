"""Run measurements: ``python -m bench`` runs all, ``python -m bench overhead`` one."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import bench

HELPERS = ("contender", "load")


def measurements() -> list[str]:
    """Name the modules here that have a ``main``."""
    names = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    return [name for name in names if name not in HELPERS and not name.startswith("_")]


def main(wanted: list[str]) -> int:
    """Run the named measurements, all without names; exit 2 on an unknown one."""
    known = measurements()
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in wanted or known:
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
