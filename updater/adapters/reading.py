"""Reading much of a repository at once, by git's own plumbing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from updater.adapters.git import Git
from updater.errors import GitError

_LARGEST_PAGE = 64
_BLOBS_AT_ONCE = 5000
_REGULAR_FILE = "100"
_LAST_INSTANT = 253402300799  # in the year 9999


Change: TypeAlias = tuple[str, str | None]
"""A path, and the id of the blob that stands there now; None if there is nothing any more, or no file."""


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """A commit as the log tells of it; `time` is the author's, in UTC."""

    sha: str
    time: datetime
    message: str


def log(git: Git, tip: str, path: str) -> Iterator[LoggedCommit]:
    """The commits of the first-parent history of `tip` that changed `path`, newest first.

    Read in pages that grow: the newest commit is nearly always all that is asked for, and looking for more
    of them may mean to walk through all of history.
    """
    skip, size = 0, 1
    while True:
        page = git.check(
            "log", f"-{size}", f"--skip={skip}", "--first-parent", "-m", "-s", "--no-renames",
            "--format=%H%x00%at%x00%B%x00", tip, "--", f":(literal){path}",
        )  # fmt: skip
        fields = page.decode(errors="replace").split("\0")[:-1]
        for sha, time, message in zip(fields[0::3], fields[1::3], fields[2::3], strict=True):
            yield LoggedCommit(sha.strip(), _instant(int(time or 0)), message)
        if len(fields) < 3 * size:
            return
        skip, size = skip + size, min(4 * size, _LARGEST_PAGE)


def files(git: Git, commit: str, names: frozenset[str]) -> list[tuple[str, str]]:
    """Path and blob id of every file of a commit that has one of these names; paths that are no text are left out."""
    listing = git.check("ls-tree", "-r", "-z", "--full-tree", commit).decode(errors="surrogateescape")
    found = []
    for line in listing.split("\0"):
        head, _, path = line.partition("\t")
        if path.rpartition("/")[2] in names and head.startswith(_REGULAR_FILE) and _is_text(path):
            found.append((path, head.split(" ")[2]))
    return found


def changes(git: Git, old: str, new: str) -> list[Change]:
    """What differs between two commits. Paths that are no text are left out."""
    listing = git.check("diff-tree", "-r", "-z", "--no-renames", "--raw", old, new)
    fields = listing.decode(errors="surrogateescape").split("\0")[:-1]
    found: list[Change] = []
    for head, path in zip(fields[0::2], fields[1::2], strict=True):
        _, mode, _, blob, _ = head.split(" ")
        if _is_text(path):
            found.append((path, blob if mode.startswith(_REGULAR_FILE) else None))
    return found


def touched(git: Git, old: str, new: str) -> frozenset[str] | None:
    """The paths that any commit between `old` and `new` changed, those that were changed back as well.

    None unless `old` is on the first-parent history of `new` (after a forced push, say).
    """
    chain = git.check("rev-list", "--first-parent", "--parents", f"{old}..{new}").decode().splitlines()
    steps = [" ".join(line.split(" ")[:2]) for line in chain]
    if not steps or not steps[-1].endswith(f" {old}"):
        return None
    pairs = "".join(f"{step}\n" for step in steps).encode()
    options = ("--stdin", "-r", "-z", "--no-commit-id", "--name-only", "--no-renames")
    return frozenset(git.check("diff-tree", *options, stdin=pairs).decode(errors="surrogateescape").split("\0")[:-1])


def contents(git: Git, blobs: Sequence[str]) -> Iterator[bytes]:
    """The contents of many blobs, in their order, in portions, so that memory stays small."""
    for start in range(0, len(blobs), _BLOBS_AT_ONCE):
        wanted = "".join(f"{blob}\n" for blob in blobs[start : start + _BLOBS_AT_ONCE])
        yield from _batch(git.check("cat-file", "--batch", "--buffer", stdin=wanted.encode()))


def _is_text(path: str) -> bool:
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


def _instant(seconds: int) -> datetime:
    """A commit's time; git lets it be in any year, Python does not, and the last instant is as good as any after it."""
    return datetime.fromtimestamp(min(max(seconds, 0), _LAST_INSTANT), UTC)
