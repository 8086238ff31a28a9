"""Points in time as senders write them, in UTC. What cannot be believed is None, never an error."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2101, 1, 1, tzinfo=UTC)


def from_text(value: object) -> datetime | None:
    """An RFC 3339 time with an offset and up to nanoseconds; None for anything else, and outside 2000 to 2100.

    A time without an offset is None: guessing the sender's time zone could make an old push the newest.
    """
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        return None
    try:
        instant = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant if _EARLIEST <= instant < _LATEST else None


def from_unix(value: object) -> datetime | None:
    """Seconds since 1970, as a number or the text of one; None for anything else, and outside 2000 to 2100."""
    if isinstance(value, str):
        value = _number(value)
    if not isinstance(value, int | float) or not _EARLIEST.timestamp() <= value < _LATEST.timestamp():
        return None
    return datetime.fromtimestamp(value, UTC)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
