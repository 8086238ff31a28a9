"""How an entry came to stand as it does, read from the commits that touched its file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from updater.core.kustomization import entries
from updater.core.messages import pushed_at
from updater.errors import EditRefused
from updater.model import Entry, Standing, Version


@dataclass(frozen=True, slots=True)
class Step:
    """A commit of the first-parent history that touched a file. `before` is the file's content in its first parent."""

    commit: str
    message: str
    time: datetime
    before: bytes | None


def standing(entry: Entry, steps: Iterable[Step]) -> Standing | None:
    """How the version that stands in `entry` got there.

    `steps` are the commits that touched its file, newest first. The one that put the version there
    tells in its trailers when it was pushed, else its author time counts. None if no step did (a history cut short).

    A commit that only added the digest to a tag makes it no older than it was: what lost to the tag has lost.
    """
    older = iter(steps)
    for step in older:
        if not _carries(step.before, entry):
            told = None if entry.image is None else pushed_at(step.message, entry.image, entry.version)
            found = Standing(step.commit, told or step.time, step.time)
            bare = replace(entry, version=Version(entry.version.tag))
            tagged = standing(bare, older) if _carries(step.before, bare) else None
            return found if tagged is None else replace(found, pushed_at=max(found.pushed_at, tagged.pushed_at))
    return None


def _carries(content: bytes | None, entry: Entry) -> bool:
    if content is None:
        return False
    try:
        found = entries(entry.path, content)
    except EditRefused:
        return False
    return any((old.name, old.image, old.version) == (entry.name, entry.image, entry.version) for old in found)
