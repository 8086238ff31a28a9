"""Telling others what happened, in a thread of its own: who is told is slow or down, and nobody waits for that."""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime

from updater.adapters import http
from updater.core import retrying
from updater.core.cloud_events import source
from updater.core.masking import mask
from updater.errors import UpdaterError
from updater.pipeline import Parts, Report
from updater.service.feeding import publisher
from updater.telling import logs, receivers
from updater.telling.outcomes import Outcomes, Sender

_KEPT = 1000
"""Reports that wait to be told at the most; what is in older ones is found in git, but for what failed."""
_logger = logging.getLogger(__name__)


class Teller:
    """Tells outcomes after each report that it hears. `run` is a thread's whole life."""

    def __init__(
        self, outcomes: Outcomes, open_parts: Callable[[], AbstractContextManager[Parts]], now: Callable[[], datetime]
    ) -> None:
        self._outcomes = outcomes
        self._open = open_parts
        self._now = now
        self._heard = threading.Event()
        self._stopped = threading.Event()
        self._reports: deque[Report] = deque(maxlen=_KEPT)

    def hear(self, report: Report) -> None:
        """Has a report told, soon."""
        self._reports.append(report)
        self._heard.set()

    def stop(self) -> None:
        """Nothing more is told. What was not, is told by the next start, or by another replica."""
        self._stopped.set()
        self._heard.set()

    def run(self) -> None:
        """Tells until it is stopped; what fails is told again, after growing pauses."""
        failures = 0
        with ExitStack() as stack:
            parts: Parts | None = None
            while not self._stopped.is_set():
                self._heard.wait()
                self._heard.clear()
                try:
                    parts = parts or stack.enter_context(self._open())
                    self._tell(parts)
                    failures = 0
                except Exception as error:
                    self._failed(error)
                    stack.close()  # what is kept here of the repository may be what failed
                    parts = None
                    self._stopped.wait(retrying.pause(failures, random.random()).total_seconds())  # noqa: S311
                    failures += 1
                    self._heard.set()

    def _tell(self, parts: Parts) -> None:
        while self._reports and not self._stopped.is_set():
            report = self._reports[0]
            self._outcomes.reported(report, self._now())  # what fails in it, it remembers by itself
            self._reports.popleft()
        while not self._stopped.is_set() and not self._outcomes.catch_up(parts.sight):
            pass

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UpdaterError):
            _logger.warning("outcomes are told later: %s", error)
        else:
            _logger.exception("outcomes are told later")


def sender(environ: Mapping[str, str], repository: str, stack: ExitStack) -> Sender | None:
    """The way to whoever is to be told, as `UPDATER_OUTCOMES` says; None where nobody is. Raises `UsageError`."""
    receiver = receivers.read(environ)
    if receiver is None:
        return None
    name, hidden = source(repository), mask(logs.secrets(environ))
    if receiver.is_topic:
        send = receivers.to_topic(receiver, name, publisher(stack).publish)
    else:
        send = receivers.to_address(receiver, name, http.post)
    return receivers.without_secrets(hidden, send)
