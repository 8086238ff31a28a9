"""Container registries: how they are spoken to, and what they are asked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event

from updater.protocols import Clock
from updater.registries import settings
from updater.registries.memory import Memory
from updater.registries.together import Registries, Store

__all__ = ["connect"]

FILE = "registries.sqlite"
"""In the state folder: what may be forgotten."""


def connect(environ: Mapping[str, str], state: Path, clock: Clock) -> Registries:
    """All registries, as the environment describes them; `state` is the state folder.

    Nothing is asked, nobody logs in, and what only does that is not imported, before it is needed. Raises `UsageError`
    where a setting is wrong.
    """
    places = settings.read(environ)
    memory = Memory(state / FILE)
    ending = Event()

    def pause(seconds: float) -> None:
        ending.wait(seconds)

    def client(host: str) -> Store:
        from updater.registries.client import Client

        return Client(places.place(host), clock.now, time.monotonic, pause, memory)

    return Registries(places.is_known, client, memory, clock.now, time.monotonic, ending.set)
