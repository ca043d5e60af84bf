"""A to-do application that shows betterguard at work, with everything real around it."""

from __future__ import annotations
