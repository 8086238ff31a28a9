"""Rows a to e: events that become commits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.floor import Bump, Floor, ShellJob
from bench.generate import Monorepo
from bench.measure import Figures, in_turn
from bench.parts import PUSH, RENDERING, profiled, watched
from bench.stand import Lab, Stand, stand
from bench.table import Row, Shares, at_most, below, times_faster
from bench.tools import ROOT, UPDATER, run
from updater import bootstrap

FLOOR = "fast-import + push"
_ROUNDS = {"flat": 7, "nested": 15}
"""At most: in the flat folder each takes seconds."""


def event(lab: Lab) -> Iterator[Row | Shares]:
    """Rows a and b: one event to pushed commit in a warm process, and how much of that is our own."""
    smallest: Figures | None = None
    for repository in lab.repositories:
        row, own, shares = _event(lab, repository)
        yield at_most(1.5, row)
        yield _aimed(Row("b", "our own share: all but push, fetch, rendering", repository.title, own), smallest)
        yield shares
        smallest = smallest or own


def _event(lab: Lab, repository: Monorepo) -> tuple[Row, Figures, Shares]:
    """Each round is another service, whose overlay was proved before."""
    rounds = lab.few(_ROUNDS[repository.layout])
    bumps = bumps_of(repository.spread(rounds + lab.few(10)), "3.0.0")
    own: list[float] = []
    with stand(lab, repository) as place, place.shop() as shop:
        floor = proved(place, shop, bumps)

        def ours(number: int) -> None:
            before, started = watch.outside(), time.perf_counter()
            place.land(shop, [bumps[number]])
            own.append(time.perf_counter() - started - (watch.outside() - before))

        with watched() as watch:
            git, whole = in_turn(rounds, lambda number: floor.land([bumps[number]]), ours)
        profile = profiled(lambda: place.land_each(shop, bumps[rounds:]))
        floor.land(bumps[rounds:])
        place.check_equal()
    row = Row("a", "one event to pushed commit, warm", repository.title, whole, FLOOR, git)
    return row, Figures(tuple(own)), Shares(f"one event, {repository.title}", watch.parts(whole, profile))


def _aimed(row: Row, smallest: Figures | None) -> Row:
    """The targets of a nested repository: so many milliseconds, and hardly more than on the smallest."""
    if row.where.endswith("flat"):
        return row
    if smallest is not None:
        row = at_most(1.5, replace(row, against="on the smallest", other=Figures((smallest.median,))))
    return below(0.025, row)


def command(lab: Lab) -> Iterator[Row]:
    """Row c: the same as a command, a process for each event."""
    return (_command(lab, repository) for repository in lab.repositories)


def _command(lab: Lab, repository: Monorepo) -> Row:
    rounds = lab.few(_ROUNDS[repository.layout])
    *bumps, before = bumps_of(repository.spread(rounds + 1), "3.0.0")
    with stand(lab, repository) as place:
        with place.shop() as shop:
            floor = proved(place, shop, [*bumps, before])
        _handle(place, before)  # Python compiles the modules once
        floor.land([before])
        git, ours = in_turn(rounds, lambda n: floor.land([bumps[n]]), lambda n: _handle(place, bumps[n]))
        place.check_equal()
    return Row("c", "`updater handle`, warm state folder", repository.title, ours, FLOOR, git)


def _handle(place: Stand, bump: Bump) -> None:
    command = (*UPDATER, "handle", "--source", "generic", "-")
    run(ROOT, *command, stdin=place.payload(bump), env=place.environment())


def shell_job(lab: Lab) -> Iterator[Row]:
    """Row d: what most teams run, for each event anew."""
    return (_shell_job(lab, repository) for repository in lab.repositories if repository.layout == "nested")


def _shell_job(lab: Lab, repository: Monorepo) -> Row:
    rounds = lab.few(3 if repository.overlays < 10_000 else 1)  # a clone of the largest takes a minute
    bumps = bumps_of(repository.spread(rounds), "3.0.0")
    with stand(lab, repository) as place, place.shop() as shop:
        proved(place, shop, bumps)
        job = ShellJob(repository, place.other, place.folder / "job")
        shell, ours = in_turn(rounds, lambda n: job.land(bumps[n]), lambda n: place.land(shop, [bumps[n]]))
    against = f"shell job ({job.steps})"
    return Row("d", "one event, warm, beside the shell job", repository.title, ours, against, shell)


def burst(lab: Lab) -> Iterator[Row | Shares]:
    """Row e: many events for as many services in one batch; the first time nothing is proved yet."""
    repository, rounds = lab.nested(lab.burst_on), lab.few(5)
    services = repository.spread(lab.burst)
    batches = [bumps_of(services, f"{major}.0.0") for major in range(2, rounds + 4)]
    with stand(lab, repository) as place, place.shop() as shop:
        floor, job = place.floor(), ShellJob(repository, place.other, place.folder / "job")

        def git(number: int) -> None:
            floor.land(batches[number])

        def ours(number: int) -> None:
            place.land(shop, batches[number])

        with watched() as first:
            cold_git, cold = in_turn(1, git, ours)
        with watched() as watch:
            warm_git, warm = in_turn(rounds, lambda n: git(n + 1), lambda n: ours(n + 1))
        profile = profiled(lambda: ours(rounds + 1))
        git(rounds + 1)
        place.check_equal()
        (shell,) = in_turn(lab.few(3), lambda n: job.land((services[n], "99.0.0")))
    what, renderings, pushes = f"burst of {len(services)} events", first.calls[RENDERING], watch.calls[PUSH] / rounds
    against = f"{FLOOR}, once"
    yield Row("e", f"{what}, cold ({renderings} renderings)", repository.title, cold, against, cold_git)
    yield at_most(3, Row("e", f"{what}, warm ({pushes:g} push)", repository.title, warm, against, warm_git))
    each = Row("e", "each event of it", repository.title, warm.each(1 / len(services)), "shell job", shell)
    yield times_faster(50, each)
    yield Shares(f"{what}, {repository.title}", watch.parts(warm, profile))


def proved(place: Stand, shop: bootstrap.Workshop, bumps: Sequence[Bump]) -> Floor:
    """Lands another version before these, which proves the shapes of their overlays; on the floor's side, too."""
    floor = place.floor()
    before = [(number, "2.0.0") for number, _ in bumps]
    place.land(shop, before)
    floor.land(before)
    return floor


def bumps_of(services: Sequence[int], tag: str) -> list[Bump]:
    return [(number, tag) for number in services]
