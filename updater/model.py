"""The nouns of the updater: frozen values that every part passes on and none changes.

Times are aware and in UTC. An image is always the normalised repository (`docker.io/library/nginx`),
never with a tag; a digest is always `sha256:` and 64 lower-case hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Version:
    """Tag and digest of an image; either may be unknown, and an entry may have neither."""

    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        if self.digest is None:
            return self.tag or "(none)"
        return f"{self.tag or ''}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A payload exactly as a source sent it, not yet understood.

    `headers` have lower-case names. `received_at` is when it reached us.
    """

    source: str
    body: bytes
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery without its envelopes: the sender's own JSON, and what the envelopes told.

    `id` is the sender's delivery id, or one made from the body; `sent_at` is when the transport took
    it over (None where it does not say); `attributes` are the transport's, with lower-case names;
    `envelopes` are those removed, outermost first (`pubsub`, `cloudevents`). A payload of None is a
    message without JSON data.
    """

    source: str
    payload: Any
    id: str
    received_at: datetime
    sent_at: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    envelopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One tag of one image was pushed. `pushed_at` is None where the sender does not tell."""

    source: str
    id: str
    image: str
    version: Version
    received_at: datetime
    pushed_at: datetime | None = None

    @property
    def time(self) -> datetime:
        """When it was pushed, as far as we know: the sender's word, but never later than its arrival."""
        return min(self.pushed_at or self.received_at, self.received_at)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a decoder read: events to act on; `ignored` says why there are none, or what was bad beside them."""

    events: tuple[Event, ...] = ()
    ignored: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a kustomization's `images:` (or legacy `imageTags:`).

    `image` is the repository it follows, None where what is written is no repository (a
    placeholder, say). `line` counts from 1 and is that of the entry's first key.
    """

    path: str
    list: str
    index: int
    name: str
    image: str | None
    version: Version
    line: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How the version that stands in an entry got there, as the repository's history tells.

    `pushed_at` is when the image was pushed (the commit's author time where its trailers do not say),
    `landed_at` when the commit was made. `tag_since` is the same as `pushed_at` for the tag alone, where it stood
    without a digest before.
    """

    commit: str
    pushed_at: datetime
    landed_at: datetime
    tag_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """An entry of an overlay in an environment.

    `standing` is None where history was not asked, or does not know.
    """

    environment: str
    service: str
    branch: str
    overlay: str
    entry: Entry
    standing: Standing | None = None

    def since(self, tag: str | None) -> datetime | None:
        """The push time with which one of `tag` has to be compared, where it is known.

        Digests of the tag that stands compare with the digest that stands. Other tags lose to what they lost to
        before the tag had a digest.
        """
        if self.standing is None:
            return None
        times = [self.standing.pushed_at]
        if tag != self.entry.version.tag and self.standing.tag_since is not None:
            times.append(self.standing.tag_since)
        return max(times)


class Outcome(StrEnum):
    """What happened to one entry for one version; in a plan, what would."""

    COMMITTED = "committed"
    PROPOSED = "proposed"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    HELD = "held"
    WAITING = "waiting"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one entry for one version, and why, in words for a person.

    `target` is None where nothing follows the image. `event` is the push that brought the version.
    `exit_code` is non-zero where a refusal has to be looked at by somebody.
    """

    image: str
    to: Version
    outcome: Outcome
    reason: str
    event: Event
    target: Target | None = None
    exit_code: int = 0
    commit: str | None = None
    pull_request: int | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of ours on a branch of the remote."""

    sha: str
    branch: str
    environment: str
    service: str
    subject: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who writes a commit."""

    name: str
    email: str
