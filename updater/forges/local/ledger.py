"""The pull requests of the forge built in, as refs: found, and written with all that belongs together."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from updater.errors import ForgeRefused
from updater.forge import PER_HEAD, PREFIX
from updater.forges.local import checked_json
from updater.forges.local.checked_json import AT_MOST
from updater.forges.local.records import Record, head_ref
from updater.forges.local.store import Move, Signature, Store

HEADS = "refs/heads/"
_STORIES = "refs/updater/pr/"
_OPEN = "refs/updater/open/"
_SETTLED = "refs/updater/settled/"
_FILE = "pull-request.json"
_NUMBER = re.compile(r"refs/(?:pull|updater/pr)/([1-9][0-9]{0,8})(?:/head)?")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A pull request, the newest commit of its head, and the refs that were there when it was read."""

    record: Record
    commit: str
    refs: Mapping[str, str]

    @property
    def base(self) -> str | None:
        """The newest commit of the base, None where that branch is gone."""
        return self.refs.get(HEADS + self.record.base)


class Ledger:
    """All pull requests of one repository."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def find(self, number: int) -> Found:
        """One pull request. Raises `ForgeRefused` if there is none of that number, or nothing that can be read."""
        story = f"{_STORIES}{number}"
        refs = self.store.refs(story, head_ref(number), f"{_SETTLED}*/*/{number}", _OPEN, HEADS)
        if story not in refs:
            raise ForgeRefused(
                f"there is no pull request #{number}", hint="`updater pr list --all` shows those there are"
            )
        found = self._with_commits(self._records({story: refs[story]}), refs)
        if not found or found[0].record.number != number:
            raise ForgeRefused(f"{story} is no pull request that can be read")
        return found[0]

    def opened(self, heads: Collection[str] | None = None) -> list[Found]:
        """The open pull requests, by number; of these branches alone, if any are named."""
        wanted = [_OPEN] if heads is None else sorted(map(lock, heads))
        if not wanted:
            return []
        refs = self.store.refs(HEADS, *wanted)
        records = self._records({name: oid for name, oid in refs.items() if name.startswith(_OPEN)})
        fitting = {name: each for name, each in records.items() if _fits(name, each, lock(each.head), is_open=True)}
        return sorted(self._with_commits(fitting, refs), key=lambda found: found.record.number)

    def settled(self, heads: Collection[str]) -> list[Record]:
        """The settled pull requests of these branches, newest number first, up to `PER_HEAD` of each."""
        if not heads:
            return []
        refs = self.store.refs(*(_settled(head) for head in sorted(heads)))
        newest = [name for head in sorted(heads) for name in _newest(refs, f"{_settled(head)}/")]
        records = self._records({name: refs[name] for name in newest})
        fitting = [
            each
            for name, each in records.items()
            if _fits(name, each, f"{_settled(each.head)}/{each.number}", is_open=False)
        ]
        return sorted(fitting, key=lambda each: -each.number)

    def last_commit(self, number: int) -> str | None:
        """The newest commit of a pull request that is kept when its branch is gone."""
        return self.store.resolved([f"{head_ref(number)}^{{commit}}"])[0]

    def refs(self, head: str) -> dict[str, str]:
        """What has to be known to open a pull request: all branches and numbers, and whether one is open for `head`."""
        return self.store.refs("refs/pull/", _STORIES, lock(head), HEADS)

    def write(
        self,
        refs: Mapping[str, str],
        record: Record,
        message: str,
        by: Signature,
        more: Sequence[Move] = (),
    ) -> str | None:
        """Writes a changed pull request where the refs still are as they were read, and moves `more` along with it.

        Gives git's words where somebody else was faster, else None. Raises `ForgeRefused` for what cannot be kept.
        """
        story, kept, settled = (
            f"{_STORIES}{record.number}",
            head_ref(record.number),
            f"{_settled(record.head)}/{record.number}",
        )
        old = refs.get(story)
        new = self.store.note(old, _FILE, _content(record), message, by)
        moves = [Move(story, old, new), Move(kept, refs.get(kept), record.commit), *more]
        if record.state == "open":
            moves.append(Move(lock(record.head), refs.get(lock(record.head)), new))
            moves += [Move(settled, refs[settled], None)] if settled in refs else []
        else:
            moves.append(Move(settled, refs.get(settled), new))
            moves += [Move(lock(record.head), old, None)] if refs.get(lock(record.head)) == old else []
        return self.store.move(moves)

    def _records(self, refs: Mapping[str, str]) -> dict[str, Record]:
        """What the refs hold, by their names. What cannot be read is told in the log, and left out."""
        contents = self.store.files([f"{oid}:{_FILE}" for oid in refs.values()], AT_MOST)
        records = {}
        for name, content in zip(refs, contents, strict=True):
            try:
                records[name] = checked_json.read(content or b"")
            except ValueError as error:
                _log.warning("%s is no pull request that can be read: %s", name, error)
        return records

    def _with_commits(self, records: Mapping[str, Record], refs: Mapping[str, str]) -> list[Found]:
        """Pull requests with the newest commits of their heads: the branch's, or the last known one if it is gone."""
        gone = [each for each in records.values() if each.state == "open" and HEADS + each.head not in refs]
        names = [f"{head_ref(each.number)}^{{commit}}" for each in gone]
        last = dict(zip((each.number for each in gone), self.store.resolved(names), strict=True))
        found = []
        for name, each in records.items():
            branch = refs.get(HEADS + each.head) or last.get(each.number)
            commit = each.commit if each.state != "open" else branch
            if commit is None:
                _log.warning("%s has neither its branch %s nor %s", name, each.head, head_ref(each.number))
            else:
                found.append(Found(each, commit, refs))
        return found


def lock(head: str) -> str:
    """The ref that is there while a pull request is open for this branch."""
    return _OPEN + head.removeprefix(PREFIX)


def next_number(refs: Mapping[str, str]) -> int:
    """The number after the highest that was ever given."""
    numbers = (_NUMBER.fullmatch(name) for name in refs)
    return 1 + max((int(found[1]) for found in numbers if found), default=0)


def _settled(head: str) -> str:
    return _SETTLED + head.removeprefix(PREFIX)


def _newest(refs: Mapping[str, str], folder: str) -> list[str]:
    names = [name for name in refs if name.startswith(folder) and name.removeprefix(folder).isdecimal()]
    return sorted(names, key=lambda name: (len(name), name), reverse=True)[:PER_HEAD]


def _fits(name: str, record: Record, expected: str, *, is_open: bool) -> bool:
    fits = name == expected and (record.state == "open") == is_open
    if not fits:
        _log.warning("%s does not belong to #%d of %s, which it tells of", name, record.number, record.head)
    return fits


def _content(record: Record) -> bytes:
    """The record as it is written, once it is sure that it can be read again."""
    content = checked_json.written(record)
    try:
        checked_json.read(content)
    except ValueError as error:
        raise ForgeRefused(f"the pull request of {record.head} cannot be kept: {error}") from error
    return content
