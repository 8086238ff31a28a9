"""Asking the forge for the statuses that promotions wait for: of all services together, and only where they decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
            if self.unknown is not None or offer not in asked.offers:
                why = "" if self.unknown is None else f": {self.unknown}"
                return [GateState(each, "pending", f"waits for {each.context}{why}", None, ()) for each in asked.gates]
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
    found = [verdicts(case, _no_gates, now) for case in cases]
    captures = _captures(cases)
    asked = {
        at: _asked(case, found[at], captures[case.environment.name, case.target.service])
        for at, case in enumerate(cases)
        if _is_gated(case)
    }
    reports, problems = _reports(sight, list(asked.values()), known)
    for at, each in asked.items():
        found[at] = verdicts(each.case, reports.ask(each), now)
    return found, problems


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


def _asked(case: Case, alone: Sequence[Verdict], captures: Sequence[Mapping[str, str]]) -> _Asked:
    promote = case.environment.settings.promote
    assert promote is not None
    open_to = [each.offer for each in alone if each.offer is not None and (each.may_land or each.decision.is_stopped)]
    return _Asked(case, gates.filled(promote, captures), tuple(open_to[:_OFFERS]))


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
