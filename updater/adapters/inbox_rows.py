"""What is read of the inbox's rows, and how times and names stand in them.

Times are texts of one length, so that they compare and sort as they are; an empty text stands for what is not known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from updater.adapters.inbox_file import Connection
from updater.core import retrying
from updater.errors import StorageError
from updater.feeds import Item
from updater.model import Delivery, Event, Version

MARK = "deliveries || ' ' || newest"
"""Of a row: another one after each delivery, and in each file."""

_EVENT = "number, source, id, image, tag, digest, received_at, pushed_at, newest, deliveries, tries"
_ROW = f"{_EVENT}, opened_at, state, next_try, outcome, reason, commits, ended_at"
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the inbox. `image` is None for a delivery that is no event.

    `source`, `id` and the times are those of the event that is worked on; `newest` is `source/id` of the newest equal
    delivery, of which there were `deliveries`. It waits since `opened_at`, or did so until `ended_at`.
    """

    number: int
    source: str
    id: str
    image: str | None
    version: Version
    received_at: datetime
    pushed_at: datetime | None
    newest: str
    deliveries: int
    state: str
    tries: int
    opened_at: datetime
    next_try: datetime | None
    ended_at: datetime | None
    outcome: str
    reason: str
    commits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits, since when the oldest of it does, and how much is left to a person."""

    waiting: int
    dead: int
    oldest: datetime | None


def due(db: Connection, now: datetime, limit: int) -> Iterator[tuple[Item, str]]:
    """What is due, oldest first, each with its `MARK`."""
    rows = db.execute(
        f"SELECT {_EVENT}, {MARK} AS mark FROM item WHERE state = 'waiting' AND"  # noqa: S608
        " (next_try IS NULL OR next_try <= ? OR next_try > ?) ORDER BY opened_at, number LIMIT ?",
        (written(now), written(now + retrying.LONGEST), limit),
    )
    for row in rows:
        yield Item(str(row["number"]), (_event(row),), tries=row["tries"]), row["mark"]


def waiting(db: Connection, now: datetime) -> Iterator[tuple[str, datetime]]:
    """The names of all that waits, each with when it is due: `now` where it is already."""
    for number, text in db.execute("SELECT number, next_try FROM item WHERE state = 'waiting'"):
        next_try = _maybe(text) or now
        yield str(number), next_try if now < next_try <= now + retrying.LONGEST else now


def depth(db: Connection) -> Depth:
    """How much there is to do."""
    count = "SELECT count(*), min(opened_at) FROM item WHERE state = ?"
    (waiting, oldest), (dead, _) = (db.execute(count, (state,)).fetchone() for state in ("waiting", "dead"))
    return Depth(waiting, dead, _maybe(oldest))


def listed(db: Connection, state: str | None, limit: int, before: int | None) -> list[Row]:
    """Rows in this state, or in any, with numbers below `before`; the newest first."""
    where = "(:state IS NULL OR state = :state) AND (:before IS NULL OR number < :before)"
    values = {"state": state, "before": None if before is None else within(before), "limit": within(limit)}
    found = db.execute(f"SELECT {_ROW} FROM item WHERE {where} ORDER BY number DESC LIMIT :limit", values)  # noqa: S608
    return [_row(row) for row in found]


def one(db: Connection, number: int) -> Row | None:
    """The row of a number."""
    found = db.execute(f"SELECT {_ROW} FROM item WHERE number = ?", (within(number),)).fetchone()  # noqa: S608
    return None if found is None else _row(found)


def letter(db: Connection, number: int) -> Delivery | None:
    """The delivery in a row that is no event, as far as it was kept."""
    columns, where = "source, body, received_at, headers, address", "number = ? AND image IS NULL"
    found = db.execute(f"SELECT {columns} FROM item WHERE {where}", (within(number),)).fetchone()  # noqa: S608
    if found is None:
        return None
    headers = json.loads(found["headers"])
    return Delivery(found["source"], found["body"], read(found["received_at"]), headers, found["address"])


def name(source: str, id_: str) -> str:
    """What a delivery is called, also where it goes on: in logs, and in the commits that it leads to."""
    return f"{source}/{id_}"


def within(number: int) -> int:
    """A number that a person gave, or the nearest that SQLite has."""
    return max(-_LARGEST, min(number, _LARGEST))


def written(time: datetime) -> str:
    """A time as it stands in a row."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def read(text: str) -> datetime:
    """The time of such a text. Raises `StorageError` for any other text."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise StorageError(f"the inbox is damaged: {text!r} is no time", hint="move its file away") from error


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else read(text)


def _version(row: Any) -> Version:
    return Version(row["tag"] or None, row["digest"] or None)


def _event(row: Any) -> Event:
    received_at, pushed_at = read(row["received_at"]), _maybe(row["pushed_at"])
    return Event(row["source"], row["id"], row["image"], _version(row), received_at, pushed_at)


def _row(row: Any) -> Row:
    return Row(
        row["number"],
        row["source"],
        row["id"],
        row["image"],
        _version(row),
        read(row["received_at"]),
        _maybe(row["pushed_at"]),
        row["newest"],
        row["deliveries"],
        row["state"],
        row["tries"],
        read(row["opened_at"]),
        _maybe(row["next_try"]),
        _maybe(row["ended_at"]),
        row["outcome"],
        row["reason"],
        tuple(row["commits"].split()),
    )
