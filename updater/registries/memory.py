"""What registries answered and what events told of them: one SQLite file in the state folder, which may be forgotten.

Answers are kept to be asked for by their ETag, pushes to know when they were. Several processes and threads may use it
at once. A damaged file is thrown away, whether that shows when it is opened or later. Nothing here raises once
it is open: what cannot be kept is a line in the log, and what cannot be read was never there.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from updater.registries.answers import Kept
from updater.registries.rows import packed, ticks, time, unpacked

MAX_BYTES = 64 * 1024 * 1024
"""Of kept answers together, packed; those that were not used for the longest time go first."""
MAX_PUSHES = 200_000

Pushed: TypeAlias = tuple[str, str, str | None, datetime]
"""Image, tag, digest and time of a push that an event told of."""

_FORMAT = 2
_TABLES = (
    "CREATE TABLE answer (key TEXT PRIMARY KEY, etag TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL,"
    " size INTEGER NOT NULL, used INTEGER NOT NULL)",
    "CREATE INDEX answer_by_use ON answer (used, size)",
    "CREATE TABLE push (image TEXT, tag TEXT, digest TEXT, time INTEGER,"
    " PRIMARY KEY (image, tag, digest, time)) WITHOUT ROWID",
    "CREATE INDEX push_by_time ON push (time)",
)
_NEXT = "SELECT COALESCE(MAX(used), 0) + 1 FROM answer"
_ROOM = """DELETE FROM answer WHERE key IN (SELECT key FROM
    (SELECT key, TOTAL(size) OVER (ORDER BY used DESC, key) AS so_far FROM answer) WHERE so_far > ?)"""
_PUSHES = "SELECT tag, digest, time FROM push WHERE image = ?"
_OLDEST = "SELECT image, tag, digest, time FROM push ORDER BY time LIMIT ?"
_MODE = 0o600
_connect = partial(sqlite3.connect, timeout=10.0, isolation_level=None, check_same_thread=False)
_MALFORMED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF
"""The part of SQLite's codes that tells the kind of an error, as its "Result and Error Codes" has it."""
_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


class Memory:
    """An open file, or nothing but memory where there can be no such file. It is an `answers.Memory`."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._complaint = ""
        self._file = file
        self._was_renewed = self._is_closed = False
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = _opened(file)
        except (OSError, sqlite3.Error) as error:
            self._complain(f"{file}: {error}")
            self._db = _prepared(_connect(":memory:"))

    def close(self) -> None:
        """Gives the file back. Who still asks is told nothing, and nothing is said about it."""
        with self._lock:
            self._is_closed = True
            self._db.close()

    def known(self, key: str) -> Kept | None:
        """The answer that was kept under a key."""

        def work(db: sqlite3.Connection) -> Kept | None:
            found = _rows(db, "SELECT etag, headers, body FROM answer WHERE key = ?", key)
            db.execute(f"UPDATE answer SET used = ({_NEXT}) WHERE key = ?", (key,))  # noqa: S608
            with suppress(ValueError):
                return unpacked(found[0]) if found else None
            return None

        return self._alone(work, None)

    def keep(self, key: str, kept: Kept) -> None:
        """Keeps an answer, unless it would drive out too many others."""
        etag, headers, body = packed(kept)
        size = len(body) + len(headers) + len(key)

        def work(db: sqlite3.Connection) -> None:
            new = f"INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ({_NEXT}))"  # noqa: S608
            db.execute(new, (key, etag, headers, body, size))
            if db.execute("SELECT TOTAL(size) FROM answer").fetchone()[0] > MAX_BYTES:
                db.execute(_ROOM, (MAX_BYTES,))

        if size <= MAX_BYTES // 4:
            self._alone(work, None)

    def saw(self, pushes: Iterable[Pushed]) -> None:
        """Notes pushes. The oldest ones are forgotten."""
        rows = [(image, tag, digest or "", ticks(time)) for image, tag, digest, time in pushes]

        def work(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR IGNORE INTO push VALUES (?, ?, ?, ?)", rows)
            surplus = db.execute("SELECT COUNT(*) FROM push").fetchone()[0] - MAX_PUSHES
            if surplus > 0:
                db.execute(f"DELETE FROM push WHERE (image, tag, digest, time) IN ({_OLDEST})", (surplus,))  # noqa: S608

        self._alone(work, None)

    def pushes(self, image: str) -> dict[str, list[tuple[str | None, datetime]]]:
        """The noted pushes of an image by tag, each with its digest and time."""
        found: dict[str, list[tuple[str | None, datetime]]] = {}
        rows: list[Any] = self._alone(lambda db: _rows(db, _PUSHES, image), [])
        for tag, digest, ticked in rows:
            with suppress(ValueError):
                pushed_at = time(ticked)
                found.setdefault(tag, []).append((digest or None, pushed_at))
        return found

    def _alone(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """What work gives that is a transaction of its own, or something else where the file cannot be used."""
        with self._lock:
            if self._is_closed:
                return otherwise
            try:
                made = _transaction(self._db, work)
            except (sqlite3.Error, ValueError) as error:
                self._complain(str(error))
                self._renew(error)
                return otherwise
            self._complaint = ""
            return made

    def _renew(self, error: Exception) -> None:
        """Begins anew where SQLite says that the file is malformed; once, since the disk itself may be damaged."""
        if self._was_renewed or getattr(error, "sqlite_errorcode", 0) & _PRIMARY not in _MALFORMED:
            return
        self._was_renewed = True
        self._db.close()
        try:
            self._db = _anew(self._file)
        except (OSError, sqlite3.Error) as again:
            self._complain(f"{self._file}: {again}")
            self._db = _prepared(_connect(":memory:"))

    def _complain(self, complaint: str) -> None:
        """Says it once."""
        if complaint != self._complaint:
            _logger.warning("what registries tell cannot be remembered, so more is asked than needed: %s", complaint)
        self._complaint = complaint


def _transaction(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T]) -> _T:
    try:
        db.execute("BEGIN IMMEDIATE")
        made = work(db)
        db.execute("COMMIT")
        return made
    finally:
        with suppress(sqlite3.Error):
            if db.in_transaction:
                db.execute("ROLLBACK")


def _rows(db: sqlite3.Connection, statement: str, image: str) -> list[Any]:
    return db.execute(statement, (image,)).fetchall()


def _opened(file: Path) -> sqlite3.Connection:
    try:
        return _connected(file)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return _anew(file)


def _anew(file: Path) -> sqlite3.Connection:
    for part in (file, _beside(file, "-wal"), _beside(file, "-shm")):
        part.unlink(missing_ok=True)
    return _connected(file)


def _connected(file: Path) -> sqlite3.Connection:
    in_doubt = _beside(file, "-wal").exists()  # who closed it in order leaves no log behind
    file.touch(_MODE)
    db = _connect(file)
    with suppress(OSError):
        file.chmod(_MODE)  # one that was made by others, who may be its owners
    return _prepared(db, in_doubt=in_doubt)


def _prepared(db: sqlite3.Connection, *, in_doubt: bool = False) -> sqlite3.Connection:
    """The same with its tables. Raises `sqlite3.DatabaseError`, and closes it, where it cannot be used."""
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN IMMEDIATE")  # another process may be making the tables
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, _FORMAT) or (in_doubt and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok"):
            raise sqlite3.DatabaseError(f"damaged, or of format {found}")
        for statement in _TABLES if found == 0 else ():
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_FORMAT}")
        db.execute("COMMIT")
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)
