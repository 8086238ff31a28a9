"""Waiting for what another process does, with an end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something comes true, looked at again and again; False if it does not in this time."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        if time.monotonic() > end:
            return False
        pause.wait(0.01)
    return True


@contextmanager
def gate(path: Path) -> Iterator[Callable[[], object]]:
    """A pipe at `path`: who reads a line from it waits there until what is given is called."""
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)  # both ends, so that neither waits for the other to open it
    try:
        yield lambda: os.write(end, b"go on\n")
    finally:
        os.close(end)
