"""Histories of any kind, commit by commit, as they may be met in a repository: by people, tools and liars."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.gitops import git

TEN = 1795168800
"""Ten o'clock on 2026-11-20 in UTC, the time of every commit unless something else is said; see tests/conftest.py."""


@dataclass(frozen=True)
class Made:
    """A commit as git-fast-import(1) takes it: anything that a repository may hold, whoever would write it.

    `files` change what stands in `tree` (a commit; by default the first parent). A path may be bytes, a content a
    pair of mode and bytes.
    """

    files: Mapping[str | bytes, bytes | str | tuple[str, bytes] | None] = field(default_factory=dict)
    message: str | bytes = "Change"
    parents: Sequence[str] | None = None
    tree: str | None = None
    author: bytes = b"alice"
    authored: int = TEN
    committed: int = TEN
    encoding: str | None = None


def made(bare: Path, *commits: Made, branch: str = "main") -> str:
    """Puts commits on a branch, the first on its tip if it does not name its parents; gives the id of the last."""
    before = git(bare, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
    stream = bytearray()
    for number, commit in enumerate(commits, 1):
        parents = [before] if before and number == 1 else [f":{number - 1}"] if number > 1 else []
        parents = parents if commit.parents is None else list(commit.parents)
        stream += _head(commit, number, parents)
        stream += b"M 040000 %b \n" % _tree_of(bare, commit.tree) if commit.tree else b""
        for path, content in commit.files.items():
            stream += _line(path if isinstance(path, bytes) else path.encode(), content)
    stream += f"reset refs/heads/{branch}\nfrom :{len(commits)}\n\nget-mark :{len(commits)}\n".encode()
    return git(bare, "fast-import", "--quiet", "--force", "--date-format=raw", stdin=bytes(stream))


def _head(commit: Made, mark: int, parents: Sequence[str]) -> bytes:
    message = commit.message if isinstance(commit.message, bytes) else commit.message.encode()
    # A branch of this name is never written: without it each commit would stand on the one before.
    lines = [b"reset refs/made", b"commit refs/made", b"mark :%d" % mark]
    lines += [b"author %b <alice@example.org> %d +0000" % (commit.author, commit.authored)]
    lines += [b"committer alice <alice@example.org> %d +0000" % commit.committed]
    lines += [b"encoding %b" % commit.encoding.encode()] if commit.encoding else []
    lines += [b"data %d\n%b" % (len(message), message)]
    lines += [b"%b %b" % (b"merge" if at else b"from", parent.encode()) for at, parent in enumerate(parents)]
    return b"\n".join(lines) + b"\n"


def _line(path: bytes, content: bytes | str | tuple[str, bytes] | None) -> bytes:
    quoted = b'"%b"' % path.replace(b"\\", rb"\\").replace(b'"', rb"\"").replace(b"\n", rb"\n")
    if content is None:
        return b"D %b\n" % quoted
    mode, data = content if isinstance(content, tuple) else ("100644", content)
    data = data.encode() if isinstance(data, str) else data
    return b"M %b inline %b\ndata %d\n%b\n" % (mode.encode(), quoted, len(data), data)


def _tree_of(bare: Path, commit: str) -> bytes:
    return git(bare, "rev-parse", f"{commit}^{{tree}}").encode()


def with_people(bare: Path, author: bytes, committer: bytes, branch: str = "main") -> str:
    """Writes the newest commit of a branch anew with other lines for its people, such as git itself refuses."""
    done = subprocess.run(["git", "cat-file", "commit", branch], cwd=bare, capture_output=True, check=True)
    head, _, message = done.stdout.partition(b"\n\n")
    others = [line for line in head.split(b"\n") if not line.startswith((b"author ", b"committer "))]
    content = b"\n".join([*others, b"author " + author, b"committer " + committer]) + b"\n\n" + message
    new = git(bare, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=content)
    git(bare, "update-ref", f"refs/heads/{branch}", new)
    return new
