"""Asking the forge for the statuses that promotions wait for: of all services together, and only where they decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from updater.core import gates, patterns
from updater.core.environment import NamedEnvironment
from updater.core.gates import Gate, GateState
from updater.core.promotion import Offer, Ran
from updater.core.verdicts import Ask, Case, Verdict, verdicts
from updater.errors import ForgeError, UpdaterError, UsageError
from updater.forge import Status
from updater.sight import Sight, tip_of

NEWEST = 100
"""How many commits of a branch are looked at for statuses that name a service."""
_OFFERS = 20
"""How many versions of an entry are asked about, the newest ones."""

Statuses: TypeAlias = Mapping[str, Sequence[Status]]
Branches: TypeAlias = Mapping[str, Sequence[str]]
"""The newest commits of the branch of each environment, newest first."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """An entry with its gates and those of its offers that nothing else speaks against."""

    case: Case
    gates: tuple[Gate, ...]
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class _Reports:
    """What is reported of commits, or why that is not known."""

    newest: Branches
    statuses: Statuses
    unknown: str | None

    def ask(self, asked: _Asked) -> Ask:
        """How the gates of each offer are."""

        def ask(offer: Offer) -> Sequence[GateState]:
            why = self.unknown
            if offer not in asked.offers:
                why = f"no more than the {_OFFERS} newest versions are asked about"
            if why is not None:
                return [
                    GateState(each, "pending", f"waits for {each.context}: {why}", None, ()) for each in asked.gates
                ]
            return [state for ran in offer.ran for state in self._states(asked, ran, several=len(offer.ran) > 1)]

        return ask

    def _states(self, asked: _Asked, ran: Ran, *, several: bool) -> Iterator[GateState]:
        landing = [status for commit in ran.commits for status in self.statuses.get(commit, ())]
        later = [self.statuses.get(commit, ()) for commit in _later(ran, self.newest)]
        for state in gates.judged(asked.gates, landing, later):
            yield replace(state, sentence=f"{ran.environment}: {state.sentence}") if several else state


def judged(
    sight: Sight, cases: Sequence[Case], known: Mapping[str, NamedEnvironment]
) -> tuple[list[tuple[Verdict, ...]], list[UpdaterError]]:
    """The verdicts of each case, its status gates included, and what went wrong when the forge was asked."""
    now = sight.clock.now()
    captures = _captures(cases)
    asked = {
        at: _asked(case, captures[case.environment.name, case.target.service], now)
        for at, case in enumerate(cases)
        if _is_gated(case)
    }
    reports, problems = _reports(sight, list(asked.values()), known)
    asks = [reports.ask(asked[at]) if at in asked else _no_gates for at in range(len(cases))]
    return [verdicts(case, ask, now) for case, ask in zip(cases, asks, strict=True)], problems


def _no_gates(_: Offer) -> Sequence[GateState]:
    return ()


def _is_gated(case: Case) -> bool:
    promote = case.environment.settings.promote
    return promote is not None and bool(promote.statuses)


def _captures(cases: Sequence[Case]) -> dict[tuple[str, str], list[Mapping[str, str]]]:
    """What the paths of each service's overlays capture."""
    found: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for case in cases:
        target = case.target
        mine = found.setdefault((case.environment.name, target.service), [])
        for glob in case.environment.globs:
            captured = patterns.compile(glob).match(target.overlay)
            mine += [] if captured is None else [{"service": target.service, **captured}]
    return found


def _asked(case: Case, captures: Sequence[Mapping[str, str]], now: datetime) -> _Asked:
    promote = case.environment.settings.promote
    assert promote is not None, "it has gates"
    reached: list[Offer] = []

    def note(offer: Offer) -> Sequence[GateState]:
        reached.append(offer)
        return ()

    verdicts(case, note, now)
    return _Asked(case, gates.filled(promote, captures), tuple(reached[:_OFFERS]))


def _reports(
    sight: Sight, asked: Sequence[_Asked], known: Mapping[str, NamedEnvironment]
) -> tuple[_Reports, list[UpdaterError]]:
    """What is reported of all commits that matter, in one go; and what went wrong."""
    sources = {
        ran.environment
        for each in asked
        if any(gate.is_of_service for gate in each.gates)
        for offer in each.offers
        for ran in offer.ran
    }
    newest = {name: _newest(sight, known[name].branch) for name in sorted(sources)}
    commits = list(dict.fromkeys(commit for each in asked for commit in _commits(each, newest)))
    if not commits:
        return _Reports(newest, {}, None), []
    try:
        return _Reports(newest, sight.forge().statuses(commits), None), []
    except (ForgeError, UsageError) as error:
        return _Reports(newest, {}, str(error)), [error]


def _newest(sight: Sight, branch: str) -> Sequence[str]:
    return sight.repository.newest(tip_of(sight.repository, branch), NEWEST)


def _commits(asked: _Asked, newest: Branches) -> Iterator[str]:
    of_service = any(gate.is_of_service for gate in asked.gates)
    for offer in asked.offers:
        for ran in offer.ran:
            yield from ran.commits
            if of_service:
                yield from _later(ran, newest)


def _later(ran: Ran, newest: Branches) -> Sequence[str]:
    """Of the newest commits those after a landing in which the version still stands."""
    commits = newest.get(ran.environment, ())
    if ran.ended_by is not None and ran.ended_by not in commits:
        return ()  # it went before all of these
    begins = commits.index(ran.ended_by) + 1 if ran.ended_by is not None else 0
    ends = min((commits.index(commit) for commit in ran.commits if commit in commits), default=len(commits))
    return commits[begins:ends]
