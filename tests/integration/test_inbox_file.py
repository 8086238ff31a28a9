"""What may be wrong with the inbox's file: nothing is accepted that is not durable, and nothing is thrown away."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.helpers.events import pushed
from tests.helpers.inboxes import Stand, ended, events
from tests.helpers.patience import eventually
from updater.adapters.inbox import Inbox
from updater.adapters.inbox_file import FORMAT, Connection, InboxFile
from updater.errors import StorageError


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path / "state" / "x.inbox")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def parts(file: Path) -> list[Path]:
    """The database with its log and the log's index, as far as they are there."""
    return sorted(file.parent.glob(f"{file.name}*"))


def move_away(file: Path) -> None:
    for part in parts(file):
        part.rename(part.with_name(f"moved-{part.name}"))


def refuses(inbox: Inbox) -> StorageError:
    """What an inbox says that keeps nothing, by whatever way it is asked; it is no failure for the worker."""
    with pytest.raises(StorageError) as caught:
        inbox.put([pushed("9.9")])
    with pytest.raises(StorageError):
        asyncio.run(inbox.accept([pushed("9.9")]))
    assert inbox.problem() == f"{caught.value}: {caught.value.hint}"
    return caught.value


def accepts(inbox: Inbox) -> bool:
    """Whether an inbox has become well again by itself, and says so."""
    return eventually(lambda: inbox.problem() is None) and not asyncio.run(inbox.accept([pushed("1.0")]))


def fill(stand: Stand, count: int = 500) -> None:
    with stand.opened() as inbox:
        inbox.put([pushed(f"1.0.{number}", "a") for number in range(count)])


def test_the_file_is_for_its_owner_alone(stand: Stand) -> None:
    with stand.opened() as inbox:
        inbox.put([pushed("1.0")])
        assert len(parts(stand.file)) == 3
        assert {stat.S_IMODE(part.stat().st_mode) for part in parts(stand.file)} == {0o600}
    assert stat.S_IMODE(stand.file.parent.stat().st_mode) == 0o700


def test_what_is_accepted_is_flushed_to_the_disk_and_others_are_waited_for_a_moment(stand: Stand) -> None:
    file = InboxFile(stand.file)
    with file.reading() as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert 0 < db.execute("PRAGMA busy_timeout").fetchone()[0] <= 500
    file.close()


@pytest.mark.slow
def test_a_file_that_another_process_keeps_locked_is_told_and_used_again_once_it_is_free(stand: Stand) -> None:
    with stand.opened() as inbox:
        inbox.put([pushed("0.9")])
        with locked(stand.file):
            told = refuses(inbox)
            assert told.retry
            assert ("locked" in str(told), "another process" in (told.hint or "")) == (True, True)
            assert [event.version.tag for event in events(inbox.take(10))] == ["0.9"]
        assert accepts(inbox)


@pytest.mark.slow
def test_a_file_that_is_locked_at_the_start_is_no_failure(stand: Stand) -> None:
    fill(stand, 1)
    with locked(stand.file), stand.opened() as inbox:
        assert "locked" in (inbox.problem() or "")


@pytest.mark.slow
def test_endings_that_cannot_be_written_are_kept_and_written_later(stand: Stand) -> None:
    with stand.opened() as inbox:
        inbox.put([pushed("1.0"), pushed("1.1")])
        done, again = inbox.take(2)
        with locked(stand.file):
            inbox.settle([ended(done)])
            inbox.settle([ended(again, "again")])
            assert (inbox.take(10), inbox.due()) == ([], None)
            assert inbox.depth().waiting == 2
        assert [item.name for item in inbox.take(10)] == [again.name]
        assert inbox.depth().waiting == 1


def test_endings_that_were_never_written_mean_a_second_look(stand: Stand) -> None:
    with stand.opened() as inbox:
        inbox.put([pushed("1.0")])
        with locked(stand.file):
            inbox.settle([ended(item) for item in inbox.take(1)])
            inbox.close()
    with stand.opened() as inbox:
        assert events(inbox.take(1)) == [pushed("1.0")]


@pytest.mark.parametrize("damage", ["not a database", "truncated", "middle"])
def test_a_damaged_file_is_left_as_it_is_and_a_new_one_is_started_once_it_is_moved_away(
    stand: Stand, damage: str
) -> None:
    fill(stand)
    content = stand.file.read_bytes()
    half = len(content) // 2
    damaged = {
        "not a database": b"x" * 5000,
        "truncated": content[:half],
        "middle": content[: half - 4096] + b"\xff" * 8192 + content[half + 4096 :],
    }[damage]
    stand.file.write_bytes(damaged)
    with stand.opened() as inbox:
        told = refuses(inbox)
        assert "damaged" in str(told)
        assert "move it away" in (told.hint or "")
        assert (inbox.take(10), inbox.due()) == ([], None)
        with pytest.raises(StorageError):
            inbox.depth()
        assert stand.file.read_bytes() == damaged
        move_away(stand.file)
        assert accepts(inbox)
        assert events(inbox.take(10)) == [pushed("1.0")]


