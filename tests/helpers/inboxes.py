"""An inbox in a file of its own, with a clock that stands until it is moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.helpers.events import NOON
from updater.adapters.inbox import Inbox
from updater.adapters.inbox_rows import Row
from updater.feeds import Ending, Item, State
from updater.model import Event


@dataclass
class Watch:
    """A clock that a test moves."""

    time: datetime = NOON + timedelta(hours=1)

    def now(self) -> datetime:
        return self.time

    def pass_by(self, **span: float) -> None:
        """Time goes by; backwards where it is negative."""
        self.time += timedelta(**span)


@dataclass
class Stand:
    """One file, and any number of inboxes on it, one after the other or together."""

    file: Path
    watch: Watch = field(default_factory=Watch)

    @contextmanager
    def opened(self) -> Iterator[Inbox]:
        with closing(Inbox(self.file, self.watch.now)) as inbox:
            yield inbox


def ended(item: Item, state: State = "done", outcome: str = "committed", **more: object) -> tuple[Item, Ending]:
    """An item with what became of it."""
    return item, Ending(state, outcome, f"{outcome} because", **more)  # type: ignore[arg-type]


def events(items: Sequence[Item]) -> list[Event]:
    """What items are about."""
    return [event for item in items for event in item.events]


def only(inbox: Inbox) -> Row:
    """The one row that there is."""
    (row,) = inbox.rows()
    return row
