"""The commits that one commit has in its history and another has not, and which of them are ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from os import devnull

from updater.adapters.commits import shown
from updater.adapters.git import Git
from updater.model import Identity
from updater.protocols import Beyond

_FIELDS = 6
_FORMAT = "--format=%H%x00%P%x00%an%x00%cn%x00%ce%x00%B%x00"
_DIFF = ("-r", "-z", "--raw", "--no-abbrev", "--no-renames", f"-O{devnull}", "--diff-merges=off", "--root", _FORMAT)
_TRAILER = re.compile("^Updater-Environment: ", re.MULTILINE)
_CRUD = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
"""What git takes off both ends of a name and an e-mail where it signs a commit itself."""


def beyond(git: Git, base: str, head: str, committer: Identity) -> list[Beyond]:
    """The commits of `base..head`, children before their parents. Ours are by `committer` and carry our trailers."""
    output = git.check("log", "--topo-order", *_DIFF, "--end-of-options", f"{base}..{head}")
    return list(_parsed(output.decode(errors="replace").split("\0"), committer))


def _parsed(fields: list[str], committer: Identity) -> Iterator[Beyond]:
    """The commits in what git prints: six fields and an empty one, then two for each file that a commit changes.

    A commit holds no NUL that git would show, so the fields cannot be mistaken whatever is in them.
    """
    at = 0
    while at + _FIELDS <= len(fields):
        sha, parents, author, name, email, message = fields[at : at + _FIELDS]
        at += _FIELDS + 1
        paths = []
        while at < len(fields) and fields[at].lstrip("\n").startswith(":"):
            paths.append(fields[at + 1])
            at += 2
        is_same = _bare(name, email) == _bare(committer.name, committer.email)
        is_ours = is_same and bool(_TRAILER.search(message))
        yield Beyond(sha.lstrip("\n"), tuple(parents.split()), shown(author), message, is_ours, tuple(paths))


def _bare(name: str, email: str) -> tuple[str, str]:
    return name.strip(_CRUD), email.strip(_CRUD)
