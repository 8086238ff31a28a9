"""The benchmark: that all of it runs, on repositories that are the same each time. No figure is asserted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import table
from bench.floor import tree
from bench.generate import Monorepo, generated
from bench.measure import Figures, in_turn
from bench.parts import OTHER_GIT, PUSH, profiled, watched
from bench.table import Row
from bench.tools import git
from tests.helpers import components
from updater.adapters import process

ROOT = Path(__file__).parents[2]


def row(ours: float, other: float | None = None) -> Row:
    return Row("a", "what", "on", Figures((ours,)), "floor", None if other is None else Figures((other,)))


@pytest.mark.slow
def test_every_row_is_measured_and_printed(tmp_path: Path) -> None:
    components.require_description()
    command = (sys.executable, "-m", "bench", "--quick", "--cache", str(tmp_path))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"^\| ([a-z]) ", done.stdout, re.MULTILINE)) == set("abcdefghijklm")
    assert "| where the time goes" in done.stdout
    assert list(tmp_path.glob("run-*")) == []


@pytest.mark.parametrize("layout", ["nested", "flat"])
def test_a_generated_repository_is_the_same_each_time(tmp_path: Path, layout: str) -> None:
    repository = Monorepo("flat" if layout == "flat" else "nested", overlays=9, commits=30)
    folders = [generated(repository, tmp_path / cache) for cache in ("one", "other")]
    tips = {git(folder, "rev-parse", "main") for folder in folders}
    assert len(tips) == 1
    assert git(folders[0], "rev-list", "--count", "main").decode().strip() == "30"


def test_a_generated_repository_has_every_overlay_where_it_says(tmp_path: Path) -> None:
    repository = Monorepo("nested", overlays=9, commits=1)
    folder = generated(repository, tmp_path)
    files = set(git(folder, "ls-tree", "-r", "--name-only", "main").decode().split())
    assert {repository.kustomization(number) for number in range(9)} <= files
    assert git(folder, "cat-file", "blob", f"main:{repository.kustomization(4)}") == repository.content(4, "1.0.0")
    assert len(tree(folder)) == 40


def test_services_are_spread_over_the_repository_and_none_comes_twice() -> None:
    numbers = Monorepo("nested", overlays=500, commits=1).spread(500)
    assert sorted(numbers) == list(range(500))


def test_things_are_measured_in_turn_and_compared_round_by_round() -> None:
    order: list[str] = []
    one, other = in_turn(
        2, lambda number: order.append(f"one {number}"), lambda number: order.append(f"other {number}")
    )
    assert order == ["one 0", "other 0", "one 1", "other 1"]
    assert Figures((2.0, 9.0)).over(Figures((1.0, 3.0))).values == (2.0, 3.0)
    assert len(one.over(other).values) == 2


def test_what_programs_take_is_watched_from_outside_and_only_for_a_while(tmp_path: Path) -> None:
    run = process.run
    with watched() as watch:
        for command in (("git", "version"), ("git", "-c", "color.ui=never", "push", "--porcelain")):
            process.run(command, folder=tmp_path, environment={}, seconds=10.0)
    assert watch.calls == {OTHER_GIT: 1, PUSH: 1}
    assert 0 < watch.outside() == watch.seconds[PUSH]
    assert process.run is run


def test_a_profile_gives_the_shares_of_a_whole() -> None:
    shares = profiled(lambda: sorted(range(1000), key=lambda number: -number))
    assert sum(shares.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("measured", "target", "verdict"),
    [
        (table.at_most(1.5, row(3.0, 2.0)), "at most 1.5x", ": met"),
        (table.at_most(1.5, row(3.1, 2.0)), "at most 1.5x", ": **missed**"),
        (table.below(0.025, row(0.03)), "under 25 ms", ": **missed**"),
        (table.times_faster(50, row(0.01, 0.6)), "50x faster", ": met"),
        (table.below(0.025, table.at_most(1.5, row(0.02, 0.01))), "at most 1.5x, under 25 ms", ": **missed**"),
    ],
)
def test_a_row_says_its_target_and_whether_it_is_met(measured: Row, target: str, verdict: str) -> None:
    assert f"| {target}{verdict} |" in table.results([measured])


def test_new_figures_take_the_place_of_the_old_ones_and_of_nothing_else() -> None:
    readme = f"# Before\n\n{table.BEGIN}\n\nold\n\n{table.END}\n\nafter\n"
    assert table.written(readme, "new\n") == f"# Before\n\n{table.BEGIN}\n\nnew\n\n{table.END}\n\nafter\n"
    with pytest.raises(ValueError, match="there is no"):
        table.written("# No place", "new")


def test_the_readme_has_a_place_for_figures_and_tells_of_every_row() -> None:
    readme = (ROOT / "bench" / "README.md").read_text()
    assert table.written(readme, "new") != readme
    assert set(re.findall(r"^\| ([a-z]) \|", readme, re.MULTILINE)) >= set("abcdefghi")
