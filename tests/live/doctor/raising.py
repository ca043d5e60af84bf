"""A module whose import fails as settings do, with a message that must not be shown."""

from __future__ import annotations

MESSAGE = "postgresql://app:a-password-in-an-error@db/app is not valid"
raise ValueError(MESSAGE)
