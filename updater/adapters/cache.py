"""What may be forgotten: one SQLite file beside each mirror.

Nothing in it is needed for correctness. It says which files mention which image at which tip, since
when entries stand as they do, and which shapes of overlays were proved by rendering. Several
processes may use it at once; a damaged file is thrown away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from updater.errors import UpdaterError
from updater.model import Standing

_FORMAT = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS tip (branch TEXT PRIMARY KEY, tip TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mention (branch TEXT, image TEXT, path TEXT,
    PRIMARY KEY (branch, image, path)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mention_by_path ON mention (branch, path);
CREATE TABLE IF NOT EXISTS standing (branch TEXT, path TEXT, entry TEXT, version TEXT,
    sha TEXT, pushed_at TEXT, landed_at TEXT, tag_since TEXT,
    PRIMARY KEY (branch, path, entry)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shape (key TEXT PRIMARY KEY) WITHOUT ROWID;
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
            for part in (file, file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
                part.unlink(missing_ok=True)
            self._db = _open(file)

    def close(self) -> None:
        """Gives the file back."""
        self._db.close()

    def __contains__(self, key: str) -> bool:
        return self._db.execute("SELECT 1 FROM shape WHERE key = ?", (key,)).fetchone() is not None

    def add(self, key: str) -> None:
        """Remembers a proved shape."""
        with suppress(UpdaterError), self._writing() as db:
            db.execute("INSERT OR IGNORE INTO shape VALUES (?)", (key,))

    def tip(self, branch: str) -> str | None:
        """The commit that what is known of a branch belongs to."""
        row = self._db.execute("SELECT tip FROM tip WHERE branch = ?", (branch,)).fetchone()
        return None if row is None else str(row[0])

    def paths(self, branch: str, tip: str, image: str) -> tuple[str, ...] | None:
        """The files that mention an image at the branch's known tip, sorted; None if `tip` is not the known one."""
        # One statement, since another process may change the known tip between two.
        return _paths(
            self._db.execute(
                "SELECT path FROM tip LEFT JOIN mention ON mention.branch = tip.branch AND image = ?"
                " WHERE tip.branch = ? AND tip = ? ORDER BY path",
                (image, branch, tip),
            )
        )

    def all_paths(self, branch: str, tip: str) -> tuple[str, ...] | None:
        """The files that mention any image at the branch's known tip, sorted; None if `tip` is not the known one."""
        return _paths(
            self._db.execute(
                "SELECT DISTINCT path FROM tip LEFT JOIN mention ON mention.branch = tip.branch"
                " WHERE tip.branch = ? AND tip = ? ORDER BY path",
                (branch, tip),
            )
        )

    def replace(self, branch: str, tip: str, mentions: Iterable[tuple[str, str]]) -> None:
        """Everything that is known of a branch anew: path and image of every mention at `tip`."""
        with self._writing() as db:
            db.execute("DELETE FROM mention WHERE branch = ?", (branch,))
            db.execute("DELETE FROM standing WHERE branch = ?", (branch,))
            db.executemany(
                "INSERT OR IGNORE INTO mention (branch, path, image) VALUES (?, ?, ?)",
                ((branch, *row) for row in mentions),
            )
            db.execute("INSERT OR REPLACE INTO tip VALUES (?, ?)", (branch, tip))

    def advance(
        self,
        branch: str,
        old: str,
        new: str,
        changed: Mapping[str, frozenset[str]],
        touched: frozenset[str] | None = None,
    ) -> bool:
        """Carries what is known from tip `old` to `new`, where only these files differ (path to images mentioned).

        How entries came to stand as they do is forgotten for the files that were `touched` on the way, for all
        if that is None. False, and nothing is done, if another process has changed the known tip meanwhile.
        """
        with self._writing() as db:
            if self.tip(branch) != old:
                return False
            for path, images in changed.items():
                db.execute("DELETE FROM mention WHERE branch = ? AND path = ?", (branch, path))
                db.executemany(
                    "INSERT INTO mention (branch, path, image) VALUES (?, ?, ?)",
                    ((branch, path, image) for image in images),
                )
            if touched is None:
                db.execute("DELETE FROM standing WHERE branch = ?", (branch,))
            else:
                gone = ((branch, path) for path in touched)
                db.executemany("DELETE FROM standing WHERE branch = ? AND path = ?", gone)
            db.execute("UPDATE tip SET tip = ? WHERE branch = ?", (new, branch))
            return True

    def standing(self, branch: str, tip: str, path: str, entry: str, version: str) -> Standing | None:
        """How an entry came to stand at a version, if that is known and `tip` the known tip."""
        row = self._db.execute(
            "SELECT sha, pushed_at, landed_at, tag_since FROM standing JOIN tip USING (branch)"
            " WHERE branch = ? AND tip = ? AND path = ? AND entry = ? AND version = ?",
            (branch, tip, path, entry, version),
        ).fetchone()
        if row is None:
            return None
        pushed_at, landed_at, tag_since = (None if time is None else datetime.fromisoformat(time) for time in row[1:])
        assert pushed_at is not None
        assert landed_at is not None
        return Standing(row[0], pushed_at, landed_at, tag_since)

    def remember_standing(self, branch: str, tip: str, path: str, entry: str, version: str, standing: Standing) -> None:
        """Notes how an entry came to stand at a version, unless another process has changed the known tip meanwhile."""
        row = (branch, path, entry, version, standing.commit)
        moments = (standing.pushed_at, standing.landed_at, standing.tag_since)
        times = tuple(None if moment is None else moment.isoformat() for moment in moments)
        with suppress(UpdaterError), self._writing() as db:
            if self.tip(branch) == tip:
                db.execute("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, *times))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            hint = "try again; if no other updater runs, delete the state folder"
            raise UpdaterError(f"the cache in the state folder cannot be written: {error}", hint=hint) from error
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _paths(rows: Iterable[tuple[str | None]]) -> tuple[str, ...] | None:
    """What a LEFT JOIN of tip and paths gives: no row without that tip, one empty row without paths."""
    found = list(rows)
    return tuple(path for (path,) in found if path is not None) if found else None


def _open(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, _FORMAT) or db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError(f"damaged, or of format {found}")
        if found == 0:
            db.executescript(_TABLES)
            db.execute(f"PRAGMA user_version = {_FORMAT}")
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
