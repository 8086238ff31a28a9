"""What GitHub keeps beside git: people, pull requests, reviews, statuses, and the rules of a repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

Method = Literal["merge", "squash", "rebase"]


def stamp(time: datetime) -> str:
    """A time as GitHub writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Account:
    """A person, an organisation, or the bot of an App. Who cannot `write` can look, and review without weight."""

    login: str
    id: int
    type: Literal["User", "Bot", "Organization"] = "User"
    writes: bool = True

    @property
    def signature(self) -> tuple[str, str]:
        """How GitHub writes this account into commits."""
        return self.login, f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass
class Protection:
    """What is demanded of a branch. Pushing to it past a pull request is refused as soon as anything is."""

    approvals: int = 0
    dismiss_stale: bool = False
    code_owners: bool = False
    contexts: tuple[str, ...] = ()
    strict: bool = False
    queue: bool = False


@dataclass
class Settings:
    """The settings of a repository. `late` is how often mergeability is "unknown" before it is told; `most_refs` how
    many refs one push may update.
    """

    methods: frozenset[Method] = frozenset({"merge", "squash", "rebase"})
    auto_merge: bool = False
    delete_head: bool = False
    late: int = 0
    most_refs: int | None = None
    protection: dict[str, Protection] = field(default_factory=dict)


@dataclass
class Review:
    id: int
    author: Account
    state: Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"]
    commit: str
    at: datetime
    body: str


@dataclass(frozen=True)
class Comment:
    id: int
    author: Account
    body: str
    at: datetime


@dataclass(frozen=True)
class Label:
    id: int
    name: str


@dataclass(frozen=True)
class Status:
    id: int
    context: str
    state: Literal["error", "failure", "pending", "success"]
    description: str | None
    url: str | None
    at: datetime
    creator: Account


@dataclass
class CheckRun:
    id: int
    sha: str
    name: str
    status: str
    conclusion: str | None
    url: str | None
    title: str | None
    summary: str | None
    started_at: datetime
    completed_at: datetime | None
    app: int


@dataclass
class Pull:
    """A pull request. `sha` is the newest commit of its head that it knows, `base_sha` the base's when it was opened
    or closed. Exactly one of `merged_at` and `closed_at` without it is set once it is settled.
    """

    number: int
    id: int
    title: str
    body: str | None
    head: str
    base: str
    sha: str
    base_sha: str
    author: Account
    opened_at: datetime
    updated_at: datetime
    draft: bool = False
    is_open: bool = True
    labels: list[Label] = field(default_factory=list)
    reviewers: list[Account] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    closings: list[tuple[Account, datetime]] = field(default_factory=list)
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_sha: str | None = None
    auto_merge: tuple[Account, Method] | None = None
    enqueued_at: datetime | None = None

    @property
    def opinions(self) -> list[Review]:
        """The newest approval, objection or dismissal of each reviewer."""
        newest = {review.author.login: review for review in self.reviews if review.state != "COMMENTED"}
        return list(newest.values())
