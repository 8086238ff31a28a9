"""Finding what each promoting environment may take over: what stands on both sides, and what history says of it.

Everything is read from the newest known tips. History is asked only where the two sides differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeAlias

from updater.core import graph, heads, matching, times
from updater.core.copies import name_here
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.inventory import Inventory, overlays
from updater.core.promotion import Origin, offers
from updater.core.rules import Rule
from updater.core.verdicts import Case
from updater.errors import UpdaterError
from updater.model import Decision, Landing, Outcome, Past, Target
from updater.protocols import Question
from updater.sight import Sight, past_configurations, tip_of
from updater.survey import unlifted

Key: TypeAlias = tuple[str, str]
"""A service and an image, as the promoting environment calls it."""


@dataclass(frozen=True, slots=True)
class Promotions:
    """Every entry that something may be promoted to; why nothing is to others; what was read, by environment."""

    cases: tuple[Case, ...] = ()
    others: tuple[Decision, ...] = ()
    read: Mapping[str, Inventory] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[UpdaterError, ...]:
        """The files that could not be read."""
        return tuple(dict.fromkeys(problem for inventory in self.read.values() for problem in inventory.problems))

    def unread(self, environments: Sequence[NamedEnvironment]) -> list[UpdaterError]:
        """Those of some environments."""
        return [problem for each in environments for problem in self.read[each.name].problems]


@dataclass(slots=True)
class Shelf:
    """What stands in environments; each is read once."""

    sight: Sight
    known: dict[str, Inventory] = field(default_factory=dict)

    def of(self, environment: NamedEnvironment) -> Inventory:
        """All entries of an environment that follow a repository."""
        if environment.name not in self.known:
            repository = self.sight.repository
            tip = tip_of(repository, environment.branch)
            paths = self.sight.catalog.all_paths(environment.branch, tip)
            self.known[environment.name] = overlays(environment, repository.tree(tip), paths)
        return self.known[environment.name]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A service's image in an environment, and the same in each of its sources, by the source's name."""

    environment: NamedEnvironment
    order: Rule
    here: tuple[Target, ...]
    there: Mapping[str, tuple[Target, ...]]

    @property
    def is_level(self) -> bool:
        """Whether the same version stands everywhere, so that there is nothing to promote."""
        return len({target.entry.version for target in (*self.here, *self.all_there())}) == 1

    def all_there(self) -> Iterator[Target]:
        """The entries of all sources."""
        for targets in self.there.values():
            yield from targets


def promotions(
    sight: Sight, configuration: Configuration, wanted: Sequence[NamedEnvironment], services: Sequence[str] = ()
) -> Promotions:
    """What may be promoted to these environments, whose branches are all known: to some services, or to all."""
    known = {each.name: each for each in configuration.environments}
    shelf = Shelf(sight)
    pairs: list[_Pair] = []
    others: list[Decision] = []
    for environment in wanted:
        mine = _indexed(shelf.of(environment).targets, services)
        sources = {name: _indexed_there(environment, shelf, known[name], services) for name in _sources(environment)}
        found, lonely = _paired(environment, mine, sources, known)
        pairs += found
        others += lonely
    return Promotions(tuple(_cases(sight, known, pairs)), tuple(others), shelf.known)


def _sources(environment: NamedEnvironment) -> tuple[str, ...]:
    return tuple(dict.fromkeys(graph.sources(environment.settings)))


def _indexed(targets: Iterable[Target], services: Sequence[str]) -> dict[Key, tuple[Target, ...]]:
    """The entries of the services that are wanted, by service and image."""
    found: dict[Key, list[Target]] = {}
    for target in targets:
        if target.entry.image is not None and (not services or target.service in services):
            found.setdefault((target.service, target.entry.image), []).append(target)
    return {key: tuple(mine) for key, mine in found.items()}


def _indexed_there(
    environment: NamedEnvironment, shelf: Shelf, source: NamedEnvironment, services: Sequence[str]
) -> dict[Key, tuple[Target, ...]]:
    """The entries of a source, under the names that its images have in `environment`."""
    assert environment.settings.promote is not None
    copies = environment.settings.promote.images
    found: dict[Key, tuple[Target, ...]] = {}
    for (service, image), targets in _indexed(shelf.of(source).targets, services).items():
        key = (service, name_here(image, copies))
        found[key] = (*found.get(key, ()), *targets)
    return found


def _paired(
    environment: NamedEnvironment,
    mine: Mapping[Key, tuple[Target, ...]],
    sources: Mapping[str, Mapping[Key, tuple[Target, ...]]],
    known: Mapping[str, NamedEnvironment],
) -> tuple[list[_Pair], list[Decision]]:
    """What stands on both sides, and a decision for what does not."""
    pairs, lonely = [], []
    for key in sorted({*mine, *(key for source in sources.values() for key in source)}):
        service, image = key
        missing = [name for name, there in sources.items() if key not in there]
        if key not in mine:
            lonely.append(_lonely(environment.name, key, mine, sources))
        elif missing:
            reason = (
                f"{environment.name}/{service}: no entry of {' and '.join(missing)} follows {image} in this service"
            )
            lonely.append(Decision(image, mine[key][0].entry.version, Outcome.IGNORED, reason))
        else:
            order = matching.order_of(known, environment.name, image)
            pairs.append(_Pair(environment, order, mine[key], {name: there[key] for name, there in sources.items()}))
    return pairs, [decision for decision in lonely if decision is not None]


