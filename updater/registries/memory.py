"""What registries answered and what was seen in them: one SQLite file in the state folder, which may be forgotten.

Answers are kept to be asked for by their ETag, looks and pushes to know what is new. Several processes and threads may
use it at once; a damaged file is thrown away. Nothing here raises once it is open: what cannot be kept is a line in the
log, and what cannot be read was never there.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from updater.core.sightings import Knowledge
from updater.registries.answers import Kept
from updater.registries.rows import row, seen, ticks, time

MAX_BYTES = 64 * 1024 * 1024
"""Of kept answers together, packed; those that were not used for the longest time go first."""
MAX_PUSHES = 200_000
UNSEEN = timedelta(days=90)
"""After so long without a look an image is forgotten: nobody follows it any more."""

Pushed: TypeAlias = tuple[str, str, str | None, datetime]
"""Image, tag, digest and time of a push that an event told of."""

_FORMAT = 1
_TABLES = (
    "CREATE TABLE answer (key TEXT PRIMARY KEY, etag TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL,"
    " size INTEGER NOT NULL, used INTEGER NOT NULL)",
    "CREATE INDEX answer_by_use ON answer (used, size)",
    "CREATE TABLE look (image TEXT PRIMARY KEY, looked_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE seen (image TEXT, tag TEXT, digest TEXT, first INTEGER NOT NULL, before INTEGER,"
    " uploaded_at INTEGER, told INTEGER, missing INTEGER, PRIMARY KEY (image, tag)) WITHOUT ROWID",
    "CREATE TABLE push (image TEXT, tag TEXT, digest TEXT, time INTEGER,"
    " PRIMARY KEY (image, tag, digest, time)) WITHOUT ROWID",
    "CREATE INDEX push_by_time ON push (time)",
)
_NEXT = "SELECT COALESCE(MAX(used), 0) + 1 FROM answer"
_ROOM = """DELETE FROM answer WHERE key IN (SELECT key FROM
    (SELECT key, SUM(size) OVER (ORDER BY used DESC, key) AS so_far FROM answer) WHERE so_far > ?)"""
_SEEN = "SELECT tag, digest, first, before, uploaded_at, told, missing FROM seen WHERE image = ?"
_PUSHES = "SELECT tag, digest, time FROM push WHERE image = ?"
_OLDEST = "SELECT image, tag, digest, time FROM push ORDER BY time LIMIT ?"
_PATIENCE = 10.0
_DAMAGE = (sqlite3.Error, zlib.error, json.JSONDecodeError)
"""What is raised by a file that cannot be used, or a row in which bits have changed."""
_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


class Memory:
    """An open file, or nothing but memory where there can be no such file. It is an `answers.Memory`."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._complaint = ""
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = _opened(file)
        except (OSError, sqlite3.Error) as error:
            self._complain(f"{file}: {error}")
            self._db = _opened(Path(":memory:"))

    def close(self) -> None:
        """Gives the file back."""
        with self._lock:
            self._db.close()

    def known(self, key: str) -> Kept | None:
        """The answer that was kept under a key."""

        def work(db: sqlite3.Connection) -> Kept | None:
            found = db.execute("SELECT etag, headers, body FROM answer WHERE key = ?", (key,)).fetchone()
            if found is None:
                return None
            db.execute(f"UPDATE answer SET used = ({_NEXT}) WHERE key = ?", (key,))  # noqa: S608
            return Kept(found[0], zlib.decompress(found[2]), json.loads(found[1]))

        return self._alone(work, None)

    def keep(self, key: str, kept: Kept) -> None:
        """Keeps an answer, unless it would drive out too many others."""
        body, headers = zlib.compress(kept.body, 1), json.dumps(dict(kept.headers))
        size = len(body) + len(headers) + len(key)

        def work(db: sqlite3.Connection) -> None:
            new = f"INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ({_NEXT}))"  # noqa: S608
            db.execute(new, (key, kept.etag, headers, body, size))
            if db.execute("SELECT SUM(size) FROM answer").fetchone()[0] > MAX_BYTES:
                db.execute(_ROOM, (MAX_BYTES,))

        if size <= MAX_BYTES // 4:
            self._alone(work, None)

    def look(self, image: str, look: Callable[[Knowledge | None], Knowledge]) -> Knowledge:
        """What a look makes of what was known of an image before: that is what is known from now on.

        Where nothing can be read or kept, it is the first look. Looks of several processes come one after the other.
        """

        def work(db: sqlite3.Connection) -> Knowledge:
            old = _knowledge(db, image)
            made = look(old)
            _carry(db, image, old, made)
            return made

        return self._alone(work, None) or look(None)

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
        for tag, digest, pushed_at in rows:
            found.setdefault(tag, []).append((digest or None, time(pushed_at)))
        return found

    def _alone(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """What work gives that is a transaction of its own, or something else where the file cannot be used."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                made = work(self._db)
                self._db.execute("COMMIT")
            except _DAMAGE as error:
                self._complain(str(error))
                return otherwise
            finally:
                with suppress(sqlite3.Error):
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
            self._complaint = ""
            return made

    def _complain(self, complaint: str) -> None:
        """Says it once."""
        if complaint != self._complaint:
            _logger.warning("what registries tell cannot be remembered, so more is asked than needed: %s", complaint)
        self._complaint = complaint


def _knowledge(db: sqlite3.Connection, image: str) -> Knowledge | None:
    looks = _rows(db, "SELECT looked_at FROM look WHERE image = ?", image)
    if not looks:
        return None
    rows = _rows(db, _SEEN, image)
    return Knowledge(time(looks[0][0]), {tag: seen(each) for tag, *each in rows})


def _carry(db: sqlite3.Connection, image: str, old: Knowledge | None, new: Knowledge) -> None:
    """Writes what has changed, and forgets the images that nobody looks at."""
    before = {} if old is None else old.tags
    changed = ((image, tag, *row(each)) for tag, each in new.tags.items() if before.get(tag) != each)
    db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?)", changed)
    db.executemany(
        "DELETE FROM seen WHERE image = ? AND tag = ?", [(image, tag) for tag in before if tag not in new.tags]
    )
    db.execute("INSERT OR REPLACE INTO look VALUES (?, ?)", (image, ticks(new.looked_at)))
    unseen = ticks(new.looked_at - UNSEEN)
    db.execute("DELETE FROM seen WHERE image IN (SELECT image FROM look WHERE looked_at < ?)", (unseen,))
    db.execute("DELETE FROM look WHERE looked_at < ?", (unseen,))


def _rows(db: sqlite3.Connection, statement: str, image: str) -> list[Any]:
    return db.execute(statement, (image,)).fetchall()


def _opened(file: Path) -> sqlite3.Connection:
    try:
        return _connected(file)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        for part in (file, _beside(file, "-wal"), _beside(file, "-shm")):
            part.unlink(missing_ok=True)
        return _connected(file)


def _connected(file: Path) -> sqlite3.Connection:
    in_doubt = _beside(file, "-wal").exists()  # who closed it in order leaves no log behind
    db = sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
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
