"""Where the updater's time goes, seen from outside: git's commands and renderings by the clock, the rest by profile."""

from __future__ import annotations

import cProfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from bench.measure import Figures
from updater.adapters import process
from updater.adapters.kustomize import Kustomize

PUSH, LISTING, RENDERING, OTHER_GIT = "push", "fetch, list", "rendering", "other git commands"
OUTSIDE = (PUSH, LISTING, RENDERING)
"""What is not our own share."""

_COMMANDS = {"push": PUSH, "fetch": LISTING, "ls-remote": LISTING, "clone": LISTING}
_WAITING = "waiting"
_FILES = (
    (_WAITING, ("/subprocess.py", "/selectors.py", "/adapters/process.py", "/adapters/kustomize.py")),
    ("YAML", ("/ruamel/", "/core/yaml_nodes.py", "/core/scalars.py")),
    (
        "reading, building objects",
        ("/dulwich/", "/adapters/objects.py", "/adapters/packs.py", "/adapters/raw_trees.py"),
    ),
    ("cache, catalog", ("/updater/adapters/", "/sqlite3/")),
    ("deciding, editing", ("/updater/",)),
)
_REST = "rest"


@dataclass(slots=True)
class Watch:
    """Seconds and calls by what was waited for."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: Counter[str] = field(default_factory=Counter)

    def outside(self) -> float:
        """Seconds that are not our own share, so far."""
        return sum(self.seconds[name] for name in OUTSIDE)

    def started(self, rounds: int) -> str:
        """How many programs a round started."""
        return f"{sum(self.calls.values()) / rounds:g} processes"

    def parts(self, whole: Figures, shares: Mapping[str, float]) -> dict[str, float]:
        """Mean seconds of a round by part, where `whole` was measured while this watched; see `profiled`."""
        rounds = len(whole.values)
        waited = {name: self.seconds[name] / rounds for name in (*OUTSIDE, OTHER_GIT)}
        python = sum(whole.values) / rounds - sum(waited.values())
        return waited | {name: python * share for name, share in shares.items()}


@contextmanager
def watched() -> Iterator[Watch]:
    """Notes how long git's commands and renderings take inside the block."""
    watch = Watch()
    run, render = process.run, Kustomize.render

    def timed_run(arguments: Sequence[str], **others: Any) -> process.Finished:
        kind = next((_COMMANDS[each] for each in arguments if each in _COMMANDS), OTHER_GIT)
        with _timed(watch, kind):
            return run(arguments, **others)

    def timed_render(*arguments: Any) -> bytes:
        with _timed(watch, RENDERING):
            return render(*arguments)

    with mock.patch.object(process, "run", timed_run), mock.patch.object(Kustomize, "render", timed_render):
        yield watch


@contextmanager
def _timed(watch: Watch, kind: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        watch.seconds[kind] += time.perf_counter() - started
        watch.calls[kind] += 1


def profiled(run: Callable[[], object]) -> dict[str, float]:
    """How the time in Python divides among the parts: of each, its share of the whole.

    By the file in which the time was spent; what is written in C counts for the file that called it. A profile
    slows down Python and nothing else, so these are shares of what the clock says, no times of their own.
    """
    profile = cProfile.Profile()
    profile.runcall(run)
    spent = dict.fromkeys((*(name for name, _ in _FILES), _REST), 0.0)
    for entry in profile.getstats():
        if not isinstance(entry.code, str):
            called = sum(call.inlinetime for call in entry.calls or () if isinstance(call.code, str))
            spent[_part(entry.code.co_filename)] += entry.inlinetime + called
    del spent[_WAITING]
    whole = sum(spent.values())
    return {part: seconds / whole for part, seconds in spent.items()}


def _part(file: str) -> str:
    path = Path(file).as_posix()
    return next((part for part, marks in _FILES if any(mark in path for mark in marks)), _REST)
