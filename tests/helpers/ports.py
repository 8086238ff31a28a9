"""Ports for programs that cannot be given a listening socket."""

from __future__ import annotations

import random
import socket

_RANGE = range(20_000, 30_000)
"""Below those that systems hand out themselves: no connection and no other server takes one of them meanwhile."""


def free_port() -> int:
    """One that nobody listens on. By real chance: hypothesis makes that of `random` the same in all processes."""
    while True:
        port = random.SystemRandom().choice(_RANGE)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
