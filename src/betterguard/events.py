"""What the log tells of, by names that never change: for alerts and dashboards.

Every log record of betterguard carries its ``event``, and beside it the fields that the event
has: a formatter for JSON shows them as members of their own. None ever holds a token, a secret
or an address with a password.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Event"]


class Event(StrEnum):
    """The names; ``extra=Event.KEY_SET_FAILED(next_try=5.0)`` in a call of the logger."""

    REQUEST_REFUSED = "betterguard.request.refused"
    REQUEST_FAILED = "betterguard.request.failed"
    STATEMENT_REFUSED = "betterguard.statement.refused"
    SETTING_UNWISE = "betterguard.setting.unwise"
    KEY_SET_CHANGED = "betterguard.key_set.changed"
    KEY_SET_FAILED = "betterguard.key_set.failed"
    KEY_SET_TOO_OLD = "betterguard.key_set.too_old"
    KEY_REFUSED = "betterguard.key.refused"
    REVOCATIONS_AWAY = "betterguard.revocations.away"
    REVOCATIONS_BACK = "betterguard.revocations.back"
    REVOCATIONS_RESTORED = "betterguard.revocations.restored"
    REVOCATION_UNREADABLE = "betterguard.revocation.unreadable"
    REVOCATION_FORGED = "betterguard.revocation.forged"

    def __call__(self, **fields: object) -> dict[str, object]:
        """Give what a log record is to carry."""
        return {"event": self.value, **fields}
