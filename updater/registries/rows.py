"""What is remembered, as rows of numbers and text: times are microseconds since 1970.

Bits of a file may have changed, so whatever reads raises `ValueError` for what nobody has written.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from updater.registries.answers import Kept

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def packed(kept: Kept) -> tuple[str, str, bytes]:
    """The ETag, the headers and the body."""
    return kept.etag, json.dumps(dict(kept.headers)), zlib.compress(kept.body, 1)


def unpacked(row: Sequence[Any]) -> Kept:
    """An answer that was packed."""
    etag, headers, body = row
    try:
        found = Kept(etag, zlib.decompress(body), json.loads(headers))
    except (zlib.error, RecursionError, TypeError) as error:
        raise ValueError("an answer is damaged") from error
    texts = (etag, *found.headers.values()) if isinstance(found.headers, dict) else (None,)
    if not all(isinstance(each, str) for each in texts):
        raise ValueError("an answer is damaged")
    return found


def ticks(time: datetime) -> int:
    """A time as a number."""
    return (time - _EPOCH) // _TICK


def time(ticks: int) -> datetime:
    """The time that a number stands for."""
    try:
        return _EPOCH + ticks * _TICK
    except (OverflowError, TypeError) as error:
        raise ValueError("a time is damaged") from error
