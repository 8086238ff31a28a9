"""What may be promoted now: the verdicts on every version that sources offer, with the gates that they wait for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from updater.core import graph
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.verdicts import Verdict, nothing, shown
from updater.errors import ConfigurationError, UpdaterError
from updater.model import Decision, Outcome
from updater.promoting.cases import promotions
from updater.promoting.gating import judged
from updater.sight import Sight
from updater.survey import claimants, contested


@dataclass(frozen=True, slots=True)
class Offered:
    """The verdicts on what is offered, entry by entry; decisions on entries to which nothing is; and what went wrong.

    `doubts` say of which services (None: all) of an environment not everything is known.
    """

    verdicts: tuple[Verdict, ...] = ()
    others: tuple[Decision, ...] = ()
    problems: tuple[UpdaterError, ...] = ()
    doubts: Mapping[tuple[str, str | None], str] = field(default_factory=dict)


def offered(sight: Sight, configuration: Configuration, wanted: Sequence[NamedEnvironment]) -> Offered:
    """What sources offer to these environments. Every branch that they and their sources name has to be known."""
    known = {each.name: each for each in configuration.environments}
    found = promotions(sight, configuration, wanted)
    judgements, problems = judged(sight, found.cases, known)
    verdicts = [_unless_contested(configuration, verdict) for mine in judgements for verdict in mine]
    nothings = [decision for case in found.cases if (decision := nothing(case)) is not None]
    doubts: dict[tuple[str, str | None], str] = {}
    for case in found.cases:
        if case.offers.nothing is not None:
            doubts[case.environment.name, case.target.service] = case.offers.nothing
    for each in wanted:
        for error in found.unread(with_sources(configuration, [each])):
            doubts[each.name, None] = str(error)
    return Offered(tuple(verdicts), (*found.others, *nothings), (*found.problems, *problems), doubts)


def with_sources(configuration: Configuration, wanted: Sequence[NamedEnvironment]) -> list[NamedEnvironment]:
    """These environments and all that they promote from."""
    known = {each.name: each for each in configuration.environments}
    names = dict.fromkeys(name for each in wanted for name in (each.name, *graph.sources(each.settings)))
    return [known[name] for name in names if name in known]


def reachable(
    configuration: Configuration, wanted: Sequence[NamedEnvironment], missing: Collection[str]
) -> list[NamedEnvironment]:
    """Those of which, and of whose sources, the remote has the branches: all but those in `missing`."""
    return [each for each in wanted if all(mine.branch not in missing for mine in with_sources(configuration, [each]))]


def _unless_contested(configuration: Configuration, verdict: Verdict) -> Verdict:
    if not verdict.may_land:
        return verdict
    reason = contested(verdict.target, claimants(configuration.environments, verdict.target))
    if reason is None:
        return verdict
    decision = replace(verdict.decision, outcome=Outcome.REFUSED, reason=reason, exit_code=ConfigurationError.exit_code)
    return replace(verdict, decision=decision)


def decisions(verdicts: Sequence[Verdict]) -> list[Decision]:
    """What a person has to know of these verdicts, entry by entry."""
    entries: dict[object, list[Verdict]] = {}
    for verdict in verdicts:
        entries.setdefault(verdict.target, []).append(verdict)
    return [decision for mine in entries.values() for decision in shown(mine)]
