"""The commits that one commit has in its history and another has not, and which of them are ours."""

from __future__ import annotations

import re

from updater.adapters.commits import shown
from updater.adapters.git import Git
from updater.model import Identity
from updater.protocols import Beyond

_FIELDS = 6
_FORMAT = "--format=%H%x00%P%x00%an%x00%cn%x00%ce%x00%B"
_TRAILER = re.compile("^Updater-Environment: ", re.MULTILINE)
_CRUD = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
"""What git takes off both ends of a name and an e-mail where it signs a commit itself."""


def beyond(git: Git, base: str, head: str, committer: Identity) -> list[Beyond]:
    """The commits of `base..head`, children before their parents. Ours are by `committer` and carry our trailers."""
    # A commit holds no NUL that git would show, so the fields cannot be mistaken whatever is in them.
    output = git.check("log", "-z", "--topo-order", _FORMAT, "--end-of-options", f"{base}..{head}")
    fields = output.decode(errors="replace").split("\0")
    return [_parsed(fields[at : at + _FIELDS], committer) for at in range(0, len(fields) - 1, _FIELDS)]


def _parsed(fields: list[str], committer: Identity) -> Beyond:
    sha, parents, author, name, email, message = fields
    is_same = _bare(name, email) == _bare(committer.name, committer.email)
    return Beyond(sha, tuple(parents.split()), shown(author), message, is_same and bool(_TRAILER.search(message)))


def _bare(name: str, email: str) -> tuple[str, str]:
    return name.strip(_CRUD), email.strip(_CRUD)
