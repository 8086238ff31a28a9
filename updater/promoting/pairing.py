"""What stands on both sides of a promotion: each image of each service, here and in every source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from updater.core import graph, matching
from updater.core.copies import name_here
from updater.core.environment import NamedEnvironment
from updater.core.inventory import Inventory, overlays
from updater.core.rules import Rule
from updater.errors import UpdaterError
from updater.model import Decision, Outcome, Target
from updater.sight import Sight, tip_of

Key: TypeAlias = tuple[str, str]
"""A service and an image, as the promoting environment calls it."""
_Side: TypeAlias = Mapping[Key, tuple[Target, ...]]


@dataclass(slots=True)
class Shelf:
    """What stands in environments; each is read once."""

    sight: Sight
    known: dict[str, Inventory] = field(default_factory=dict)

    def of(self, environment: NamedEnvironment) -> Inventory:
        """All entries of an environment, and what could not be read of it."""
        if environment.name not in self.known:
            repository = self.sight.repository
            tip = tip_of(repository, environment.branch)
            paths = self.sight.catalog.all_paths(environment.branch, tip)
            self.known[environment.name] = overlays(environment, repository.tree(tip), paths)
        return self.known[environment.name]

    def unread(self, environment: NamedEnvironment, service: str) -> UpdaterError | None:
        """Why an overlay of a service cannot be read; None if all can."""
        for problem in self.of(environment).problems:
            place = None if problem.at is None else matching.overlay(environment, problem.at.path)
            if place is not None and place[1] == service:
                return problem
        return None


@dataclass(frozen=True, slots=True)
class Pair:
    """A service's image in an environment, and the same in each of its sources, by the source's name."""

    environment: NamedEnvironment
    order: Rule
    here: tuple[Target, ...]
    there: Mapping[str, tuple[Target, ...]]

    @property
    def service(self) -> str:
        """The service that it is about."""
        return self.here[0].service

    @property
    def is_level(self) -> bool:
        """Whether the same version stands everywhere, so that there is nothing to promote."""
        return len({target.entry.version for target in (*self.here, *self.all_there())}) == 1

    @property
    def has_copy(self) -> bool:
        """Whether the image has another name in a source."""
        return any(target.entry.image != self.here[0].entry.image for target in self.all_there())

    def all_there(self) -> Iterator[Target]:
        """The entries of all sources."""
        for targets in self.there.values():
            yield from targets


def paired(
    shelf: Shelf, known: Mapping[str, NamedEnvironment], environment: NamedEnvironment, services: Sequence[str]
) -> tuple[list[Pair], list[Decision]]:
    """What stands on both sides, and a decision for what does not: of some services, or of all."""
    mine = _indexed(shelf.of(environment).targets, services)
    names = dict.fromkeys(graph.sources(environment.settings))
    sources = {name: _indexed_there(environment, shelf.of(known[name]), services) for name in names}
    pairs, others = [], []
    for key in sorted({*mine, *(key for source in sources.values() for key in source)}):
        missing = [name for name, there in sources.items() if key not in there]
        if key in mine and not missing:
            order = matching.order_of(known, environment.name, key[1])
            pairs.append(Pair(environment, order, mine[key], {name: there[key] for name, there in sources.items()}))
        elif key in mine:
            others.append(_without_source(environment.name, key, mine[key], missing))
        else:
            has_service = any(service == key[0] for service, _ in mine)
            others.append(_without_entry(environment.name, key, sources, has_service=has_service))
    return pairs, others


def _indexed(targets: Iterable[Target], services: Sequence[str]) -> dict[Key, tuple[Target, ...]]:
    """The entries of the services that are wanted, by service and image."""
    found: dict[Key, list[Target]] = {}
    for target in targets:
        if target.entry.image is not None and (not services or target.service in services):
            found.setdefault((target.service, target.entry.image), []).append(target)
    return {key: tuple(mine) for key, mine in found.items()}


def _indexed_there(environment: NamedEnvironment, source: Inventory, services: Sequence[str]) -> _Side:
    """The entries of a source, under the names that its images have in `environment`."""
    promote = environment.settings.promote
    copies = None if promote is None else promote.images
    found: dict[Key, tuple[Target, ...]] = {}
    for (service, image), targets in _indexed(source.targets, services).items():
        key = (service, name_here(image, copies))
        found[key] = (*found.get(key, ()), *targets)
    return found


def _without_source(name: str, key: Key, here: Sequence[Target], missing: Sequence[str]) -> Decision:
    service, image = key
    reason = f"{name}/{service}: no entry of {' and '.join(missing)} follows {image} in this service"
    return Decision(image, here[0].entry.version, Outcome.IGNORED, reason)


def _without_entry(name: str, key: Key, sources: Mapping[str, _Side], *, has_service: bool) -> Decision:
    service, image = key
    there = next(source[key] for source in sources.values() if key in source)
    reason = f"no entry of {name} follows {image} in the service {service}"
    return Decision(
        image,
        there[0].entry.version,
        Outcome.IGNORED,
        reason if has_service else f"{name} has no service {service}",
    )
