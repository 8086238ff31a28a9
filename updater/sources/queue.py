"""The queue that replicas share: what web hooks bring goes to a Pub/Sub topic, and each replica pulls from it.

Source of the limits: "Quotas and limits" of the Pub/Sub documentation (an attribute's value has up to 1,024 bytes).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, Protocol

from updater.core import waiting
from updater.core.messages import stamp
from updater.decoders.envelopes import MAX_BYTES
from updater.errors import EventError, StorageError
from updater.model import Decoded, Delivery, Event
from updater.sources.pubsub import Bury

_SECONDS = 0.8  # the Distribution registry gives its sender a second
_SUSPECT = timedelta(seconds=10)
_LONGEST_VALUE = 1024


class Publisher(Protocol):
    """Publishes a message; the future has its id once it is durable, or raises `StorageError`."""

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> Future[str]: ...


class QueueIntake:
    """A `feeds.Intake` that publishes what it accepts."""

    def __init__(self, publisher: Publisher, topic: str, bury: Bury, now: Callable[[], datetime]) -> None:
        self._publisher = publisher
        self._topic = topic
        self._bury = bury
        self._now = now
        self._failure: tuple[datetime, str] | None = None

    async def accept(self, events: Sequence[Event]) -> None:
        """Returns once these pushes are durable, as one message. Raises `StorageError`, within the sender's time.

        After that they may be durable all the same; the sender repeats them then, which changes nothing.
        """
        await self._done(self._publisher.publish(self._topic, waiting.written(events), {}))

    async def bury(self, delivery: Delivery, reason: str) -> None:
        """Keeps a delivery that cannot be read for a person to look at. Raises `StorageError`."""
        await self._done(self._bury(delivery, reason))

    def problem(self) -> str | None:
        """Why the last messages were not kept, in words; None where all is well, or nothing was tried for a while.

        Who is told of a problem sends nothing more, so it must not be told for ever.
        """
        if self._failure is None or not timedelta() <= self._now() - self._failure[0] < _SUSPECT:
            return None
        return self._failure[1]

    async def _done(self, future: Future[Any]) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                await asyncio.wrap_future(future)
        except TimeoutError:
            self._failure = (self._now(), f"the queue did not answer within {_SECONDS} s")
            raise StorageError(self._failure[1], hint="send it again") from None
        except StorageError as error:
            self._failure = (self._now(), str(error))
            raise
        self._failure = None


def reader(now: Callable[[], datetime]) -> Callable[[Delivery], Decoded]:
    """Reads what `QueueIntake` published. Raises `EventError` for anything else, were it one line of many."""

    def read(delivery: Delivery) -> Decoded:
        content = base64.b64decode(json.loads(delivery.body)["message"]["data"])  # as our feed has wrapped it
        events, unreadable = waiting.read(content, now())
        if unreadable or not events:
            raise EventError(f"of this message of our own queue {len(unreadable)} line(s) cannot be read")
        return Decoded(events)

    return read


def dead_letters(publisher: Publisher, topic: str) -> Bury:
    """Keeps dead letters in a topic: the body as `updater handle` reads it, cut after 1 MiB, with the reason."""

    def bury(delivery: Delivery, reason: str) -> Future[str]:
        told = {
            "reason": reason,
            "source": delivery.source,
            "received-at": stamp(delivery.received_at),
            "bytes": str(len(delivery.body)),
        }
        return publisher.publish(topic, delivery.body[:MAX_BYTES], {key: _short(value) for key, value in told.items()})

    return bury


def _short(text: str) -> str:
    """As much of a text as fits into an attribute."""
    return text.encode(errors="replace")[:_LONGEST_VALUE].decode(errors="ignore")
