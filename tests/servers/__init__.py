"""The real servers that tests talk to, each on loopback and ended with the test."""

from __future__ import annotations
