"""What the contract tests of forges stand on: a repository with a forge, and people who work on both.

A new forge is one more line in `STANDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from tests.helpers import gitops
from tests.helpers.events import NOON
from tests.helpers.fake_forge import FakeForge
from tests.helpers.fake_repository import FakeRepository
from tests.helpers.github import stand as github_stand
from tests.helpers.gitops import Person, git
from updater.forge import Connection, Forge
from updater.forges import local
from updater.model import Identity

ROBOT = "updater"
"""Whose forge is tried."""
FIRST = {"a.yaml": "a: 1\n", "b.yaml": "b: 1\n", "c.yaml": "c: 1\n"}
"""What stands on the branch `main` at first."""


class Stand(Protocol):
    """A repository with the files `FIRST` on its branch `main`, and its forge."""

    @property
    def forge(self) -> Forge:
        """The forge as `ROBOT` uses it."""
        ...

    def acting(self, by: str) -> Forge:
        """The forge as `alice` or `bob` uses it, who may approve and merge."""
        ...

    def push(self, branch: str, files: Mapping[str, str], *, since: str | None = None) -> str:
        """Somebody pushes a commit with these files changed, and it is given: on top of the branch, or of `main` where
        there is no such branch. With `since` it is on top of that commit, and the branch is moved by force."""
        ...

    def delete(self, branch: str) -> None:
        """Somebody deletes a branch."""
        ...

    def tip(self, branch: str) -> str:
        """The newest commit of a branch."""
        ...

    def on(self, branch: str) -> set[str]:
        """The commits of a branch's first parents."""
        ...

    def show(self, branch: str, path: str) -> str:
        """The content of a file."""
        ...

    def fetched(self, ref: str) -> str:
        """The commit that git gets from the remote under this whole name."""
        ...


class LocalStand:
    """The forge built in, on a bare repository."""

    def __init__(self, folder: Path) -> None:
        self.bare = gitops.remote(folder / "gitops.git", FIRST)
        self.person = Person(self.bare, folder / "person")
        self.forge = self.acting(ROBOT)

    def acting(self, by: str) -> Forge:
        return local.connect(connection(str(self.bare), by))

    def push(self, branch: str, files: Mapping[str, str], *, since: str | None = None) -> str:
        if since is not None:
            git(self.bare, "update-ref", f"refs/heads/{branch}", since)
        return self.person.commit(dict(files), branch=branch)

    def delete(self, branch: str) -> None:
        self.person.delete(branch)

    def tip(self, branch: str) -> str:
        return gitops.tip(self.bare, branch)

    def on(self, branch: str) -> set[str]:
        return set(git(self.bare, "rev-list", "--first-parent", branch).split())

    def show(self, branch: str, path: str) -> str:
        return gitops.show(self.bare, path, branch) + "\n"

    def fetched(self, ref: str) -> str:
        git(self.person.folder, "fetch", "--quiet", "origin", ref)
        return git(self.person.folder, "rev-parse", "FETCH_HEAD")


class FakeStand:
    """The forge in memory, over the repository in memory."""

    def __init__(self) -> None:
        self.repository = FakeRepository({"main": FIRST})
        self.forge = FakeForge(self.repository, person=ROBOT)
        self._pushes = 0

    def acting(self, by: str) -> Forge:
        return self.forge.acting(by)

    def push(self, branch: str, files: Mapping[str, str], *, since: str | None = None) -> str:
        remote = self.repository.remote
        remote[branch] = since or remote.get(branch) or remote["main"]
        self._pushes += 1
        return self.repository.commit(branch, files, f"Change {self._pushes}\n")

    def delete(self, branch: str) -> None:
        del self.repository.remote[branch]

    def tip(self, branch: str) -> str:
        return self.repository.remote[branch]

    def on(self, branch: str) -> set[str]:
        line, sha = set(), self.repository.remote.get(branch)
        while sha is not None:
            line.add(sha)
            sha = self.repository.parent(sha)
        return line

    def show(self, branch: str, path: str) -> str:
        return self.repository.on_remote(branch, path)

    def fetched(self, ref: str) -> str:
        _, _, number, _ = ref.split("/")
        return self.forge.all[int(number)].commit


def connection(repository: str, by: str = ROBOT) -> Connection:
    """A connection at noon, which waits for nothing."""
    return Connection(repository, Identity(by, f"{by}@example.org"), {}, lambda: NOON, lambda _: None)


@contextmanager
def _local(folder: Path) -> Iterator[Stand]:
    yield LocalStand(folder)


@contextmanager
def _fake(_folder: Path) -> Iterator[Stand]:
    yield FakeStand()


def _github(folder: Path) -> AbstractContextManager[Stand]:
    return github_stand.ready(folder, FIRST, ROBOT)


STANDS: dict[str, Callable[[Path], AbstractContextManager[Stand]]] = {"local": _local, "fake": _fake, "github": _github}
"""By the name of the forge: what sets up a stand in an empty folder, and gives it back."""
