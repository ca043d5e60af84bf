"""Tables that PostgreSQL takes: moments in UTC, and Better Auth's tables beside one's own."""

from __future__ import annotations

from betterguard.schema.autogenerate import leave_alone, render_item
from betterguard.schema.better_auth import BetterAuthTables, map_better_auth
from betterguard.schema.columns import Timestamps, naive_server_utcnow
from betterguard.schema.finding import SchemaFinding
from betterguard.schema.inspection import check_schema
from betterguard.schema.layout import Layout
from betterguard.schema.models import (
    BetterAuthAccount,
    BetterAuthJwks,
    BetterAuthSession,
    BetterAuthUser,
    BetterAuthVerification,
    better_auth_class,
)
from betterguard.schema.timestamps import InvalidTimestamp, UtcDateTime, naive_utcnow, utcnow
from betterguard.schema.triggers import updated_at_trigger

__all__ = [
    "BetterAuthAccount",
    "BetterAuthJwks",
    "BetterAuthSession",
    "BetterAuthTables",
    "BetterAuthUser",
    "BetterAuthVerification",
    "InvalidTimestamp",
    "Layout",
    "SchemaFinding",
    "Timestamps",
    "UtcDateTime",
    "better_auth_class",
    "check_schema",
    "leave_alone",
    "map_better_auth",
    "naive_server_utcnow",
    "naive_utcnow",
    "render_item",
    "updated_at_trigger",
    "utcnow",
]
