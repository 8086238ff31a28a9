"""Telling what landed, was proposed, approved, reverted or failed, to whoever follows; docs/outcomes.md is for them.

How far a branch was told is a ref on the remote, so that it is told once by all replicas together, and a new machine
goes on where an old one stopped. It is moved after the telling: what is told twice has the same id.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from updater.core.cloud_events import CloudEvent
from updater.core.environment import NamedEnvironment
from updater.core.outcomes import Report, mark, of_move, of_report
from updater.errors import UpdaterError
from updater.protocols import Update
from updater.telling.landed import Sight, environments, goal_of, landed

Sender: TypeAlias = Callable[[CloudEvent], None]
"""Gives an event to who wants it, and returns once it is there. Raises `UpdaterError`."""
_REMEMBERED = 10_000
_logger = logging.getLogger(__name__)


class Outcomes:
    """Tells outcomes, each once as far as this process knows. Its methods are called by one thread at a time."""

    def __init__(self, send: Sender) -> None:
        self._send = send
        self._told: OrderedDict[str, None] = OrderedDict()
        self._untold: dict[str, CloudEvent] = {}

    def reported(self, report: Report, now: datetime) -> None:
        """Tells what a report says was proposed or failed, and what could not be told before.

        Raises `UpdaterError` where the receiver fails. What was not told then is told by the next call in this process.
        """
        for event in of_report(report, now):
            if len(self._untold) < _REMEMBERED:
                self._untold.setdefault(event.id, event)
        for event in tuple(self._untold.values()):
            self._tell(event)
            del self._untold[event.id]

    def catch_up(self, sight: Sight) -> bool:
        """Tells what has landed on the environments' branches since that was done last; whether that is all.

        Raises `UpdaterError` where the remote, the forge or the receiver fails. What was not told then is told by the
        next call. A branch of which nothing was ever told begins where it stands now.
        """
        repository = sight.repository
        branches = {each.branch for each in environments(sight).values()}
        repository.refresh(frozenset({name for branch in branches for name in (branch, mark(branch))}))
        known, is_all, failures = environments(sight), True, []
        for branch in sorted(branches):
            try:
                is_all &= self._catch_up(sight, branch, known)
            except UpdaterError as error:  # the other branches are told all the same
                failures.append(error)
        for failure in failures:
            raise failure
        return is_all

    def _catch_up(self, sight: Sight, branch: str, known: Mapping[str, NamedEnvironment]) -> bool:
        repository = sight.repository
        tip, marked = repository.tip(branch), repository.tip(mark(branch))
        if tip is None or tip == marked:
            return True
        goal = tip if marked is None else goal_of(repository, marked, tip)
        if marked is not None:
            for found in landed(sight, branch, known, marked, goal):
                for event in of_move(*found):
                    self._tell(event)
        outcome = repository.push([Update(mark(branch), marked, goal)])[mark(branch)]
        if isinstance(outcome, UpdaterError):
            raise outcome
        return goal == tip  # where another replica was faster, it has told the same

    def _tell(self, event: CloudEvent) -> None:
        if event.id in self._told:
            return
        self._send(event)
        self._told[event.id] = None
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        _logger.info("told: %s %s", event.type, event.subject or "", extra=_fields(event))


def _fields(event: CloudEvent) -> dict[str, str]:
    fields = {"outcome_id": event.id, "event": event.data["event"], "commit": event.data["commit"]}
    return {name: value for name, value in fields.items() if value is not None}
