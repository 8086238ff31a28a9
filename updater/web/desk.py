"""Questions to the repository and the forge that do not go through the worker.

Each desk has the repository open for itself, in a thread of its own: what the worker does is neither waited for nor
disturbed. It is opened with the first question, and with the first one after a failure that may be its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TypeVar

from updater.errors import StorageError
from updater.pipeline import Parts
from updater.sight import Sight
from updater.working.judging import may_be_the_mirrors

Answer = TypeVar("Answer")
_WAITING = 64
"""Questions that wait at the most; more are turned away."""


class Desk:
    """Answers one question after the other. `close` ends it."""

    def __init__(self, name: str, open_parts: Callable[[], AbstractContextManager[Parts]]) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._open = open_parts
        self._stack = ExitStack()
        self._parts: Parts | None = None
        self._waiting = 0

    async def ask(self, question: Callable[[Sight], Answer], seconds: float) -> Answer:
        """The answer to a question. Raises what the question raises, and `StorageError` where it takes too long."""
        if self._waiting >= _WAITING:
            raise StorageError("too many questions wait already", hint="try again in a moment")
        self._waiting += 1
        asked = asyncio.get_running_loop().run_in_executor(self._pool, partial(self._answer, question))
        asked.add_done_callback(self._answered)
        try:
            return await asyncio.wait_for(asyncio.shield(asked), seconds)
        except TimeoutError:
            raise StorageError(f"there was no answer within {seconds:g} seconds", hint="try again later") from None

    def close(self) -> None:
        """Gives the repository back, without waiting for a question that is being answered."""
        self._pool.submit(self._stack.close)
        self._pool.shutdown(wait=False)

    def _answer(self, question: Callable[[Sight], Answer]) -> Answer:
        if self._parts is None:
            self._parts = self._stack.enter_context(self._open())
        try:
            return question(self._parts.sight)
        except Exception as error:
            if may_be_the_mirrors(error):
                self._parts = None
                self._stack.close()
            raise

    def _answered(self, asked: asyncio.Future[Answer]) -> None:
        self._waiting -= 1
        if not asked.cancelled():
            asked.exception()  # it was raised to whoever still waits
