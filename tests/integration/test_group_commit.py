"""Many writers in few transactions: each hears of its own, and nobody is held up by another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.events import pushed
from tests.helpers.inboxes import Stand
from updater.adapters.group_commit import GroupCommit, Work
from updater.adapters.inbox_file import Connection, InboxFile
from updater.errors import StorageError


class Ledger:
    """A file, the group that writes to it, and a note of each transaction."""

    def __init__(self, path: Path) -> None:
        self.file = InboxFile(path)
        self.transactions: list[str] = []
        self.group = GroupCommit(self.file, lambda: self.transactions.append("committed"))

    def ids(self) -> set[str]:
        with self.file.reading() as db:
            return {str(id_) for (id_,) in db.execute("SELECT id FROM item")}

    def close(self) -> None:
        self.group.close()
        self.file.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "x.inbox")) as made:
        yield made


def row(id_: object) -> Work:
    """Writes a row."""

    def work(db: Connection) -> None:
        db.execute(
            "INSERT INTO item (tag, digest, source, id, newest, received_at, opened_at, state)"
            " VALUES ('', '', 'a', ?, '', '', '', 'dead')",
            (str(id_),),
        )

    return work


def bad(_: Connection) -> None:
    raise ValueError("this one is bad")


def test_those_that_wait_while_one_is_written_are_written_together(ledger: Ledger) -> None:
    with ledger.file.writing():
        futures = [ledger.group.submit(row(number)) for number in range(200)]
    assert [future.result(30) for future in futures] == [None] * 200
    assert len(ledger.transactions) <= 2
    assert ledger.ids() == {str(number) for number in range(200)}


def test_one_that_is_bad_keeps_no_other_back(ledger: Ledger) -> None:
    with ledger.file.writing():
        good, wrong, other = (ledger.group.submit(work) for work in (row(1), bad, row(2)))
    assert (good.result(30), other.result(30)) == (None, None)
    assert isinstance(wrong.exception(30), ValueError)
    assert ledger.ids() == {"1", "2"}


def test_one_that_nobody_waits_for_any_more_is_left_out(ledger: Ledger) -> None:
    with ledger.file.writing():
        ledger.group.submit(row(0))
        waiting = [ledger.group.submit(row(number)) for number in range(1, 600)]
        assert waiting[-1].cancel()
    ledger.group.close()
    assert ledger.ids() == {str(number) for number in range(599)}


def test_all_hear_of_a_file_that_cannot_be_used_and_those_after_it_is_mended_do_not(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    with closing(Ledger(tmp_path / "folder" / "x.inbox")) as ledger:
        futures = [ledger.group.submit(row(number)) for number in range(5)]
        assert {type(future.exception(30)) for future in futures} == {StorageError}
        assert ledger.transactions == []
        (tmp_path / "folder").unlink()
        ledger.group.submit(row("after")).result(30)
        assert ledger.ids() == {"after"}


def test_what_was_taken_is_written_before_it_ends_and_its_thread_is_gone(ledger: Ledger) -> None:
    futures = [ledger.group.submit(row(number)) for number in range(1000)]
    assert "inbox-writer" in {thread.name for thread in threading.enumerate()}
    ledger.group.close()
    assert all(future.done() for future in futures)
    assert len(ledger.ids()) == 1000
    assert "inbox-writer" not in {thread.name for thread in threading.enumerate()}
    assert isinstance(ledger.group.submit(row("late")).exception(30), StorageError)


def test_coroutines_are_answered_once_their_events_are_in_the_file(tmp_path: Path) -> None:
    stand = Stand(tmp_path / "x.inbox")

    async def accept(number: int) -> bool:
        await inbox.accept([pushed(f"1.0.{number}")])
        return any(row.version.tag == f"1.0.{number}" for row in second.rows(limit=1000))

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*map(accept, range(64)), inbox.accept([]))

    with stand.opened() as inbox, stand.opened() as second:
        rings: list[str] = []
        inbox.on_put(lambda: rings.append("rung"))
        assert asyncio.run(all_of_them())[:-1] == [True] * 64
        assert 0 < len(rings) < 64
