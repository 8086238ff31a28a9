"""The cache file: it may be lost, damaged or shared, and never answers for another tip than the one asked about."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from updater.adapters.cache import Cache
from updater.errors import UpdaterError
from updater.model import Standing

STANDING = Standing(
    "c" * 40,
    datetime(2026, 11, 20, 10, 0, 0, 123456, UTC),
    datetime(2026, 11, 20, 11, tzinfo=UTC),
    datetime(2026, 11, 19, tzinfo=UTC),
)
PLACE = ("main", "t1", "a", "images[0]", "1.0")
MENTIONS = [("b", "nginx"), ("a", "nginx"), ("a", "redis"), ("a", "nginx")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache.sqlite"


@pytest.fixture
def cache(file: Path) -> Iterator[Cache]:
    with closing(Cache(file)) as opened:
        opened.replace("main", "t1", MENTIONS)
        opened.remember_standing(*PLACE, STANDING)
        opened.add("shape")
        yield opened


def test_what_was_noted_is_known_after_opening_again(file: Path, cache: Cache) -> None:
    with closing(Cache(file)) as again:
        assert again.tip("main") == "t1"
        assert again.paths("main", "t1", "nginx") == ("a", "b")
        assert again.all_paths("main", "t1") == ("a", "b")
        assert again.standing(*PLACE) == STANDING
        assert "shape" in again
        assert "other" not in again


def test_no_mention_is_an_answer_and_another_tip_is_none(cache: Cache) -> None:
    assert cache.paths("main", "t1", "unknown") == ()
    assert cache.paths("main", "t2", "nginx") is None
    assert cache.all_paths("main", "t2") is None
    assert cache.paths("other", "t1", "nginx") is None
    cache.replace("empty", "t1", [])
    assert cache.all_paths("empty", "t1") == ()


def test_branches_are_kept_apart(cache: Cache) -> None:
    cache.replace("other", "t1", [("x", "nginx")])
    cache.advance("other", "t1", "t2", {"x": frozenset()})
    assert cache.paths("other", "t2", "nginx") == ()
    assert cache.paths("main", "t1", "nginx") == ("a", "b")


def test_an_advance_changes_the_named_files_alone(cache: Cache) -> None:
    changed = {"b": frozenset[str](), "c": frozenset({"redis"})}
    assert cache.advance("main", "t1", "t2", changed, frozenset({"b", "c", "d"}))
    assert cache.paths("main", "t2", "nginx") == ("a",)
    assert cache.paths("main", "t2", "redis") == ("a", "c")
    assert cache.standing("main", "t2", *PLACE[2:]) == STANDING
    assert cache.advance("main", "t2", "t3", {}, frozenset({"a"}))
    assert cache.standing("main", "t3", *PLACE[2:]) is None
    assert cache.paths("main", "t3", "nginx") == ("a",)


def test_without_knowing_what_was_touched_on_the_way_all_standings_are_forgotten(cache: Cache) -> None:
    assert cache.advance("main", "t1", "t2", {})
    assert cache.standing("main", "t2", *PLACE[2:]) is None
    assert cache.paths("main", "t2", "nginx") == ("a", "b")


def test_an_advance_from_a_tip_that_is_not_the_known_one_changes_nothing(cache: Cache) -> None:
    assert not cache.advance("main", "t0", "t2", {"a": frozenset()})
    assert cache.paths("main", "t1", "nginx") == ("a", "b")


def test_a_standing_found_at_a_tip_that_is_no_longer_the_known_one_is_not_kept(cache: Cache) -> None:
    cache.advance("main", "t1", "t2", {"a": frozenset({"nginx"})})
    cache.remember_standing(*PLACE, STANDING)
    assert cache.standing("main", "t2", *PLACE[2:]) is None


def test_a_standing_counts_for_its_version_alone(cache: Cache) -> None:
    assert cache.standing(*PLACE[:-1], "2.0") is None
    newer = Standing("d" * 40, STANDING.pushed_at, STANDING.landed_at)
    cache.remember_standing(*PLACE[:-1], "2.0", newer)
    assert cache.standing(*PLACE[:-1], "2.0") == newer
    assert cache.standing(*PLACE) is None


def test_what_fails_half_way_leaves_what_was_known(cache: Cache) -> None:
    def broken() -> Iterator[tuple[str, str]]:
        yield "x", "nginx"
        raise RuntimeError("the scan broke off")

    with pytest.raises(RuntimeError):
        cache.replace("main", "t2", broken())
    assert cache.paths("main", "t1", "nginx") == ("a", "b")


@pytest.mark.parametrize("damage", ["not a database", "truncated", "middle", "format"])
def test_a_damaged_file_is_thrown_away(file: Path, damage: str) -> None:
    with closing(Cache(file)) as first:
        first.replace("main", "t1", [(f"overlays/{number}/kustomization.yaml", "nginx") for number in range(2000)])
    content = file.read_bytes()
    assert not file.with_name(f"{file.name}-wal").exists()
    if damage == "format":
        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA user_version = 99")
    else:
        half = len(content) // 2
        file.write_bytes(
            {
                "not a database": b"x" * 5000,
                "truncated": content[:half],
                "middle": content[: half - 4096] + b"\xff" * 8192 + content[half + 4096 :],
            }[damage]
        )
    with closing(Cache(file)) as cache:
        assert cache.tip("main") is None
        cache.replace("main", "t1", MENTIONS)
        assert cache.paths("main", "t1", "nginx") == ("a", "b")


def test_a_file_that_is_in_use_is_waited_for_and_never_thrown_away(file: Path, cache: Cache) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with closing(Cache(file)) as second:
            assert second.paths("main", "t1", "nginx") == ("a", "b")
        other.execute("ROLLBACK")
    assert cache.tip("main") == "t1"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UpdaterError, match="cannot be used") as caught:
        Cache(tmp_path / "missing" / "cache.sqlite")
    assert "state folder" in str(caught.value.hint)


def _work(file: Path, number: int) -> int:
    """Opens, moves the shared branch on whenever it can, and keeps a branch of its own."""
    moved = 0
    with closing(Cache(file)) as cache:
        for step in range(20):
            cache.add(f"{number}/{step}")
            cache.replace(f"own-{number}", str(step), [(f"p{step}", "nginx")])
            known = cache.tip("shared") or "0"
            moved += cache.advance("shared", known, str(int(known) + 1), {f"{number}-{step}": frozenset({"nginx"})})
    return moved


@pytest.mark.slow
def test_several_processes_use_one_file_from_its_first_moment(file: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.starmap(_work, [(file, number) for number in range(4)])
        with closing(Cache(file)) as cache:
            cache.replace("shared", "0", [])
        moved = sum(pool.starmap(_work, [(file, number) for number in range(4)]))
    with closing(Cache(file)) as cache:
        assert cache.tip("shared") == str(moved)
        assert len(cache.paths("shared", str(moved), "nginx") or ()) == moved > 0
        assert all(f"{number}/{step}" in cache for number in range(4) for step in range(20))
        assert [cache.paths(f"own-{number}", "19", "nginx") for number in range(4)] == [("p19",)] * 4
