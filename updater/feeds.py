"""What is to be worked on: where it comes from, how it is kept, and what becomes of it.

Two things feed the worker: the inbox, which keeps what web hooks brought, and Pub/Sub subscriptions, whose messages
are leased until they are settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from updater.model import Delivery, Event, Reported

State: TypeAlias = Literal["done", "again", "dead"]


@dataclass(frozen=True, slots=True)
class Item:
    """Pushes and gates' results that are worked on together, and what their feed calls them.

    `tries` is how often that was tried before, as far as it counts (`Ending.counts`).
    """

    name: str
    events: tuple[Event, ...] = ()
    reported: tuple[Reported, ...] = ()
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of an item: it is done, is to be tried again (not before `at`, in UTC), or is left to a person.

    `outcome` is that of the decision that matters most (`committed`, `held`, ...; `failed` where there is none),
    `reason` says why in words, `commits` are ours that it led to. `counts` is whether the try is one of those after
    which an item is given up: an outage is not.
    """

    state: State
    outcome: str
    reason: str
    commits: tuple[str, ...] = ()
    at: datetime | None = None
    counts: bool = True


class Feed(Protocol):
    """Where items come from. Its methods are called by one thread, and do not raise for what only delays."""

    def take(self, limit: int) -> Sequence[Item]:
        """Items that are due, oldest first. Each is handed out once until it is settled."""
        ...

    def settle(self, endings: Sequence[tuple[Item, Ending]]) -> None:
        """Says what became of items that were taken. One that is to be tried again is handed out again, when due."""
        ...

    def due(self) -> datetime | None:
        """When the first item that waits for another try is due (UTC); None where none waits."""
        ...


class Intake(Protocol):
    """Where web hooks put what they bring: the inbox of this machine, or a queue that replicas share."""

    async def accept(self, events: Sequence[Event]) -> None:
        """Returns once these pushes are durable. Raises `StorageError`."""
        ...

    async def bury(self, delivery: Delivery, reason: str) -> None:
        """Keeps a delivery that cannot be read for a person to look at. Raises `StorageError`."""
        ...

    def problem(self) -> str | None:
        """Why nothing can be kept now, in words; None where all is well."""
        ...
