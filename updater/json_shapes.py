"""The shapes of answers in JSON: for readers, the type checker, and the OpenAPI document. `as_json` fills them.

Times are RFC 3339 in UTC, commits whole object ids. Some are not written as classes: `from` is a word of Python's.
"""

from __future__ import annotations

from typing_extensions import TypedDict


class VersionShape(TypedDict):
    tag: str | None
    digest: str | None


class PullShape(TypedDict):
    number: int
    url: str | None
    state: str
    environment: str | None
    service: str | None
    title: str
    head: str
    base: str


class CommitShape(TypedDict):
    sha: str
    branch: str
    environment: str
    service: str
    subject: str


DecisionShape = TypedDict(
    "DecisionShape",
    {
        "environment": str | None,
        "service": str | None,
        "overlay": str | None,
        "entry": str | None,
        "image": str,
        "from": VersionShape | None,
        "to": VersionShape,
        "outcome": str,
        "reason": str,
        "commit": str | None,
        "pull_request": int | None,
    },
)


class PromotionShape(DecisionShape):
    due: str | None


class ReportShape(TypedDict):
    decisions: list[DecisionShape]
    commits: list[CommitShape]
    pull_requests: list[PullShape]


class HoldShape(TypedDict):
    version: VersionShape
    commit: str
    author: str
    at: str


class EntryShape(TypedDict):
    environment: str
    service: str
    overlay: str
    entry: str
    image: str | None
    version: VersionShape
    since: str | None
    commit: str | None
    holds: list[HoldShape]
    stopped: str | None


class WaitingShape(TypedDict):
    environment: str
    image: str
    version: VersionShape
    pushed_at: str


class ProposedShape(TypedDict):
    service: str
    version: VersionShape


class UnderwayShape(PullShape):
    proposes: list[ProposedShape]
    approved_by: list[str]
    waits_for: str | None


class OverviewShape(TypedDict):
    services: list[EntryShape]
    waiting: list[WaitingShape]
    pull_requests: list[UnderwayShape]
    promotions: list[PromotionShape]


class SourceShape(TypedDict):
    """Where an image was built from, as its labels tell; `link` and `compare` are pages of a forge that is known."""

    url: str | None
    revision: str | None
    version: str | None
    created: str | None
    link: str | None
    compare: str | None


RecordShape = TypedDict(
    "RecordShape",
    {
        "environment": str,
        "service": str,
        "overlay": str,
        "entry": str,
        "image": str | None,
        "from": VersionShape | None,
        "to": VersionShape,
        "how": str,
        "at": str,
        "pushed_at": str,
        "event": str | None,
        "source": SourceShape | None,
        "author": str,
        "commit": str,
        "pull_request": int | None,
        "approved_by": list[str],
        "merged_by": str | None,
        "took_seconds": int | None,
        "after": str | None,
    },
)


class LandedShape(TypedDict):
    environment: str
    service: str
    overlay: str
    entry: str
    image: str | None
    version: VersionShape


class PostedShape(TypedDict):
    commit: str
    context: str
    state: str
    description: str
    url: str | None
    landed: list[LandedShape]


class EventShape(TypedDict):
    """What came in by a web hook, and what became of it."""

    number: int
    image: str | None
    version: VersionShape | None
    source: str
    id: str
    pushed_at: str | None
    received_at: str
    deliveries: int
    state: str
    tries: int
    next_try: str | None
    outcome: str | None
    reason: str | None
    commits: list[str]
    ended_at: str | None
