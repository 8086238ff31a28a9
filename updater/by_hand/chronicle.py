"""What landed in one environment or all of them, newest first, with who approved it: what `updater history` tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from updater.by_hand.provenance import explained
from updater.by_hand.services import known_names
from updater.by_hand.timeline import Record, history
from updater.errors import UpdaterError
from updater.sight import Sight


@dataclass(frozen=True, slots=True)
class Chronicle:
    """`problems` are what could not be read; `unknown` is why nobody could be asked who approved, if that is so."""

    records: Sequence[Record]
    problems: Sequence[UpdaterError]
    unknown: UpdaterError | None


def chronicle(sight: Sight, only: str | None, globs: Sequence[str], limit: int) -> Chronicle:
    """The newest `limit` landings, in one environment or all, for some services or all. Raises `UsageError`."""
    asked = {only: globs} if only else known_names(sight, globs)
    found = [history(sight, name, mine, limit) for name, mine in asked.items()]
    every = [record for records, _ in found for record in records]
    newest = sorted(every, key=lambda record: record.landing.landed_at, reverse=True)[:limit]
    records, unknown = explained(sight, newest)
    return Chronicle(records, [problem for _, problems in found for problem in problems], unknown)
