"""Finding the services that a person names, with everything that stands in them on the newest known tips."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import groupby

from updater.core import matching
from updater.core.environment import NamedEnvironment
from updater.core.inventory import overlays
from updater.core.references import normalise
from updater.core.rules import Rule
from updater.errors import UpdaterError, UsageError
from updater.model import Target
from updater.protocols import Question
from updater.sight import Sight, missing_branches, past_configurations, tip_of
from updater.survey import unlifted

_NAMED = 10


@dataclass(frozen=True, slots=True)
class Services:
    """Entries of an environment, sorted by service and path. `known` are all environments, by name.

    `tips` are the branches that were read; `problems` are files that could not be.
    """

    environment: NamedEnvironment
    known: Mapping[str, NamedEnvironment]
    tips: Mapping[str, str]
    targets: tuple[Target, ...]
    problems: tuple[UpdaterError, ...]

    @property
    def branch(self) -> str:
        """Where the environment's overlays are."""
        return self.environment.branch

    @property
    def tip(self) -> str:
        """The newest known commit there."""
        return self.tips[self.branch]

    def by_service(self) -> Iterator[tuple[str, list[Target]]]:
        """Each service with its entries."""
        for name, targets in groupby(self.targets, key=lambda target: target.service):
            yield name, list(targets)


def environments(sight: Sight) -> tuple[dict[str, NamedEnvironment], tuple[UpdaterError, ...]]:
    """The environments of the repository by name, and what is wrong with others."""
    default = sight.repository.default_branch
    tree = sight.repository.tree(tip_of(sight.repository, default))
    configuration = sight.configuration(tree, default)
    return {each.name: each for each in configuration.environments}, configuration.errors


def refresh(sight: Sight) -> None:
    """Asks the remote for the tips of all branches that environments live on, which files on the default one name."""
    repository = sight.repository
    repository.refresh()
    listed = {repository.default_branch}
    while not (wanted := {each.branch for each in environments(sight)[0].values()}) <= listed:
        repository.refresh(frozenset(wanted))
        listed |= wanted


def known_names(sight: Sight, globs: Sequence[str]) -> dict[str, list[str]]:
    """The environments that have services of these, each with what it has of them; all, if none is named.

    Raises `UsageError` for a name or glob of which no environment has a service.
    """
    known, _ = environments(sight)
    if not globs:
        return {name: [] for name in known}
    missing = missing_branches(sight.repository, list(known.values()))
    there = {name: set(_there(sight, each).values()) for name, each in known.items() if each.branch not in missing}
    everywhere = sorted(set().union(*there.values()))
    misses = _misses(globs, everywhere)
    if misses:
        raise UsageError(f"no environment has a service {' or '.join(misses)}", hint=_hint(misses[0], everywhere))
    found = {name: [glob for glob in globs if not _misses([glob], here)] for name, here in there.items()}
    return {name: here for name, here in found.items() if here}


def services(sight: Sight, name: str, globs: Sequence[str], image: str | None = None) -> Services:
    """The entries of one environment whose services match one of `globs` (all, if there is none), for one image if any.

    Only their files are read. Raises `UsageError` where there is no such environment, and for a name or glob without a
    service; and `BranchMissing`.
    """
    empty = _empty(sight, name)
    there = _there(sight, empty.environment)
    found = _filled(sight, empty, [path for path, service in there.items() if matches(service, globs)])
    misses = _misses(globs, there.values()) if found.targets or found.problems else globs
    if misses:
        names = list(dict.fromkeys(service for service in there.values() if service not in misses))
        raise UsageError(f"{name} has no service {' or '.join(misses)}", hint=_hint(misses[0], names))
    return found if image is None else replace(found, targets=tuple(_of_image(found.targets, image)))


