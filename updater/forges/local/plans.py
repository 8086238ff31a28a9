"""What is to be written for what somebody asks of a pull request of the forge built in, as it was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from updater.adapters.commits import shown
from updater.errors import ForgeRefused
from updater.forge import Edit, Method
from updater.forges.local import changes, merging
from updater.forges.local.changes import Change
from updater.forges.local.ledger import HEADS, Found, Ledger, lock
from updater.forges.local.merging import Landed
from updater.forges.local.store import Move, Signature, Store

Plan: TypeAlias = tuple[Change, Sequence[Move]]
"""A change of a pull request, and the other refs that move together with it."""


def edited(ledger: Ledger, found: Found, edit: Edit, by: Signature) -> Plan | None:
    """An edit. Raises `ForgeRefused` where it cannot be made."""
    change = changes.edited(found.record, edit, shown(by.person.name), by.time)
    if change is None:
        return None
    is_reopened = change.record.state == "open" != found.record.state
    if not is_reopened and change.record.base == found.record.base:
        return _at(change, found.commit), ()
    commit, moves = _reopened(ledger, found) if is_reopened else (found.commit, ())
    base = found.refs.get(HEADS + change.record.base)
    if base is None:
        raise ForgeRefused(f"there is no branch {change.record.base}")
    if merging.standings(ledger.store, base, [commit])[commit] == "contained":
        raise ForgeRefused(f"there is nothing in {found.record.head} that is not in {change.record.base}")
    return _at(change, commit), moves


def _reopened(ledger: Ledger, found: Found) -> tuple[str, Sequence[Move]]:
    """The newest commit of one that is reopened, and the branch if that has to be made."""
    record, branch = found.record, HEADS + found.record.head
    if lock(record.head) in found.refs:
        raise ForgeRefused(f"#{record.number} cannot be reopened: another one is open for {record.head}")
    last, there = ledger.last_commit(record.number), found.refs.get(branch)
    commit = there or last
    if commit is None:
        raise ForgeRefused(f"#{record.number} cannot be reopened: neither its branch nor its commits are here")
    if last is not None and not _has(ledger.store, commit, last):
        raise ForgeRefused(
            f"#{record.number} cannot be reopened: {record.head} is at another commit by now",
            hint="`updater promote` proposes the version again",
        )
    return commit, [Move(branch, there, commit)]


def _has(store: Store, tip: str, commit: str) -> bool:
    """Whether a branch still has a commit: people may have gone on from there."""
    return tip == commit or merging.standings(store, tip, [commit])[commit] == "contained"


def approved(found: Found, commit: str, by: Signature) -> Plan | None:
    """An approval. Raises `ForgeRefused` where the head is another one."""
    _check_head(found, commit, "approved")
    change = changes.approved(found.record, commit, shown(by.person.name))
    return None if change is None else (_at(change, commit), ())


def merged(store: Store, found: Found, commit: str, method: Method, by: Signature) -> Plan:
    """A merge. Raises `ForgeRefused` where the head is another one, or conflicts."""
    _check_head(found, commit, "merged")
    record, head = found.record, HEADS + found.record.head
    if found.base is None:
        raise ForgeRefused(f"#{record.number} cannot be merged: there is no branch {record.base}")
    tip = merging.merged(store, record, found.base, commit, method, by)
    moves = [Move(HEADS + record.base, found.base, tip)]
    moves += [Move(head, commit, commit)] if head in found.refs else []
    return changes.merged(record, commit, Landed(tip, shown(by.person.name), by.time)), moves


def _at(change: Change, commit: str) -> Change:
    """The change, with what is the newest commit of the head now."""
    return replace(change, record=replace(change.record, commit=commit))


def _check_head(found: Found, commit: str, done: str) -> None:
    record = found.record
    if record.state != "open":
        raise ForgeRefused(f"#{record.number} cannot be {done}: it is {record.state}")
    if found.commit != commit:
        raise ForgeRefused(
            f"#{record.number} cannot be {done} as {commit[:12]}: its head is {found.commit[:12]} by now",
            hint="look at what changed, and do it again",
        )
