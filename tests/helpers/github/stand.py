"""The stand-in as a stand of the contract tests of forges (see tests/helpers/forge_stands.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from tests.helpers import gitops
from tests.helpers.events import NOON
from tests.helpers.github.repository import HEADS
from tests.helpers.github.server import GitHub, serving
from tests.helpers.gitops import git
from updater.forge import Connection, Forge
from updater.forges import github as forge
from updater.model import Identity


class Watch:
    """A time that only moves when somebody waits."""

    def __init__(self, start: datetime = NOON) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class GitHubStand:
    """See `tests.helpers.forge_stands.Stand`."""

    def __init__(self, github: GitHub, watch: Watch, robot: str) -> None:
        self.github = github
        self._watch = watch
        self._person = github.person("carol")
        self._forges: dict[str, Forge] = {}
        self.forge = self.acting(robot)

    def acting(self, by: str) -> Forge:
        if by not in self._forges:
            self._forges[by] = forge.connect(self.connection(by))
        return self._forges[by]

    def connection(self, by: str) -> Connection:
        """What the forge is opened with: a token of somebody, and the time of the stand-in."""
        environ = {"UPDATER_GITHUB_API": self.github.url, "UPDATER_GITHUB_TOKEN": self.github.token(by).value}
        person = Identity(by, f"{by}@example.org")
        return Connection(self.github.git_url, person, environ, self._watch.now, self._watch.pause)

    def push(self, branch: str, files: Mapping[str, str], *, since: str | None = None) -> str:
        if since is not None:
            self.github.repository.bare.move({HEADS + branch: since})
        return self._person.push(branch, dict(files))

    def delete(self, branch: str) -> None:
        self._person.delete_branch(branch)

    def tip(self, branch: str) -> str:
        return gitops.tip(self.github.bare, branch)

    def on(self, branch: str) -> set[str]:
        return set(git(self.github.bare, "rev-list", "--first-parent", branch).split())

    def show(self, branch: str, path: str) -> str:
        return gitops.show(self.github.bare, path, branch) + "\n"

    def fetched(self, ref: str) -> str:
        clone = self._person.clone.folder
        git(clone, "fetch", "--quiet", "origin", ref)
        return git(clone, "rev-parse", "FETCH_HEAD")

    def close(self) -> None:
        for each in self._forges.values():
            each.close()


@contextmanager
def ready(folder: Path, files: gitops.Files, robot: str) -> Iterator[GitHubStand]:
    """A stand in an empty folder, whose every request keeps to GitHub's description."""
    watch = Watch()
    with serving(folder, files, watch.now) as github:
        stand = GitHubStand(github, watch, robot)
        try:
            yield stand
        finally:
            stand.close()
