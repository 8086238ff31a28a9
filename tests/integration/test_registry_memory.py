"""What registries told is remembered in one file, which may be lost, damaged, full or shared."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from tests.helpers.events import IMAGE, at, digest
from updater.registries import memory as module
from updater.registries.answers import Kept
from updater.registries.memory import Memory

KEPT = Kept('"etag"', b"the body" * 100, {"link": "</next>; rel=next"})
OTHER = "reg.example/models/model-b"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "registries.sqlite"


@pytest.fixture
def memory(file: Path) -> Iterator[Memory]:
    with closing(Memory(file)) as found:
        yield found


def note(memory: Memory, *tags: str) -> None:
    """Pushes of these tags, all at the same time."""
    memory.saw([(IMAGE, tag, None, at(0)) for tag in tags])


def body(key: str, size: int) -> Kept:
    """What cannot be packed."""
    return Kept(key, os.urandom(size), {})


# --- answers


def test_an_answer_is_known_again_by_whoever_opens_the_file(file: Path) -> None:
    with closing(Memory(file)) as first:
        assert first.known("a") is None
        first.keep("a", KEPT)
        first.keep("a", Kept("new", b"", {}))
        first.keep("b", KEPT)
    with closing(Memory(file)) as second:
        assert second.known("a") == Kept("new", b"", {})
        assert second.known("b") == KEPT


def test_what_was_not_used_for_the_longest_time_goes_first(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10_000)
    for key in "abc":
        memory.keep(key, body(key, 2_400))
    assert memory.known("a") is not None
    memory.keep("d", body("d", 2_400))
    memory.keep("e", body("e", 2_400))
    assert {key for key in "abcde" if memory.known(key) is not None} == set("acde")


def test_what_would_drive_out_most_of_the_others_is_not_kept(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10_000)
    memory.keep("a", body("a", 1_000))
    memory.keep("b", body("b", 3_000))
    assert memory.known("b") is None
    assert memory.known("a") is not None


# --- pushes


def test_pushes_are_known_by_image_and_tag(memory: Memory) -> None:
    memory.saw([(IMAGE, "1", digest("a"), at(0)), (IMAGE, "1", None, at(1)), (OTHER, "1", None, at(2))])
    memory.saw([(IMAGE, "1", digest("a"), at(0))])
    assert {tag: set(each) for tag, each in memory.pushes(IMAGE).items()} == {
        "1": {(digest("a"), at(0)), (None, at(1))}
    }
    assert memory.pushes(IMAGE)["1"].count((digest("a"), at(0))) == 1
    assert memory.pushes("reg.example/other") == {}


def test_the_oldest_pushes_are_forgotten(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PUSHES", 3)
    memory.saw([(IMAGE, str(minute), None, at(minute)) for minute in (5, 1, 4)])
    memory.saw([(IMAGE, str(minute), None, at(minute)) for minute in (2, 3)])
    assert set(memory.pushes(IMAGE)) == {"5", "4", "3"}


# --- what goes wrong


@pytest.mark.parametrize("content", [b"not a database at all" * 300, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_is_thrown_away(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with closing(Memory(file)) as found:
        found.keep("a", KEPT)
        assert found.known("a") == KEPT


@pytest.mark.parametrize(
    "damage",
    [
        "body = x'00ff00ff'",
        "body = 'text'",
        "headers = '{'",
        "headers = '[]'",
        "headers = '{\"link\": 7}'",
        f"headers = '{'9' * 5_000}'",
        f"headers = '{'[' * 100_000}'",
        "etag = x'00'",
    ],
    ids=lambda damage: damage[:24],
)
def test_an_answer_that_was_damaged_is_none_and_makes_room_for_the_next(file: Path, damage: str) -> None:
    with closing(Memory(file)) as first:
        first.keep("a", KEPT)
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(f"UPDATE answer SET {damage}")
    with closing(Memory(file)) as second:
        assert second.known("a") is None
        second.keep("a", KEPT)
        assert second.known("a") == KEPT


ABSURD = ("9223372036854775807", "-9223372036854775808", "9e999", "1.5e300", "'text'", "x'00'")


@pytest.mark.parametrize("number", ABSURD)
def test_a_push_with_an_absurd_time_was_never_seen(file: Path, number: str) -> None:
    with closing(Memory(file)) as first:
        first.saw([(IMAGE, "1", None, at(0)), (IMAGE, "2", None, at(1))])
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(f"UPDATE push SET time = {number} WHERE tag = '1'")
    with closing(Memory(file)) as second:
        assert second.pushes(IMAGE) == {"2": [(None, at(1))]}


def test_absurd_sizes_do_not_keep_others_from_being_kept(file: Path) -> None:
    with closing(Memory(file)) as first:
        first.keep("a", KEPT)
        first.keep("b", KEPT)
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE answer SET size = 9223372036854775807")
    with closing(Memory(file)) as second:
        second.keep("c", KEPT)
        assert second.known("c") == KEPT


def damaged(file: Path) -> None:
    """Changes what SQLite reads only when it needs it: all pages but the first."""
    with closing(Memory(file)) as found:
        note(found, *map(str, range(500)))
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))


def test_a_file_that_shows_to_be_damaged_in_use_is_thrown_away(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    damaged(file)
    with closing(Memory(file)) as found:
        note(found, "1")
        found.keep("a", KEPT)
        assert found.known("a") == KEPT
    assert [record.message.count("malformed") for record in caplog.records] == [1]
    with closing(Memory(file)) as next_one:
        assert next_one.known("a") == KEPT
        note(next_one, "2")
        assert set(next_one.pushes(IMAGE)) == {"2"}, "what was being written when it showed is lost"


def test_a_disk_that_damages_files_again_and_again_is_not_fought(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    renewed = []
    anew = module._anew

    def again(file: Path) -> sqlite3.Connection:
        renewed.append(file)
        anew(file).close()
        damaged(file)
        return module._connected(file)

    damaged(file)
    monkeypatch.setattr(module, "_anew", again)
    with closing(Memory(file)) as found:
        for _ in range(3):
            note(found, "1")
            assert found.pushes(IMAGE) == {}
    assert renewed == [file]


def test_where_no_new_file_can_be_made_it_remembers_as_long_as_it_lives(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Path) -> sqlite3.Connection:
        raise PermissionError("read-only")

    damaged(file)
    monkeypatch.setattr(module, "_anew", fail)
    with closing(Memory(file)) as found:
        note(found, "1")
        found.keep("a", KEPT)
        assert found.known("a") == KEPT
    assert "read-only" in caplog.text


def modes(file: Path) -> set[int]:
    return {each.stat().st_mode & 0o777 for each in file.parent.iterdir()}


def test_nobody_else_may_read_the_file(file: Path) -> None:
    with closing(Memory(file)) as found:
        found.keep("a", KEPT)
        assert len(list(file.parent.iterdir())) > 1, "there is a log"
        assert modes(file) == {0o600}
    file.chmod(0o644)
    with closing(Memory(file)) as found:
        found.keep("b", KEPT)
        assert modes(file) == {0o600}


@pytest.mark.parametrize("release", [1, 99])
def test_a_file_of_another_release_is_thrown_away_and_made_anew(file: Path, release: int) -> None:
    with closing(Memory(file)) as old:
        old.keep("a", KEPT)
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE look (image TEXT PRIMARY KEY, looked_at INTEGER NOT NULL) WITHOUT ROWID")
        db.execute(f"PRAGMA user_version = {release}")
    with closing(Memory(file)) as new:
        assert new.known("a") is None
        new.keep("a", KEPT)
    with closing(Memory(file)) as again:
        assert again.known("a") == KEPT
    with closing(sqlite3.connect(file)) as db:
        assert {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")} == {
            "answer", "push",
        }  # fmt: skip


def test_a_file_that_was_damaged_while_it_was_open_is_looked_through(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = file.with_name("copy.sqlite")
    with closing(Memory(file)) as first:
        first.keep("a", KEPT)
        note(first, *map(str, range(500)))
        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        first.keep("b", KEPT)
        for ending in ("", "-wal"):
            copy.with_name(copy.name + ending).write_bytes(file.with_name(file.name + ending).read_bytes())
    assert copy.with_name(copy.name + "-wal").read_bytes(), "nobody closed it in order"
    content = copy.read_bytes()
    copy.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with closing(Memory(copy)) as second:
        note(second, "1")
        assert second.pushes(IMAGE).keys() == {"1"}
        assert second.known("a") is None
    assert caplog.records == []


def test_where_there_can_be_no_file_it_remembers_as_long_as_it_lives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    with closing(Memory(tmp_path / "file" / "registries.sqlite")) as found:
        found.keep("a", KEPT)
        assert found.known("a") == KEPT
        note(found, "1")
        assert set(found.pushes(IMAGE)) == {"1"}
    assert "cannot be remembered" in caplog.text


def test_a_folder_in_its_place_is_left_as_it_is(file: Path) -> None:
    file.mkdir(parents=True)
    before = file.stat().st_mode
    with closing(Memory(file)) as found:
        found.keep("a", KEPT)
        assert found.known("a") == KEPT
    assert file.stat().st_mode == before


def test_what_cannot_be_written_fails_nothing_and_is_said_once(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(Memory(file)) as found, closing(sqlite3.connect(file)) as db:
        db.execute("DROP TABLE answer")
        db.execute("DROP TABLE push")
        db.commit()
        with caplog.at_level(logging.WARNING):
            found.keep("a", KEPT)
            found.keep("b", KEPT)
            assert found.known("a") is None
            note(found, "1")
            assert found.pushes(IMAGE) == {}
    assert [record.message.count("no such table: answer") for record in caplog.records] == [1, 0]


def test_after_it_was_closed_nothing_is_known_and_nothing_fails_or_is_said(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = Memory(file)
    found.keep("a", KEPT)
    found.close()
    found.keep("b", KEPT)
    assert found.known("a") is None
    note(found, "1")
    assert found.pushes(IMAGE) == {}
    assert caplog.records == []


# --- many at once


def test_many_threads_may_use_it(memory: Memory) -> None:
    def work(number: int) -> None:
        for count in range(20):
            memory.keep(f"{number}-{count}", KEPT)
            memory.saw([(f"{IMAGE}-{number}", str(count), None, at(count))])

    threads = [Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(memory.known(f"{number}-{count}") == KEPT for number in range(8) for count in range(20))
    assert all(len(memory.pushes(f"{IMAGE}-{number}")) == 20 for number in range(8))


def _note(file: Path, number: int) -> None:
    with closing(Memory(file)) as mine:
        for count in range(20):
            mine.keep(f"{number}-{count}", KEPT)
            mine.saw([(IMAGE, f"{number}-{count}", None, at(count))])


def test_many_processes_may_use_it_from_the_start(file: Path) -> None:
    processes = [multiprocessing.get_context("spawn").Process(target=_note, args=(file, number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with closing(Memory(file)) as found:
        assert len(found.pushes(IMAGE)) == 60
        assert all(found.known(f"{number}-{count}") == KEPT for number in range(3) for count in range(20))
