"""Reading and writing a bare repository on this machine by git's own plumbing: refs, files in commits, new commits.

Every method is one git process, or a few, for however many things are asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from updater.adapters import reading
from updater.adapters.git import Git
from updater.adapters.process import Finished
from updater.errors import ForgeError, ForgeRefused, ForgeUnavailable, GitError, RemoteUnavailable
from updater.model import Identity

_IN_THE_WAY = re.compile(r"exists; cannot create|refusing to update ref|Permission denied|Read-only file system")
"""What git says of a ref that will not be written later either."""
_LOCKED = re.compile(r"Unable to create '.*\.lock': File exists")
_PATIENCE = 500
"""Milliseconds to wait for a ref that somebody else is moving; it takes a few, so a longer lock was left over."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who makes a commit, and when."""

    person: Identity
    time: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """A ref that goes from `old` to `new`: None is a ref that is not there. Equal ones are a condition only."""

    ref: str
    old: str | None
    new: str | None


class Store:
    """One bare repository. Whatever fails is a `ForgeError`."""

    def __init__(self, git: Git) -> None:
        self.git = git

    def output(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """What a git command prints that has to succeed."""
        with _as_forge_errors():
            return self.git.check(*arguments, stdin=stdin, identity=environment)

    def refs(self, *patterns: str) -> dict[str, str]:
        """The refs below these names, or that match them (git-for-each-ref(1)), and the objects that they name."""
        listing = self.output("for-each-ref", "--format=%(objectname) %(refname)", *patterns)
        lines = filter(reading.is_text, listing.decode(errors="surrogateescape").splitlines())
        return {name: oid for oid, name in (line.split(" ", 1) for line in lines)}

    def resolved(self, names: Sequence[str]) -> list[str | None]:
        """The object that each of these revisions stands for; None where there is none."""
        return [None if told is None else told.split()[0] for told in self._looked_up(names)]

    def files(self, names: Sequence[str], at_most: int) -> list[bytes | None]:
        """The contents of files, each named `<commit or ref>:<path>`; None where there is none, or it is too long."""
        told = self._looked_up(names)
        short = [each is not None and _is_short_file(each, at_most) for each in told]
        wanted = [oid.split()[0] for oid, is_wanted in zip(told, short, strict=True) if oid and is_wanted]
        with _as_forge_errors():
            contents = iter(list(reading.contents(self.git, wanted)))
        return [next(contents) if is_wanted else None for is_wanted in short]

    def note(self, parent: str | None, name: str, content: bytes, message: str, by: Signature) -> str:
        """Makes a commit that holds one file and nothing else, and gives its id."""
        blob = self.output("hash-object", "-w", "--stdin", stdin=content).decode().strip()
        tree = self.output("mktree", stdin=f"100644 blob {blob}\t{name}\n".encode()).decode().strip()
        return self._commit((), tree, [parent] if parent else [], message, by, {})

    def commit(
        self, tree: str, parents: Sequence[str], message: str, by: Signature, author: Mapping[str, str] | None = None
    ) -> str:
        """Makes a commit for a branch and gives its id; it is signed where git's configuration asks for it.

        `author` are the variables that say so (git-commit-tree(1)).
        """
        return self._commit(self._signing(), tree, parents, message, by, author or {})

    def _commit(
        self,
        options: Sequence[str],
        tree: str,
        parents: Sequence[str],
        message: str,
        by: Signature,
        author: Mapping[str, str],
    ) -> str:
        arguments = [*options, *(part for parent in parents for part in ("-p", parent)), tree]
        environment = {**_identity("AUTHOR", by), **_identity("COMMITTER", by), **author}
        made = self.output("commit-tree", *arguments, stdin=message.encode(), environment=environment)
        return made.decode().strip()

    def _signing(self) -> tuple[str, ...]:
        asked = self.git.run("config", "--type=bool", "--get", "commit.gpgSign")
        return ("-S",) if asked.stdout.strip() == b"true" else ()

    def move(self, moves: Sequence[Move]) -> str | None:
        """Moves all these refs, or none; gives git's words where somebody else was faster, None when it is done.

        Raises `ForgeRefused` where trying again is of no use, `ForgeUnavailable` where a lock does not go away.
        """
        commands = "".join(map(_command, moves))
        patience = f"core.filesRefLockTimeout={_PATIENCE}"
        transaction = f"start\n{commands}prepare\ncommit\n".encode()
        finished = self.git.run("-c", patience, "update-ref", "--stdin", stdin=transaction)
        if finished.code == 0:
            return None
        if finished.code is None or _LOCKED.search(finished.message()):
            raise ForgeUnavailable(
                f"the refs of the pull request are locked: {_said(finished)}",
                hint="if no git command is running there, delete that `.lock` file",
            )
        if _IN_THE_WAY.search(finished.message()):
            raise ForgeRefused(f"the refs of the pull request cannot be written: {_said(finished)}")
        return _said(finished)

    def _looked_up(self, names: Sequence[str]) -> list[str | None]:
        if not names:
            return []
        output = self.output("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", stdin=_lines(names))
        lines = output.decode(errors="replace").splitlines()
        return [None if line.endswith((" missing", " ambiguous")) else line for line in lines]


@contextmanager
def _as_forge_errors() -> Iterator[None]:
    try:
        yield
    except GitError as error:
        kind = ForgeUnavailable if isinstance(error, RemoteUnavailable) else ForgeError
        raise kind(error.message, hint=error.hint) from error


def _command(move: Move) -> str:
    """One line of a transaction; see git-update-ref(1)."""
    if move.old == move.new:
        return f"verify {move.ref}\n" if move.old is None else f"verify {move.ref} {move.old}\n"
    if move.old is None:
        return f"create {move.ref} {move.new}\n"
    return f"delete {move.ref} {move.old}\n" if move.new is None else f"update {move.ref} {move.new} {move.old}\n"


def _said(finished: Finished) -> str:
    return finished.message().partition("\n")[0].removeprefix("fatal: ") or f"git ended with code {finished.code}"


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _is_short_file(told: str, at_most: int) -> bool:
    _, kind, size = told.split()
    return kind == "blob" and int(size) <= at_most


def _identity(role: str, by: Signature) -> dict[str, str]:
    return {
        f"GIT_{role}_NAME": by.person.name,
        f"GIT_{role}_EMAIL": by.person.email,
        f"GIT_{role}_DATE": f"{int(by.time.timestamp())} +0000",
    }
