"""How long to wait before something that failed is tried again."""

from __future__ import annotations

from datetime import timedelta

LONGEST = timedelta(minutes=10)
"""No pause is longer. Who is to wait for more has a clock that jumped, and waits for nothing."""

_FIRST = timedelta(seconds=2)
_DOUBLINGS = 9
"""After so many a pause is past the longest."""


def pause(tries: int, chance: float) -> timedelta:
    """How long to wait after a failure, given how many others came before it: a second at first, ten minutes at last.

    Each pause may be twice the one before. `chance` is a random number from 0 to 1: it takes off up to half, so that
    those who failed together do not come back together.
    """
    whole = min(LONGEST, _FIRST * (1 << min(tries, _DOUBLINGS)))
    return whole * ((1 + chance) / 2)
