"""git's log of a branch: who committed what when, and which files changed, one step for each first-parent commit.

A merge is one step: what it brought to the branch. Options are those under which git may use changed-path filters
(gitformat-commit-graph(5)): one path, taken literally, without renames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from os import devnull

from updater.adapters.commits import instant, shown
from updater.adapters.git import Git
from updater.adapters.reading import REGULAR_FILE, Change, is_text

_PAGE = 2_000
_FIELDS = "--format=%H%x00%P%x00%an%x00%at%x00%ct%x00%B%x00"
_DIFF = ("-r", "-z", "--raw", "--no-abbrev", "--no-renames", f"-O{devnull}", "--diff-merges=first-parent", _FIELDS)
"""Without an order file: a person's setting may name one that is not there, at which git stops."""


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """A commit, and the files that differ from its first parent. Times are in UTC, `author` is a name."""

    sha: str
    parents: tuple[str, ...]
    author: str
    authored_at: datetime
    landed_at: datetime
    message: str
    changes: tuple[Change, ...]


def log(git: Git, revisions: str, path: str) -> list[LoggedCommit]:
    """The first-parent commits of a range that changed `path`, newest first."""
    return _log(git, revisions, "--", f":(literal){path}")


def pages(git: Git, top: str, below: str | None = None) -> Iterator[LoggedCommit]:
    """The first-parent commits from `top` down to `below`, which is not among them; newest first.

    Read a part at a time, since those of a whole history would fill the memory.
    """
    while True:
        page = _log(git, top if below is None else f"{below}..{top}", count=_PAGE)
        yield from page
        if len(page) < _PAGE or not page[-1].parents:
            return
        top = page[-1].parents[0]


def compared(git: Git, commit: str, parent: str) -> LoggedCommit:
    """One commit, and the files that differ from `parent`, which need not be its first."""
    pair = f"{commit} {parent}\n".encode()
    return next(_parsed(git.check("diff-tree", "--stdin", "--always", *_DIFF, stdin=pair)))


def _log(git: Git, revisions: str, *paths: str, count: int = -1) -> list[LoggedCommit]:
    arguments = (*_DIFF, f"--max-count={count}", "--end-of-options", revisions, *paths)
    return list(_parsed(git.check("log", "--first-parent", *arguments)))


def _parsed(output: bytes) -> Iterator[LoggedCommit]:
    """The commits in what git prints with `_DIFF`: six fields and an empty one, then two for each file."""
    fields = output.decode(errors="surrogateescape").split("\0")
    at = 0
    while at + 6 <= len(fields):
        sha, parents, author, authored, landed, message = fields[at : at + 6]
        at += 7
        changes = []
        while at < len(fields) and fields[at].lstrip("\n").startswith(":"):
            _, mode, _, blob, _ = fields[at].split(" ")
            path = fields[at + 1]
            at += 2
            if is_text(path):
                changes.append((path, blob if mode.startswith(REGULAR_FILE) else None))
        times = (instant(authored), instant(landed))
        who, why = shown(_replaced(author)), _replaced(message)
        yield LoggedCommit(sha.lstrip("\n"), tuple(parents.split()), who, *times, why, tuple(changes))


def _replaced(text: str) -> str:
    """Text without what was no UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="replace")
