"""The statuses of commits in the forge built in: a ref for each commit, whose file has one for each context."""

from __future__ import annotations

import logging
from collections.abc import Collection

from updater.core.messages import plain
from updater.errors import ForgeRefused
from updater.forge import Status
from updater.forges.local import checked_json, records
from updater.forges.local.checked_json import AT_MOST
from updater.forges.local.store import Move, Signature, Store

_FOLDER = "refs/updater/status/"
_FILE = "statuses.json"
_log = logging.getLogger(__name__)


def read(store: Store, commits: Collection[str]) -> dict[str, tuple[Status, ...]]:
    """What is known of these commits. What cannot be read is told in the log, and left out."""
    wanted = sorted(filter(records.is_commit, commits))
    contents = store.files([f"{_FOLDER}{commit}:{_FILE}" for commit in wanted], AT_MOST)
    found = {}
    for commit, content in zip(wanted, contents, strict=True):
        try:
            found[commit] = checked_json.read_statuses(content) if content else ()
        except ValueError as error:
            _log.warning("%s%s holds no statuses that can be read: %s", _FOLDER, commit, error)
    return {commit: statuses for commit, statuses in found.items() if statuses}


def add(store: Store, commit: str, status: Status, by: Signature) -> str | None:
    """Writes a status in the place of the one with its context; gives git's words where somebody else was faster.

    Raises `ForgeRefused` for a commit that is not here, and a status that cannot be kept.
    """
    if not records.is_commit(commit) or store.resolved([f"{commit}^{{commit}}"]) != [commit]:
        raise ForgeRefused(f"there is no commit {commit} to report on", hint="push it first; give its whole id")
    ref = f"{_FOLDER}{commit}"
    old = store.refs(ref).get(ref)
    others = [each for each in read(store, [commit]).get(commit, ()) if each.context != status.context]
    content = checked_json.written_statuses([*others, status])
    try:
        checked_json.read_statuses(content)
    except ValueError as error:
        raise ForgeRefused(f"the status of {commit} cannot be kept: {error}") from error
    message = plain(f"{status.context}: {status.state}, by {by.person.name}") + "\n"
    return store.move([Move(ref, old, store.note(old, _FILE, content, message, by))])
