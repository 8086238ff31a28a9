"""Finding the services that a person names, with everything that stands in them on the newest known tips."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby

from updater.core.environment import NamedEnvironment
from updater.core.inventory import overlays
from updater.core.references import normalise
from updater.errors import UpdaterError, UsageError
from updater.model import Target
from updater.planning import Sight, missing_branches, tip_of

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


def known_names(sight: Sight, globs: Sequence[str]) -> list[str]:
    """The environments that have a service of these; all, if none is named. Raises `UsageError` where none has."""
    known, _ = environments(sight)
    found = [name for name in known if not globs or _has(sight, name, globs)]
    if not found:
        raise UsageError(f"no environment has a service {' or '.join(globs)}", hint="`updater status` shows them all")
    return found


def _has(sight: Sight, name: str, globs: Sequence[str]) -> bool:
    return any(matches(target.service, globs) for target in services(sight, name, ()).targets)


def services(sight: Sight, name: str, globs: Sequence[str], image: str | None = None) -> Services:
    """The entries of one environment whose services match one of `globs` (all, if there is none), for one image if any.

    Raises `UsageError` where there is no such environment or no such service, and `BranchMissing`.
    """
    repository = sight.repository
    known, errors = environments(sight)
    environment = known.get(name)
    if environment is None:
        broken = next((error for error in errors if error.at and error.at.path == f"environments/{name}.yaml"), None)
        raise broken or UsageError(f"there is no environment {name!r}", hint=f"there are: {', '.join(known)}")
    for missing in missing_branches(repository, [environment]).values():
        raise missing
    default, branch = repository.default_branch, environment.branch
    tips = {each: tip_of(repository, each) for each in (default, branch)}
    found = overlays(environment, repository.tree(tips[branch]), sight.catalog.all_paths(branch, tips[branch]))
    targets = [target for target in found.targets if matches(target.service, globs)]
    if globs and not targets:
        there = list(dict.fromkeys(target.service for target in found.targets))
        raise UsageError(f"{name} has no service {' or '.join(globs)}", hint=_hint(globs[0], there))
    if image is not None:
        targets = _of_image(targets, image)
    return Services(environment, known, tips, tuple(targets), found.problems)


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


def _hint(wanted: str, there: Sequence[str]) -> str:
    near = difflib.get_close_matches(wanted, there, 1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(there[:_NAMED])}"
