"""What came of things, as CloudEvents that others can follow without knowing us.

What landed is told from git, where people merge, revert and edit, too; what was proposed or failed from the report of
whoever did it. Equal things have equal ids, so that who is told twice can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from updater.core import holds
from updater.core.cloud_events import CloudEvent, id_of
from updater.core.history import key
from updater.core.messages import move, short
from updater.errors import UpdaterError
from updater.forge import PullRequest
from updater.model import Decision, Landing, Outcome, Target, Version
from updater.protocols import Ranking

MARKS = "refs/updater/told/"
"""The refs that say up to which commit a branch was told: its name follows."""
PREFIX = "io.github.manifest-updater."
DEPLOYED = f"{PREFIX}image.deployed"
REVERTED = f"{PREFIX}image.reverted"
PROPOSED = f"{PREFIX}promotion.proposed"
APPROVED = f"{PREFIX}promotion.approved"
FAILED = f"{PREFIX}update.failed"


class Report(Protocol):
    """What was decided and done, and what went wrong."""

    @property
    def decisions(self) -> Sequence[Decision]: ...

    @property
    def problems(self) -> Sequence[UpdaterError]: ...


@dataclass(frozen=True, slots=True)
class Move:
    """A version landed in an entry in the place of another one; `back` says why that is a move back, if it is."""

    target: Target
    before: Version | None
    landing: Landing
    back: str | None = None


def mark(branch: str) -> str:
    """The ref that says up to which commit a branch was told."""
    return f"{MARKS}{branch}"


def moves(target: Target, landings: Sequence[Landing], order: Ranking) -> Iterator[Move]:
    """Everything that landed in an entry (oldest first), moves back told apart as holds do."""
    for landing, before, past in holds.folded(landings, order):
        began = next((hold for hold in past.holds if hold.commit == landing.commit), None)
        if landing.version != Version():
            back = None if began is None else holds.reason(began, began.version)
            yield Move(target, before, landing, back)


def of_move(found: Move, pull: PullRequest | None) -> Iterator[CloudEvent]:
    """What a landing is told as, given the pull request that brought it, if one did."""
    target, landing = found.target, found.landing
    deployed = _event(
        DEPLOYED if found.back is None else REVERTED,
        target,
        (landing.commit, key(target.entry)),
        landing.landed_at,
        {
            "from": _version(found.before),
            "to": _version(landing.version),
            "commit": landing.commit,
            "pull_request": None if pull is None else pull.number,
            "event": landing.event,
            "reason": found.back or f"{move(found.before or Version(), landing.version)} by {landing.author}",
        },
    )
    if pull is not None:
        by = f"#{pull.number} was merged" + (f" by {pull.closed_by}" if pull.closed_by else "")
        yield replace(deployed, id=id_of(APPROVED, deployed.id), type=APPROVED, data={**deployed.data, "reason": by})
    yield deployed


def of_report(report: Report, now: datetime) -> list[CloudEvent]:
    """What was proposed, and what failed and does not mend itself.

    The same decision is made with every pass, and has the same id: a proposal for as long as its pull request is open,
    a failure for a day.
    """
    passing = {str(problem) for problem in report.problems if problem.retry}
    failed = [each for each in report.decisions if each.exit_code and each.reason not in passing]
    proposed = [each for each in report.decisions if each.outcome is Outcome.PROPOSED and each.pull_request is not None]
    said = {each.reason for each in failed}
    problems = [each for each in report.problems if not each.retry and str(each) not in said]
    return [
        *(_of_decision(PROPOSED, each, str(each.pull_request), now) for each in proposed),
        *(_of_decision(FAILED, each, f"{now:%Y-%m-%d}", now) for each in failed),
        *(_of_problem(each, now) for each in problems),
    ]


def _of_decision(kind: str, decision: Decision, what: str, now: datetime) -> CloudEvent:
    event = None if decision.event is None else f"{decision.event.source}/{decision.event.id}"
    told = {
        "to": _version(decision.to),
        "commit": decision.commit,
        "pull_request": decision.pull_request,
        "event": event,
        "reason": decision.reason,
    }
    target = decision.target
    if target is None:
        data = {**_NOTHING, **told, "image": decision.image}
        return CloudEvent(id_of(kind, decision.image, short(decision.to), decision.reason, what), kind, None, now, data)
    entry = key(target.entry)
    why = decision.reason if kind == FAILED else ""
    return _event(
        kind, target, (entry, str(decision.to), why, what), now, {"from": _version(target.entry.version), **told}
    )


def _of_problem(problem: UpdaterError, now: datetime) -> CloudEvent:
    reason = str(problem)
    return CloudEvent(id_of(FAILED, reason, f"{now:%Y-%m-%d}"), FAILED, None, now, {**_NOTHING, "reason": reason})


_NOTHING: Mapping[str, Any] = dict.fromkeys(
    (
        *("environment", "service", "overlay", "entry", "image", "from", "to"),
        *("commit", "pull_request", "event", "reason"),
    )
)
"""What is in the data of every event."""


def _event(kind: str, target: Target, parts: Sequence[str], time: datetime, told: Mapping[str, Any]) -> CloudEvent:
    where = {
        "environment": target.environment,
        "service": target.service,
        "overlay": target.overlay,
        "entry": target.entry.name,
        "image": target.entry.image,
    }
    id_ = id_of(kind, target.environment, target.entry.path, *parts)
    return CloudEvent(id_, kind, f"{target.environment}/{target.service}", time, {**_NOTHING, **where, **told})


def _version(version: Version | None) -> dict[str, str | None] | None:
    return None if version is None else {"tag": version.tag, "digest": version.digest}
