"""How what landed came about: which pull request brought it, who agreed to that, and how long each step took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from updater.by_hand.services import environments, exactly
from updater.by_hand.timeline import How, Record
from updater.core import graph, heads
from updater.core.copies import name_here
from updater.core.environment import NamedEnvironment
from updater.core.messages import told
from updater.errors import UpdaterError
from updater.forge import PullRequest
from updater.model import Landing
from updater.sight import Sight

Key = tuple[str, str, str, str]
"""A promoting environment and one that it promotes from; a service and an image, as they are called in the first."""


def explained(sight: Sight, records: Sequence[Record]) -> tuple[list[Record], UpdaterError | None]:
    """The records with their pull requests and how long each took; and why the forge could not be asked.

    It is asked once, and only about environments that deliver by pull request.
    """
    known, _ = environments(sight)
    landed = _landed(sight, known, records)
    timed = [_timed(known[record.target.environment], record, landed) for record in records]
    try:
        return _agreed(sight, known, timed), None
    except UpdaterError as error:
        return timed, error


def _timed(environment: NamedEnvironment, record: Record, landed: Mapping[Key, Sequence[Sequence[Landing]]]) -> Record:
    """The record with the time since the step before, if there was one: a start or a move back is no step."""
    landing = record.landing
    if record.before is None or record.how is How.REVERT:
        return record
    if environment.settings.promote is None:
        return record if landing.event is None else replace(record, took=_between(landing.pushed_at, landing.landed_at))
    steps = [
        (time, source)
        for source in graph.sources(environment.settings)
        for time in _before(landing, landed.get((environment.name, source, *_place(record)), ()))
    ]
    if not steps:
        return record
    time, source = max(steps)
    return replace(record, took=landing.landed_at - time, after=source)


def _place(record: Record) -> tuple[str, str]:
    return record.target.service, record.target.entry.image or ""


def _before(landing: Landing, entries: Sequence[Sequence[Landing]]) -> Iterator[datetime]:
    """When the version that landed had landed in each of these entries, the last time before."""
    for landings in entries:
        times = [each.landed_at for each in landings if each.version == landing.version]
        yield from [max(earlier)] if (earlier := [time for time in times if time <= landing.landed_at]) else []


def _landed(
    sight: Sight, known: Mapping[str, NamedEnvironment], records: Sequence[Record]
) -> dict[Key, list[Sequence[Landing]]]:
    """What landed in the environments before, in the services that the records are about."""
    found: dict[Key, list[Sequence[Landing]]] = {}
    for name in dict.fromkeys(record.target.environment for record in records):
        promote = known[name].settings.promote
        services = {record.target.service for record in records if record.target.environment == name}
        for source in graph.sources(known[name].settings):
            if promote is None or source not in known or sight.repository.tip(known[source].branch) is None:
                continue
            there = exactly(sight, source, services)
            entries = [target.entry for target in there.targets]
            landings = sight.catalog.landings(there.branch, there.tip, entries)
            for target, mine in zip(there.targets, landings, strict=True):
                image = name_here(target.entry.image or "", promote.images)
                found.setdefault((name, source, target.service, image), []).append(mine)
    return found


@dataclass(frozen=True, slots=True)
class _Merged:
    """A merged pull request, the text of its newest commit, and those of its commits that are not in the base so."""

    pull: PullRequest
    newest: str = ""
    left: frozenset[str] = frozenset()


def _agreed(sight: Sight, known: Mapping[str, NamedEnvironment], records: Sequence[Record]) -> list[Record]:
    """The records with the pull requests that brought them. Raises `ForgeError`, `UsageError`, `GitError`."""
    wanted = {head for record in records for head in _heads(known, record)}
    if not wanted:
        return list(records)
    pulls = [pull for pull in sight.forge().settled(wanted) if pull.state == "merged"]
    here = sight.repository.bring({pull.commit: pull.ref for pull in pulls})
    merged = [_read(sight, pull) if pull.commit in here else _Merged(pull) for pull in pulls]
    return [_with_pull(sight, known, record, merged) for record in records]


def _heads(known: Mapping[str, NamedEnvironment], record: Record) -> tuple[str, ...]:
    """The branches that may have brought a record; none where nothing comes by pull request."""
    environment = known[record.target.environment]
    if environment.settings.deliver != "pull-request":
        return ()
    return heads.head(environment.name, record.target.service), heads.shared(environment.name, heads.ALL)


def _read(sight: Sight, pull: PullRequest) -> _Merged:
    """A merge leaves no commit out; a rebase all of them, with the same texts as on the base."""
    tip = sight.repository.tip(pull.base)
    left = () if tip is None else sight.repository.beyond(tip, pull.commit)
    return _Merged(pull, sight.repository.message(pull.commit), frozenset(each.message.strip() for each in left))


def _with_pull(
    sight: Sight, known: Mapping[str, NamedEnvironment], record: Record, merged: Sequence[_Merged]
) -> Record:
    if not _heads(known, record):
        return record
    commit = record.landing.commit
    found = next((each for each in merged if each.pull.merged_as == commit), None)
    if found is None and any(each.left for each in merged):
        message = sight.repository.message(commit).strip()
        found = next((each for each in merged if message in each.left), None)
    if found is None:
        return record
    how = record.how if record.how is How.REVERT else How.MERGED
    return _pushed(known[record.target.environment], replace(record, pull=found.pull, how=how), found.newest)


def _pushed(environment: NamedEnvironment, record: Record, message: str) -> Record:
    """The record with the time since the push, which a merge or squash does not tell, but the head does."""
    push = told(message, record.target.entry.image or "", record.landing.version)
    if record.took is not None or environment.settings.promote is not None or push is None:
        return record
    return replace(record, took=_between(push.time, record.landing.landed_at))


def _between(start: datetime, end: datetime) -> timedelta:
    """How long it took; commits are timed to the second, so one may seem to be made before what it tells."""
    return max(timedelta(), end - start)
