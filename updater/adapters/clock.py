"""The time of the machine."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(UTC)
