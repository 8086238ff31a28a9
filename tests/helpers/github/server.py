"""The stand-in itself: GitHub's API and a real repository over HTTP, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.helpers import components, gitops
from tests.helpers.git_server import Server
from tests.helpers.github import guard, webhooks
from tests.helpers.github.access import ALL, Access, App, Kind, Rights, Token
from tests.helpers.github.api import Api
from tests.helpers.github.calls import Answer, Request
from tests.helpers.github.faults import Fault, Interruption
from tests.helpers.github.faults import Kind as FaultKind
from tests.helpers.github.git import Bare
from tests.helpers.github.handler import Handler
from tests.helpers.github.limits import Limits
from tests.helpers.github.model import Protection, Settings
from tests.helpers.github.openapi import Description, load
from tests.helpers.github.people import Person
from tests.helpers.github.repository import Repository
from tests.helpers.github.shapes import Shapes


@dataclass(frozen=True)
class Seen:
    """A request that was answered. `status` is None where the connection was closed instead."""

    method: str
    path: str
    status: int | None
    is_write: bool
    body: Any = None


class GitHub:
    """A GitHub with one repository, from `with` to its end.

    `folder` is where it may write, `files` what the repository begins with on `main`. It tells the time by `now`.
    `log` are the requests for the API, `pushes` those of git; `violations` is to be empty at the end of each test.
    """

    def __init__(
        self,
        folder: Path,
        files: gitops.Files,
        now: Callable[[], datetime],
        description: Description,
        name: str = "acme/gitops",
    ) -> None:
        self.now = now
        self.folder = folder
        self.root = folder / "repositories"
        self.log: list[Seen] = []
        self.pushes: list[str] = []
        self.faults: list[Fault] = []
        self.interruptions: list[Interruption] = []
        self.hooks: list[webhooks.Hook] = []
        self.deliveries: list[webhooks.Delivery] = []
        self.stopped = threading.Event()
        self.lock = threading.RLock()
        bare = gitops.remote(self.root / f"{name}.git", files)
        self.repository = Repository(name, Bare(bare, now), now)
        self.access = Access(now)
        self.limits = Limits(now)
        guard.install(bare)
        self._people: dict[str, Person] = {}
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.owner = self  # type: ignore[assignment]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.api = Api(self.repository, self.access, self.limits, self.shapes, description)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def site(self) -> str:
        """The address of its pages, which are not served."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The address of the API, as a GitHub Enterprise Server has it."""
        return f"{self.site}/api/v3"

    @property
    def git_url(self) -> str:
        """The address of the repository for git."""
        return f"{self.site}/{self.repository.name}.git"

    @property
    def bare(self) -> Path:
        """The repository itself."""
        return self.repository.bare.path

    @property
    def shapes(self) -> Shapes:
        return Shapes(self.repository, self.url, self.site)

    @property
    def settings(self) -> Settings:
        """The settings of the repository, for a test to change."""
        return self.repository.settings

    @property
    def violations(self) -> list[str]:
        """Requests and answers that do not keep to GitHub's description."""
        return self.api.violations

    def person(self, login: str, *, writes: bool = True) -> Person:
        """Somebody with access to the repository."""
        if login not in self._people:
            account = self.repository.account(login, writes=writes)
            self._people[login] = Person(self.repository, account, self.folder / "people" / login)
        return self._people[login]

    def token(self, login: str = "robot", kind: Kind = "classic", rights: Rights = ALL, *, sees: bool = True) -> Token:
        """A new token of somebody."""
        return self.access.grant(self.repository.account(login), kind, rights, sees=sees)

    def app(self, slug: str = "updater-app", rights: Rights = ALL) -> App:
        """A new App, installed on the repository."""
        return self.access.register(slug, self.repository.account(f"{slug}[bot]", type="Bot"), rights)

    def protect(self, branch: str = "main", **rules: Any) -> None:
        """Demands something of a branch, see `Protection`; without rules only that nobody pushes to it."""
        self.settings.protection[branch] = Protection(**rules)

    def fault(self, kind: FaultKind, path: str = "", method: str = "", times: int = 1, after: int = 7) -> None:
        """Lets the next such requests go wrong. `path` is a regular expression for a part of it."""
        self.faults.append(Fault(method, path, times, kind, after))

    def before(self, act: Callable[[], object], path: str = "", method: str = "") -> None:
        """Does something just before the next such request is served."""
        self.interruptions.append(Interruption(method, path, 1, act))

    def answer(self, request: Request) -> Answer:
        """What the API says to a request; a mistake of the stand-in itself is one more violation."""
        with self.lock:
            try:
                answer = self.api.answer(request)
            except Exception as problem:
                self.violations.append(f"{request.method} {request.path}: {problem!r}")
                answer = Answer(500, {"message": repr(problem)})
        self.tell_hooks()
        return answer

    def note(self, request: Request, status: int | None) -> None:
        """Remembers a request for tests."""
        self.log.append(Seen(request.method, request.path, status, request.is_write, request.body))

    def pushed(self, login: str | None) -> None:
        """Looks at what git has brought."""
        with self.lock:
            self.repository.refresh(self.repository.account(login) if login else None)
        self.tell_hooks()

    def tell_hooks(self) -> None:
        """Tells hooks what has happened since the last request; each request does that before it is answered."""
        with self.lock:
            events, self.repository.events = self.repository.events, []
        for name, about in events:
            body = json.dumps(webhooks.payload(self.shapes, name, about)).encode()
            self.deliveries += [webhooks.deliver(hook, name, body) for hook in self.hooks]


@contextmanager
def serving(folder: Path, files: gitops.Files, now: Callable[[], datetime]) -> Iterator[GitHub]:
    """A GitHub whose requests and answers all kept to GitHub's description; skips the test where that is not here."""
    with GitHub(folder, files, now, load(components.require_description())) as github:
        yield github
        assert github.violations == []
