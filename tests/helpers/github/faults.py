"""What can go wrong between a client and GitHub, as a test scripts it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["error", "bad gateway", "throttled", "page", "truncated", "closed", "cut", "hang"]
"""error: 500. bad gateway: 502 with a page. throttled: the secondary limit, with Retry-After. page: 200 with a page.
truncated: half of the JSON. closed: the connection ends, nothing done. cut: it ends after all was done. hang: no
answer until the server stops.
"""
PAGE = b"<html><body><h1>Unicorn!</h1></body></html>"


@dataclass
class Trigger:
    """Something for the next requests, so many of them, of a method whose path has a part (a regular expression)."""

    method: str
    path: str
    times: int

    def take(self, method: str, path: str) -> bool:
        """Whether a request is meant; counts it if so."""
        is_meant = self.times > 0 and self.method in ("", method) and re.search(self.path, path) is not None
        self.times -= is_meant
        return is_meant


@dataclass
class Fault(Trigger):
    kind: Kind
    after: int = 7
    """How many seconds the client is told to wait."""


@dataclass
class Interruption(Trigger):
    """Something that happens just before a request is served."""

    act: Callable[[], object]
