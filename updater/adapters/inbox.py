"""The inbox: what was accepted and is not finished, in a file of this machine.

It is both what web hooks put events into and what the worker takes them from, each from threads of their own; a second
process may look at it and open rows again. It fails only where it would otherwise lose something, and by itself is well
again once the cause is gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from updater.adapters import inbox_changes as changes
from updater.adapters import inbox_rows as rows
from updater.adapters.group_commit import GroupCommit, Work
from updater.adapters.inbox_file import Connection, InboxFile, touch
from updater.adapters.inbox_rows import Depth, Row
from updater.errors import StorageError
from updater.feeds import Ending, Item
from updater.model import Delivery, Event

KEPT = timedelta(days=14)
"""How long it is remembered what became of an event."""

_logger = logging.getLogger(__name__)


_TOGETHER = 100


class Inbox:
    """An inbox in a file. It is a `feeds.Feed` and a `feeds.Intake`.

    The file is made where it is missing. One that cannot be used is no failure here: `problem` tells, whoever asks for
    something gets a `StorageError`, and each use tries again. `now` is the clock.
    """

    def __init__(self, file: Path, now: Callable[[], datetime], *, keep: timedelta = KEPT) -> None:
        self._file = InboxFile(file)
        self._now = now
        self._keep = keep
        self._wake: Callable[[], None] = lambda: None
        self._group = GroupCommit(self._file, lambda: self._wake())
        self._taken: dict[str, str] = {}
        self._endings: list[tuple[str, Ending]] = []
        self._trial: Future[None] | None = None
        self._logged: str | None = None
        with suppress(StorageError), self._file.writing() as db:  # what is wrong is remembered, and told by `problem`
            touch(db)

    def on_put(self, wake: Callable[[], None]) -> None:
        """Has `wake` called, by any thread, after something was put in."""
        self._wake = wake

    def close(self) -> None:
        """Finishes what is being written, and gives the file back."""
        self._group.close()
        self._file.close()

    # --- taking in

    def put(self, events: Sequence[Event]) -> None:
        """Returns once these pushes are durable. Raises `StorageError`."""
        with self._file.writing() as db:
            self._putting(events)(db)
        self._wake()

    async def accept(self, events: Sequence[Event]) -> None:
        """The same for many at a time: those that wait are written together. Raises `StorageError`."""
        if events:
            await asyncio.wrap_future(self._group.submit(self._putting(events)))

    async def bury(self, delivery: Delivery, reason: str) -> None:
        """Keeps a delivery that cannot be read for a person to look at, without its secrets. Raises `StorageError`."""
        await asyncio.wrap_future(self.burying(delivery, reason))

    def burying(self, delivery: Delivery, reason: str) -> Future[None]:
        """The same for other threads: the future ends once it is durable."""
        now = self._now()
        return self._group.submit(lambda db: changes.bury(db, delivery, reason, now))

    def problem(self) -> str | None:
        """Why nothing can be kept now, and what to do about it; None where all is well.

        Nothing is waited for: where something is wrong it is tried again meanwhile, and the next answer knows more.
        """
        found = self._file.problem
        if found is None:
            return None
        if self._trial is None or self._trial.done():
            self._trial = self._group.submit(touch)
        return f"{found.message}: {found.hint}"

    # --- working

    def take(self, limit: int) -> Sequence[Item]:
        """What is due and not handed out, oldest first; nothing where the file cannot be read now."""
        self._write_endings()
        try:
            with self._file.reading() as db:
                found = list(rows.due(db, self._now(), limit + len(self._taken)))
        except StorageError:
            found = []
        self._log()
        fresh = [(item, mark) for item, mark in found if item.name not in self._taken][:limit]
        self._taken.update((item.name, mark) for item, mark in fresh)
        return [item for item, _ in fresh]

    def settle(self, endings: Sequence[tuple[Item, Ending]]) -> None:
        """Writes down what became of items; where that fails it is tried again with each use.

        Until then they are not handed out again. If this process ends before, they are looked at once more.
        """
        self._endings += [(item.name, ending) for item, ending in endings]
        self._write_endings()

    def due(self) -> datetime | None:
        """When the first of what waits is due, that is now where it is already; None where nothing waits."""
        now = self._now()
        try:
            with self._file.reading() as db:
                return min((at for name, at in rows.waiting(db, now) if name not in self._taken), default=None)
        except StorageError:
            return None

    def _write_endings(self) -> None:
        """Some at a time: whoever accepts an event waits for the file meanwhile."""
        now = self._now()
        with suppress(StorageError):
            while some := self._endings[:_TOGETHER]:
                with self._file.writing() as db:
                    for name, ending in some:
                        changes.settle(db, name, self._taken.get(name, ""), ending, now)
                for name, _ in some:
                    self._taken.pop(name, None)
                del self._endings[:_TOGETHER]

    def _log(self) -> None:
        """Tells once what is wrong, and once that it is over."""
        found = self.problem()
        if found != self._logged:
            self._logged = found
            if found is None:
                _logger.info("the inbox can be used again")
            else:
                _logger.error("nothing can be accepted: %s", found)

    # --- for people

    def depth(self) -> Depth:
        """How much waits. Raises `StorageError`."""
        with self._file.reading() as db:
            return rows.depth(db)

    def rows(self, *, state: str | None = None, limit: int = 100, before: int | None = None) -> Sequence[Row]:
        """Rows in this state, or in any, with numbers below `before`; the newest first. Raises `StorageError`."""
        with self._file.reading() as db:
            return rows.listed(db, state, limit, before)

    def row(self, number: int) -> Row | None:
        """The row of a number. Raises `StorageError`."""
        with self._file.reading() as db:
            return rows.one(db, number)

    def letter(self, number: int) -> Delivery | None:
        """The delivery in a row that is no event; None for all others. Raises `StorageError`."""
        with self._file.reading() as db:
            return rows.letter(db, number)

    def retry(self, numbers: Sequence[int]) -> int:
        """Has events tried again at once, however they ended, and gives their count. Raises `StorageError`."""
        now = self._now()
        with self._file.writing() as db:
            count = sum(changes.retry(db, number, now) for number in numbers)
        self._wake()
        return count

    def answer(self, number: int, events: Sequence[Event], reason: str) -> None:
        """Ends a delivery that was no event, and puts in what it told after all. Raises `StorageError`."""
        now = self._now()
        with self._file.writing() as db:
            self._putting(events)(db)
            changes.answer(db, number, "replayed", reason, now)
        self._wake()

    def prune(self) -> int:
        """Forgets what ended too long ago, and gives its count. Raises `StorageError`."""
        with self._file.writing() as db:
            return changes.prune(db, self._now() - self._keep)

    def _putting(self, events: Sequence[Event]) -> Work:
        now = self._now()

        def work(db: Connection) -> None:
            for event in events:
                changes.put(db, event, now)

        return work
