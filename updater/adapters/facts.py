"""What landed in the entries of the files that were asked about, as the cache remembers it.

A file that was seen has all its landings here, from the beginning of the branch to its known tip. What they mean
in the order of a rule (`model.Past`) is remembered beside them and carried on with each new one, so that a question
costs what is new and not how long the history is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from updater.adapters import pasts
from updater.adapters.cache import Cache
from updater.adapters.mainline import Turn
from updater.core import history, holds
from updater.model import Hold, Landing, Past, Version
from updater.protocols import Question

_LANDING = "number, tag, digest, sha, author, landed_at, pushed_at, event, origin"
_ENTRY = "branch = ? AND path = ? AND entry = ?"

Landings: TypeAlias = Iterable[tuple[str, Landing]]
"""What landed in a file, oldest first, with the key of its entry."""


class Facts:
    """The landings in one cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def is_any_seen(self, branch: str) -> bool:
        """Whether the landings of any file are known."""
        return bool(self._cache.rows("SELECT 1 FROM seen WHERE branch = ? LIMIT 1", branch))

    def seen(self, branch: str, paths: Iterable[str]) -> frozenset[str]:
        """Of these files those whose landings are known."""
        statement = "SELECT 1 FROM seen WHERE branch = ? AND path = ?"
        return frozenset(path for path in paths if self._cache.rows(statement, branch, path))

    def turns(self, branch: str) -> tuple[Turn, ...] | None:
        """The turns of a branch; None if they were not looked for."""
        rows = self._cache.rows("SELECT turns FROM tip WHERE branch = ?", branch)
        return None if not rows or rows[0][0] is None else tuple(Turn(*turn) for turn in json.loads(rows[0][0]))

    def set_turns(self, branch: str, turns: Sequence[Turn]) -> None:
        """Remembers them, within a transaction of the cache."""
        text = json.dumps([(turn.merge, turn.into) for turn in turns])
        self._cache.rows("UPDATE tip SET turns = ? WHERE branch = ?", text, branch)

    def standing(self, branch: str, path: str) -> dict[str, Version]:
        """The newest version of every entry of a file, by key."""
        rows = self._cache.rows(
            "SELECT entry, tag, digest FROM landing WHERE branch = ? AND path = ? ORDER BY entry, number", branch, path
        )
        return {entry: Version(tag, digest) for entry, tag, digest in rows}

    def learn(self, branch: str, tip: str, turns: Sequence[Turn], files: Mapping[str, Landings]) -> None:
        """Notes all landings of files that were not seen, unless another process has changed the known tip.

        `turns` are those of the branch, with which the files were read.
        """
        with self._cache.writing() as db:
            if self._cache.tip(branch) == tip:
                self.set_turns(branch, turns)
                for path, landings in files.items():
                    self.unsee(branch, path)
                    self.add(branch, path, landings)
                    db.execute("INSERT INTO seen VALUES (?, ?)", (branch, path))

    def unsee(self, branch: str, path: str) -> None:
        """Forgets the landings of a file, within a transaction of the cache."""
        for table in ("seen", "landing", "past"):
            self._cache.rows(f"DELETE FROM {table} WHERE branch = ? AND path = ?", branch, path)  # noqa: S608

    def add(self, branch: str, path: str, landings: Landings) -> None:
        """Notes further landings of a file, within a transaction of the cache."""
        for entry, landing in landings:
            times = (landing.landed_at.isoformat(), landing.pushed_at.isoformat())
            self._cache.rows(
                "INSERT INTO landing SELECT ?1, ?2, ?3, 1 + COALESCE(MAX(number), 0), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11"
                " FROM landing WHERE branch = ?1 AND path = ?2 AND entry = ?3",
                *(branch, path, entry, landing.version.tag, landing.version.digest),
                *(landing.commit, landing.author, *times, landing.event, pasts.origin_text(landing.origin)),
            )

    def take_back(self, branch: str, commits: Collection[str]) -> None:
        """Forgets what landed in these newest commits of a branch, within a transaction of the cache."""
        if turns := self.turns(branch):
            self.set_turns(branch, [turn for turn in turns if turn.merge not in commits])
        for sha in commits:
            places = self._cache.rows("SELECT path, entry FROM landing WHERE branch = ? AND sha = ?", branch, sha)
            for place in places:
                self._cache.rows(f"DELETE FROM past WHERE {_ENTRY}", branch, *place)  # noqa: S608
            self._cache.rows("DELETE FROM landing WHERE branch = ? AND sha = ?", branch, sha)

    def forget(self, branch: str) -> None:
        """Forgets all landings of a branch, and its turns, within a transaction of the cache."""
        for statement in ("DELETE FROM seen", "DELETE FROM landing", "DELETE FROM past", "UPDATE tip SET turns = NULL"):
            self._cache.rows(f"{statement} WHERE branch = ?", branch)

    def landings(self, branch: str, path: str, entry: str, after: int = 0) -> list[tuple[int, Landing]]:
        """What landed in an entry, oldest first, each with its number; only those after number `after`."""
        rows = self._cache.rows(
            f"SELECT {_LANDING} FROM landing WHERE {_ENTRY} AND number > ? ORDER BY number",  # noqa: S608
            *(branch, path, entry, after),
        )
        return [(row[0], _landing(row)) for row in rows]

    def past(self, branch: str, question: Question) -> Past:
        """What the landings of a file that was seen say of an entry, within a transaction of the cache."""
        known, _, past = self._remembered(branch, question)
        if self._has_more(branch, question, known):
            past = self._carried_on(branch, question)
        return replace(past, stood=history.stood(question, self._known(branch, question)))

    def held(self, branch: str) -> list[tuple[str, Hold]]:
        """Every hold that is remembered, with the path of its file."""
        rows = self._cache.rows("SELECT path, told FROM past WHERE branch = ?", branch)
        found = ((path, hold) for path, told in rows for hold in pasts.from_json(json.loads(told)).holds)
        return list(dict.fromkeys(found))

    def _has_more(self, branch: str, question: Question, number: int) -> bool:
        place = (branch, *_place(question))
        return bool(self._cache.rows(f"SELECT 1 FROM landing WHERE {_ENTRY} AND number > ? LIMIT 1", *place, number))  # noqa: S608

    def _carried_on(self, branch: str, question: Question) -> Past:
        """What is remembered, with the newest landings."""
        place = (branch, *_place(question))
        known, version, past = self._remembered(branch, question)
        for number, landing in self.landings(*place, after=known):
            known = number
            first = self._pushed(*place, landing.version, before=number)
            past = holds.moved(past, version, landing, first, question.order)
            version = landing.version
        if version is not None:
            told = json.dumps({"version": [version.tag, version.digest], **pasts.as_json(past)})
            values = (*place, question.order.name, known, told)
            self._cache.rows("INSERT OR REPLACE INTO past VALUES (?, ?, ?, ?, ?, ?)", *values)
        return past

    def _remembered(self, branch: str, question: Question) -> tuple[int, Version | None, Past]:
        """The number and version of the newest landing that was looked at, and what all until then say."""
        rows = self._cache.rows(
            f"SELECT number, told FROM past WHERE {_ENTRY} AND ranking = ?",  # noqa: S608
            *(branch, *_place(question), question.order.name),
        )
        if not rows:
            return 0, None, Past()
        number, told = rows[0][0], json.loads(rows[0][1])
        return number, Version(*told["version"]), pasts.from_json(told)

    def _pushed(self, branch: str, path: str, entry: str, version: Version, before: int) -> datetime | None:
        """The earliest push time that landings before a number tell of a version."""
        rows = self._cache.rows(
            f"SELECT MIN(pushed_at) FROM landing WHERE {_ENTRY} AND tag IS ? AND digest IS ? AND number < ?",  # noqa: S608
            *(branch, path, entry, version.tag, version.digest, before),
        )
        return pasts.time_from(rows[0][0])

    def _known(self, branch: str, question: Question) -> dict[Version, datetime]:
        """The earliest push times of the versions that are asked about; of a tag alone, those with all its digests."""
        found: dict[Version, datetime] = {}
        for version in question.versions:
            alone = "AND digest IS ?" if version.digest else ""
            rows = self._cache.rows(
                f"SELECT digest, MIN(pushed_at) FROM landing WHERE {_ENTRY} AND tag IS ? {alone} GROUP BY digest",  # noqa: S608
                *(branch, *_place(question), version.tag, *([version.digest] if alone else [])),
            )
            found |= {Version(version.tag, digest): datetime.fromisoformat(at) for digest, at in rows}
        return found


def _place(question: Question) -> tuple[str, str]:
    return question.entry.path, history.key(question.entry)


def _landing(row: Sequence[Any]) -> Landing:
    _, tag, digest, sha, author, landed_at, pushed_at, event, origin = row
    times = (datetime.fromisoformat(landed_at), datetime.fromisoformat(pushed_at))
    return Landing(Version(tag, digest), sha, author, *times, event, pasts.origin_from(origin))
