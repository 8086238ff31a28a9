"""Finding the entries that pushed images reach, on the newest known tips, and what history says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from updater.core import matching, stops
from updater.core.decide import needs_past
from updater.core.environment import NamedEnvironment
from updater.core.kustomization import entries
from updater.core.matching import Followed
from updater.errors import EditRefused
from updater.model import Event, Hold, Past, Target, Version
from updater.protocols import Catalog, Question, Repository
from updater.sight import ConfigurationAt

Place: TypeAlias = tuple[str, ...]
"""An entry in the eyes of one environment."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that follows an image that was pushed. `claimants` are the environments that say it is theirs."""

    followed: Followed
    target: Target
    claimants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file of an overlay that mentions an image that was pushed, and why it cannot be read."""

    followed: Followed
    error: EditRefused


@dataclass(frozen=True, slots=True)
class Survey:
    """Every hit, and the files that could not be read."""

    hits: tuple[Hit, ...]
    unreadable: tuple[Unreadable, ...]


def survey(
    repository: Repository, catalog: Catalog, environments: Sequence[NamedEnvironment], followed: Sequence[Followed]
) -> Survey:
    """The entries of all environments' overlays that follow these images. Every branch they name has to be known."""
    hits: list[Hit] = []
    unreadable: list[Unreadable] = []
    for match in followed:
        branch = match.environment.branch
        tip = repository.tip(branch) or ""
        tree = repository.tree(tip)
        for path in catalog.paths(branch, tip, match.image):
            if matching.overlay(match.environment, path) is None:
                continue
            try:
                found = entries(path, tree.read(path))
            except EditRefused as error:
                unreadable.append(Unreadable(match, error))
                continue
            for target in matching.targets(match.environment, match.image, found):
                hits.append(Hit(match, target, claimants(environments, target)))
    return Survey(tuple(hits), tuple(unreadable))


def recalled(
    repository: Repository, catalog: Catalog, hits: Sequence[Hit], configuration_at: ConfigurationAt
) -> list[Hit]:
    """The same hits, with what history says wherever a version may land.

    Holds count for a service: what was taken back in one of its overlays is held in all.
    """
    services: dict[tuple[str, str, str], list[Hit]] = {}
    for hit in hits:
        services.setdefault(_service(hit), []).append(hit)
    asking = [mine for mine in services.values() if any(needs_past(hit.followed, hit.target) for hit in mine)]
    pasts = _ask(repository, catalog, [hit for mine in asking for hit in mine])
    told = {_place(hit): hit for mine in asking for hit in _told(mine, pasts, configuration_at)}
    return [told.get(_place(hit), hit) for hit in hits]


def _told(hits: Sequence[Hit], pasts: Mapping[Place, Past], configuration_at: ConfigurationAt) -> Iterator[Hit]:
    """The hits of a service and image, with what history says.

    A sender may send the same push again, later; if that version stood here before, it was pushed when it came the
    first time.
    """
    followed = hits[0].followed
    about = (followed.environment, hits[0].target.service, followed.image)
    released = {release.version for release in stops.releases(*about)}
    mine = [pasts[_place(hit)] for hit in hits]
    holds = unlifted(dict.fromkeys(hold for past in mine for hold in past.holds), *about, configuration_at)
    together = tuple(sorted(holds, key=lambda hold: hold.at))
    events = tuple(_first_heard(followed, event, mine) for event in followed.events)
    for hit, past in zip(hits, mine, strict=True):
        stood = {version: at for version, at in past.stood.items() if version.tag not in released}
        target = replace(hit.target, past=replace(past, holds=together, stood=stood))
        yield replace(hit, followed=replace(followed, events=events), target=target)


def _ask(repository: Repository, catalog: Catalog, hits: Sequence[Hit]) -> dict[Place, Past]:
    """The pasts of all hits; each branch is asked once."""
    answers: dict[Place, Past] = {}
    for branch in dict.fromkeys(hit.target.branch for hit in hits):
        here = [hit for hit in hits if hit.target.branch == branch]
        questions = [Question(hit.target.entry, hit.followed.rule, _versions(hit.followed)) for hit in here]
        found = catalog.pasts(branch, repository.tip(branch) or "", questions)
        answers |= dict(zip(map(_place, here), found, strict=True))
    return answers


def unlifted(
    holds: Iterable[Hold],
    environment: NamedEnvironment,
    service: str,
    image: str,
    configuration_at: ConfigurationAt,
) -> Iterator[Hold]:
    """The holds that no `release:` has lifted, with the tags that it lets through.

    A release lifts what was held when it was written. What was in the file already when somebody moved back lifts
    nothing: otherwise a version could be released once and never be reverted again.
    """
    now = _released(environment, service, image)
    for hold in holds:
        new = now
        if now:
            then = configuration_at(environment.branch, hold)
            old = next((each for each in then.environments if each.name == environment.name), None)
            # Of a file that was broken then, nobody can tell what it released.
            is_broken = old is None and any(error.at and error.at.path == environment.path for error in then.errors)
            new = now - (now if is_broken else _released(old, service, image))
        tags = frozenset(new)
        if hold.version.tag not in tags:
            yield replace(hold, spares=tags)


def _released(environment: NamedEnvironment | None, service: str, image: str) -> Counter[str]:
    """How often each tag is released, whatever reasons there are; not at all where the environment is not there."""
    return Counter(each.version for each in stops.releases(environment, service, image)) if environment else Counter()


def _versions(followed: Followed) -> tuple[Version, ...]:
    return tuple(_as_written(followed, event) for event in followed.events)


def _first_heard(followed: Followed, event: Event, pasts: Sequence[Past]) -> Event:
    version = _as_written(followed, event)
    times = [past.stood[version] for past in pasts if version in past.stood]
    return replace(event, pushed_at=min(*times, event.time)) if times else event


def _as_written(followed: Followed, event: Event) -> Version:
    return Version(event.version.tag) if followed.rule.follow.pin == "tag" else event.version


def _service(hit: Hit) -> tuple[str, str, str]:
    return (hit.target.environment, hit.target.service, hit.followed.image)


def _place(hit: Hit) -> Place:
    entry = hit.target.entry
    return (hit.target.environment, hit.target.branch, entry.path, entry.list, str(entry.index))


def claimants(environments: Sequence[NamedEnvironment], target: Target) -> tuple[str, ...]:
    """The environments that say an entry is theirs."""
    return tuple(
        environment.name
        for environment in environments
        if environment.branch == target.branch
        and matching.overlay(environment, target.entry.path) is not None
        and matching.claims(environment, target.entry)
    )


def contested(target: Target, claimants: Sequence[str]) -> str | None:
    """Why nothing is written to an entry that several environments claim; None if it is claimed by one."""
    if len(claimants) < 2:
        return None
    entry = target.entry
    names = " and ".join(claimants)
    return f"{entry.path}:{entry.line}: {names} both claim the entry {entry.name}; narrow one with `entries:`"
