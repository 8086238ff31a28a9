"""The nouns of the updater: frozen values that every part passes on and none changes.

Times are aware and in UTC. An image is always the normalised repository (`docker.io/library/nginx`),
never with a tag; a digest is always `sha256:` and 64 lower-case hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

APART = timedelta(days=1)
"""How far the clocks of two machines may be apart: what somebody dates further ahead than that is not believed."""


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

    `headers` have lower-case names. `received_at` is when it reached us. `address` is what stands behind the source in
    the URL that it was sent to: the rest of the path and the query (`/repos/acme/app?key=value`), without secrets.
    """

    source: str
    body: bytes
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery without its envelopes: the sender's own JSON, and what the envelopes told.

    `id` is the sender's delivery id, or one made from the body; `sent_at` is when the transport took
    it over (None where it does not say); `attributes` are the transport's, with lower-case names;
    `envelopes` are those removed, outermost first (`pubsub`, `cloudevents`). A payload of None is a
    message without JSON data. `headers` and `address` are the delivery's.
    """

    source: str
    payload: Any
    id: str
    received_at: datetime
    sent_at: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    envelopes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an image was built from, as its labels tell: nobody vouches for it.

    `source` is the web page of a source repository (http or https, without a slash at the end), `revision` a commit
    there, `version` what the source calls it, `created` when it was built.
    """

    source: str | None = None
    revision: str | None = None
    version: str | None = None
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One tag of one image was pushed. `pushed_at` is None where the sender does not tell.

    `earliest` is the earliest that it can have been pushed where nobody was there to see it, and `time` only says when
    it was found; None where `time` says it all. `origin` is what its registry tells of it, where that was asked.
    """

    source: str
    id: str
    image: str
    version: Version
    received_at: datetime
    pushed_at: datetime | None = None
    earliest: datetime | None = None
    origin: Origin | None = None

    @property
    def time(self) -> datetime:
        """When it was pushed, as far as we know: the sender's word, unless no two clocks are that far apart."""
        return min(self.pushed_at or self.received_at, self.received_at + APART)

    @property
    def surely_at(self) -> datetime:
        """When it was pushed at the earliest."""
        return self.time if self.earliest is None else min(self.earliest, self.time)


@dataclass(frozen=True, slots=True)
class Reported:
    """A gate's result, as somebody told it: of a commit, else of what stands in a service of an environment now.

    `commit` is a whole object id; `url` a page with more, by https or http.
    """

    context: str
    state: Literal["success", "pending", "failure", "error"]
    commit: str | None = None
    environment: str | None = None
    service: str | None = None
    description: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a decoder read: events to act on, gates' results to post, or news after which it is worth looking again.

    `news` says in words what has happened outside. `ignored` says why there is nothing of all that, or what was bad
    beside it.
    """

    events: tuple[Event, ...] = ()
    ignored: str | None = None
    reported: tuple[Reported, ...] = ()
    news: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a kustomization's `images:` (or legacy `imageTags:`).

    `image` is the repository it follows, None where what is written is no repository (a
    placeholder, say). `line` counts from 1 and is that of the entry's first key. `repeat` is how many entries of
    the same name and image stand before it.
    """

    path: str
    list: str
    index: int
    name: str
    image: str | None
    version: Version
    line: int
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Landing:
    """A version got into an entry, as a commit of the branch's history tells.

    `author` is a name, `landed_at` the committer's time, `pushed_at` when the image was pushed (the author's time
    where the commit's trailers do not say), `event` the push that our trailers name (`source/id`), `origin` where they
    say that the image was built from.
    """

    version: Version
    commit: str
    author: str
    landed_at: datetime
    pushed_at: datetime
    event: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A version that somebody moved an entry away from, back to an older one: who, when, in which commit.

    `pushed_at` is the version's earliest known push time; `spares` are the tags that a `release:` lets land all the
    same.
    """

    version: Version
    pushed_at: datetime
    commit: str
    author: str
    at: datetime
    spares: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """How the version that stands in an entry got there, as the repository's history tells.

    `pushed_at` is when the image was pushed, as the earliest commit that wrote the version tells; `landed_at` is when
    the newest one was made. `tag_since` is the same as `pushed_at` for the tag alone, where it stood without a
    digest before. `origin` is where the newest one says that the image was built from.
    """

    commit: str
    pushed_at: datetime
    landed_at: datetime
    tag_since: datetime | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What history says of an entry, in the order of one rule.

    `holds` are those in force, oldest first. `stood` are the versions that were asked about and stood in the entry
    before or stand there now, each with its earliest known push time.
    """

    standing: Standing | None = None
    holds: tuple[Hold, ...] = ()
    stood: Mapping[Version, datetime] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Target:
    """An entry of an overlay in an environment. `past` is empty where history was not asked, or does not know."""

    environment: str
    service: str
    branch: str
    overlay: str
    entry: Entry
    past: Past = Past()

    @property
    def standing(self) -> Standing | None:
        """How its version got there, where history was asked."""
        return self.past.standing

    def since(self, tag: str | None) -> datetime | None:
        """The push time with which one of `tag` has to be compared, where it is known.

        Digests of the tag that stands compare with the digest that stands. Other tags lose to what they lost to
        before the tag had a digest.
        """
        if self.standing is None or self.entry.version == Version():
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

    `target` is None where nothing follows the image. `event` is the push that brought the version, None where a
    person asked for it. `keeps` is whether the push is kept on the remote until it may land, `due` when that may be at
    the earliest, if it is known. `is_stopped` is whether nothing but the environment's file keeps it out for now.
    `exit_code` is non-zero where a refusal has to be looked at by somebody; with `retry` it may go away by itself.
    `is_open` is whether the registry has to be asked before it holds. `built` is where the version was built from, if
    its `event` does not tell.
    """

    image: str
    to: Version
    outcome: Outcome
    reason: str
    event: Event | None = None
    target: Target | None = None
    exit_code: int = 0
    commit: str | None = None
    pull_request: int | None = None
    keeps: bool = False
    due: datetime | None = None
    is_stopped: bool = False
    retry: bool = False
    is_open: bool = False
    built: Origin | None = None

    @property
    def origin(self) -> Origin | None:
        """Where the version was built from, as far as it is known."""
        return self.built if self.event is None else self.event.origin


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
