"""The inbox under any order of what senders, the worker, people and restarts do: nothing that was accepted is lost."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.helpers.events import pushed
from tests.helpers.inboxes import Stand, ended
from updater.core.retrying import LONGEST
from updater.feeds import Item
from updater.model import Event, Version

TAGS = st.sampled_from(["1.0", "latest"])
LETTERS = st.sampled_from(["a", None])
MINUTES = st.sampled_from([None, 0.0, 10.0, 20.0])
OUTCOMES = st.sampled_from(["committed", "unchanged", "held", "ignored"])


class Life(RuleBasedStateMachine):
    """`owed` are versions that came and were not looked at since; what else may wait is a second look."""

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.stand = Stand(Path(folder) / "x.inbox")
        self.open = self.stack.enter_context(ExitStack())
        self.inbox = self.open.enter_context(self.stand.opened())
        self.sent: list[Event] = []
        self.told: dict[Version, list[datetime]] = {}
        self.owed: set[Version] = set()
        self.at_work: dict[str, tuple[Item, bool]] = {}
        self.ended: set[str] = set()

    def teardown(self) -> None:
        self.stack.close()

    @rule(tag=TAGS, letter=LETTERS, minutes=MINUTES)
    def push(self, tag: str, letter: str | None, minutes: float | None) -> None:
        """A delivery that is unlike all before it."""
        event = pushed(tag, letter, minutes, id=f"id-{len(self.sent)}")
        self._put(event)
        self.owed.add(event.version)
        for name, (item, _) in self.at_work.items():
            if item.events[0].version == event.version:
                self.at_work[name] = (item, True)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A sender repeats what it sent, since our answer got lost."""
        self._put(data.draw(st.sampled_from(self.sent)))

    def _put(self, event: Event) -> None:
        self.inbox.put([event])
        self.sent.append(event)
        self.told.setdefault(event.version, []).extend([event.pushed_at] if event.pushed_at else [])
        self.ended -= {str(row.number) for row in self.inbox.rows() if row.version == event.version}

    @rule(limit=st.integers(1, 3))
    def take(self, limit: int) -> None:
        for item in self.inbox.take(limit):
            assert item.name not in self.at_work
            assert item.name not in self.ended
            self.at_work[item.name] = (item, False)

    @precondition(lambda self: self.at_work)
    @rule(data=st.data(), state=st.sampled_from(["done", "dead"]), outcome=OUTCOMES)
    def finish(self, data: st.DataObject, state: str, outcome: str) -> None:
        item, has_more = self.at_work.pop(data.draw(st.sampled_from(sorted(self.at_work))))
        self.inbox.settle([ended(item, "done" if state == "done" else "dead", outcome)])
        if not has_more:
            self.owed.discard(item.events[0].version)
            self.ended |= {item.name} if self._row(item) == state else set()

    @precondition(lambda self: self.at_work)
    @rule(data=st.data(), seconds=st.integers(0, 600))
    def fail(self, data: st.DataObject, seconds: int) -> None:
        item, _ = self.at_work.pop(data.draw(st.sampled_from(sorted(self.at_work))))
        at = self.stand.watch.time + timedelta(seconds=seconds)
        self.inbox.settle([ended(item, "again", "failed", at=at)])

    def _row(self, item: Item) -> str | None:
        row = self.inbox.row(int(item.name))
        return row and row.state

    @rule(
        what=st.sampled_from(["time", "restart", "prune"]), minutes=st.sampled_from([1, 30, 120, -600, 60 * 24 * 400])
    )
    def go_on(self, what: str, minutes: int) -> None:
        """Time passes, the service starts again, or what is old is forgotten."""
        if what == "time":
            self.stand.watch.pass_by(minutes=minutes)
        elif what == "restart":
            self.open.close()
            self.inbox = self.open.enter_context(self.stand.opened())
            self.at_work.clear()
        else:
            self.inbox.prune()
            kept = {row.version for row in self.inbox.rows()}
            self.told = {version: times for version, times in self.told.items() if version in kept}

    @invariant()
    def what_is_owed_waits(self) -> None:
        waiting = {row.version for row in self.inbox.rows(state="waiting")}
        assert self.owed <= waiting

    @invariant()
    def what_waits_is_at_work_or_due_within_the_longest_pause(self) -> None:
        idle = {str(row.number) for row in self.inbox.rows(state="waiting")} - self.at_work.keys()
        due = self.inbox.due()
        assert (due is None) == (not idle)
        assert due is None or due <= self.stand.watch.time + LONGEST

    @invariant()
    def a_version_with_a_digest_has_the_earliest_time_that_was_told(self) -> None:
        for row in self.inbox.rows():
            if row.version.digest is not None:
                assert row.pushed_at == min(self.told[row.version], default=None)


TestLife = pytest.mark.slow(Life.TestCase)
TestLife.settings = settings(max_examples=60, stateful_step_count=40)
