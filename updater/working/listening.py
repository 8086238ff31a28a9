"""Who wants to know what the worker does: logs, metrics, health, and those who are told outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from updater.feeds import Ending, Item
from updater.pipeline import Report
from updater.working.looking import Look


class Listener(Protocol):
    """Is told in the worker's thread, and does not raise or take long."""

    def opened(self) -> None:
        """The repository is open."""
        ...

    def troubled(self, reason: str) -> None:
        """Nothing can be done for now."""
        ...

    def worked(self, settled: Sequence[tuple[Item, Ending]], report: Report, seconds: float) -> None:
        """A batch is settled; `seconds` is how long it took."""
        ...

    def passed(self, report: Report, seconds: float) -> None:
        """A pass over everything is over."""
        ...

    def looked(self, look: Look, report: Report) -> None:
        """That pass has decided on what registries listed."""
        ...
