"""Finding the entries that pushed images reach, on the newest known tips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from updater.core import matching
from updater.core.decide import needs_time
from updater.core.environment import NamedEnvironment
from updater.core.kustomization import entries
from updater.core.matching import Followed
from updater.errors import EditRefused
from updater.model import Event, Target
from updater.protocols import Catalog, Repository


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
    """The entries of all environments' overlays that follow these images.

    Every branch that is named has to be known. Entries know since when they stand as they do where
    that may decide.
    """
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
                claimants = tuple(_claimants(environments, branch, target))
                hits.append(Hit(*_dated(catalog, tip, match, target), claimants))
    return Survey(tuple(hits), tuple(unreadable))


def _dated(catalog: Catalog, tip: str, match: Followed, target: Target) -> tuple[Followed, Target]:
    """Both with the push times that only history knows, where times may decide.

    A sender that tells no time may send the same push again at any later time; if that version stood here
    before, it was pushed when it came the first time.
    """
    if not needs_time(match, target):
        return match, target
    events = tuple(_first_heard(catalog, tip, target, event) for event in match.events)
    standing = catalog.standing(target.branch, tip, target.entry)
    return replace(match, events=events), replace(target, standing=standing)


def _first_heard(catalog: Catalog, tip: str, target: Target, event: Event) -> Event:
    if event.pushed_at is not None:
        return event
    past = catalog.stood(tip, target.entry, event.version)
    return event if past is None else replace(event, pushed_at=past.pushed_at)


def _claimants(environments: Sequence[NamedEnvironment], branch: str, target: Target) -> Iterator[str]:
    for environment in environments:
        if environment.branch != branch or matching.overlay(environment, target.entry.path) is None:
            continue
        if matching.claims(environment, target.entry):
            yield environment.name
