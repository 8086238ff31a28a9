"""When a server wants to be asked again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 600.0
"""Seconds. A server that asks for more means well or is wrong; both is known after that time."""


def seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long to wait before the next request, by the headers of an answer (lower-case names); None where none says.

    Source: RFC 9110, section 10.2.3 (`Retry-After`). A point in time is measured from the answer's own `Date`, since
    the server's clock may be wrong; from `now` where there is none.
    """
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return min(float(told), LONGEST)
    until = _time(told)
    if until is None:
        return None
    return min(max(0.0, (until - (_time(headers.get("date", "")) or now)).total_seconds()), LONGEST)


def _time(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
