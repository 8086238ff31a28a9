"""What registries told is remembered in one file, which may be lost, damaged, full or shared."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from tests.helpers.events import IMAGE, at, digest
from updater.core.sightings import Knowledge, Seen, looked
from updater.registries import memory as module
from updater.registries.answers import Kept, Tagged
from updater.registries.memory import UNSEEN, Memory

KEPT = Kept('"etag"', b"the body" * 100, {"link": "</next>; rel=next"})
OTHER = "reg.example/models/model-b"
FULL = Seen(at(0), at(-60), digest("a"), at(-30), at(10), at(20))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "registries.sqlite"


@pytest.fixture
def memory(file: Path) -> Iterator[Memory]:
    with closing(Memory(file)) as found:
        yield found


def look(memory: Memory, image: str = IMAGE, minute: float = 0, *tags: str) -> Knowledge:
    return memory.look(image, lambda old: looked(old, dict.fromkeys(tags, Tagged()), at(minute)))


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


# --- looks


def test_a_look_goes_on_from_the_one_before_whoever_made_it(file: Path) -> None:
    with closing(Memory(file)) as first:
        assert look(first, IMAGE, 0, "1").tags == {"1": Seen(at(0))}
    with closing(Memory(file)) as second:
        found = look(second, IMAGE, 60, "1", "2")
    assert found == Knowledge(at(60), {"1": Seen(at(0)), "2": Seen(at(60), at(0))})


def test_what_was_found_is_read_as_it_was_written(memory: Memory) -> None:
    knowledge = Knowledge(at(30) + timedelta(microseconds=1), {"1": FULL, "2": Seen(at(0))})
    memory.look(IMAGE, lambda _: knowledge)
    read: list[Knowledge | None] = []

    def again(old: Knowledge | None) -> Knowledge:
        read.append(old)
        return knowledge

    memory.look(IMAGE, again)
    memory.look(OTHER, again)
    assert read == [knowledge, None]


def test_tags_that_are_forgotten_are_gone_and_those_of_other_images_are_not(memory: Memory) -> None:
    look(memory, IMAGE, 0, "1", "2")
    look(memory, OTHER, 0, "1")
    memory.look(IMAGE, lambda _: Knowledge(at(1), {"2": Seen(at(0))}))
    assert look(memory, IMAGE, 2, "2").tags == {"2": Seen(at(0))}
    assert look(memory, OTHER, 2, "1").tags == {"1": Seen(at(0))}


def test_an_image_that_nobody_looks_at_any_more_is_forgotten(memory: Memory) -> None:
    long = UNSEEN / timedelta(minutes=1)
    look(memory, IMAGE, 0, "1")
    look(memory, OTHER, long, "1")
    assert look(memory, IMAGE, long, "1").tags == {"1": Seen(at(0))}, "not yet"
    look(memory, OTHER, 2 * long + 1, "1")
    assert look(memory, IMAGE, 2 * long + 1, "1").tags == {"1": Seen(at(2 * long + 1))}


def test_a_look_that_fails_leaves_what_was_known(memory: Memory) -> None:
    look(memory, IMAGE, 0, "1")

    def broken(_: Knowledge | None) -> Knowledge:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        memory.look(IMAGE, broken)
    assert look(memory, IMAGE, 1, "1").tags == {"1": Seen(at(0))}


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
@pytest.mark.parametrize("column", ["seen SET first", "seen SET missing", "look SET looked_at"])
def test_a_look_with_absurd_numbers_was_never_there(
    file: Path, column: str, number: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Memory(file)) as first:
        look(first, IMAGE, 0, "1", "2")
        look(first, OTHER, 0, "1")
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(f"UPDATE {column} = {number} WHERE image = ?", (IMAGE,))
    with closing(Memory(file)) as second:
        assert look(second, IMAGE, 60, "2") == Knowledge(at(60), {"2": Seen(at(60))}), "it is a first look"
        assert look(second, IMAGE, 70, "2", "3").tags["3"] == Seen(at(70), at(60)), "and then a second one"
        assert look(second, OTHER, 60, "1").tags == {"1": Seen(at(0))}
    assert caplog.records == []


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
        look(found, IMAGE, 0, *map(str, range(500)))
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))


def test_a_file_that_shows_to_be_damaged_in_use_is_thrown_away(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    damaged(file)
    with closing(Memory(file)) as found:
        look(found, IMAGE, 60, "1")
        found.keep("a", KEPT)
        assert found.known("a") == KEPT
    assert [record.message.count("malformed") for record in caplog.records] == [1]
    with closing(Memory(file)) as next_one:
        assert next_one.known("a") == KEPT
        assert look(next_one, IMAGE, 120, "1").tags


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
            assert look(found, IMAGE, 60, "1") == Knowledge(at(60), {"1": Seen(at(60))})
    assert renewed == [file]


def test_where_no_new_file_can_be_made_it_remembers_as_long_as_it_lives(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Path) -> sqlite3.Connection:
        raise PermissionError("read-only")

    damaged(file)
    monkeypatch.setattr(module, "_anew", fail)
    with closing(Memory(file)) as found:
        look(found, IMAGE, 60, "1")
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


def test_a_file_of_another_release_is_thrown_away(file: Path) -> None:
    with closing(Memory(file)) as old:
        old.keep("a", KEPT)
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    with closing(Memory(file)) as new:
        assert new.known("a") is None


def test_a_file_that_was_damaged_while_it_was_open_is_looked_through(file: Path) -> None:
    with closing(Memory(file)) as first:
        first.keep("a", KEPT)
        look(first, IMAGE, 0, *map(str, range(500)))
        copy = file.with_name("copy.sqlite")
        for ending in ("", "-wal", "-shm"):
            copy.with_name(copy.name + ending).write_bytes(file.with_name(file.name + ending).read_bytes())
    content = copy.with_name(copy.name + "-wal").read_bytes()
    assert content, "there is a log"
    copy.write_bytes(copy.read_bytes()[:4096] + b"\xff" * 8192)
    with closing(Memory(copy)) as second:
        assert look(second, IMAGE, 60, "1").looked_at == at(60)


def test_where_there_can_be_no_file_it_remembers_as_long_as_it_lives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    with closing(Memory(tmp_path / "file" / "registries.sqlite")) as found:
        found.keep("a", KEPT)
        assert found.known("a") == KEPT
        assert look(found, IMAGE, 0, "1").tags == {"1": Seen(at(0))}
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
        db.execute("DROP TABLE seen")
        db.commit()
        with caplog.at_level(logging.WARNING):
            found.keep("a", KEPT)
            found.keep("b", KEPT)
            assert found.known("a") is None
            assert look(found, IMAGE, 0, "1") == Knowledge(at(0), {"1": Seen(at(0))})
    assert [record.message.count("no such table: answer") for record in caplog.records] == [1, 0]


def test_after_it_was_closed_nothing_is_known_and_nothing_fails_or_is_said(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = Memory(file)
    found.keep("a", KEPT)
    found.close()
    found.keep("b", KEPT)
    assert found.known("a") is None
    assert found.pushes(IMAGE) == {}
    assert look(found, IMAGE, 0, "1") == Knowledge(at(0), {"1": Seen(at(0))})
    assert caplog.records == []


# --- many at once


def test_many_threads_may_use_it(memory: Memory) -> None:
    def work(number: int) -> None:
        for count in range(20):
            memory.keep(f"{number}-{count}", KEPT)
            look(memory, f"{IMAGE}-{number}", count, "1")

    threads = [Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(memory.known(f"{number}-{count}") == KEPT for number in range(8) for count in range(20))


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