def recalled(sight: Sight, found: Services) -> list[tuple[Target, Rule]]:
    """The entries with what history says of them that no `release:` has lifted, each with the order of its versions."""
    environment = found.environment
    images = dict.fromkeys(target.entry.image or "" for target in found.targets)
    orders = {image: matching.order_of(found.known, environment.name, image) for image in images}
    asked = [(target, orders[target.entry.image or ""]) for target in found.targets]
    questions = [Question(target.entry, order) for target, order in asked]
    pasts, configuration_at = sight.catalog.pasts(found.branch, found.tip, questions), past_configurations(sight)
    told = []
    for (target, order), past in zip(asked, pasts, strict=True):
        holds = unlifted(past.holds, environment, target.service, target.entry.image or "", configuration_at)
        told.append((replace(target, past=replace(past, holds=tuple(holds))), order))
    return told


def changed_lately(sight: Sight, name: str, count: int) -> Services:
    """The entries of one environment in the files that the newest commits changed, at most `count` of these.

    Raises `UsageError` where there is no such environment, and `BranchMissing`.
    """
    empty = _empty(sight, name)
    there = _there(sight, empty.environment)
    return _filled(sight, empty, sorted(sight.catalog.recent(empty.tip, count, lambda path: path in there)))


def names(sight: Sight, environment: NamedEnvironment) -> list[str]:
    """The services of an environment whose branch was heard of, sorted; no file is read."""
    return sorted(set(_there(sight, environment).values()))


def exactly(sight: Sight, name: str, wanted: Collection[str]) -> Services:
    """The entries of these services of one environment, as far as it has them; their names are no globs.

    Raises `UsageError` where there is no such environment, and `BranchMissing`.
    """
    empty = _empty(sight, name)
    there = _there(sight, empty.environment)
    return _filled(sight, empty, [path for path, service in there.items() if service in wanted])


def _empty(sight: Sight, name: str) -> Services:
    """An environment and its tips, of which nothing is read yet."""
    repository = sight.repository
    known, errors = environments(sight)
    environment = known.get(name)
    if environment is None:
        broken = next((error for error in errors if error.at and error.at.path == f"environments/{name}.yaml"), None)
        raise broken or UsageError(f"there is no environment {name!r}", hint=_hint(name, list(known)))
    for missing in missing_branches(repository, [environment]).values():
        raise missing
    tips = {each: tip_of(repository, each) for each in (repository.default_branch, environment.branch)}
    return Services(environment, known, tips, (), ())


def _there(sight: Sight, environment: NamedEnvironment) -> dict[str, str]:
    """The service of each kustomization of an environment, by path: that takes no reading of files."""
    paths = sight.catalog.all_paths(environment.branch, tip_of(sight.repository, environment.branch))
    places = ((path, matching.overlay(environment, path)) for path in paths)
    return {path: place[1] for path, place in sorted(places) if place is not None}


def _filled(sight: Sight, empty: Services, paths: Iterable[str]) -> Services:
    found = overlays(empty.environment, sight.repository.tree(empty.tip), paths)
    return replace(empty, targets=found.targets, problems=found.problems)


def _of_image(targets: Sequence[Target], image: str) -> list[Target]:
    """Those of one image, as a person writes it. Raises `UsageError` where there is none."""
    wanted = normalise(image)
    found = [target for target in targets if wanted is not None and target.entry.image == wanted]
    if not found:
        there = list(dict.fromkeys(target.entry.image for target in targets if target.entry.image is not None))
        raise UsageError(f"no entry of these services follows {image}", hint=_hint(image, there))
    return found


def matches(service: str, globs: Sequence[str]) -> bool:
    """Whether a service is among those that are named; all are where none is."""
    return not globs or any(fnmatchcase(service, glob) for glob in globs)


def _misses(globs: Sequence[str], there: Iterable[str]) -> list[str]:
    """The names and globs that match none of the services that are there."""
    names = set(there)
    return [glob for glob in globs if not any(fnmatchcase(name, glob) for name in names)]


def _hint(wanted: str, there: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(wanted, there, 1)
    all_of_them = f"there are: {', '.join(there[:_NAMED])}" if there else None
    return f"did you mean {near[0]}?" if near else all_of_them
