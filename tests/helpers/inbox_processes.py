"""What processes of their own do with an inbox. Little is imported here, so that they start quickly."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from updater.adapters.inbox import Inbox
from updater.errors import StorageError
from updater.feeds import Ending
from updater.model import Event, Version

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def opened(file: Path) -> closing[Inbox]:
    """An inbox by a clock that stands."""
    return closing(Inbox(file, lambda: NOON))


def pushed(tag: str, id_: str = "id-1") -> Event:
    """A push of the only image that there is."""
    return Event("generic", id_, "reg.example/models/model-a", Version(tag), NOON, NOON)


def serve(file: Path, run: str) -> None:
    """Takes in and works, and says so on standard output once it is true, until it is killed."""

    async def sender(number: int) -> None:
        for count in range(10_000):
            tag = f"{run}.{number}.{count}"
            await inbox.accept([pushed(tag)])
            _say("accepted", tag)

    async def worker() -> None:
        while True:
            for item in inbox.take(5):
                inbox.settle([(item, Ending("done", "committed", "it landed"))])
                _say("done", item.events[0].version.tag or "")
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(worker(), *map(sender, range(8)))

    with opened(file) as inbox:
        asyncio.run(all_of_them())


def push_all(file: Path, letter: str, count: int) -> None:
    """Pushes of this process alone, and those that others push, too; each is tried until it is accepted."""
    with opened(file) as inbox:
        for number in range(count):
            for tag in (f"{letter}.{number}", f"all.{number}"):
                while _is_refused(inbox, [pushed(tag, letter)]):
                    pass


def fill_up(file: Path) -> tuple[int, str, str | None, int]:
    """Puts in until the system lets no file grow any further, then once more when it does again; see setrlimit(2).

    Gives how many were accepted before, what was said, what `problem` said, and how many wait at last.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(file) as inbox:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        for count in range(10_000):
            try:
                asyncio.run(inbox.accept([pushed(f"1.{count}")]))
            except StorageError as error:
                told, problem = str(error.hint), inbox.problem()
                break
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        inbox.put([pushed("last")])
        return count, told, problem, inbox.depth().waiting


def _is_refused(inbox: Inbox, events: Sequence[Event]) -> bool:
    """Whether others kept it locked for too long."""
    try:
        inbox.put(events)
    except StorageError:
        return True
    return False


def _say(*words: str) -> None:
    os.write(1, (" ".join(words) + "\n").encode())


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2])
