"""The demo's back end: a to-do API that only shows people their own tasks."""

from __future__ import annotations
