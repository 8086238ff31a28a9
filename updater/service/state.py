"""What the service knows of itself from its worker: told to logs, metrics and whoever asks for its health."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from updater.core.messages import short
from updater.core.offers import is_listed
from updater.core.references import split_host
from updater.errors import RegistryError, UpdaterError
from updater.feeds import Ending, Item
from updater.model import Decision, Outcome
from updater.pipeline import Report
from updater.polling import Listings, troubles
from updater.telling.metrics import Metrics
from updater.working.looking import Look

_logger = logging.getLogger(__name__)
_LEVELS = {Outcome.REFUSED: logging.WARNING, Outcome.IGNORED: logging.DEBUG}
_NAMED = 5
"""Reasons of registries that are told of one look."""
_QUIET = frozenset({Outcome.UNCHANGED, Outcome.SUPERSEDED})


@dataclass(slots=True)
class State:
    """A `working.listening.Listener`. `told` is called after each batch and pass, `tidy` after a pass alone."""

    metrics: Metrics
    now: Callable[[], datetime]
    told: Callable[[Report], None]
    tidy: Callable[[], None]
    is_open: bool = False
    silent: str = ""
    doubts: Mapping[str, str] = field(default_factory=dict)

    def opened(self) -> None:
        """See `Listener`."""
        self.is_open = True
        self.doubts = {part: told for part, told in self.doubts.items() if part != "repository"}
        _logger.info("the repository is open")

    def troubled(self, reason: str) -> None:
        """See `Listener`."""
        self.doubts = {"repository": reason}

    def worked(self, settled: Sequence[tuple[Item, Ending]], report: Report, seconds: float) -> None:
        """See `Listener`."""
        self.metrics.batch(len(settled), seconds)
        for item, ending in settled:
            self._settled(item, ending)
        _tell(report)
        self._weigh(report)
        self.told(report)

    def passed(self, report: Report, seconds: float) -> None:
        """See `Listener`."""
        self.metrics.passed(report, seconds, self.now())
        _tell(report)
        self._weigh(report)
        self.told(report)
        self.tidy()

    def looked(self, look: Look, report: Report) -> None:
        """See `Listener`. What speaks against registries is told once, and again when it is something else."""
        self.metrics.looked(look.listings.values(), look.seconds, self.now())
        offered = {(each.image, each.to) for each in report.decisions if is_listed(each)}
        _logger.info("looked at %s: %s version(s) offered", _extent(look.listings), len(offered))
        silent = "; ".join(_several(troubles(look.listings)))
        if silent != self.silent:
            _logger.log(logging.WARNING if silent else logging.INFO, "%s", silent or "all registries answer again")
        self.silent = silent
        self.doubts = {**self.doubts, "registry": silent} if silent else self.doubts

    def _settled(self, item: Item, ending: Ending) -> None:
        now = self.now()
        for event in item.events:
            if ending.state == "again":
                told = {"event": f"{event.source}/{event.id}", "tries": item.tries + 1}
                _logger.warning(
                    "%s:%s waits for another try: %s", event.image, event.version.tag, ending.reason, extra=told
                )
                continue
            self.metrics.event(event.source, ending.outcome if ending.state == "done" else "dead")
            if ending.state == "dead":
                told = {"event": f"{event.source}/{event.id}", "tries": item.tries + 1}
                _logger.error("%s:%s is given up: %s", event.image, event.version.tag, ending.reason, extra=told)
            elif ending.commits:
                self.metrics.landed(event.time, event.received_at, now)

    def _weigh(self, report: Report) -> None:
        """What does not work for now."""
        failures = [each for each in report.problems if each.exit_code and not isinstance(each, RegistryError)]
        unanswered = {"registry": self.silent} if self.silent else {}
        self.doubts = unanswered | {_part(each): str(each) for each in reversed(failures)}


def _part(error: UpdaterError) -> str:
    return {3: "configuration", 5: "remote", 6: "forge", 7: "rendering"}.get(error.exit_code, "service")


def _tell(report: Report) -> None:
    for decision in report.decisions:
        level = _level(decision)
        if _logger.isEnabledFor(level):
            _logger.log(level, "%s", _words(decision), extra=_fields(decision))
    for problem in report.problems:
        if isinstance(problem, RegistryError):
            continue  # the decisions tell, or the look
        _logger.error("%s%s", problem, f" ({problem.hint})" if problem.hint else "")
    for kept in report.pulls:
        if kept.told:
            _logger.info("#%s %s: %s", kept.pull.number, kept.pull.title, kept.told)


def _extent(listings: Listings) -> str:
    hosts = {split_host(image)[0] for image in listings}
    failed = sum(isinstance(each, RegistryError) for each in listings.values())
    unanswered = f", {failed} of them without an answer" if failed else ""
    return f"{len(listings)} image(s) in {len(hosts)} registry(s){unanswered}"


def _several(errors: Sequence[RegistryError]) -> list[str]:
    """The first of them, with what to do about each, and how many there are beside."""
    told = [f"{error} ({error.hint})" if error.hint else str(error) for error in errors[:_NAMED]]
    return told if len(errors) <= _NAMED else [*told, f"and {len(errors) - _NAMED} more"]


def _level(decision: Decision) -> int:
    """A pass finds most things unchanged each time, and most of what a registry tells is followed by nobody."""
    is_quiet = decision.outcome in _QUIET and decision.event is None
    return logging.DEBUG if is_quiet else _LEVELS.get(decision.outcome, logging.INFO)


def _words(decision: Decision) -> str:
    where = "" if decision.target is None else f"{decision.target.environment}/{decision.target.service} "
    return f"{where}{short(decision.to)} {decision.outcome}: {decision.reason}"


def _fields(decision: Decision) -> dict[str, str]:
    fields = {"image": decision.image, "outcome": decision.outcome.value}
    if decision.event is not None:
        fields["event"] = f"{decision.event.source}/{decision.event.id}"
    if decision.target is not None:
        fields |= {"environment": decision.target.environment, "service": decision.target.service}
    return fields | ({"commit": decision.commit} if decision.commit else {})
