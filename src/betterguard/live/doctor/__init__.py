"""``betterguard doctor``: configuration against reality, one line a check.

`diagnose` asks every `Family` about a `Subject` and gives a `Report` of `Outcome`s. A family
is one module: its questions (`Check`, with stable ids) and how they are asked.
"""

from __future__ import annotations

from betterguard.live.doctor.outcome import Check, Outcome, Report, Status
from betterguard.live.doctor.report import as_json, as_text
from betterguard.live.doctor.run import CHECKS, FAMILIES, diagnose
from betterguard.live.doctor.subject import Subject, read_environment, usable_settings

__all__ = [
    "CHECKS",
    "FAMILIES",
    "Check",
    "Outcome",
    "Report",
    "Status",
    "Subject",
    "as_json",
    "as_text",
    "diagnose",
    "read_environment",
    "usable_settings",
]
