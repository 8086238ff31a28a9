"""Answers as JSON: the same from the command line and from the service."""

from __future__ import annotations

from datetime import datetime

from updater.adapters.inbox_rows import Row
from updater.by_hand.overview import EntryStatus, Overview
from updater.by_hand.pulls import approved_by
from updater.by_hand.reporting import Posted
from updater.by_hand.timeline import Record
from updater.by_hand.underway import Pull
from updater.core import heads, origins
from updater.core.messages import stamp
from updater.forge import PullRequest, Status
from updater.json_shapes import (
    CommitShape,
    DecisionShape,
    EntryShape,
    EventShape,
    OverviewShape,
    PostedShape,
    PromotionShape,
    PullShape,
    RecordShape,
    ReportShape,
    SourceShape,
    UnderwayShape,
    VersionShape,
    WaitingShape,
)
from updater.model import Commit, Decision, Event, Origin, Version
from updater.pipeline import Report


def version(found: Version) -> VersionShape:
    """A version."""
    return {"tag": found.tag, "digest": found.digest}


def report(found: Report) -> ReportShape:
    """A report as `handle`, `plan` and `reconcile` print it."""
    return {
        "decisions": [decision(each) for each in found.decisions],
        "commits": [_commit(each) for each in found.commits],
        "pull_requests": [pull(kept.pull) for kept in found.pulls],
    }


def decision(found: Decision) -> DecisionShape:
    """A decision."""
    target = found.target
    return {
        "environment": None if target is None else target.environment,
        "service": None if target is None else target.service,
        "overlay": None if target is None else target.overlay,
        "entry": None if target is None else target.entry.name,
        "image": found.image,
        "from": None if target is None else version(target.entry.version),
        "to": version(found.to),
        "outcome": found.outcome.value,
        "reason": found.reason,
        "commit": found.commit,
        "pull_request": found.pull_request,
    }


def pull(found: PullRequest) -> PullShape:
    """A pull request."""
    about = heads.parsed(found.head)
    return {
        "number": found.number,
        "url": found.url,
        "state": found.state,
        "environment": None if about is None else about.environment,
        "service": about.service if about and about.is_service else None,
        "title": found.title,
        "head": found.head,
        "base": found.base,
    }


def overview(found: Overview) -> OverviewShape:
    """What stands everywhere, as `status` prints it."""
    return {
        "services": [_entry(each) for each in found.entries],
        "waiting": [_waiting(name, event) for name, events in found.waiting.items() for event in events],
        "pull_requests": [_underway(each) for each in found.underway.pulls],
        "promotions": [_promotion(each) for each in found.underway.promotions],
    }


def record(found: Record) -> RecordShape:
    """What landed once, as `history` prints it."""
    landing, target = found.landing, found.target
    return {
        "environment": target.environment,
        "service": target.service,
        "overlay": target.overlay,
        "entry": target.entry.name,
        "image": target.entry.image,
        "from": None if found.before is None else version(found.before),
        "to": version(landing.version),
        "how": found.how.value,
        "at": stamp(landing.landed_at),
        "pushed_at": stamp(landing.pushed_at),
        "event": landing.event,
        "source": None if found.origin is None else _source(found.origin_before, found.origin),
        "author": landing.author,
        "commit": landing.commit,
        "pull_request": None if found.pull is None else found.pull.number,
        "approved_by": [] if found.pull is None else approved_by(found.pull),
        "merged_by": None if found.pull is None else found.pull.closed_by,
        "took_seconds": None if found.took is None else int(found.took.total_seconds()),
        "after": found.after,
    }


def event(found: Row) -> EventShape:
    """What came in, as `events` prints it."""
    return {
        "number": found.number,
        "image": found.image,
        "version": None if found.image is None else version(found.version),
        "source": found.source,
        "id": found.id,
        "pushed_at": _maybe(found.pushed_at),
        "received_at": stamp(found.received_at),
        "deliveries": found.deliveries,
        "state": found.state,
        "tries": found.tries,
        "next_try": _maybe(found.next_try),
        "outcome": found.outcome or None,
        "reason": found.reason or None,
        "commits": list(found.commits),
        "ended_at": _maybe(found.ended_at),
    }


def posted(place: Posted, status: Status) -> PostedShape:
    """A status that was posted on a commit, and what had landed in it."""
    return {
        "commit": place.commit,
        "context": status.context,
        "state": status.state,
        "description": status.description,
        "url": status.url,
        "landed": [
            {
                "environment": target.environment,
                "service": target.service,
                "overlay": target.overlay,
                "entry": target.entry.name,
                "image": target.entry.image,
                "version": version(each.version),
            }
            for target, each in place.landed
        ],
    }


def _source(before: Origin | None, found: Origin) -> SourceShape:
    return {
        "url": found.source,
        "revision": found.revision,
        "version": found.version,
        "created": _maybe(found.created),
        "link": origins.link(found),
        "compare": None if before is None else origins.compare(before, found),
    }


def _maybe(time: datetime | None) -> str | None:
    return None if time is None else stamp(time)


def _commit(commit: Commit) -> CommitShape:
    return {
        "sha": commit.sha,
        "branch": commit.branch,
        "environment": commit.environment,
        "service": commit.service,
        "subject": commit.subject,
    }


def _entry(entry: EntryStatus) -> EntryShape:
    target = entry.target
    standing = target.standing
    return {
        "environment": target.environment,
        "service": target.service,
        "overlay": target.overlay,
        "entry": target.entry.name,
        "image": target.entry.image,
        "version": version(target.entry.version),
        "since": None if standing is None else stamp(standing.landed_at),
        "commit": None if standing is None else standing.commit,
        "holds": [
            {"version": version(hold.version), "commit": hold.commit, "author": hold.author, "at": stamp(hold.at)}
            for hold in target.past.holds
        ],
        "stopped": None if entry.stopped is None else entry.stopped.reason,
    }


def _waiting(environment: str, event: Event) -> WaitingShape:
    return {
        "environment": environment,
        "image": event.image,
        "version": version(event.version),
        "pushed_at": stamp(event.time),
    }


def _underway(each: Pull) -> UnderwayShape:
    return {
        **pull(each.pull),
        "proposes": [{"service": service, "version": version(proposed)} for service, proposed in each.proposes],
        "approved_by": approved_by(each.pull),
        "waits_for": each.waits_for,
    }


def _promotion(found: Decision) -> PromotionShape:
    return {**decision(found), "due": _maybe(found.due)}
