"""The file of the inbox: one SQLite file, opened when it is needed and again after whatever went wrong with it.

What is in it was accepted, so it is never thrown away: a file that is damaged, or written by a newer release, is left
as it is for a person, and nothing is accepted until it is out of the way. A transaction that has ended is on the
disk: see "PRAGMA synchronous" (FULL) and "Write-Ahead Logging" of SQLite's documentation.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from updater.errors import StorageError

FORMAT = 1
_BUSY_SECONDS = 0.5
_WRITABLE = "it needs room on the disk, and a state folder that may be written; it is tried again"
_LOCKED = "another process keeps it locked; it is tried again"
_DAMAGED = "it is left as it is: move it away, with its -wal and -shm, and a new one is started"

_TABLES = """
CREATE TABLE item (number INTEGER PRIMARY KEY AUTOINCREMENT, image TEXT, tag TEXT NOT NULL, digest TEXT NOT NULL,
    source TEXT NOT NULL, id TEXT NOT NULL, newest TEXT NOT NULL, deliveries INTEGER NOT NULL DEFAULT 1,
    pushed_at TEXT, received_at TEXT NOT NULL, opened_at TEXT NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_try TEXT,
    outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', commits TEXT NOT NULL DEFAULT '', ended_at TEXT,
    headers TEXT, address TEXT, body BLOB, UNIQUE (image, tag, digest));
CREATE INDEX item_by_state ON item (state, opened_at);
CREATE UNIQUE INDEX letter ON item (source, id) WHERE image IS NULL;
"""
"""A row for each version, and for each delivery that is no event (`image` is NULL); `inbox_rows` has the statements.

`newest` names the newest delivery, `opened_at` is since when the row waits, an empty text stands for what is not known.
"""

Connection: TypeAlias = sqlite3.Connection
_Inodes: TypeAlias = tuple[tuple[int, int] | None, ...]


class InboxFile:
    """The inbox's file, for any number of threads. `problem` is why it could not be used when that was last tried."""

    def __init__(self, path: Path) -> None:
        self.problem: StorageError | None = None
        self._path = path
        self._lock = threading.Lock()
        self._db: Connection | None = None
        self._inodes: _Inodes = ()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The database as it is now, alone. Raises `StorageError` where it cannot be read."""
        with self._lock, self._told():
            yield self._opened()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, alone: durable once the block is left, undone if it raises. Raises `StorageError`."""
        with self._lock:
            with self._told():
                db = self._opened()
                with _transaction(db):
                    yield db
                if self._inodes != _inodes(self._path):
                    raise FileNotFoundError("it was moved away while it was written to")
            self.problem = None

    def close(self) -> None:
        """Gives the file back; the next use opens it again."""
        with self._lock:
            self._close()

    def _opened(self) -> Connection:
        if self._db is None or self._inodes != _inodes(self._path):
            self._close()
            self._db = _open(self._path)
            self._inodes = _inodes(self._path)
        return self._db

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong, in words for a person, and remembered."""
        try:
            yield
        except (sqlite3.Error, OSError, StorageError) as error:
            if not _is_passing(error):
                self._close()
            self.problem = _in_words(self._path, error)
            raise self.problem from error


def touch(db: Connection) -> None:
    """Writes something that changes nothing, to see whether that can be done."""
    db.execute(f"PRAGMA user_version = {FORMAT}")


def _in_words(path: Path, error: Exception) -> StorageError:
    """What is wrong with the file, and what to do about it."""
    if isinstance(error, StorageError):
        return error
    told = error.strerror if isinstance(error, OSError) and error.strerror else error
    if not isinstance(error, sqlite3.DatabaseError):
        return StorageError(f"the inbox {path} cannot be used: {told}", hint=_WRITABLE)
    if _is(error, sqlite3.SQLITE_CORRUPT) or _is(error, sqlite3.SQLITE_NOTADB):
        return StorageError(f"the inbox {path} is damaged: {told}", hint=_DAMAGED)
    hint = _LOCKED if _is(error, sqlite3.SQLITE_BUSY) else _WRITABLE
    return StorageError(f"the inbox {path} cannot be used: {told}", hint=hint)


def _is_passing(error: Exception) -> bool:
    """Whether an open database can still be trusted."""
    return isinstance(error, sqlite3.Error) and (_is(error, sqlite3.SQLITE_BUSY) or _is(error, sqlite3.SQLITE_FULL))


def _is(error: sqlite3.Error, code: int) -> bool:
    """Whether an error is of this kind; the lower eight bits of SQLite's codes are the kind."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == code


@contextmanager
def _transaction(db: Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself takes it back where the disk is full
            db.execute("ROLLBACK")
        raise


def _open(path: Path) -> Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        _check(path, db)
    except BaseException:
        db.close()
        raise
    return db


def _check(path: Path, db: Connection) -> None:
    """Makes the tables in a new file, and looks at all pages of another one."""
    if _format(db) == 0:
        with _transaction(db):
            if _format(db) == 0:  # nobody was faster
                for statement in _TABLES.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {FORMAT}")
    if (found := _format(db)) != FORMAT:
        message = f"the inbox {path} is of format {found}, and this release knows {FORMAT}"
        raise StorageError(message, hint=f"run the release that wrote it; {_DAMAGED}")
    if (told := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise StorageError(f"the inbox {path} is damaged: {' '.join(told.split())}", hint=_DAMAGED)


def _format(db: Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _inodes(path: Path) -> _Inodes:
    """Which files the database, its log and the log's index are, to notice when somebody moves one of them away."""
    return tuple(_inode(path.with_name(path.name + ending)) for ending in ("", "-wal", "-shm"))


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)
