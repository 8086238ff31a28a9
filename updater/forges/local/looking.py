"""How the open pull requests of the forge built in stand to their bases: merged by somebody, ready, or in conflict."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from updater.errors import ForgeError
from updater.forge import Readiness
from updater.forges.local import changes, merging
from updater.forges.local.changes import Change
from updater.forges.local.ledger import Found
from updater.forges.local.merging import Standing
from updater.forges.local.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """An open pull request, and how its head stands to its base; None where the base is gone."""

    found: Found
    standing: Standing | None

    @property
    def is_merged(self) -> bool:
        """Whether somebody merged it by git: its head is contained in its base."""
        return self.standing == "contained"


def seen(store: Store, found: Sequence[Found]) -> list[Seen]:
    """How these stand to their bases; one process for each base."""
    standings: dict[str | None, dict[str, Standing]] = {None: {}}
    for base in {each.base for each in found if each.base is not None}:
        standings[base] = merging.standings(store, base, {each.commit for each in found if each.base == base})
    return [Seen(each, standings[each.base].get(each.commit)) for each in found]


def landing(store: Store, found: Found) -> Change:
    """What is to be written of one that somebody merged by git."""
    landed = merging.landed(store, found.commit, found.base or found.commit)
    return changes.merged(found.record, found.commit, landed)


class Merges:
    """Whether heads merge with their bases; what was asked about last is remembered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, str], bool] = {}

    def readiness(self, pull_requests: Sequence[Seen]) -> list[Readiness]:
        """Whether each of these could be merged; all that is not known yet is asked of one process."""
        pairs = {(each.found.base or "", each.found.commit) for each in pull_requests if each.standing == "apart"}
        self._known = {pair: clean for pair, clean in self._known.items() if pair in pairs}
        asked = sorted(pairs - self._known.keys())
        try:
            self._known |= zip(asked, merging.can_merge(self._store, asked), strict=True)
        except ForgeError as error:
            _log.warning("whether pull requests conflict is not known: %s", error)
        return [self._readiness(each) for each in pull_requests]

    def _readiness(self, each: Seen) -> Readiness:
        if each.standing is None:
            return "unknown"
        is_clean = each.standing == "ahead" or self._known.get((each.found.base or "", each.found.commit))
        if is_clean is None:
            return "unknown"
        if not is_clean:
            return "conflicting"
        return "blocked" if each.found.record.draft else "ready"
