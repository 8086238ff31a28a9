"""The laws of promotion, in whatever order things happen, on a bare repository with the forge built in.

The stories are those of the one in memory, fewer and shorter; `UPDATER_LONG_TESTS=N` tells N others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from dulwich.objects import Commit, Tree
from dulwich.repo import Repo
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.helpers import gitops, world
from tests.helpers.events import at
from tests.helpers.fake_repository import FakeCommit, StoppedClock, agree
from tests.helpers.gitops import git
from tests.helpers.promotion_machine import Promotions
from tests.helpers.promotion_story import OURS
from tests.helpers.promotion_world import FORGE_WRITES, Layout, Meddled
from tests.helpers.story import Pair
from updater.adapters.cache import Cache
from updater.adapters.catalog import Catalog
from updater.adapters.git import remote
from updater.adapters.mirror import Authorship, open_mirror
from updater.decoders import generic
from updater.forge import Connection, Forge, PullRequest
from updater.forges import local
from updater.model import Identity
from updater.pipeline import Parts
from updater.sight import Sight

FEW = 5
STORIES = int(os.environ.get("UPDATER_LONG_TESTS", FEW))
ROBOT = Identity(OURS, "updater@example.org")


class Replica:
    """A mirror with its cache, wired as for a command, but for the clock."""

    def __init__(self, bare: Path, state: Path, clock: StoppedClock, forge: Forge) -> None:
        self.disk = state
        self._open = ExitStack()
        mirror = open_mirror(remote(str(bare)), state, Authorship(ROBOT, ROBOT), clock.now())
        self._open.callback(mirror.close)
        self.memory = Cache(mirror.git.folder.with_suffix(".sqlite"))
        self._open.callback(self.memory.close)
        self.catalog = Catalog(mirror, self.memory)
        self.repository = Meddled(mirror, frozenset({"push"}))
        self.forge = Meddled(forge, FORGE_WRITES)

    def close(self) -> None:
        self._open.close()


@dataclass
class OnGit:
    """All of it on a bare repository in a folder."""

    layout: Layout
    folder: Path
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(at(0)))
    pushed: dict[tuple[str, Pair], datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bare = gitops.empty_remote(self.folder / "gitops.git")
        for branch, files in self.layout.files().items():
            self._import(branch, files, "Start\n", None)
        self.objects = Repo(str(self.bare))
        self.commits: dict[str, FakeCommit] = {}
        self.trees: dict[bytes, dict[str, bytes]] = {}
        self.person = self._forge("alice")
        self.disks = 0
        self.replicas = [self._replica(), self._replica()]

    def close(self) -> None:
        self.objects.close()
        for replica in self.replicas:
            replica.close()

    def parts(self, replica: int) -> Parts:
        mine = self.replicas[replica]
        looking: Any = mine.repository
        forge: Any = mine.forge
        made = Sight(looking, mine.catalog, world.load, agree, self.clock, lambda: forge, memo=mine.memory)
        return Parts(made, {"generic": generic.decode}, world.nothing)

    def write(self, branch: str, files: Mapping[str, str], message: str) -> None:
        self._import(branch, files, message, self.refs()[branch])

    def delete(self, branch: str) -> None:
        git(self.bare, "update-ref", "-d", f"refs/heads/{branch}")

    def refs(self) -> dict[str, str]:
        told = git(self.bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return {name.removeprefix("refs/heads/"): tip for name, _, tip in (line.partition(" ") for line in told)}

    def behind(self, commit: str) -> Iterator[tuple[str, FakeCommit]]:
        sha: str | None = commit
        while sha is not None:
            yield sha, self._commit(sha)
            sha = self._commit(sha).parent

    def alice(self) -> Forge:
        return self.person

    def pulls(self) -> Sequence[PullRequest]:
        told = git(self.bare, "for-each-ref", "--format=%(refname)", "refs/updater/settled").splitlines()
        heads = {name.removeprefix("refs/updater/settled/").rpartition("/")[0] for name in told}
        opened = self.person.opened()
        heads |= {each.head.removeprefix("updater/") for each in opened}
        return [*opened, *self.person.settled([f"updater/{head}" for head in heads])]

    def restart(self, replica: int, *, is_empty: bool) -> None:
        old = self.replicas[replica]
        old.close()
        self.replicas[replica] = self._replica() if is_empty else self._replica(old.disk)

    def watched(self, replica: int) -> tuple[Meddled, Meddled]:
        return self.replicas[replica].repository, self.replicas[replica].forge

    def _replica(self, disk: Path | None = None) -> Replica:
        self.disks += 1
        disk = disk or self.folder / f"disk-{self.disks}"
        return Replica(self.bare, disk, self.clock, self._forge(OURS))

    def _forge(self, name: str) -> Forge:
        person = Identity(name, f"{name}@example.org")
        return local.connect(Connection(str(self.bare), person, {}, self.clock.now, world.nothing))

    def _commit(self, sha: str) -> FakeCommit:
        if sha not in self.commits:
            told = self.objects[sha.encode()]
            assert isinstance(told, Commit)
            self.commits[sha] = FakeCommit(
                told.parents[0].decode() if told.parents else None,
                self._files(told.tree),
                told.message.decode(),
                datetime.fromtimestamp(told.commit_time, UTC),
                told.author.decode().partition(" <")[0],
            )
        return self.commits[sha]

    def _files(self, id_: bytes) -> dict[str, bytes]:
        """All files of a tree, by path."""
        if id_ not in self.trees:
            tree = self.objects[id_]
            assert isinstance(tree, Tree)
            found: dict[str, bytes] = {}
            for name, mode, sha in tree.iteritems():
                if mode == 0o040000:
                    found |= {f"{name.decode()}/{path}": text for path, text in self._files(sha).items()}
                else:
                    found[name.decode()] = self.objects[sha].as_raw_string()
            self.trees[id_] = found
        return self.trees[id_]

    def _import(self, branch: str, files: Mapping[str, str], message: str, parent: str | None) -> None:
        """A person's commit, by git-fast-import(1): one process for all of it."""
        who = f"alice <alice@example.org> {int(self.clock.time.timestamp())} +0000"
        lines = [f"commit refs/heads/{branch}", f"author {who}", f"committer {who}", _data(message)]
        lines += [f"from {parent}"] if parent else []
        for path, text in files.items():
            lines += [f"M 100644 inline {path}", _data(text)]
        git(self.bare, "fast-import", "--quiet", "--date-format=raw", stdin="\n".join([*lines, ""]).encode())


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"


class OnARepository(Promotions):
    """On a real bare repository, with real mirrors and the forge built in."""

    def made(self, layout: Layout) -> OnGit:
        self.folder = TemporaryDirectory(ignore_cleanup_errors=True)
        self.on_git = OnGit(layout, Path(self.folder.name))
        return self.on_git

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            if hasattr(self, "on_git"):
                self.on_git.close()
                self.folder.cleanup()


@pytest.mark.slow
@pytest.mark.no_cover
def test_the_laws_of_promotion_hold_on_git_whatever_happens() -> None:
    size = settings(max_examples=STORIES, stateful_step_count=15, deadline=None, derandomize=STORIES == FEW)
    run_state_machine_as_test(OnARepository, settings=size)
