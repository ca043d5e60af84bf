"""Is the database as the three walls need it?"""

from __future__ import annotations


def refuse_faults(connection, metadata): ...
