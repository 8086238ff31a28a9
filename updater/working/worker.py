"""The one that works: takes what came in, decides on all of it together, and looks at everything from time to time.

One thread runs it, so each branch has one writer in this process. Whatever fails is told and tried again; nothing that
a feed handed out is forgotten before its outcome is on the remote.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from updater import pipeline
from updater.core import retrying
from updater.core.matching import merge
from updater.decoding import Decoding
from updater.errors import RegistryError, RemoteUnavailable, UpdaterError
from updater.feeds import Ending, Feed, Item
from updater.pipeline import Parts, Report
from updater.polling import NO_LISTINGS
from updater.telling.logs import correlated
from updater.working.bell import Bell
from updater.working.judging import decided, ending, failed, may_be_the_mirrors
from updater.working.listening import Listener
from updater.working.looking import Lookout, Looks, Start, in_background
from updater.working.passes import Passes
from updater.working.posting import post

BATCH = 500
"""How many items are decided on together at the most."""
QUIET = 0.1
"""Seconds without a new event after which those that came close together are complete."""
DEBOUNCE = 1.0
"""Seconds that a batch after another one waits for more at the most. After a quieter time nothing is waited for."""
_LOOK = 5.0
"""Seconds after which feeds are looked at although nothing rang: a person may have put something back."""
_LONGEST_REST = 30.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the worker works with. `open` gives the parts for the repository, which are used in the worker's thread
    alone; `monotonic` tells seconds that no clock change moves, `chance` random numbers from 0 to 1; `background` has
    something done by another thread.
    """

    open: Callable[[], AbstractContextManager[Parts]]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    chance: Callable[[], float]
    background: Start = in_background


