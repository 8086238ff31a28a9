"""What history says of the entries on both sides of promotions. Each branch is asked once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from updater.core import history, holds, matching
from updater.core.environment import NamedEnvironment
from updater.core.promotion import Origin
from updater.core.rules import Rule
from updater.model import Hold, Landing, Past, Target
from updater.promoting.pairing import Pair
from updater.protocols import Question
from updater.sight import Sight, past_configurations, tip_of
from updater.survey import unlifted


@dataclass(frozen=True, slots=True)
class Recalled:
    """What landed in entries (oldest first), and what that says of them in the order of their images."""

    sight: Sight
    pasts: Mapping[Target, Past]
    landings: Mapping[Target, Sequence[Landing]]

    def here(self, environment: NamedEnvironment, targets: Sequence[Target]) -> list[Target]:
        """The entries of a service and image with their pasts: what was taken back in one of them is held in all."""
        lifted = [self._unlifted(environment, target, self.pasts[target].holds) for target in targets]
        together = sorted(dict.fromkeys(hold for mine in lifted for hold in mine), key=lambda hold: hold.at)
        return [replace(each, past=replace(self.pasts[each], holds=tuple(together))) for each in targets]

    def origins(self, source: NamedEnvironment, targets: Sequence[Target], order: Rule) -> list[Origin]:
        """The entries of a source, each with what happened in it alone."""
        return [self._origin(source, target, order) for target in targets]

    def _origin(self, source: NamedEnvironment, target: Target, order: Rule) -> Origin:
        past, landings = self.pasts[target], tuple(self.landings[target])
        own = replace(past, holds=self._unlifted(source, target, past.holds))
        backs = self._unlifted(source, target, holds.begun(landings, order))
        return Origin(replace(target, past=own), landings, backs)

    def _unlifted(self, environment: NamedEnvironment, target: Target, holds: Iterable[Hold]) -> tuple[Hold, ...]:
        """Those that no `release:` has lifted."""
        image = target.entry.image or ""
        return tuple(unlifted(holds, environment, target.service, image, past_configurations(self.sight)))


def recalled(sight: Sight, pairs: Sequence[Pair]) -> Recalled:
    """What history says of every entry of both sides."""
    asked = {target: pair.order for pair in pairs for target in (*pair.here, *pair.all_there())}
    pasts: dict[Target, Past] = {}
    landings: dict[Target, Sequence[Landing]] = {}
    for branch, targets in _by_branch(asked):
        tip, entries = tip_of(sight.repository, branch), [target.entry for target in targets]
        landed = sight.catalog.landings(branch, tip, entries)
        found = sight.catalog.pasts(branch, tip, [Question(target.entry, asked[target]) for target in targets])
        for target, mine, past in zip(targets, landed, found, strict=True):
            landings[target] = mine
            pasts[target] = replace(past, stood=history.first_pushed(mine))
    return Recalled(sight, pasts, landings)


def _by_branch(targets: Iterable[Target]) -> Iterator[tuple[str, list[Target]]]:
    by_branch = sorted(targets, key=lambda target: (target.branch, *matching.place(target)))
    for branch, mine in groupby(by_branch, key=lambda target: target.branch):
        yield branch, list(mine)
