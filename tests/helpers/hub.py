"""Our forge on the stand-in for GitHub: one repository, a clock that only waiting moves, and what is asked counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from tests.helpers import components, gitops
from tests.helpers.github import openapi
from tests.helpers.github.calls import Request
from tests.helpers.github.model import Pull
from tests.helpers.github.server import GitHub
from updater.forge import Connection, Draft, Forge, PullRequest
from updater.forges.github import connect

HEAD = "updater/staging/model-a"
FILES = {"overlays/staging/model-a/kustomization.yaml": "images: []\n"}


class Clock:
    """Begins at noon, and goes on only while somebody waits."""

    def __init__(self) -> None:
        self.at = gitops.NOON
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return self.at

    def pause(self, seconds: float) -> None:
        assert seconds > 0
        self.pauses.append(seconds)
        self.at += timedelta(seconds=seconds)


class Watched(GitHub):
    """The stand-in, and when it was written to."""

    writes: list[datetime]

    def note(self, request: Request, status: int | None) -> None:
        super().note(request, status)
        self.writes += [self.now()] if request.is_write else []


class Hub:
    """The stand-in and a forge that works on it as `robot`."""

    def __init__(self, github: Watched, clock: Clock, stack: ExitStack) -> None:
        self.github = github
        github.writes = []
        self.clock = clock
        self._stack = stack
        self.alice = github.person("alice")
        self.token = github.token().value
        self.forge = self.connected({"UPDATER_GITHUB_TOKEN": self.token})

    def connection(
        self, environ: Mapping[str, str], seconds: float = 60.0, repository: str | None = None
    ) -> Connection:
        """What a forge is opened with; where the API is, is added."""
        return Connection(
            repository or self.github.git_url,
            gitops.AUTHOR,
            {"UPDATER_GITHUB_API": self.github.url, **environ},
            self.clock.now,
            self.clock.pause,
            seconds,
        )

    def connected(self, environ: Mapping[str, str], seconds: float = 60.0, repository: str | None = None) -> Forge:
        """Another forge for the same repository, or another one."""
        return self._stack.enter_context(closing(connect(self.connection(environ, seconds, repository))))

    def app(self) -> dict[str, str]:
        """The settings for an App that is installed."""
        app = self.github.app()
        return {"UPDATER_GITHUB_APP_ID": str(app.id), "UPDATER_GITHUB_APP_KEY": app.key}

    def draft(self, head: str = HEAD, **more: object) -> Draft:
        """A pull request that could be opened, its branch pushed."""
        commit = self.alice.push(head, {"overlays/staging/model-a/kustomization.yaml": f"images: [] # {head}\n"})
        return Draft(head, "main", commit, "Promote model-a", "Because.", **more)  # type: ignore[arg-type]

    def drafts(self, count: int, **more: object) -> list[Draft]:
        """Many that could be opened, all with the same change."""
        first = self.draft(HEAD, **more)
        heads = [f"updater/staging/many-{number}" for number in range(count)]
        updates = "".join(f"create refs/heads/{head} {first.commit}\n" for head in heads)
        gitops.git(self.github.bare, "update-ref", "--stdin", stdin=updates.encode())
        return [replace(first, head=head) for head in heads]

    def opened(self, head: str = HEAD, **more: object) -> PullRequest:
        """A pull request of ours; what that took is not counted."""
        pull = self.forge.open(self.draft(head, **more))
        self.github.log.clear()
        return pull

    def pull(self, number: int = 1) -> Pull:
        """What GitHub has of a pull request."""
        return self.github.repository.pull(number)

    @property
    def asked(self) -> list[str]:
        """The requests so far, such as `POST /repos/acme/gitops/pulls`."""
        return [f"{seen.method} {seen.path.removeprefix('/repos/acme/gitops')}" for seen in self.github.log]


@contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    """A stand-in of its own. Whatever a test does to it has to keep to GitHub's description."""
    clock = Clock()
    with (
        Watched(folder, FILES, clock.now, openapi.load(components.require_description())) as github,
        ExitStack() as stack,
    ):
        yield Hub(github, clock, stack)
        assert github.violations == []
