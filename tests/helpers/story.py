"""What the history of a fake repository says of the laws, in the plainest way: all of it is read, every time.

Nothing here is asked of `updater.core`: versions are read with a YAML library, orders and trailers in a line each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tests.helpers.fake_repository import FakeCommit, FakeRepository

Pair = tuple[str | None, str | None]
"""Tag and digest."""
Place = tuple[str, str]
"""Path of a kustomization and name of an entry, which is its image."""

ORDERS: dict[str, Callable[[str], Any]] = {
    "pushed": lambda _tag: 0,
    "semver": lambda tag: tuple(map(int, tag.removeprefix("v").split("."))),
    "numerical": float,
    "alphabetical": str,
}
_TRAILERS = re.compile(r"^Updater-Image: (\S+)\n.*\nUpdater-Event: \S+ (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Landed:
    """A version got into an entry: by which commit, when that was made, and when the version was pushed."""

    version: Pair
    sha: str
    at: datetime
    pushed_at: datetime


@dataclass
class Story:
    """A branch as it was when one of its commits was made: what landed in each entry, oldest first."""

    landed: dict[Place, list[Landed]] = field(default_factory=dict)

    def tell(self, sha: str, commit: FakeCommit) -> dict[Place, Landed]:
        """Adds a commit, and gives what landed in the entries that it changed."""
        changed: dict[Place, Landed] = {}
        for path, content in commit.files.items():
            for name, version in images(path, content):
                past = self.landed.setdefault((path, name), [])
                if not past or past[-1].version != version:
                    past.append(Landed(version, sha, commit.time, _pushed_at(commit, name, version)))
                    changed[path, name] = past[-1]
        return changed


def branch(repository: FakeRepository, tip: str) -> list[str]:
    """The commits that lead to a tip, oldest first."""
    shas: list[str] = []
    sha: str | None = tip
    while sha is not None:
        shas.append(sha)
        sha = repository.commits[sha].parent
    return shas[::-1]


@cache
def images(path: str, content: bytes) -> tuple[tuple[str, Pair], ...]:
    """The entries of a kustomization; none of any other file, and of one that cannot be read."""
    if not path.endswith("kustomization.yaml"):
        return ()
    data = loaded(content)
    entries = data.get("images", ()) if isinstance(data, dict) else ()
    return tuple((entry["name"], (entry.get("newTag"), entry.get("digest"))) for entry in entries)


@cache
def loaded(content: bytes) -> Any:
    """What a YAML file says; None if it cannot be read."""
    try:
        return YAML(typ="safe").load(content)
    except YAMLError:
        return None


def is_ours(commit: FakeCommit) -> bool:
    """Whether an event made it, and not a person; pasted trailers are no proof."""
    return commit.author == "updater" and "\nUpdater-Event: " in commit.message


def rank(order: str, version: Pair, pushed_at: datetime) -> tuple[Any, ...]:
    """What two versions are compared by."""
    tag, digest = version
    try:
        key = (1, ORDERS[order](tag or ""))
    except ValueError:
        key = (0, 0)
    return (*key, pushed_at, digest or "", tag or "")


def is_same(one: Pair, other: Pair) -> bool:
    """Whether both may be the same version: a tag without a digest is that tag with any."""
    return one[0] == other[0] and (one[1] == other[1] or None in (one[1], other[1]))


def first_pushed(past: list[Landed], version: Pair) -> datetime:
    """The earliest time that is known for the push of a version, from the history of an entry in which it stood."""
    return min(each.pushed_at for each in past if each.version == version)


def service(place: Place) -> str:
    """The service of an overlay."""
    return place[0].split("/")[-2]


# The laws


def minimal_diff(before: bytes, after: bytes, new: Pair) -> None:
    """Law 1: line by line, nothing but values of the bumped entry is another; at the most one line is added."""
    end = b"\r\n" if b"\r\n" in before else b"\n"
    old_lines, new_lines = before.split(end), after.split(end)
    added = [line for line in new_lines if b"digest:" in line] if len(new_lines) > len(old_lines) else []
    assert all(line.translate(None, b"\"'") == f"  digest: {new[1]}".encode() for line in added)
    kept = [line for line in new_lines if line not in added]
    for one, other in zip(old_lines, kept, strict=True):
        assert one == other or _blank(one) == _blank(other) != one


def never_backwards(order: str, past: list[Landed], new: Landed) -> None:
    """Law 3: what is written ranks higher than what stood, `past` being all that landed up to then and `new`."""
    before, now = (rank(order, each.version, first_pushed(past, each.version)) for each in past[-2:])
    assert before < now or is_same(past[-2].version, new.version), f"{new.version} is older than {past[-2].version}"


def keeps_out(
    past: list[Landed], order: str, version: Pair, pushed_at: datetime, *, stood: bool
) -> Iterator[tuple[Landed, Landed]]:
    """Law 4: the moves back in an entry's history that keep a version out: what was moved away from, and what to."""
    ranks = [
        rank(order, each.version, first_pushed(past[: number + 1], each.version)) for number, each in enumerate(past)
    ]
    for at in range(1, len(past)):
        held, back = past[at - 1], past[at]
        if is_same(held.version, back.version):
            is_back = back.version[1] is None and any(each.version == back.version for each in past[:at])
        else:
            is_back = ranks[at] < ranks[at - 1]
        has_ended = any(each >= ranks[at - 1] for each in ranks[at + 1 :])
        is_between = rank(order, version, pushed_at) < ranks[at - 1] and (stood or pushed_at <= max(held.at, back.at))
        if is_back and not has_ended and (is_same(held.version, version) or is_between):
            yield held, back


def _blank(line: bytes) -> bytes:
    """A line of an entry without its value."""
    return re.sub(rb"^( +(?:newTag|digest): )(\"[^\"]*\"|'[^']*'|\S+)", rb"\1", line)


def _pushed_at(commit: FakeCommit, image: str, version: Pair) -> datetime:
    tag, digest = version
    reference = f"{image}{f':{tag}' if tag else ''}{f'@{digest}' if digest else ''}"
    for named, time in _TRAILERS.findall(commit.message):
        told = datetime.fromisoformat(time.replace("Z", "+00:00"))
        if named == reference and told < commit.time + timedelta(seconds=1):
            return told
    return commit.time
