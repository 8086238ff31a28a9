"""Reading much of a repository at once, by git's own plumbing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from updater.adapters.git import Git
from updater.errors import GitError

BLOBS_AT_ONCE = 5000
REGULAR_FILE = "100"
"""How the modes of regular files begin."""


Change: TypeAlias = tuple[str, str | None]
"""A path, and the id of the blob that stands there now; None if there is nothing any more, or no file."""


def changes(git: Git, old: str, new: str) -> list[Change]:
    """What differs between two commits. Paths that are no text are left out."""
    listing = git.check("diff-tree", "-r", "-z", "--no-renames", "--raw", old, new)
    fields = listing.decode(errors="surrogateescape").split("\0")[:-1]
    found: list[Change] = []
    for head, path in zip(fields[0::2], fields[1::2], strict=True):
        _, mode, _, blob, _ = head.split(" ")
        if is_text(path):
            found.append((path, blob if mode.startswith(REGULAR_FILE) else None))
    return found


def contents(git: Git, blobs: Sequence[str]) -> Iterator[bytes]:
    """The contents of many objects, in their order, in portions, so that memory stays small."""
    for start in range(0, len(blobs), BLOBS_AT_ONCE):
        wanted = "".join(f"{blob}\n" for blob in blobs[start : start + BLOBS_AT_ONCE])
        yield from _batch(git.check("cat-file", "--batch", "--buffer", stdin=wanted.encode()))


def messages(git: Git, commits: Sequence[str]) -> Iterator[str]:
    """The messages of many commits, in their order, as `contents` reads them."""
    for commit in contents(git, commits):
        yield commit.partition(b"\n\n")[2].decode(errors="replace")


def is_text(path: str) -> bool:
    """Whether a path is UTF-8, given that other bytes were decoded to surrogates; no manifest can refer to others."""
    return path.isascii() or not any("\ud800" <= character <= "\udfff" for character in path)


def _batch(output: bytes) -> Iterator[bytes]:
    """The contents in what `git cat-file --batch` prints (git-cat-file(1), BATCH OUTPUT)."""
    start = 0
    while start < len(output):
        end = output.index(b"\n", start)
        header = output[start:end].split(b" ")
        if len(header) != 3:
            raise GitError(f"the local mirror lacks an object: {output[start:end].decode(errors='replace')}")
        size = int(header[2])
        yield output[end + 1 : end + 1 + size]
        start = end + 2 + size
