"""How the worker is woken: by what came in, by news from outside, by the end of the service."""

from __future__ import annotations

import threading


class Bell:
    """Rung by any thread, heard by one. A ring while nobody waits is heard at once by the next who does."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung = False
        self._news = False
        self._stopped = False

    def ring(self) -> None:
        """Something came in."""
        with self._condition:
            self._rung = True
            self._condition.notify_all()

    def tell(self) -> None:
        """Something has happened outside that is worth a pass over everything."""
        with self._condition:
            self._news = True
            self._condition.notify_all()

    def stop(self) -> None:
        """Nothing new is to be begun."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether the end was rung."""
        return self._stopped

    def wait(self, seconds: float) -> bool:
        """Waits until it rings or the time is over; whether it rang. A ring is heard once."""
        with self._condition:
            self._condition.wait_for(lambda: self._rung or self._news or self._stopped, max(0.0, seconds))
            rang, self._rung = self._rung, False
            return rang

    def news(self) -> bool:
        """Whether anything was told since this was asked last."""
        with self._condition:
            told, self._news = self._news, False
            return told

    def pause(self, seconds: float) -> None:
        """Waits for the time to be over, or the end."""
        with self._condition:
            self._condition.wait_for(lambda: self._stopped, seconds)
