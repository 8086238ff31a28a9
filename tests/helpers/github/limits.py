"""How much GitHub takes of one account in an hour and a minute.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.helpers.github.refusals import Refusal

HOUR = timedelta(hours=1)
WINDOWS = ((timedelta(minutes=1), 80), (HOUR, 500))
"""How many requests that create content are taken in a time."""


@dataclass
class Budget:
    """What is left of an hour's requests, or points."""

    limit: int
    used: int
    reset: datetime

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def body(self) -> dict[str, int]:
        reset = int(self.reset.timestamp())
        return {"limit": self.limit, "used": self.used, "remaining": self.remaining, "reset": reset}


class Limits:
    """Counts what accounts do. `hourly` may be made smaller: tests need not make thousands of requests."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.hourly = 5000
        self._budgets: dict[tuple[str, str], Budget] = {}
        self._contents: dict[str, deque[datetime]] = {}

    def budget(self, account: str, resource: str) -> Budget:
        """What an account has left of `core` or `graphql`."""
        now = self.now()
        budget = self._budgets.get((account, resource))
        if budget is None or budget.reset <= now:
            budget = self._budgets[account, resource] = Budget(self.hourly, 0, now + HOUR)
        return budget

    def headers(self, account: str, resource: str) -> dict[str, str]:
        told = {f"x-ratelimit-{name}": str(value) for name, value in self.budget(account, resource).body.items()}
        return {**told, "x-ratelimit-resource": resource}

    def spend(self, account: str, resource: str, cost: int = 1) -> None:
        """Counts a request; raises a 403 where nothing is left."""
        budget = self.budget(account, resource)
        if not budget.remaining:
            raise Refusal(403, f"API rate limit exceeded for user {account}.")
        budget.used += cost

    def create(self, account: str) -> None:
        """Counts a request that creates content; raises a 403 where there were too many."""
        now = self.now()
        made = self._contents.setdefault(account, deque(maxlen=WINDOWS[-1][1]))
        for window, most in WINDOWS:
            recent = [time for time in made if time > now - window]
            if len(recent) >= most:
                wait = recent[-most] + window - now
                raise too_fast(math.ceil(wait.total_seconds()))
        made.append(now)


def too_fast(seconds: int) -> Refusal:
    """The secondary rate limit."""
    return Refusal(
        403,
        "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please "
        "retry your request again later.",
        headers={"retry-after": str(seconds)},
    )
