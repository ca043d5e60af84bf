"""Measurements: ratios from one run, never a test."""

from __future__ import annotations
