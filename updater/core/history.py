"""What landed in the entries of a file, read from the commits that touched it.

Contents count, not messages: a commit's trailers are asked only when the image that it really wrote was pushed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from updater.core.kustomization import entries
from updater.core.messages import built_from, told
from updater.errors import EditRefused
from updater.model import APART, Entry, Landing, Version
from updater.protocols import Question


@dataclass(frozen=True, slots=True)
class Step:
    """A commit of a branch that touched a file. `content` is what stands in the file since, None if there is none.

    `author` is a name; both times are in UTC, `landed_at` is the committer's. `brought` is the message of the newest
    commit that a merge brought, empty where it is none.
    """

    commit: str
    author: str
    authored_at: datetime
    landed_at: datetime
    message: str
    content: bytes | None
    brought: str = ""


def key(entry: Entry) -> str:
    """What an entry is known by through the history of its file: image and name, wherever in the list it stands."""
    return "\n".join((entry.image or "", entry.name, *([str(entry.repeat)] if entry.repeat else ())))


def landings(path: str, steps: Iterable[Step], standing: dict[str, Version]) -> Iterator[tuple[str, Landing]]:
    """Every version that got into an entry of the file, oldest first, with the entry's key.

    `steps` are the commits that touched the file, oldest first; `standing` is what stood before them, by key, and is
    kept up to date. A content that is not there or cannot be read says nothing: neither that a version went nor
    that it came back.
    """
    for step in steps:
        for entry in _entries(path, step.content):
            place = key(entry)
            if entry.image is not None and standing.get(place) != entry.version:
                standing[place] = entry.version
                yield place, _landing(step, entry.image, entry.version)


def first_pushed(landings: Iterable[Landing]) -> dict[Version, datetime]:
    """Of each version that landed the earliest push time that is told."""
    found: dict[Version, datetime] = {}
    for landing in landings:
        found[landing.version] = min(landing.pushed_at, found.get(landing.version, landing.pushed_at))
    return found


def stood(question: Question, known: Mapping[Version, datetime]) -> dict[Version, datetime]:
    """Of the versions that are asked about those that stood, given the push time of every version that did."""
    found: dict[Version, datetime] = {}
    for version in question.versions:
        any_digest = version.digest is None and version.tag != question.entry.version.tag
        times = [at for each, at in known.items() if each == version or (any_digest and each.tag == version.tag)]
        if times:
            found[version] = min(times)
    return found


def _landing(step: Step, image: str, version: Version) -> Landing:
    push = told(step.message, image, version)
    # A merge does not say itself what its branch says; of that only what decides nothing is taken.
    origin = built_from(step.message, image, version) or built_from(step.brought, image, version)
    if push is None or push.time - APART > step.landed_at:  # nothing is pushed after it was written
        pushed_at, event = min(step.authored_at, step.landed_at), None
    else:
        pushed_at, event = push.time, push.event
    return Landing(version, step.commit, step.author, step.landed_at, pushed_at, event, origin)


def _entries(path: str, content: bytes | None) -> tuple[Entry, ...]:
    """What an older content of a file can still be read as."""
    if content is None:
        return ()
    try:
        return entries(path, content)
    except EditRefused:
        return ()
