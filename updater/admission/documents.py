"""Documents from outside that proofs are checked with: fetched seldom, kept, and kept longer while none can be had."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from updater.admission.proof import Fetch
from updater.errors import UpdaterError

_FRESH = timedelta(hours=1)
_SIZE = 32
_logger = logging.getLogger(__name__)

T = TypeVar("T")


class Shelf(Generic[T]):
    """What `read` makes of documents, by their URL; `read` raises `ValueError` for what is none.

    However many strangers ask for however many URLs, there is one fetch at a time, and one every `pause` at the most.
    """

    def __init__(
        self, fetch: Fetch, read: Callable[[bytes], T], now: Callable[[], datetime], *, pause: timedelta
    ) -> None:
        self._fetch = fetch
        self._read = read
        self._now = now
        self._pause = pause
        self._kept: OrderedDict[str, tuple[T, datetime]] = OrderedDict()
        self._tried: datetime | None = None
        self._lock = asyncio.Lock()
        self.is_failing = False
        """Whether the newest try failed."""

    def kept(self, url: str) -> T | None:
        """What stands here, however old it is."""
        kept = self._kept.get(url)
        return None if kept is None else kept[0]

    def is_fresh(self, url: str) -> bool:
        """Whether what stands here is not old."""
        kept = self._kept.get(url)
        return kept is not None and _is_within(self._now() - kept[1], _FRESH)

    def may_renew(self) -> bool:
        """Whether it is worth asking for something newer now."""
        return self._lock.locked() or self._is_time()

    async def renewed(self, url: str) -> T | None:
        """The newest that can be had: what is there now, unless that was asked a moment ago; else what stands here."""
        before = self._kept.get(url)
        async with self._lock:
            if self._kept.get(url) is before and self._is_time():
                await self._renew(url)
        return self.kept(url)

    def _is_time(self) -> bool:
        return self._tried is None or not _is_within(self._now() - self._tried, self._pause)

    async def _renew(self, url: str) -> None:
        self._tried = self._now()
        self.is_failing = True
        try:
            read = self._read(await asyncio.to_thread(self._fetch, url))
        except (UpdaterError, ValueError) as error:
            _logger.warning("keys to check senders with cannot be had: %s", error)
            return
        self.is_failing = False
        self._kept[url] = read, self._tried
        self._kept.move_to_end(url)
        if len(self._kept) > _SIZE:
            self._kept.popitem(last=False)


def _is_within(age: timedelta, limit: timedelta) -> bool:
    """Whether something is not older; a clock that was set back makes it old, not young for ever."""
    return timedelta(0) <= age < limit
