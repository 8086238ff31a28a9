"""What the forge built in keeps of a pull request, as values, and how it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from updater.core import heads
from updater.forge import Approval, PullRequest, Readiness, State, Status

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said about a pull request."""

    by: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """A pull request as it is kept; `commit` is the newest one of its head as it was last changed."""

    number: int
    title: str
    body: str
    state: State
    head: str
    base: str
    commit: str
    author: str
    opened_at: datetime
    labels: tuple[str, ...] = ()
    draft: bool = False
    reviewers: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()
    approvals: tuple[Approval, ...] = ()
    closed_at: datetime | None = None
    closed_by: str | None = None
    merged_as: str | None = None


def head_ref(number: int) -> str:
    """Under which name a pull request's newest commit stays, for people and for us."""
    return f"refs/pull/{number}/head"


def is_ours(branch: str) -> bool:
    """Whether a branch is named as those of ours are, so that its name can be a part of other names."""
    about = heads.parsed(branch)
    if about is None:
        return False
    written = heads.head if about.is_service else heads.shared
    return written(about.environment, about.service) == branch


def is_commit(text: str) -> bool:
    """Whether this is the whole id of a commit."""
    return _COMMIT.fullmatch(text) is not None


def pull_request(
    record: Record, commit: str, statuses: Sequence[Status] = (), readiness: Readiness = "unknown"
) -> PullRequest:
    """A pull request as the forge tells it, with what is known of its newest commit."""
    return PullRequest(
        number=record.number,
        state=record.state,
        title=record.title,
        body=record.body,
        head=record.head,
        base=record.base,
        commit=commit,
        ref=head_ref(record.number),
        author=record.author,
        opened_at=record.opened_at,
        labels=frozenset(record.labels),
        draft=record.draft,
        approvals=record.approvals,
        statuses=tuple(statuses),
        readiness=readiness,
        closed_at=record.closed_at,
        closed_by=record.closed_by,
        merged_as=record.merged_as,
    )


def clean(text: str) -> str:
    """A text without what git cannot keep: half characters, and the byte that ends its texts."""
    return text.replace("\0", "").encode(errors="replace").decode()
