"""Everything that stands in all environments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from updater.core import matching
from updater.core.environment import NamedEnvironment
from updater.core.kustomization import entries
from updater.errors import BranchMissing, EditRefused, UpdaterError
from updater.model import Target
from updater.protocols import Repository, Tree


@dataclass(frozen=True, slots=True)
class Inventory:
    """The entries of overlays, sorted by environment, service and path; and what could not be read."""

    targets: tuple[Target, ...]
    problems: tuple[UpdaterError, ...]


def overlays(environment: NamedEnvironment, tree: Tree, paths: Iterable[str]) -> Inventory:
    """The entries of an environment among the kustomizations at `paths`."""
    targets: list[Target] = []
    problems: list[UpdaterError] = []
    for path in paths:
        place = matching.overlay(environment, path)
        if place is None:
            continue
        folder, service = place
        try:
            found = entries(path, tree.read(path))
        except EditRefused as error:
            problems.append(error)
            continue
        targets += [
            Target(environment.name, service, environment.branch, folder, entry)
            for entry in found
            if matching.claims(environment, entry)
        ]
    return Inventory(tuple(sorted(targets, key=matching.place)), tuple(problems))


def missing_branches(repository: Repository, environments: Sequence[NamedEnvironment]) -> dict[str, BranchMissing]:
    """The branches of these environments that the remote does not have, each with what to do about it."""
    unheard = {each.branch for each in environments if repository.tip(each.branch) is None}
    if unheard:
        repository.refresh(frozenset(unheard))
    return {
        environment.branch: BranchMissing(
            f"the branch {environment.branch!r} of {environment.name} is not on the remote",
            at=environment.at("branch"),
            hint="push it, or correct `branch`",
        )
        for environment in environments
        if repository.tip(environment.branch) is None
    }
