"""Rows f, g and i: starting, and the memory that it takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from bench.floor import url
from bench.measure import Figures, in_turn, seconds
from bench.stand import Lab, Stand, stand
from bench.table import Row, at_most, below
from bench.tools import ROOT, UPDATER, git, run
from updater import bootstrap

_CLONE = "git clone --bare"


def start(lab: Lab) -> Iterator[Row]:
    """Row f: with an empty state folder, over a transport that copies; and again with a full one."""
    repository = lab.nested(max(lab.sizes))
    with stand(lab, repository) as place:
        rounds = [_start(place, number) for number in range(lab.few(3))]
    cloned, scanned, first, second = (Figures(values) for values in zip(*rounds, strict=True))
    for what, figures in (("cloned and scanned", scanned), ("first event pushed", first)):
        yield at_most(1.5, Row("f", f"cold start: {what}", repository.title, figures, _CLONE, cloned))
    yield Row("f", "second start: next event pushed", repository.title, second, _CLONE, cloned)


def _start(place: Stand, number: int) -> tuple[float, float, float, float]:
    """Seconds for git's clone, for a start until everything is scanned, until an event is handled, and for another."""
    remote, state, (first, second) = url(place.remote), f"state-{number}", place.repository.spread(2, first=2 * number)
    cloned = seconds(lambda _: git(place.folder, "clone", "--quiet", "--bare", remote, f"clone-{number}.git"))
    started = time.perf_counter()
    with bootstrap.opened(place.settings(remote, state)) as shop:
        tip = shop.mirror.tip("main")
        assert tip is not None
        assert shop.catalog.paths("main", tip, place.repository.image(first))
        scanned = time.perf_counter() - started
        place.land(shop, [(first, "2.0.0")])
    handled = time.perf_counter() - started
    place.settle(state)
    started = time.perf_counter()
    with bootstrap.opened(place.settings(remote, state)) as shop:
        place.land(shop, [(second, "2.0.0")])
    return cloned, scanned, handled, time.perf_counter() - started


def memory(lab: Lab) -> Iterator[Row]:
    """Row g: the most memory that a process has held, which scans the repository and then handles events."""
    largest = [lab.nested(max(lab.sizes)), *(each for each in lab.repositories if each.layout == "flat")]
    for repository in largest:
        with stand(lab, repository) as place:
            services = repository.spread(lab.few(15))
            payloads = b"".join(place.payload((number, "2.0.0")) + b"\n" for number in services)
            held = run(ROOT, sys.executable, "-m", "bench.resident", stdin=payloads, env=place.environment())
            place.settle()
        what = f"most memory held, cold start and {len(services)} events"
        yield below(200, Row("g", what, repository.title, Figures((float(held),)), unit="MB"))


def command_line(lab: Lab) -> Iterator[Row]:
    """Row i: what it takes to say what there is."""
    run(ROOT, *UPDATER, "--help")  # Python compiles the modules once
    python, updater = in_turn(
        lab.few(15),
        lambda _: run(ROOT, sys.executable, "-c", "pass"),
        lambda _: run(ROOT, *UPDATER, "--help"),
    )
    yield Row("i", "`updater --help`", "", updater, "python -c pass", python)
