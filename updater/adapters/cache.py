"""What may be forgotten: one SQLite file beside each mirror.

Nothing in it is needed for correctness. It says which files mention which image at which tip, what landed in
entries (the statements are those of `facts`), and which shapes of overlays were proved by rendering. Several
processes may use it at once; a damaged file is thrown away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from updater.errors import UpdaterError

_FORMAT = 6
_TABLES = """
CREATE TABLE IF NOT EXISTS tip (branch TEXT PRIMARY KEY, tip TEXT NOT NULL, turns TEXT);
CREATE TABLE IF NOT EXISTS mention (branch TEXT, image TEXT, path TEXT,
    PRIMARY KEY (branch, image, path)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mention_by_path ON mention (branch, path);
CREATE TABLE IF NOT EXISTS seen (branch TEXT, path TEXT, PRIMARY KEY (branch, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS landing (branch TEXT, path TEXT, entry TEXT, number INTEGER,
    tag TEXT, digest TEXT, sha TEXT, author TEXT, landed_at TEXT, pushed_at TEXT, event TEXT, origin TEXT,
    PRIMARY KEY (branch, path, entry, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS landing_by_version ON landing (branch, path, entry, tag, digest, pushed_at);
CREATE INDEX IF NOT EXISTS landing_by_commit ON landing (branch, sha);
CREATE TABLE IF NOT EXISTS past (branch TEXT, path TEXT, entry TEXT, ranking TEXT, number INTEGER, told TEXT,
    PRIMARY KEY (branch, path, entry, ranking)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shape (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (key TEXT PRIMARY KEY, answer TEXT) WITHOUT ROWID;
"""


class Cache:
    """An open cache file. It is the `protocols.Memo` of proved shapes, too.

    Raises `UpdaterError` if the file can be neither read nor made.
    """

    def __init__(self, file: Path) -> None:
        try:
            self._db = _open(file)
        except sqlite3.OperationalError as error:
            raise UpdaterError(f"{file} cannot be used: {error}", hint="is the state folder writable?") from error
        except sqlite3.DatabaseError:
            for part in (file, _beside(file, "-wal"), _beside(file, "-shm")):
                part.unlink(missing_ok=True)
            self._db = _open(file)

    def close(self) -> None:
        """Gives the file back."""
        self._db.close()

    def __contains__(self, key: str) -> bool:
        return bool(self.rows("SELECT 1 FROM shape WHERE key = ?", key))

    def add(self, key: str) -> None:
        """Remembers a proved shape."""
        with suppress(UpdaterError), self.writing() as db:
            db.execute("INSERT OR IGNORE INTO shape VALUES (?)", (key,))

    def remembered(self, key: str, find_out: Callable[[], str]) -> str:
        """What was found out under a key before, else what is found out now."""
        rows = self.rows("SELECT answer FROM told WHERE key = ?", key)
        if rows:
            return str(rows[0][0])
        answer = find_out()
        with suppress(UpdaterError), self.writing() as db:
            db.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (key, answer))
        return answer

    def tip(self, branch: str) -> str | None:
        """The commit that what is known of a branch belongs to."""
        rows = self.rows("SELECT tip FROM tip WHERE branch = ?", branch)
        return str(rows[0][0]) if rows else None

    def paths(self, branch: str, tip: str, image: str) -> tuple[str, ...] | None:
        """The files that mention an image at the branch's known tip, sorted; None if `tip` is not the known one."""
        # One statement, since another process may change the known tip between two.
        return _paths(
            self.rows(
                "SELECT path FROM tip LEFT JOIN mention ON mention.branch = tip.branch AND image = ?"
                " WHERE tip.branch = ? AND tip = ? ORDER BY path",
                *(image, branch, tip),
            )
        )

    def all_paths(self, branch: str, tip: str) -> tuple[str, ...] | None:
        """The files that mention any image at the branch's known tip, sorted; None if `tip` is not the known one."""
        return _paths(
            self.rows(
                "SELECT DISTINCT path FROM tip LEFT JOIN mention ON mention.branch = tip.branch"
                " WHERE tip.branch = ? AND tip = ? ORDER BY path",
                *(branch, tip),
            )
        )

    def replace(self, branch: str, tip: str, mentions: Iterable[tuple[str, str]]) -> None:
        """Everything that is known of a branch anew: path and image of every mention at `tip`."""
        # Sorted as the table is, and read before it is locked.
        rows = sorted((branch, image, path) for path, image in mentions)
        with self.writing() as db:
            for table in ("mention", "seen", "landing", "past"):
                db.execute(f"DELETE FROM {table} WHERE branch = ?", (branch,))  # noqa: S608
            db.executemany("INSERT OR IGNORE INTO mention VALUES (?, ?, ?)", rows)
            db.execute("INSERT OR REPLACE INTO tip VALUES (?, ?, NULL)", (branch, tip))

    @contextmanager
    def advancing(self, branch: str, old: str, new: str, changed: Mapping[str, frozenset[str]]) -> Iterator[bool]:
        """Carries what is known from tip `old` to `new`, where only these files differ (path to images mentioned).

        What the block writes is carried along with it. It gets False, and nothing is done, if another process has
        changed the known tip meanwhile.
        """
        with self.writing() as db:
            mine = self.tip(branch) == old
            for path, images in changed.items() if mine else ():
                db.execute("DELETE FROM mention WHERE branch = ? AND path = ?", (branch, path))
                db.executemany(
                    "INSERT INTO mention (branch, path, image) VALUES (?, ?, ?)",
                    ((branch, path, image) for image in images),
                )
            yield mine
            if mine:
                db.execute("UPDATE tip SET tip = ? WHERE branch = ?", (new, branch))

    def rows(self, statement: str, *values: str | int | None) -> list[tuple[Any, ...]]:
        """What a statement finds. Raises `UpdaterError` if the file cannot be read."""
        with _told():
            return self._db.execute(statement, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone; undone if the block raises. Raises `UpdaterError` if there is no getting in."""
        with _told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite itself takes it back where the disk is full
                    self._db.execute("ROLLBACK")
                raise


@contextmanager
def _told() -> Iterator[None]:
    """What SQLite complains of, in words for a person."""
    try:
        yield
    except sqlite3.Error as error:
        hint = "if it stays so, delete the state folder; it holds nothing but caches"
        raise UpdaterError(f"the cache in the state folder cannot be used: {error}", hint=hint) from error


def _paths(rows: Iterable[tuple[str | None]]) -> tuple[str, ...] | None:
    """What a LEFT JOIN of tip and paths gives: no row without that tip, one empty row without paths."""
    found = list(rows)
    return tuple(path for (path,) in found if path is not None) if found else None


def _open(file: Path) -> sqlite3.Connection:
    # Checking a large file takes longer than an event; who closed it in order leaves no log behind.
    in_doubt = _beside(file, "-wal").exists()
    db = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, _FORMAT) or (in_doubt and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok"):
            raise sqlite3.DatabaseError(f"damaged, or of format {found}")
        if found == 0:
            db.executescript(_TABLES)
            db.execute(f"PRAGMA user_version = {_FORMAT}")
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)
