"""What a forge is: pull requests and commit statuses as values, and the way to ask for and change them.

GitHub, the forge built in for a repository that is a path, and any later one are a module each and pass the same
contract tests (tests/contracts/test_forges.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from updater.model import Identity

PREFIX = "updater/"
"""What the names of all our branches begin with."""
WITHDRAWN = "updater:withdrawn"
"""The label of pull requests that we closed ourselves; without it a person did, which is a no."""
GATES = "updater/gates"
"""The context of the status on the head of each pull request of ours."""
PER_HEAD = 10
"""How many settled pull requests of one branch are told at the most, the newest ones."""

State: TypeAlias = Literal["open", "merged", "closed"]
StatusState: TypeAlias = Literal["success", "pending", "failure", "error"]
Method: TypeAlias = Literal["merge", "squash", "rebase"]
Readiness: TypeAlias = Literal["ready", "blocked", "behind", "conflicting", "unknown"]
"""Whether a pull request could be merged now: blocked by the forge's rules (reviews, statuses), behind its base where
the forge demands that it is up to date, in conflict with it, or not known (yet)."""


@dataclass(frozen=True, slots=True)
class Status:
    """What somebody reports about a commit. The newest of a context counts. `at` is in UTC."""

    context: str
    state: StatusState
    at: datetime
    description: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody agreed to a pull request as it was at `commit`, and has not taken that back."""

    by: str
    commit: str


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request of one of our branches. Times are in UTC.

    `head` and `base` are names of branches; `commit` is the newest commit of the head (of a settled one the last that
    it had), and `ref` a whole name under which the remote has it, even after the branch is gone. `closed_by` is who
    merged or closed it, `merged_as` the commit on the base in which it landed. `statuses` are the newest ones of
    `commit`, one for each context. `url` is None where there is no page of it.
    """

    number: int
    state: State
    title: str
    body: str
    head: str
    base: str
    commit: str
    ref: str
    author: str
    opened_at: datetime
    url: str | None = None
    labels: frozenset[str] = frozenset()
    draft: bool = False
    approvals: tuple[Approval, ...] = ()
    statuses: tuple[Status, ...] = ()
    readiness: Readiness = "unknown"
    queued: bool = False
    closed_at: datetime | None = None
    closed_by: str | None = None
    merged_as: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A pull request that is to be opened. `reviewers` are users, and teams as `team:<name>`."""

    head: str
    base: str
    commit: str
    title: str
    body: str
    labels: Sequence[str] = ()
    reviewers: Sequence[str] = ()
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """What changes in a pull request; None and empty change nothing.

    `labels` are added first and those in `without` taken off, then comes the comment, and the rest last: who sees it
    closed sees why.
    """

    title: str | None = None
    body: str | None = None
    base: str | None = None
    state: Literal["open", "closed"] | None = None
    labels: Sequence[str] = ()
    comment: str | None = None
    without: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Credentials:
    """With whom and what git pushes to the forge's repositories."""

    username: str
    password: str = field(repr=False)


Watch: TypeAlias = Callable[[int | None, int | None], None]


def unwatched(_status: int | None, _left: int | None) -> None:
    """Where nobody counts requests."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What a forge is opened with: `updater.forges` entry points are functions from this to a `Forge`.

    `repository` is the remote's URL without credentials, or its path; `person` who acts where the forge does not know
    that by itself; `environ` the environment, of which each forge reads its own `UPDATER_*`; `now` tells the time in
    UTC, and `pause` waits so many seconds. `watch` is told of each request: the status of the answer, None where there
    was none, and how many requests the forge lets us make until its limit begins anew, where it says.
    """

    repository: str
    person: Identity
    environ: Mapping[str, str] = field(repr=False)
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    seconds: float = 120.0
    watch: Watch = unwatched


class Forge(Protocol):
    """Where pull requests are. Everything raises `ForgeError`, or a kind of it; nothing is asked before it is needed.

    Errors say what happened, and what a person may mend: a token that is unknown or has lost a right, a branch that
    is not there, a reviewer that nobody knows.
    """

    def credentials(self) -> Credentials | None:
        """What git may push with now; None where git is to use its own."""
        ...

    def close(self) -> None:
        """Gives connections back."""
        ...

    @property
    def max_body(self) -> int:
        """How many characters the text of a pull request may have."""
        ...

    def opened(self) -> Sequence[PullRequest]:
        """All open pull requests of our branches, by number. One request for each hundred of them."""
        ...

    def settled(self, heads: Collection[str]) -> Sequence[PullRequest]:
        """The merged and closed pull requests of these branches, newest number first, up to `PER_HEAD` of each branch.

        They are asked for together, some dozens of branches in one request.
        """
        ...

    def open(self, draft: Draft) -> PullRequest:
        """Opens a pull request, with its labels and reviewers: three requests at the most.

        Where one is open for that head and base already, that one is given (and only labelled). A label or reviewer
        that is refused does not undo the rest: it is logged as a warning. Raises `ForgeRefused` where there is nothing
        to merge or a branch is not there.
        """
        ...

    def edit(self, number: int, edit: Edit) -> None:
        """Changes a pull request; what it asks for already stands, is not asked again of anybody.

        Raises `ForgeRefused` where it cannot be (a merged one closed; a forge may refuse to reopen one whose branch is
        gone).
        """
        ...

    def approve(self, number: int, commit: str) -> None:
        """Agrees to a pull request as it is at `commit`, as the one whose credentials these are."""
        ...

    def merge(self, number: int, commit: str, method: Method | None) -> Literal["merged", "queued"]:
        """Merges a pull request whose head still is `commit`, or gives it to the queue of its base branch.

        Without a method it is the first that the repository allows: merge, squash, rebase. Raises `ForgeRefused` where
        the head is another one by now, it conflicts, or the forge's rules do not let us.
        """
        ...

    def statuses(self, commits: Collection[str]) -> Mapping[str, Sequence[Status]]:
        """The newest status of each context (commit statuses and check runs) of each of these commits.

        A hundred commits in one request. Commits of which nothing is known are left out.
        """
        ...

    def report(self, commit: str, status: Status) -> None:
        """Posts a status on a commit. Its time is the forge's own."""
        ...
