"""The first look at a branch: which of its files mention which images.

git lists and unpacks while the portion before is searched, so that both have a processor to themselves, and a
content that stands in many places is searched once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from updater.adapters import reading
from updater.adapters.git import Git
from updater.adapters.reading import BLOBS_AT_ONCE
from updater.core.kustomization import mentioned_images

_REGULAR_FILE = b"100"


def scan(git: Git, commit: str, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Path and image of every mention in the files of a commit that have one of these names, in no order.

    Links and paths that are not UTF-8 are left out. Raises `GitError`.
    """
    places = _places(git, commit, names)
    for blob, content in _contents(git, list(places)):
        for image in mentioned_images(content):
            for path in places[blob]:
                yield path, image


def _places(git: Git, commit: str, names: frozenset[str]) -> dict[str, list[str]]:
    """Where each blob stands."""
    endings = tuple(before + name.encode() for name in names for before in (b"/", b"\t"))
    places: dict[str, list[str]] = {}
    for line in git.check("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        if line.endswith(endings) and line.startswith(_REGULAR_FILE):
            head, _, path = line.partition(b"\t")
            try:
                places.setdefault(head.rpartition(b" ")[2].decode(), []).append(path.decode())
            except UnicodeDecodeError:
                continue
    return places


def _contents(git: Git, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Blobs and their contents, read one portion ahead and no further, so that memory stays small."""

    def read(start: int) -> list[tuple[str, bytes]]:
        portion = blobs[start : start + BLOBS_AT_ONCE]
        return list(zip(portion, reading.contents(git, portion), strict=True))

    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(read, 0)
        for start in range(0, len(blobs), BLOBS_AT_ONCE):
            found = coming.result()
            coming = reader.submit(read, start + BLOBS_AT_ONCE)
            yield from found
