"""The cache file: it may be lost, damaged or shared, and never answers for another tip than the one asked about."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from updater.adapters.cache import Cache
from updater.errors import UpdaterError

MENTIONS = [("b", "nginx"), ("a", "nginx"), ("a", "redis"), ("a", "nginx")]


FACTS = {
    "seen": "?, ?",
    "landing": "?, ?, 'e', 1, 't', 'd', 'c', 'a', 'l', 'p', NULL, NULL",
    "past": "?, ?, 'e', 'r', 1, '{}'",
}
"""The tables of `facts`, and what a row of them may be: branch and path first."""


def note(cache: Cache, branch: str = "main") -> None:
    """Notes something in each table of facts, and turns."""
    cache.rows("UPDATE tip SET turns = '[]' WHERE branch = ?", branch)
    for table, row in FACTS.items():
        cache.rows(f"INSERT INTO {table} VALUES ({row})", branch, "a")


def noted(cache: Cache, branch: str = "main") -> list[str]:
    """Where something is noted of a branch."""
    rows = {table: cache.rows(f"SELECT 1 FROM {table} WHERE branch = ?", branch) for table in FACTS}
    turns = cache.rows("SELECT 1 FROM tip WHERE branch = ? AND turns IS NOT NULL", branch)
    return [table for table, found in {**rows, "turns": turns}.items() if found]


def advance(cache: Cache, branch: str, old: str, new: str, changed: Mapping[str, frozenset[str]]) -> bool:
    """Carries on what is known, and nothing with it."""
    with cache.advancing(branch, old, new, changed) as mine:
        return mine


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache.sqlite"


@pytest.fixture
def cache(file: Path) -> Iterator[Cache]:
    with closing(Cache(file)) as opened:
        opened.replace("main", "t1", MENTIONS)
        note(opened)
        opened.add("shape")
        yield opened


def test_what_was_noted_is_known_after_opening_again(file: Path, cache: Cache) -> None:
    with closing(Cache(file)) as again:
        assert again.tip("main") == "t1"
        assert again.paths("main", "t1", "nginx") == ("a", "b")
        assert again.all_paths("main", "t1") == ("a", "b")
        assert noted(again) == [*FACTS, "turns"]
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
    assert advance(cache, "other", "t1", "t2", {"x": frozenset()})
    assert cache.paths("other", "t2", "nginx") == ()
    assert cache.paths("main", "t1", "nginx") == ("a", "b")


def test_an_advance_changes_the_named_files_alone(cache: Cache) -> None:
    assert advance(cache, "main", "t1", "t2", {"b": frozenset(), "c": frozenset({"redis"})})
    assert cache.paths("main", "t2", "nginx") == ("a",)
    assert cache.paths("main", "t2", "redis") == ("a", "c")
    assert cache.paths("main", "t1", "nginx") is None
    assert noted(cache) == [*FACTS, "turns"]


def test_what_is_written_while_advancing_is_carried_along(cache: Cache) -> None:
    with cache.advancing("main", "t1", "t2", {}) as mine:
        assert mine
        assert cache.tip("main") == "t1"
        cache.rows("DELETE FROM seen WHERE branch = 'main'")
    assert cache.tip("main") == "t2"
    assert noted(cache) == ["landing", "past", "turns"]


def test_what_fails_while_advancing_leaves_what_was_known(cache: Cache) -> None:
    def fail() -> None:
        with cache.advancing("main", "t1", "t2", {"a": frozenset()}):
            cache.rows("DELETE FROM seen WHERE branch = 'main'")
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError):
        fail()
    assert cache.paths("main", "t1", "nginx") == ("a", "b")
    assert noted(cache) == [*FACTS, "turns"]


def test_an_advance_from_a_tip_that_is_not_the_known_one_changes_nothing(cache: Cache) -> None:
    assert not advance(cache, "main", "t0", "t2", {"a": frozenset()})
    assert cache.paths("main", "t1", "nginx") == ("a", "b")
    assert noted(cache) == [*FACTS, "turns"]


def test_a_branch_that_is_read_anew_keeps_nothing_of_its_history_and_others_do(cache: Cache) -> None:
    cache.replace("other", "o1", MENTIONS)
    note(cache, "other")
    cache.replace("main", "t2", MENTIONS)
    assert (noted(cache), noted(cache, "other")) == ([], [*FACTS, "turns"])
    assert "shape" in cache


def test_what_fails_half_way_leaves_what_was_known(cache: Cache) -> None:
    def broken() -> Iterator[tuple[str, str]]:
        yield "x", "nginx"
        raise RuntimeError("the scan broke off")

    with pytest.raises(RuntimeError):
        cache.replace("main", "t2", broken())
    assert cache.paths("main", "t1", "nginx") == ("a", "b")


@pytest.mark.parametrize("damage", ["not a database", "truncated", "middle", "format"])
def test_a_damaged_file_is_thrown_away(file: Path, damage: str) -> None:
    """One in which the last pages are wrong is looked through only if nobody closed it in order."""
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
    if damage == "middle":
        file.with_name(f"{file.name}-wal").touch()
    with closing(Cache(file)) as cache:
        assert cache.tip("main") is None
        cache.replace("main", "t1", MENTIONS)
        assert cache.paths("main", "t1", "nginx") == ("a", "b")


def test_damage_that_is_met_later_is_told_with_what_to_do(file: Path) -> None:
    with closing(Cache(file)) as first:
        first.replace("main", "t1", [(f"overlays/{number}/kustomization.yaml", "nginx") for number in range(2000)])
    content = file.read_bytes()
    file.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    with closing(Cache(file)) as cache, pytest.raises(UpdaterError, match="cannot be used") as caught:
        cache.all_paths("main", "t1")
    assert "delete the state folder" in str(caught.value.hint)


def test_what_was_found_out_under_a_key_is_not_found_out_again(file: Path, cache: Cache) -> None:
    asked: list[str] = []

    def find_out() -> str:
        asked.append("asked")
        return f"answer {len(asked)}"

    assert [cache.remembered(key, find_out) for key in ("k", "k", "other")] == ["answer 1", "answer 1", "answer 2"]
    with closing(Cache(file)) as again:
        assert again.remembered("k", find_out) == "answer 1"


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
            mention = {f"{number}-{step}": frozenset({"nginx"})}
            moved += advance(cache, "shared", known, str(int(known) + 1), mention)
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
