"""A Pub/Sub subscription as a feed: messages are held, and their leases kept, until what they ask for is done.

While the git remote is down nothing is given back, so no outage counts as a failed delivery and none sends a good
message to the subscription's dead letters.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeAlias

from updater.errors import UpdaterError
from updater.feeds import Ending, Item
from updater.model import Decoded, Delivery
from updater.sources.messages import Leased, Subscription, delivery

_LOG = logging.getLogger(__name__)

Read: TypeAlias = Callable[[Delivery], Decoded]
"""Reads a delivery. Raises `EventError` where it is not readable."""

Bury: TypeAlias = Callable[[Delivery, str], Future[Any]]
"""Keeps a delivery that nothing can be done with, for a person to look at, with the reason. Done once it is durable."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a feed is given by those around it.

    `wake` is called when something has to be taken, `hear` with news, and `count` with a source and what became of
    a message that was acked for another reason than being done (`ignored`, `unreadable`, `dead`). `pause` is how long
    to wait after so many failures.
    """

    bury: Bury
    now: Callable[[], datetime]
    pause: Callable[[int], timedelta]
    wake: Callable[[], None]
    hear: Callable[[str], None]
    count: Callable[[str, str], None]


@dataclass(slots=True)
class _Held:
    """A message each time that it was delivered, and what is to be done with it.

    `decoded` is None before it was read. With a `reason` it is to be buried. While it `is_out`, somebody is at it.
    `rest` are the times from and until which it waits for another try.
    """

    received_at: datetime
    messages: list[Leased] = field(default_factory=list)
    decoded: Decoded | None = None
    reason: str | None = None
    failures: int = 0
    is_out: bool = False
    rest: tuple[datetime, datetime] | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it may be taken. A clock that went back ends every wait, or it might never end."""
        return not self.is_out and (self.rest is None or not self.rest[0] <= now < self.rest[1])


class PubsubFeed:
    """A `feeds.Feed`. `source` is the dialect that is spoken here, or the carrier whose messages tell it themselves.

    Messages may come in by any thread; what a feed does beyond that is asked for by one thread.
    """

    def __init__(
        self, source: str, read: Read, around: Around, subscribe: Callable[[Callable[[Leased], None]], Subscription]
    ) -> None:
        self._source = source
        self._read = read
        self._around = around
        self._subscription = subscribe(self._receive)
        self._held: dict[str, _Held] = {}
        self._lock = Lock()

    def start(self) -> None:
        """Begins to pull messages."""
        self._subscription.start()

    def stop(self) -> None:
        """Gives back what is held, so that another replica gets it at once. For after the last ending."""
        self._subscription.stop()
        with self._lock:
            leases = [message.lease for held in self._held.values() for message in held.messages]
            self._held.clear()
        if leases:
            self._subscription.give_back(leases)

    def problem(self) -> str | None:
        """Why nothing comes in now, in words; None where nothing is known to be wrong."""
        return self._subscription.problem()

    def depth(self) -> int:
        """How many messages are held."""
        return len(self._held)

    def take(self, limit: int) -> Sequence[Item]:
        """As `feeds.Feed`: items that are due, oldest first. What is no item is settled on the way."""
        items: list[Item] = []
        for name, held in self._due():
            if len(items) == limit:
                break
            if held.decoded is None:
                self._open(name, held)
            if held.reason is not None:
                self._bury(name, held, held.reason)
            elif held.decoded is not None:
                held.is_out = True
                tries = max(held.failures, held.messages[-1].attempt - 1)
                items.append(Item(name, held.decoded.events, held.decoded.reported, tries))
        return items

    def settle(self, endings: Sequence[tuple[Item, Ending]]) -> None:
        """As `feeds.Feed`: acks what is done, buries what is dead, and keeps the rest."""
        for item, ending in endings:
            held = self._held.get(item.name)
            if held is None:
                continue
            if ending.state == "done":
                self._finish(item.name)
            elif ending.state == "dead":
                held.reason = ending.reason
                self._bury(item.name, held, ending.reason)
            else:
                self._put_off(held, ending.at, failures=item.tries + ending.counts)

    def due(self) -> datetime | None:
        """As `feeds.Feed`: when the first message that waits for another try is due."""
        with self._lock:
            held = tuple(self._held.values())
        return min((each.rest[1] for each in held if each.rest and not each.is_out), default=None)

    def _receive(self, message: Leased) -> None:
        """Holds a message. One that is held already was delivered again: its lease had ended, or the stream did."""
        with self._lock:
            self._held.setdefault(message.id, _Held(self._around.now())).messages.append(message)
        self._around.wake()

    def _due(self) -> Sequence[tuple[str, _Held]]:
        now = self._around.now()
        with self._lock:
            return [(name, held) for name, held in self._held.items() if held.is_due(now)]

    def _open(self, name: str, held: _Held) -> None:
        """Reads a message, and settles it where there is nothing to be done. Else it is an item, or has a `reason`."""
        try:
            decoded = self._read(delivery(self._source, held.messages[0], held.received_at))
        except UpdaterError as error:
            held.reason = str(error)
        except Exception as error:  # decoders may be anybody's, and one message must not stop all others
            _LOG.exception("the decoder failed", extra=self._extra(name))
            held.reason = f"the decoder failed: {type(error).__name__}"
        else:
            self._understood(name, held, decoded)

    def _understood(self, name: str, held: _Held, decoded: Decoded) -> None:
        if decoded.ignored:
            _LOG.debug("ignored: %s", decoded.ignored, extra=self._extra(name))
        if decoded.news:
            self._around.hear(decoded.news)
        if decoded.events or decoded.reported:
            held.decoded = decoded
        else:
            self._finish(name)
            if not decoded.news:
                self._around.count(self._source, "ignored")

    def _bury(self, name: str, held: _Held, reason: str) -> None:
        held.is_out = True
        buried = self._around.bury(delivery(self._source, held.messages[0], held.received_at), reason)
        buried.add_done_callback(lambda outcome: self._buried(name, held, outcome))

    def _buried(self, name: str, held: _Held, outcome: Future[Any]) -> None:
        """Acks what was buried. Where it could not be, nothing is lost yet, and it is tried again."""
        if error := outcome.exception():
            _LOG.error("a dead letter cannot be kept, and is held: %s", error, extra=self._extra(name))
            self._put_off(held, self._around.now() + self._around.pause(held.failures), held.failures + 1)
            self._around.wake()
        else:
            _LOG.warning("left to a person: %s", held.reason, extra=self._extra(name))
            self._finish(name)
            self._around.count(self._source, "unreadable" if held.decoded is None else "dead")

    def _put_off(self, held: _Held, until: datetime | None, failures: int) -> None:
        now = self._around.now()
        with self._lock:
            held.failures, held.rest, held.is_out = failures, (now, until or now), False

    def _finish(self, name: str) -> None:
        with self._lock:
            held = self._held.pop(name, None)
        for message in held.messages if held else ():
            message.ack()

    def _extra(self, name: str) -> dict[str, str]:
        return {"event": f"{self._source}/{name}", "source": self._source}
