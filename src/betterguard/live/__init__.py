"""A running application, looked at from outside: what it says, and what it lets through."""

from __future__ import annotations
