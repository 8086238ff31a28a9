"""A worker with nothing around it: a feed in memory, a listener that writes down, and a bell that does not wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.helpers.events import at
from tests.helpers.fake_repository import StoppedClock
from updater.feeds import Ending, Item
from updater.pipeline import Parts, Report
from updater.working.bell import Bell
from updater.working.looking import Look
from updater.working.worker import Tools, Worker


@dataclass
class MemoryFeed:
    """A `feeds.Feed` whose items are put in by the test."""

    items: list[Item] = field(default_factory=list)
    ended: list[tuple[str, Ending]] = field(default_factory=list)
    at: datetime | None = None

    def take(self, limit: int) -> Sequence[Item]:
        taken, self.items = self.items[:limit], self.items[limit:]
        return taken

    def settle(self, endings: Sequence[tuple[Item, Ending]]) -> None:
        self.ended += [(item.name, ending) for item, ending in endings]

    def due(self) -> datetime | None:
        return self.at

    def outcomes(self) -> list[tuple[str, str, str]]:
        """Name, state and outcome of all that was settled."""
        return [(name, ending.state, ending.outcome) for name, ending in self.ended]


class QuickBell(Bell):
    """Writes down how long is waited for; each wait is over at once, and the last one ends everything."""

    def __init__(self, waits: int = 1) -> None:
        super().__init__()
        self.waited: list[float] = []
        self.paused: list[float] = []
        self._waits = waits

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        if len(self.waited) >= self._waits:
            self.stop()
        return super().wait(0)

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)


@dataclass
class Notebook:
    """A `working.listening.Listener` that writes down what it is told."""

    told: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def opened(self) -> None:
        self.told.append("opened")

    def troubled(self, reason: str) -> None:
        self.told.append(f"troubled: {reason}")

    def worked(self, settled: Sequence[tuple[Item, Ending]], report: Report, seconds: float) -> None:
        self.told.append(f"worked on {len(settled)}")
        self.reports.append(report)

    def passed(self, report: Report, seconds: float) -> None:
        self.told.append("passed")
        self.reports.append(report)

    def looked(self, look: Look, report: Report) -> None:
        self.told.append(f"looked at {len(look.listings)}")


@dataclass
class Workplace:
    """A worker and all around it; what is for another thread is done at once.

    `run` ends when the bell was waited for as often as it lets."""

    parts: Parts
    feed: MemoryFeed = field(default_factory=MemoryFeed)
    bell: QuickBell = field(default_factory=QuickBell)
    notebook: Notebook = field(default_factory=Notebook)
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(at(60)))
    looks: timedelta | None = None
    seconds: float = 0.0
    fails_to_open: list[Exception] = field(default_factory=list)

    def run(self) -> None:
        """The worker's whole life."""
        tools = Tools(self._opened, self.clock.now, self._monotonic, lambda: 0.0, lambda work: work())
        Worker(tools, [self.feed], self.bell, self.notebook, timedelta(minutes=5), self.looks).run()

    @contextmanager
    def _opened(self) -> Iterator[Parts]:
        if self.fails_to_open:
            raise self.fails_to_open.pop()
        yield self.parts

    def _monotonic(self) -> float:
        return self.seconds
