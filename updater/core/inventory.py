"""Everything that stands in all environments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from updater.core import matching
from updater.core.environment import NamedEnvironment
from updater.core.kustomization import entries
from updater.errors import EditRefused, UpdaterError
from updater.model import Target
from updater.protocols import Tree


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
