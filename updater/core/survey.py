"""Finding the entries that pushed images reach, on the newest known tips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from updater.core import matching
from updater.core.decide import needs_time
from updater.core.environment import NamedEnvironment
from updater.core.kustomization import entries
from updater.core.matching import Followed
from updater.errors import EditRefused, UpdaterError
from updater.model import Target
from updater.protocols import Catalog, Repository


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that follows an image that was pushed. `claimants` are the environments that say it is theirs."""

    followed: Followed
    target: Target
    claimants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """Every hit, and the files that could not be read."""

    hits: tuple[Hit, ...]
    problems: tuple[UpdaterError, ...]


def survey(
    repository: Repository, catalog: Catalog, environments: Sequence[NamedEnvironment], followed: Sequence[Followed]
) -> Survey:
    """The entries of all environments' overlays that follow these images.

    Every branch that is named has to be known. Entries know since when they stand as they do where
    that may decide.
    """
    hits: list[Hit] = []
    problems: dict[tuple[str, str], UpdaterError] = {}
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
                problems[branch, path] = error
                continue
            for target in matching.targets(match.environment, match.image, found):
                if needs_time(match, target):
                    target = replace(target, standing=catalog.standing(branch, tip, target.entry))
                hits.append(Hit(match, target, tuple(_claimants(environments, branch, target))))
    return Survey(tuple(hits), tuple(problems.values()))


def _claimants(environments: Sequence[NamedEnvironment], branch: str, target: Target) -> Iterator[str]:
    for environment in environments:
        if environment.branch != branch or matching.overlay(environment, target.entry.path) is None:
            continue
        if matching.claims(environment, target.entry):
            yield environment.name
