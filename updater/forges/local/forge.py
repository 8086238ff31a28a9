"""The forge built in: what can be asked and done. `updater.forges.local` says how it is kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from updater.adapters.commits import shown
from updater.errors import ForgeError, ForgeRefused, ForgeUnavailable
from updater.forge import PER_HEAD, Connection, Draft, Edit, Method, PullRequest, Status
from updater.forges.local import (
    changes,
    checked_json,
    ledger,
    looking,
    merging,
    plans,
    records,
    statuses,
)
from updater.forges.local.changes import Change
from updater.forges.local.ledger import HEADS, Found, Ledger
from updater.forges.local.looking import Merges, Seen
from updater.forges.local.plans import Plan
from updater.forges.local.records import Record, pull_request
from updater.forges.local.store import Move, Signature, Store

_TRIES = 200
"""Of those who change the same thing at the same time one always gets through."""
_PAUSE = 0.002
_log = logging.getLogger(__name__)


class LocalForge:
    """A `Forge` in a bare repository. Each change is one transaction, tried again where somebody else was faster."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self._store = store
        self._ledger = Ledger(store)
        self._merges = Merges(store)
        self._connection = connection

    def credentials(self) -> None:
        """git needs none here."""

    def close(self) -> None:
        """Nothing is held."""

    @property
    def max_body(self) -> int:
        """As many as GitHub lets it have, so that the same texts fit."""
        return checked_json.MAX_BODY

    def opened(self) -> list[PullRequest]:
        """All open ones, by number."""
        there, _ = self._looked_at(None)
        statuses = self.statuses({each.found.commit for each in there})
        return [
            pull_request(each.found.record, each.found.commit, statuses.get(each.found.commit, ()), readiness)
            for each, readiness in zip(there, self._merges.readiness(there), strict=True)
        ]

    def settled(self, heads: Collection[str]) -> list[PullRequest]:
        """The merged and closed ones of these branches, newest number first."""
        ours = set(filter(records.is_ours, heads))
        _, merged = self._looked_at(ours)
        told = {each.number: each for each in (*merged, *self._ledger.settled(ours))}
        newest = sorted(told.values(), key=lambda each: each.number, reverse=True)
        by_head = {head: [each.number for each in newest if each.head == head][:PER_HEAD] for head in ours}
        statuses = self.statuses({each.commit for each in newest})
        return [
            pull_request(each, each.commit, statuses.get(each.commit, ()))
            for each in newest
            if each.number in by_head[each.head]
        ]

    def open(self, draft: Draft) -> PullRequest:
        """Opens one, or gives the one that is open for this branch."""
        if not records.is_ours(draft.head):
            raise ForgeRefused(f"{draft.head} is no branch of ours", hint="they are updater/<environment>/<service>")
        opened: list[PullRequest] = []
        self._until_done(lambda: self._open(draft, opened), f"no pull request of {draft.head} could be opened")
        return opened[-1]

    def edit(self, number: int, edit: Edit) -> None:
        """Changes one. Where one is reopened whose branch is gone, that is made anew."""
        self._change(number, lambda found: plans.edited(self._ledger, found, edit, self._by))

    def approve(self, number: int, commit: str) -> None:
        """Agrees to one whose head is at `commit`."""
        self._change(number, lambda found: plans.approved(found, commit, self._by))

    def merge(self, number: int, commit: str, method: Method | None) -> Literal["merged", "queued"]:
        """Merges one whose head is at `commit`; all methods are allowed, and there is no queue."""
        self._change(number, lambda found: plans.merged(self._store, found, commit, method or "merge", self._by))
        return "merged"

    def statuses(self, commits: Collection[str]) -> Mapping[str, Sequence[Status]]:
        """The newest status of each context."""
        return statuses.read(self._store, commits)

    def report(self, commit: str, status: Status) -> None:
        """Posts one."""
        self._until_done(
            lambda: statuses.add(self._store, commit, replace(status, at=self._by.time), self._by),
            f"the status {status.context} of {commit} could not be written",
        )

    @property
    def _by(self) -> Signature:
        return Signature(self._connection.person, self._connection.now())

    @property
    def _me(self) -> str:
        return shown(self._connection.person.name)

    def _looked_at(self, heads: Collection[str] | None) -> tuple[list[Seen], list[Record]]:
        """The open ones of these branches, or of all; and those among them that somebody merged by git.

        These are settled from now on, also where the branch moves on. Who may not write is told all the same.
        """
        seen = looking.seen(self._store, self._ledger.opened(heads))
        return [each for each in seen if not each.is_merged], [
            self._noticed(each.found) for each in seen if each.is_merged
        ]

    def _noticed(self, found: Found) -> Record:
        number = found.record.number
        try:
            self._changed(number, lambda _: None)
        except ForgeError as error:
            _log.info("that #%d is merged could not be written down: %s", number, error)
        return looking.landing(self._store, found).record

    def _open(self, draft: Draft, opened: list[PullRequest]) -> str | None:
        refs = self._ledger.refs(draft.head)
        if ledger.lock(draft.head) in refs:
            return self._found_open(draft, opened)
        commit, base = (refs.get(HEADS + branch) for branch in (draft.head, draft.base))
        if commit is None or base is None:
            raise ForgeRefused(f"there is no branch {draft.base if commit else draft.head}", hint="push it first")
        if merging.standings(self._store, base, [commit])[commit] == "contained":
            raise ForgeRefused(f"there is nothing in {draft.head} that is not in {draft.base}")
        change = changes.opened(draft, ledger.next_number(refs), commit, self._me, self._by.time)
        opened.append(pull_request(change.record, commit))
        return self._write(refs, change)

    def _found_open(self, draft: Draft, opened: list[PullRequest]) -> str | None:
        there, merged = self._looked_at([draft.head])
        if merged:
            return "it was merged just now"
        if not there:
            raise ForgeRefused(
                f"{ledger.lock(draft.head)} is no pull request that can be read",
                hint="if it was taken away just now, try again; else delete that ref",
            )
        record = there[0].found.record
        if record.base != draft.base:
            raise ForgeRefused(f"#{record.number} is open for {draft.head} already, into {record.base}")
        self.edit(record.number, Edit(labels=draft.labels))
        found = self._ledger.find(record.number)
        opened.append(pull_request(found.record, found.commit, self.statuses([found.commit]).get(found.commit, ())))
        return None

    def _change(self, number: int, plan: Callable[[Found], Plan | None]) -> None:
        self._until_done(lambda: self._changed(number, plan), f"#{number} could not be changed")

    def _changed(self, number: int, plan: Callable[[Found], Plan | None]) -> str | None:
        found = self._ledger.find(number)
        if found.record.state == "open" and looking.seen(self._store, [found])[0].is_merged:
            return self._write(found.refs, looking.landing(self._store, found)) or "it was merged just now"
        planned = plan(found)
        return None if planned is None else self._write(found.refs, *planned)

    def _write(self, refs: Mapping[str, str], change: Change, moves: Sequence[Move] = ()) -> str | None:
        return self._ledger.write(refs, change.record, change.message, self._by, moves)

    def _until_done(self, attempt: Callable[[], str | None], failure: str) -> None:
        """Tries until nobody else was faster; an attempt gives None once it is done, else why it is not."""
        words = attempt()
        for tries in range(_TRIES):
            if words is None:
                return
            self._connection.pause(_PAUSE * min(tries, 50))
            words = attempt()
        raise ForgeUnavailable(f"{failure}, others were faster each time: {words}")