def test_damage_that_is_met_while_it_is_used_stops_it_also_where_the_rest_could_be_written(stand: Stand) -> None:
    """With more rows than SQLite keeps in memory."""
    fill(stand, 10_000)
    with stand.opened() as inbox, stand.file.open("r+b", buffering=0) as file:
        file.seek(4096 * 64)
        file.write(b"\xff" * 4096 * 8)
        with pytest.raises(StorageError, match="damaged"):
            inbox.rows(limit=10_000)
        refuses(inbox)
        assert inbox.take(10) == []


def test_a_time_that_cannot_be_read_is_damage(stand: Stand) -> None:
    fill(stand, 1)
    with closing(sqlite3.connect(stand.file)) as db:
        db.execute("UPDATE item SET received_at = 'noon'")
        db.commit()
    with stand.opened() as inbox:
        assert inbox.take(10) == []
        with pytest.raises(StorageError, match="'noon' is no time"):
            inbox.rows()


def test_a_file_of_a_newer_release_is_refused_in_words(stand: Stand) -> None:
    fill(stand, 1)
    with closing(sqlite3.connect(stand.file)) as db:
        db.execute(f"PRAGMA user_version = {FORMAT + 1}")
    before = stand.file.read_bytes()
    with stand.opened() as inbox:
        told = refuses(inbox)
        assert f"of format {FORMAT + 1}, and this release knows {FORMAT}" in str(told)
        assert "run the release that wrote it" in (told.hint or "")
    assert stand.file.read_bytes() == before


def test_a_folder_that_cannot_be_used_is_told_and_used_once_it_can_be(stand: Stand) -> None:
    stand.file.parent.touch()
    with stand.opened() as inbox:
        told = refuses(inbox)
        assert str(stand.file) in str(told)
        assert "state folder" in (told.hint or "")
        stand.file.parent.unlink()
        assert accepts(inbox)


@pytest.mark.parametrize("endings", [("", "-wal", "-shm"), ("",), ("-wal",), ("-shm",)])
def test_what_is_accepted_after_the_file_was_deleted_is_in_a_file_that_is_there(
    stand: Stand, endings: tuple[str, ...]
) -> None:
    """In all its parts, the database alone, its log alone, and the log's index alone."""
    with stand.opened() as inbox:
        inbox.put([pushed("1.0")])
        for ending in endings:
            stand.file.with_name(stand.file.name + ending).unlink()
        inbox.put([pushed("1.1")])
        with stand.opened() as second:
            assert pushed("1.1") in events(second.take(10))
            second.put([pushed("1.2")])
        assert pushed("1.2") in events(inbox.take(10))


def test_what_is_worked_on_when_the_file_is_deleted_ends_no_other_event(stand: Stand) -> None:
    with stand.opened() as inbox:
        inbox.put([pushed("1.0")])
        taken = inbox.take(1)
        move_away(stand.file)
        inbox.put([pushed("1.1", id="id-2")])
        inbox.settle([ended(item) for item in taken])
        assert events(inbox.take(10)) == [pushed("1.1", id="id-2")]


def test_a_file_that_is_moved_away_while_it_is_written_to_has_accepted_nothing(stand: Stand) -> None:
    file = InboxFile(stand.file)

    def write() -> None:
        with file.writing() as db:
            touch_and_move(db)

    def touch_and_move(db: Connection) -> None:
        db.execute("DELETE FROM item")
        move_away(stand.file)

    with pytest.raises(StorageError, match="moved away"):
        write()
    with file.writing() as db:
        db.execute("DELETE FROM item")
    assert file.problem is None
    file.close()


def test_a_full_disk_is_told_nothing_is_half_written_and_it_goes_on_once_there_is_room(stand: Stand) -> None:
    file = InboxFile(stand.file)
    row = "INSERT INTO item (tag, digest, source, id, newest, received_at, opened_at, state, body) VALUES"

    def write(size: int) -> None:
        with file.writing() as db:
            db.execute(f"{row} ('', '', 'a', 'small', '', '', '', 'dead', x'00')")
            db.execute(f"{row} ('', '', 'a', 'large', '', '', '', 'dead', zeroblob({size}))")

    with file.reading() as db:
        room = db.execute("PRAGMA page_count").fetchone()[0] + 2
        db.execute(f"PRAGMA max_page_count = {room}")
    with pytest.raises(StorageError, match="full") as caught:
        write(100_000)
    assert "room on the disk" in (caught.value.hint or "")
    assert file.problem is caught.value
    with file.reading() as db:
        assert db.execute("SELECT count(*) FROM item").fetchone()[0] == 0
    write(1)
    assert file.problem is None
    file.close()


def test_what_is_wrong_is_logged_once_and_its_end_once(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "updater")
    stand.file.parent.touch()
    with stand.opened() as inbox:
        for _ in range(3):
            inbox.take(1)
        stand.file.parent.unlink()
        assert eventually(lambda: inbox.problem() is None)
        for _ in range(3):
            inbox.take(1)
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == ["ERROR", "INFO"]
    assert str(stand.file) in told[0][1]


def test_an_inbox_that_was_closed_accepts_nothing(stand: Stand) -> None:
    with stand.opened() as inbox:
        pass
    with pytest.raises(StorageError, match="closed"):
        asyncio.run(inbox.accept([pushed("1.0")]))
