"""Finding what each promoting environment may take over: what stands on both sides, and what history says of it.

Everything is read from the newest known tips. History is asked only where the two sides differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from updater.core import heads, times
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.inventory import Inventory
from updater.core.promotion import Offers, offers
from updater.core.verdicts import Case
from updater.errors import UpdaterError
from updater.model import Decision, Target
from updater.promoting.pairing import Pair, Shelf, paired
from updater.promoting.recalling import Recalled, recalled
from updater.sight import Sight


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


def promotions(
    sight: Sight, configuration: Configuration, wanted: Sequence[NamedEnvironment], services: Sequence[str] = ()
) -> Promotions:
    """What may be promoted to these environments, whose branches are all known: to some services, or to all."""
    known = {each.name: each for each in configuration.environments}
    shelf = Shelf(sight)
    pairs: list[Pair] = []
    others: list[Decision] = []
    for environment in wanted:
        found, lonely = paired(shelf, known, environment, services)
        pairs += found
        others += lonely
    return Promotions(tuple(_cases(sight, known, shelf, pairs)), tuple(others), shelf.known)


def _cases(sight: Sight, known: Mapping[str, NamedEnvironment], shelf: Shelf, pairs: Sequence[Pair]) -> Iterator[Case]:
    moving = [pair for pair in pairs if not pair.is_level or _has_branch(sight, pair)]
    history = recalled(sight, moving)
    now = sight.clock.now()
    for pair in moving:
        unread = next(_unread(known, shelf, pair), None)
        for target in history.here(pair.environment, pair.here):
            found = _offers(known, history, pair, target, now) if unread is None else Offers(nothing=unread)
            yield Case(pair.environment, target, pair.order, found, has_copy=pair.has_copy)


def _has_branch(sight: Sight, pair: Pair) -> bool:
    """Whether something is proposed there, which may be what somebody has taken back since."""
    name = pair.environment.name
    return any(
        sight.repository.tip(branch) is not None
        for branch in (heads.head(name, pair.service), heads.shared(name, heads.ALL))
    )


def _unread(known: Mapping[str, NamedEnvironment], shelf: Shelf, pair: Pair) -> Iterator[str]:
    """Why it is not known what stands in all overlays of a source."""
    for name in pair.there:
        problem = shelf.unread(known[name], pair.service)
        if problem is not None:
            yield f"{name} promotes nothing of {pair.service} while an overlay cannot be read: {problem}"


def _offers(
    known: Mapping[str, NamedEnvironment], history: Recalled, pair: Pair, target: Target, now: datetime
) -> Offers:
    promote = pair.environment.settings.promote
    assert promote is not None, "it has sources"
    soak = times.duration(promote.soak)
    assert soak is not None, f"soak {promote.soak!r} passed the check of its file"
    sources = {
        name: history.origins(known[name], _namesakes(target, there), pair.order) for name, there in pair.there.items()
    }
    return offers(sources, target.entry.image or "", soak, pair.order, now)


def _namesakes(target: Target, there: Sequence[Target]) -> Sequence[Target]:
    """Of several entries with one image those of the same name, if there are any."""
    return [each for each in there if each.entry.name == target.entry.name] or there
