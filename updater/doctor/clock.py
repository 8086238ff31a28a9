"""Whether the clock of this machine is right, as far as a server tells the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from updater.doctor.checks import Check, ok, warning

MUCH = 30.0
"""Seconds. Soaking and freezes bear that; tokens that are signed here are good from a minute before."""
_SECONDS = 10.0


def checks(url: str, now: Callable[[], datetime]) -> Iterator[Check]:
    """How far our clock is from that of the server at a URL. Nothing where it has none, or tells nothing."""
    if urlsplit(url).scheme in ("http", "https") and (theirs := _date(url)) is not None:
        yield skew((now() - theirs).total_seconds())


def skew(seconds: float) -> Check:
    """What it means that our clock is so many seconds ahead of another one."""
    if abs(seconds) < MUCH:
        return ok("clock", "agrees with the remote's")
    told = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the remote's"
    return warning("clock", told, "let this machine take its time from a time server")


def _date(url: str) -> datetime | None:
    """What the server says the time is (RFC 9110, section 6.6.1); any answer tells it, a refusal too."""
    try:
        with urlopen(Request(url, method="HEAD"), timeout=_SECONDS) as answer:  # noqa: S310  (the scheme was looked at)
            headers = answer.headers
    except HTTPError as refusal:
        with refusal:
            headers = refusal.headers
    except (OSError, HTTPException):
        return None
    try:
        found = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return found.astimezone(UTC)
