"""How often a registry is asked, and which servers are left alone for a while."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from updater.errors import RegistryUnavailable

LONGEST = 30.0
"""Seconds that a call waits for its turn; who would have to wait longer is told at once."""
_BURST = 4
"""Up to this part of a minute's calls may be made at once."""


class Pace:
    """Spreads calls so that no minute sees more than `calls_per_minute`, however they came. Any thread may call.

    A leaky bucket as a meter (the "generic cell rate algorithm"): a burst at once, and then one call each interval.
    """

    def __init__(
        self, host: str, calls_per_minute: int, monotonic: Callable[[], float], pause: Callable[[float], None]
    ) -> None:
        burst = max(1, calls_per_minute // _BURST)
        self._host = host
        self._calls_per_minute = calls_per_minute
        # The burst and what comes in the minute after its first call are the whole of what a minute may see.
        self._interval = 60.0 / (calls_per_minute - burst + 1)
        self._credit = (burst - 1) * self._interval
        self._monotonic = monotonic
        self._pause = pause
        self._next = float("-inf")
        self._lock = Lock()

    def take(self) -> None:
        """Waits for this call's turn. Raises `RegistryUnavailable` where that would take too long."""
        with self._lock:
            now = self._monotonic()
            turn = max(self._next, now)
            wait = turn - self._credit - now
            if wait > LONGEST:
                raise RegistryUnavailable(
                    f"{self._host} has been asked {self._calls_per_minute} times in a minute, which is the limit here",
                    hint="raise `calls-per-minute` in UPDATER_REGISTRIES, if the registry allows more",
                )
            self._next = turn + self._interval
        if wait > 0:
            self._pause(wait)


class Rests:
    """Servers that are not asked until some time is over, each with the reason. Any thread may call."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until: dict[object, tuple[float, str]] = {}
        self._lock = Lock()

    def begin(self, server: object, seconds: float, why: str) -> None:
        """Leaves a server alone from now on for so long."""
        now = self._monotonic()
        with self._lock:
            self._until = {key: rest for key, rest in self._until.items() if rest[0] > now}
            rest = now + seconds, why
            self._until[server] = max(rest, self._until.get(server, rest))

    def reason(self, server: object) -> str | None:
        """Why a server is left alone now; None where it is not."""
        until, why = self._until.get(server, (float("-inf"), ""))
        return why if self._monotonic() < until else None