def _lonely(
    name: str,
    key: Key,
    mine: Mapping[Key, tuple[Target, ...]],
    sources: Mapping[str, Mapping[Key, tuple[Target, ...]]],
) -> Decision:
    """The decision for what stands in a source alone."""
    service, image = key
    there = next(source[key] for source in sources.values() if key in source)
    has_service = any(each == service for each, _ in mine)
    reason = (
        f"no entry of {name} follows {image} in the service {service}"
        if has_service
        else (f"{name} has no service {service}")
    )
    return Decision(image, there[0].entry.version, Outcome.IGNORED, reason)


def _cases(sight: Sight, known: Mapping[str, NamedEnvironment], pairs: Sequence[_Pair]) -> Iterator[Case]:
    moving = [pair for pair in pairs if not pair.is_level or _has_branch(sight, pair)]
    recall = _recalled(sight, moving)
    told = _landings(sight, moving)
    now = sight.clock.now()
    for pair in moving:
        promote = pair.environment.settings.promote
        assert promote is not None
        soak = times.duration(promote.soak)
        assert soak is not None, f"soak {promote.soak!r} passed the check of its file"
        here = _united(sight, pair.environment, pair.here, recall)
        for target in here:
            sources = {
                name: _origins(sight, known[name], _paired_entries(target, there), recall, told)
                for name, there in pair.there.items()
            }
            image = target.entry.image or ""
            has_copy = any(each.entry.image != image for each in pair.all_there())
            found = offers(sources, image, soak, pair.order, now)
            yield Case(pair.environment, target, pair.order, found, has_copy=has_copy)


def _has_branch(sight: Sight, pair: _Pair) -> bool:
    """Whether something is proposed there, which may be what somebody has taken back since."""
    environment, service = pair.environment, pair.here[0].service
    names = (heads.head(environment.name, service), heads.shared(environment.name, heads.ALL))
    return any(sight.repository.tip(name) is not None for name in names)


def _paired_entries(target: Target, there: Sequence[Target]) -> Sequence[Target]:
    """Of several entries with one image those of the same name, if there are any."""
    return [each for each in there if each.entry.name == target.entry.name] or there


def _origins(
    sight: Sight,
    source: NamedEnvironment,
    targets: Sequence[Target],
    recall: Mapping[Target, Past],
    told: Mapping[Target, Sequence[Landing]],
) -> list[Origin]:
    # A hold of one overlay keeps the version in from all of them, but that overlay alone is left out of the count.
    united = _united(sight, source, targets, recall)
    own = [bool(_lifted(sight, source, target, recall[target]).holds) for target in targets]
    return [Origin(now, tuple(told[before]), held) for now, before, held in zip(united, targets, own, strict=True)]


def _united(
    sight: Sight, environment: NamedEnvironment, targets: Sequence[Target], recall: Mapping[Target, Past]
) -> list[Target]:
    """The entries of a service and image with the holds of all of them, as far as no `release:` has lifted them."""
    pasts = [_lifted(sight, environment, target, recall[target]) for target in targets]
    holds = tuple(sorted(dict.fromkeys(hold for past in pasts for hold in past.holds), key=lambda hold: hold.at))
    return [replace(target, past=replace(past, holds=holds)) for target, past in zip(targets, pasts, strict=True)]


def _lifted(sight: Sight, environment: NamedEnvironment, target: Target, past: Past) -> Past:
    image = target.entry.image or ""
    holds = unlifted(past.holds, environment, target.service, image, past_configurations(sight))
    return replace(past, holds=tuple(holds))


def _recalled(sight: Sight, pairs: Sequence[_Pair]) -> dict[Target, Past]:
    """What history says of every entry of both sides; each branch is asked once."""
    asked = {target: pair.order for pair in pairs for target in (*pair.here, *pair.all_there())}
    found: dict[Target, Past] = {}
    for branch, group in _by_branch(asked):
        targets = list(group)
        questions = [Question(target.entry, asked[target]) for target in targets]
        pasts = sight.catalog.pasts(branch, tip_of(sight.repository, branch), questions)
        found |= dict(zip(targets, pasts, strict=True))
    return found


def _landings(sight: Sight, pairs: Sequence[_Pair]) -> dict[Target, Sequence[Landing]]:
    """What landed in the entries of the sources."""
    found: dict[Target, Sequence[Landing]] = {}
    for branch, group in _by_branch(dict.fromkeys(target for pair in pairs for target in pair.all_there())):
        targets = list(group)
        tip = tip_of(sight.repository, branch)
        landings = sight.catalog.landings(branch, tip, [target.entry for target in targets])
        found |= dict(zip(targets, landings, strict=True))
    return found


def _by_branch(targets: Iterable[Target]) -> Iterator[tuple[str, Iterator[Target]]]:
    return groupby(sorted(targets, key=lambda target: (target.branch, *matching.place(target))), key=_branch)


def _branch(target: Target) -> str:
    return target.branch
