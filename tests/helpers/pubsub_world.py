"""What stands around a Pub/Sub feed, recorded; and messages to feed it with."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.helpers.events import NOON
from tests.helpers.patience import eventually
from updater.decoders import generic
from updater.decoders.envelopes import unwrap
from updater.errors import StorageError
from updater.feeds import Ending, Item
from updater.model import Decoded, Delivery
from updater.sources.pubsub import Around, Bury, PubsubFeed

DONE = Ending("done", "committed", "is on the remote")


def read(delivery: Delivery) -> Decoded:
    """Reads our own format, which says all that there is to say in a line."""
    return generic.decode(unwrap(delivery))


def push(number: int) -> bytes:
    """A push, each number another tag."""
    return b'{"image": "reg.example/models/model-a:1.%d.0"}' % number


def tags(items: list[Item]) -> list[str]:
    """What was pushed, in order."""
    return [event.version.tag or "" for item in items for event in item.events]


@dataclass
class World:
    """What a feed was told and has told. Burials fail as long as `grave` is closed."""

    now: datetime = NOON
    heard: list[str] = field(default_factory=list)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    buried: list[tuple[Delivery, str]] = field(default_factory=list)
    wakes: int = 0
    is_open: bool = True

    def around(self, bury: Bury | None = None) -> Around:
        """What the feed is given."""
        return Around(
            bury=bury or self._bury,
            now=lambda: self.now,
            pause=lambda failures: timedelta(minutes=1 + failures),
            wake=self._wake,
            hear=self.heard.append,
            count=lambda source, outcome: self.counted.update([(source, outcome)]),
        )

    def _bury(self, delivery: Delivery, reason: str) -> Future[Any]:
        future: Future[Any] = Future()
        if self.is_open:
            self.buried.append((delivery, reason))
            future.set_result(None)
        else:
            future.set_exception(StorageError("the disk is full"))
        return future

    def _wake(self) -> None:
        self.wakes += 1


def taken(feed: PubsubFeed, count: int, seconds: float = 30.0) -> list[Item]:
    """The next items; fewer where no more come in this time."""
    items: list[Item] = []

    def has_enough() -> bool:
        items.extend(feed.take(count - len(items)))
        return len(items) >= count

    eventually(has_enough, seconds)
    return items


def settled(feed: PubsubFeed, items: list[Item], ending: Ending = DONE) -> None:
    """All end alike."""
    feed.settle([(item, ending) for item in items])
