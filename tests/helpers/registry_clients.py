"""Clients of registries under the hands of a test: its own clock, and a memory that it can look into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.helpers.events import NOON
from updater.registries.answers import Kept
from updater.registries.client import Client
from updater.registries.credentials import Login
from updater.registries.settings import Place


@dataclass
class Hand:
    """A clock that moves when somebody waits, or a test says so."""

    seconds: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


class Shelf(dict[str, Kept]):
    """A memory that forgets nothing."""

    def known(self, key: str) -> Kept | None:
        return self.get(key)

    def keep(self, key: str, kept: Kept) -> None:
        self[key] = kept


@dataclass
class Stage:
    """A client, and what it runs on."""

    client: Client
    hand: Hand
    memory: Shelf


@contextmanager
def client_of(
    host: str,
    url: str,
    login: Login | None = None,
    *,
    ca: Path | None = None,
    calls_per_minute: int = 10_000,
    memory: Shelf | None = None,
) -> Iterator[Stage]:
    """A client of the registry at `url` until the end of the block."""
    hand = Hand()
    memory = Shelf() if memory is None else memory
    place = Place(host, url, ca, calls_per_minute, login)
    with closing(Client(place, hand.now, hand.monotonic, hand.pause, memory)) as client:
        yield Stage(client, hand, memory)
