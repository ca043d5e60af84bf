"""An API with users, tasks, projects and notes that is right, or wrong in one chosen way."""

from __future__ import annotations
