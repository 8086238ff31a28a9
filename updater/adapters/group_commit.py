"""Many small writes in few transactions: all that wait while one is written go into the next one together.

A transaction costs one flush of the disk, whatever is in it. Nobody is made to wait for others to come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeAlias

from updater.adapters.inbox_file import Connection, InboxFile
from updater.errors import StorageError

Work: TypeAlias = Callable[[Connection], None]
"""What somebody wants written."""

_MOST = 256
"""How many go into one transaction, so that the first of them does not wait long for the last."""
_Asked: TypeAlias = tuple[Work, "Future[None]"]


class GroupCommit:
    """Writes in a thread of its own, which is started when it is first needed.

    `committed` is called in that thread after each transaction.
    """

    def __init__(self, file: InboxFile, committed: Callable[[], None]) -> None:
        self._file = file
        self._committed = committed
        self._condition = threading.Condition()
        self._waiting: list[_Asked] = []
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def submit(self, work: Work) -> Future[None]:
        """A future that ends once `work` is durable, or fails with a `StorageError`. Nothing is waited for."""
        future: Future[None] = Future()
        with self._condition:
            if self._is_closed:
                future.set_exception(StorageError("the inbox is closed: the service ends", hint="send it again"))
                return future
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)
                self._thread.start()
            self._waiting.append((work, future))
            self._condition.notify()
        return future

    def close(self) -> None:
        """Takes nothing more, and returns once all that was taken is written."""
        with self._condition:
            self._is_closed = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        for group in self._groups():
            self._write([each for each in group if each[1].set_running_or_notify_cancel()])

    def _groups(self) -> Iterator[Sequence[_Asked]]:
        """What waits, as much as goes together, until nothing more can come."""
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._is_closed)
                group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            if not group:
                return
            yield group

    def _write(self, group: Sequence[_Asked]) -> None:
        try:
            with self._file.writing() as db:
                for work, _ in group:
                    work(db)
        except Exception as error:  # whatever it is, those who wait have to hear of it, and the thread goes on
            if len(group) > 1 and not isinstance(error, StorageError):
                for each in group:  # one that is bad by itself keeps no other back
                    self._write([each])
                return
            for _, future in group:
                future.set_exception(error)
        else:
            for _, future in group:
                future.set_result(None)
            self._committed()
