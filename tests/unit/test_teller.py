"""Outcomes are told beside the work: nobody waits for who is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from tests.helpers.events import at
from tests.helpers.fake_repository import FakeRepository, sight
from tests.helpers.web import FILES
from updater.core import retrying
from updater.core.cloud_events import CloudEvent
from updater.core.outcomes import Report as Told
from updater.errors import RemoteUnavailable
from updater.pipeline import Parts, Report
from updater.service.teller import Teller
from updater.sight import Sight
from updater.telling.outcomes import Outcomes


class Watched(Outcomes):
    """Writes down what it is asked for; `fails` are raised first, `more` is how often there is still something left."""

    def __init__(self, *fails: Exception, more: int = 0) -> None:
        super().__init__(self._nobody)
        self.asked: list[str] = []
        self.fails = list(fails)
        self.more = more
        self.caught_up = threading.Event()

    def _nobody(self, event: CloudEvent) -> None:
        raise AssertionError(f"nothing is to be told here, and {event} was")

    def reported(self, report: Told, now: datetime) -> None:
        self.asked.append(f"report of {len(report.problems)} at {now:%H:%M}")

    def catch_up(self, sight: Sight) -> bool:
        if self.fails:
            raise self.fails.pop()
        self.asked.append(f"caught up on {sight.repository.default_branch}")
        self.more -= 1
        if self.more < 0:
            self.caught_up.set()
        return self.more < 0


@contextmanager
def a_repository() -> Iterator[Parts]:
    yield Parts(sight(FakeRepository({"main": FILES})), {}, lambda _: None)


@contextmanager
def running(outcomes: Watched) -> Iterator[Teller]:
    teller = Teller(outcomes, a_repository, lambda: at(0))
    thread = threading.Thread(target=teller.run)
    thread.start()
    try:
        yield teller
    finally:
        teller.stop()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_FIRST", retrying.LONGEST / 600_000)


def test_a_report_is_told_and_then_what_landed() -> None:
    outcomes = Watched()
    with running(outcomes) as teller:
        teller.hear(Report(problems=(RemoteUnavailable("down"),)))
        assert outcomes.caught_up.wait(20)
    assert outcomes.asked == ["report of 1 at 12:00", "caught up on main"]


def test_what_is_left_is_told_at_once() -> None:
    outcomes = Watched(more=2)
    with running(outcomes) as teller:
        teller.hear(Report())
        assert outcomes.caught_up.wait(20)
    assert outcomes.asked.count("caught up on main") == 3


@pytest.mark.parametrize("error", [RemoteUnavailable("down"), ZeroDivisionError("a mistake of ours")])
def test_what_fails_is_told_later_without_another_report(error: Exception) -> None:
    outcomes = Watched(error)
    with running(outcomes) as teller:
        teller.hear(Report())
        assert outcomes.caught_up.wait(20)
    assert outcomes.asked == ["report of 0 at 12:00", "caught up on main"]


def test_the_end_does_not_wait_for_anything() -> None:
    with running(Watched()):
        pass
