"""How an entry came to stand as it does, read from the commits that touched its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

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

    A commit that only added the digest to a tag, or another one later, leaves the tag as old as it was: what lost
    to the tag has lost (`Standing.tag_since`).
    """
    older = iter(steps)
    for step in older:
        if not _carries(step.before, entry):
            told = None if entry.image is None else pushed_at(step.message, entry.image, entry.version)
            return Standing(step.commit, told or step.time, step.time, _tag_since(entry, step, older))
    return None


def _tag_since(entry: Entry, step: Step, older: Iterator[Step]) -> datetime | None:
    """When the tag was written that stood without a digest before, if none but its digests stood between."""
    if entry.version.tag is None or entry.version.digest is None:
        return None
    tag = Version(entry.version.tag)
    for before in chain([step], older):
        past = _past(before.before, entry, tag)
        if past is None:
            return None
        if past.digest is None:
            tagged = standing(replace(entry, version=past), older)
            return None if tagged is None else tagged.pushed_at
    return None


def stood(entry: Entry, version: Version, steps: Iterable[Step]) -> Standing | None:
    """How `version` last got into `entry`, where it stood before but does not now; None if it never did.

    `steps` are the commits that touched its file, newest first. A version without a digest is that tag with any.
    """
    older = iter(steps)
    for step in older:
        past = _past(step.before, entry, version)
        if past is not None:
            return standing(replace(entry, version=past), older)
    return None


def _past(content: bytes | None, entry: Entry, version: Version) -> Version | None:
    """The version in which `entry` stood in an older content of its file, if it is `version`."""
    for old in _entries(content, entry.path):
        is_it = old.version == version or (version.digest is None and old.version.tag == version.tag)
        if (old.name, old.image) == (entry.name, entry.image) and is_it:
            return old.version
    return None


def _carries(content: bytes | None, entry: Entry) -> bool:
    older = _entries(content, entry.path)
    return any((old.name, old.image, old.version) == (entry.name, entry.image, entry.version) for old in older)


def _entries(content: bytes | None, path: str) -> tuple[Entry, ...]:
    """What an older content of a file can still be read as."""
    if content is None:
        return ()
    try:
        return entries(path, content)
    except EditRefused:
        return ()
