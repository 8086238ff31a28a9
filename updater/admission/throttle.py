"""How often a sender may show a wrong proof, and how often that is worth a line in the log."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeVar

_SIZE = 2048
_EVERY = timedelta(minutes=1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many at once, and so many a second in the long run."""

    burst: int
    rate: float


STRANGER = Limit(20, 0.5)
STRANGERS = Limit(200, 20.0)
PROVED = Limit(400, 40.0)
LINES = Limit(60, 1.0)


class Bucket:
    """Fills by one with each thing that is counted, and runs out with time. Empty at first."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._level = 0.0
        self._at: datetime | None = None

    def wait(self, now: datetime) -> float:
        """Seconds until one more has room."""
        return max(0.0, (self._left(now) + 1 - self._limit.burst) / self._limit.rate)

    def add(self, now: datetime) -> None:
        """Counts one. What does not fit is not remembered: a flood is paid for when it is over, but not for ever."""
        self._level = min(self._left(now) + 1, float(self._limit.burst))
        self._at = now

    def _left(self, now: datetime) -> float:
        # After the clock was set back nobody should wait until it is there again.
        passed = 0.0 if self._at is None else abs((now - self._at).total_seconds())
        return max(0.0, self._level - passed * self._limit.rate)


class Throttle:
    """Wrong proofs, by the address that they came from; an IPv6 network of /64 is one.

    Strangers share a limit beside their own. Who proved itself before has another one that is wide, and its own: others
    may send from the same address of a cloud, or of a proxy before us. What is remembered is bounded.
    """

    def __init__(self) -> None:
        self._strangers: OrderedDict[str, Bucket] = OrderedDict()
        self._proved: OrderedDict[str, Bucket] = OrderedDict()
        self._together = Bucket(STRANGERS)

    def admit(self, peer: str, now: datetime) -> int | None:
        """None where a proof of this peer may be checked, else whole seconds after which it may."""
        key = _network(peer)
        if (known := self._proved.get(key)) is not None:
            wait = known.wait(now)
        else:
            stranger = self._strangers.get(key)
            wait = max(self._together.wait(now), stranger.wait(now) if stranger else 0.0)
        return math.ceil(wait) if wait else None

    def failed(self, peer: str, now: datetime) -> None:
        """Counts a wrong proof."""
        key = _network(peer)
        if (known := self._proved.get(key)) is not None:
            known.add(now)
            return
        self._together.add(now)
        _newest(self._strangers, key, Bucket(STRANGER)).add(now)

    def proved(self, peer: str) -> None:
        """Notes that a peer is no stranger."""
        _newest(self._proved, _network(peer), Bucket(PROVED))


class Seldom:
    """Lets one line a minute through for each peer, few altogether, and counts the others."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._lines = Bucket(LINES)

    def tell(self, peer: str, now: datetime) -> int | None:
        """How many there were since the last line, this one included; None where this one is not to be told."""
        seen = _newest(self._seen, _network(peer), _Seen())
        seen.count += 1
        if (seen.told is not None and timedelta(0) <= now - seen.told < _EVERY) or self._lines.wait(now):
            return None
        self._lines.add(now)
        count, seen.count, seen.told = seen.count, 0, now
        return count


@dataclass(slots=True)
class _Seen:
    count: int = 0
    told: datetime | None = None


def _newest(kept: OrderedDict[str, T], key: str, new: T) -> T:
    """What is kept for `key`, else `new`; the one that was longest not asked for goes where there are too many."""
    value = kept.setdefault(key, new)
    kept.move_to_end(key)
    if len(kept) > _SIZE:
        kept.popitem(last=False)
    return value


def _network(peer: str) -> str:
    try:
        address: IPv4Address | IPv6Address = ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, IPv4Address):
        return peer
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else address.packed[:8].hex()
