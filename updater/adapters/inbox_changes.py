"""How the rows of the inbox change: what comes in, what becomes of it, what is tried again and what is forgotten.

A version has one row for all its deliveries. One that comes after it has ended opens the row again, since it may land
now that could not before; to look at it twice does no harm.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from updater.adapters.inbox_file import Connection
from updater.adapters.inbox_rows import MARK, name, read, within, written
from updater.core.pushes import hashed
from updater.feeds import Ending
from updater.model import Delivery, Event, Outcome

MAX_BODY = 1_048_576
"""So much is kept of a delivery that is no event."""
MAX_LETTERS = 1000
"""So many deliveries that are no events are kept when others are forgotten."""

_REPEATED = timedelta(hours=1)
"""So long after a push has landed its sender may repeat it, because our answer got lost."""
_LANDED = (Outcome.COMMITTED, Outcome.UNCHANGED)
_SECRET = re.compile(r"auth|cert|cookie|cred|hmac|jwt|key|pass|secret|session|sign|token")
"""In names of headers that may hold a secret; rather too many of them than one too few."""

_NEW = (
    "INSERT INTO item (image, tag, digest, source, id, newest, pushed_at, received_at, opened_at, state)"
    " VALUES (:image, :tag, :digest, :source, :id, :newest, :pushed_at, :received_at, :now, 'waiting')"
)
_COUNTED = "UPDATE item SET deliveries = deliveries + 1"
_EARLIEST = (
    "newest = :newest, received_at = min(received_at, :received_at),"
    " pushed_at = coalesce(min(pushed_at, :pushed_at), pushed_at, :pushed_at)"
)
_ANEW = "newest = :newest, source = :source, id = :id, received_at = :received_at, pushed_at = :pushed_at"
_OPENED = (
    "state = 'waiting', opened_at = :now, tries = 0, next_try = NULL, outcome = '', reason = '', commits = '',"
    " ended_at = NULL"
)
_THIS = "image = :image AND tag = :tag AND digest = :digest"


def put(db: Connection, event: Event, now: datetime) -> None:
    """Keeps a push: in a row of its own, or in that of its version, which is opened again if it has ended.

    What only repeats a delivery that has landed is counted and no more.
    """
    values = _values(event, now)
    known = db.execute(f"SELECT * FROM item WHERE {_THIS}", values).fetchone()  # noqa: S608
    if known is None:
        db.execute(_NEW, values)
    elif known["state"] == "waiting":
        db.execute(f"{_COUNTED}, {_EARLIEST} WHERE {_THIS}", values)
    elif _is_repeated(known, event, now):
        db.execute(f"{_COUNTED} WHERE {_THIS}", values)
    else:
        # A tag may be another image each time that it is pushed; a digest never is.
        db.execute(f"{_COUNTED}, {_EARLIEST if event.version.digest else _ANEW}, {_OPENED} WHERE {_THIS}", values)


def bury(db: Connection, delivery: Delivery, reason: str, now: datetime) -> None:
    """Keeps a delivery that cannot be read for a person: once, however often it comes, and none of its secrets."""
    cut = len(delivery.body) - MAX_BODY
    id_ = hashed(delivery.body)
    values = {
        "source": delivery.source,
        "id": id_,
        "newest": name(delivery.source, id_),
        "received_at": written(delivery.received_at),
        "now": written(now),
        "reason": _clean(f"{reason} (the last {cut} bytes of the body are not kept)" if cut > 0 else reason),
        "headers": json.dumps({key: text for key, text in delivery.headers.items() if not _SECRET.search(key.lower())}),
        "address": _clean(delivery.address),
        "body": delivery.body[:MAX_BODY],
    }
    db.execute(
        "INSERT INTO item (tag, digest, source, id, newest, received_at, opened_at, ended_at, state, outcome, reason,"
        " headers, address, body) VALUES ('', '', :source, :id, :newest, :received_at, :now, :now, 'dead',"
        " 'unreadable', :reason, :headers, :address, :body) ON CONFLICT (source, id) WHERE image IS NULL DO UPDATE"
        " SET deliveries = deliveries + 1, state = 'dead', outcome = 'unreadable', reason = :reason, ended_at = :now",
        values,
    )


def settle(db: Connection, number: str, mark: str, ending: Ending, now: datetime) -> None:
    """Writes down what became of a row that had this `MARK` when it was taken.

    Where a delivery came meanwhile, nobody has looked at what that brought: the row goes on waiting as if it had not
    been taken.
    """
    values = {
        "number": int(number),
        "mark": mark,
        "state": "waiting" if ending.state == "again" else ending.state,
        "outcome": ending.outcome,
        "reason": _clean(ending.reason),
        "commits": " ".join(ending.commits),
        "counted": int(ending.counts),
        "next_try": None if ending.at is None else written(ending.at),
        "ended_at": None if ending.state == "again" else written(now),
    }
    db.execute(
        "UPDATE item SET state = :state, outcome = :outcome, reason = :reason, commits = :commits,"  # noqa: S608
        " tries = tries + :counted, next_try = :next_try, ended_at = :ended_at"
        f" WHERE number = :number AND {MARK} = :mark",
        values,
    )


def retry(db: Connection, number: int, now: datetime) -> bool:
    """Opens the row of an event again. False where there is none."""
    values = {"number": within(number), "now": written(now)}
    opened = db.execute(f"UPDATE item SET {_OPENED} WHERE number = :number AND image IS NOT NULL", values)  # noqa: S608
    return opened.rowcount == 1


def answer(db: Connection, number: int, outcome: str, reason: str, now: datetime) -> None:
    """Ends the row of a delivery that was no event: a person has seen to it."""
    values = (outcome, _clean(reason), written(now), number)
    db.execute("UPDATE item SET state = 'done', outcome = ?, reason = ?, ended_at = ? WHERE number = ?", values)


def prune(db: Connection, before: datetime) -> int:
    """Forgets what ended before a time, and all but the newest deliveries that are no events; gives their count."""
    ended = db.execute("DELETE FROM item WHERE ended_at < ?", (written(before),)).rowcount
    newest = "SELECT number FROM item WHERE image IS NULL ORDER BY ended_at DESC LIMIT ?"
    letters = f"DELETE FROM item WHERE image IS NULL AND number NOT IN ({newest})"  # noqa: S608
    return ended + db.execute(letters, (MAX_LETTERS,)).rowcount


def _is_repeated(known: Any, event: Event, now: datetime) -> bool:
    """Whether a delivery is one by which its row has landed a short time ago, or the newest one after that.

    None without a digest is: its id may be made from a body that looks the same each time that the tag is pushed.
    """
    if event.version.digest is None or known["state"] != "done" or known["outcome"] not in _LANDED:
        return False
    names = (name(known["source"], known["id"]), known["newest"])
    return name(event.source, event.id) in names and abs(now - read(known["ended_at"])) < _REPEATED


def _values(event: Event, now: datetime) -> dict[str, str | None]:
    return {
        "image": event.image,
        "tag": event.version.tag or "",
        "digest": event.version.digest or "",
        "source": event.source,
        "id": event.id,
        "newest": name(event.source, event.id),
        "pushed_at": None if event.pushed_at is None else written(event.pushed_at),
        "received_at": written(event.received_at),
        "now": written(now),
    }


def _clean(text: str) -> str:
    """Text from outside, in which no half of a character is that no database takes."""
    return text.encode(errors="backslashreplace").decode()
