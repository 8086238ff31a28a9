"""Holds: what a move back keeps out, until somebody brings it or something newer in again.

A move back is a landing of a version that ranks lower than the one before it, whoever made it and however: a
revert, a revert of a merge, a hand edit, a squash. Moves forward hold nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from updater.core.messages import short, told_apart
from updater.model import Event, Hold, Landing, Past, Standing, Version
from updater.protocols import Ranking

_SHORT_COMMIT = 7


def moved(past: Past, before: Version | None, landing: Landing, first: datetime | None, order: Ranking) -> Past:
    """What history says once `landing` is part of it. `before` is the version that it replaced.

    `first` is the earliest push time that an older landing of the same version tells; None if it never stood in the
    entry.
    """
    here = landing.version
    pushed_at = landing.pushed_at if first is None else min(first, landing.pushed_at)
    rank = _rank(order, here, pushed_at)
    holds = tuple(
        hold for hold in past.holds if hold.version != here and _rank(order, hold.version, hold.pushed_at) > rank
    )
    old = past.standing
    if old is not None and before is not None and _is_back(order, before, old.pushed_at, here, pushed_at, first):
        holds += (Hold(before, old.pushed_at, landing.commit, landing.author, max(landing.landed_at, old.landed_at)),)
    since = _tag_since(old, before, here)
    standing = Standing(landing.commit, pushed_at, landing.landed_at, since, landing.origin)
    return Past(standing, holds)


def folded(landings: Iterable[Landing], order: Ranking) -> Iterator[tuple[Landing, Version | None, Past]]:
    """Each landing in an entry (oldest first), the version that it replaced, and what history says since then."""
    past, before = Past(), None
    first: dict[Version, datetime] = {}
    for landing in landings:
        here = landing.version
        past = moved(past, before, landing, first.get(here), order)
        first[here] = min(landing.pushed_at, first.get(here, landing.pushed_at))
        yield landing, before, past
        before = here


def begun(landings: Iterable[Landing], order: Ranking) -> Iterator[Hold]:
    """Every hold that ever began in an entry in which these landed (oldest first), be it over by now or not."""
    for landing, _, past in folded(landings, order):
        yield from (hold for hold in past.holds if hold.commit == landing.commit)


def hold_on(holds: Sequence[Hold], order: Ranking, event: Event, *, stood: bool) -> Hold | None:
    """The newest hold that keeps a push out: of its version, or of a newer one that was moved away from later.

    `stood` is whether the version stood in the entry before: then it was pushed before the move, too, whatever the
    event says.
    """
    rank = order.rank(event.version, event.time)
    for hold in reversed(holds):
        if event.version.tag in hold.spares:
            continue
        if is_same(hold.version, event.version):
            return hold
        if rank < order.rank(hold.version, hold.pushed_at) and (stood or event.surely_at <= hold.at):
            return hold
    return None


def is_same(held: Version, pushed: Version) -> bool:
    """Whether a push may be of the version that is held: one of both without a digest is that tag with any."""
    return held.tag == pushed.tag and (held.digest == pushed.digest or None in (held.digest, pushed.digest))


def reason(hold: Hold, version: Version) -> str:
    """Why a version is held, in words for a person."""
    what = f"was reverted in {hold.commit[:_SHORT_COMMIT]} by {hold.author} on {hold.at:%Y-%m-%d}"
    if is_same(hold.version, version):
        return f"{short(version)} {what}"
    old, new = told_apart(hold.version, version)
    return f"{new} came before {old}, which {what}"


def _is_back(
    order: Ranking, before: Version, before_pushed: datetime, here: Version, pushed_at: datetime, first: datetime | None
) -> bool:
    if before.tag == here.tag and None in (before.digest, here.digest):
        # The digest of a tag was learned, which changes no version; or it was taken back, if the tag stood without.
        return here.digest is None and first is not None
    return bool(_rank(order, here, pushed_at) < _rank(order, before, before_pushed))


def _rank(order: Ranking, version: Version, pushed_at: datetime) -> Any:
    # An entry that names no version is older than all that do, whenever somebody wrote it so.
    return order.rank(version, None if version == Version() else pushed_at)


def _tag_since(old: Standing | None, before: Version | None, here: Version) -> datetime | None:
    """When the tag was pushed that stood without a digest before, if none but its digests stood between."""
    if old is None or before is None or before.tag != here.tag or here.digest is None:
        return None
    return old.pushed_at if before.digest is None else old.tag_since