class Worker:
    """Works until the bell tells it to stop. `run` is a thread's whole life.

    There is a pass over everything after each `interval`, and a look at registries after each of `looks`, if any.
    """

    def __init__(
        self,
        tools: Tools,
        feeds: Sequence[Feed],
        bell: Bell,
        listener: Listener,
        interval: timedelta,
        looks: timedelta | None = None,
    ) -> None:
        self._tools = tools
        self._feeds = feeds
        self._bell = bell
        self._listener = listener
        self._passes = Passes(interval, tools.now)
        self._lookout = Lookout(Looks(looks, tools.now, tools.chance), bell, tools.monotonic, tools.background)
        self._failures = 0
        self._is_doubtful = False
        self._worked_at = -DEBOUNCE

    def run(self) -> None:
        """Opens the repository, as often as it takes (`may_be_the_mirrors`), and works. Gives it back at the end."""
        while not self._bell.stopped:
            try:
                with self._tools.open() as parts:
                    self._listener.opened()
                    self._failures = 0
                    self._is_doubtful = False
                    self._work(parts)
            except Exception as error:
                self._troubled("the repository cannot be used", error)
                self._rest()

    def _work(self, parts: Parts) -> None:
        while not (self._bell.stopped or self._is_doubtful):
            if self._bell.news():
                self._passes.hurry()
            if self._passes.is_overdue():
                self._pass(parts)
            elif taken := self._take():
                self._batch(parts, taken)
            elif self._passes.is_due():
                self._pass(parts)
            else:
                self._lookout.look(parts.sight)
                self._bell.wait(self._until_next())

    def _take(self) -> list[tuple[Feed, Item]]:
        """What is due. What comes close behind another batch waits a moment for more."""
        taken = [*self._due(BATCH)]
        began = self._tools.monotonic()
        if not taken or began - self._worked_at >= DEBOUNCE:
            return taken
        while len(taken) < BATCH and self._tools.monotonic() - began < DEBOUNCE and self._bell.wait(QUIET):
            self._bell.pause(QUIET)  # it may ring hundreds of times a second
            taken += self._due(BATCH - len(taken))
        return taken

    def _due(self, limit: int) -> Iterator[tuple[Feed, Item]]:
        for feed in self._feeds:
            found = feed.take(limit)
            limit -= len(found)
            yield from ((feed, item) for item in found)

    def _batch(self, parts: Parts, taken: Sequence[tuple[Feed, Item]]) -> None:
        began = self._tools.monotonic()
        items = [item for _, item in taken]
        with correlated(*(f"{event.source}/{event.id}" for item in items for event in item.events)):
            report, endings = self._outcome(parts, items)
        # What fails while the service ends was broken off: it counts as not tried, and waits for the next start.
        ends = self._bell.stopped
        settled = [each for each in zip(taken, endings, strict=True) if each[1].state == "done" or not ends]
        for feed in self._feeds:
            mine = [(item, each) for (of, item), each in settled if of is feed]
            if mine:
                feed.settle(mine)
        self._worked_at = self._tools.monotonic()
        self._listener.worked([(item, each) for (_, item), each in settled], report, self._worked_at - began)
        if report.commits:
            self._passes.hurry()
            self._lookout.landed(report)
        if not self._rested(report):
            self._failures = 0

    def _outcome(self, parts: Parts, items: Sequence[Item]) -> tuple[Report, list[Ending]]:
        """What came of a batch. One that fails in a way that nobody foresaw is halved until it is known which item is
        to blame: it is not to keep the others back."""
        now, chance = self._tools.now(), self._tools.chance
        try:
            report = pipeline.land(parts, Decoding(merge(event for item in items for event in item.events)))
            on = decided(report)
            return report, [self._posted(parts, item) or ending(item, report, on, now, chance()) for item in items]
        except UpdaterError as error:
            self._is_doubtful |= may_be_the_mirrors(error)
            return Report(problems=(error,)), [failed(item, error, now, chance()) for item in items]
        except Exception as error:
            self._is_doubtful = True
            _logger.exception("a batch of %s item(s) failed unexpectedly", len(items))
            if len(items) == 1:
                return Report(), [failed(items[0], error, now, chance())]
        half = len(items) // 2
        (one, its), (other, theirs) = self._outcome(parts, items[:half]), self._outcome(parts, items[half:])
        return _joined(one, other), [*its, *theirs]

    def _posted(self, parts: Parts, item: Item) -> Ending | None:
        """What becomes of an item whose gates' results could not be posted, or that has nothing else in it."""
        posted = Ending("done", "reported", "posted as a commit status")
        try:
            post(parts.sight, item.reported)
        except UpdaterError as error:
            if error.retry:
                return failed(item, error, self._tools.now(), self._tools.chance())
            _logger.warning("a gate's result of item %s is not posted: %s", item.name, error)
            posted = Ending("done", "refused", str(error))
        return None if item.events else posted

    def _pass(self, parts: Parts) -> None:
        began = self._tools.monotonic()
        self._passes.begun()
        look = self._lookout.found
        try:
            report = pipeline.reconcile(parts, NO_LISTINGS if look is None else self._lookout.portion(parts.sight))
        except UpdaterError as error:
            self._is_doubtful |= may_be_the_mirrors(error)
            report = Report(problems=(error,))
        except Exception as error:
            self._is_doubtful = True
            _logger.exception("a pass failed unexpectedly")
            report = Report(problems=(UpdaterError(f"unexpected: {type(error).__name__}: {error}"),))
        # Registries have pauses of their own.
        again = any(problem.retry for problem in report.problems if not isinstance(problem, RegistryError))
        self._passes.ended(report.due, retrying.pause(self._failures, self._tools.chance()) if again else None)
        self._listener.passed(report, self._tools.monotonic() - began)
        self._lookout.landed(report)
        if look is not None and not again:
            whole = self._lookout.decided(report)
            if whole is not None:
                self._listener.looked(look, whole)
        self._rested(report)  # that it can be read does not mean that it can be written
        self._lookout.look(parts.sight)  # whoever is never idle looks here

    def _rested(self, report: Report) -> bool:
        """Rests where the remote is down: what is held is kept, and nobody is asked more often than helps."""
        is_down = any(isinstance(problem, RemoteUnavailable) for problem in report.problems)
        if is_down:
            self._rest()
        return is_down

    def _rest(self) -> None:
        pause = retrying.pause(self._failures, self._tools.chance()).total_seconds()
        self._failures += 1
        self._bell.pause(min(pause, _LONGEST_REST))

    def _troubled(self, what: str, error: Exception) -> None:
        if isinstance(error, UpdaterError):
            _logger.error("%s: %s%s", what, error, f" ({error.hint})" if error.hint else "")
        else:
            _logger.exception("%s", what)
        self._listener.troubled(f"{what}: {error}")

    def _until_next(self) -> float:
        now = self._tools.now()
        due = [time for feed in self._feeds if (time := feed.due()) is not None]
        due += [self._passes.at, *([] if self._lookout.at is None else [self._lookout.at])]
        waits = [(time - now).total_seconds() for time in due]
        return min(_LOOK, *(max(0.0, seconds) for seconds in waits))


def _joined(one: Report, other: Report) -> Report:
    return Report(
        (*one.decisions, *other.decisions),
        (*one.commits, *other.commits),
        (*one.problems, *other.problems),
        pulls=(*one.pulls, *other.pulls),
    )
