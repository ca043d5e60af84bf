"""The faults that are put into copies of the demo's back end, one at a time."""

from __future__ import annotations

from tests.e2e.faults.additions import HIDDEN, LEAKING
from tests.e2e.faults.doors import UNGUARDED
from tests.e2e.faults.guards import BY_HAND, CREDENTIAL
from tests.e2e.faults.isolation import UNFILTERED

__all__ = ["BY_HAND", "FAULTS"]

FAULTS = CREDENTIAL | UNGUARDED | UNFILTERED | LEAKING | HIDDEN
