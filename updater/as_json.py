"""Answers as JSON: the same from the command line and from the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from updater.by_hand.overview import EntryStatus, Overview
from updater.by_hand.pulls import approved_by
from updater.by_hand.reporting import Posted
from updater.by_hand.timeline import Record
from updater.by_hand.underway import Pull
from updater.core import heads
from updater.core.messages import stamp
from updater.forge import PullRequest, Status
from updater.model import Commit, Decision, Event, Version
from updater.pipeline import Report


def version(found: Version | None) -> Mapping[str, str | None] | None:
    """A version."""
    return None if found is None else {"tag": found.tag, "digest": found.digest}


def report(found: Report) -> dict[str, Any]:
    """A report as `handle`, `plan` and `reconcile` print it."""
    return {
        "decisions": [decision(each) for each in found.decisions],
        "commits": [_commit(each) for each in found.commits],
        "pull_requests": [pull(kept.pull) for kept in found.pulls],
    }


def decision(found: Decision) -> dict[str, Any]:
    """A decision."""
    target = found.target
    return {
        "environment": target and target.environment,
        "service": target and target.service,
        "overlay": target and target.overlay,
        "entry": target and target.entry.name,
        "image": found.image,
        "from": None if target is None else version(target.entry.version),
        "to": version(found.to),
        "outcome": found.outcome.value,
        "reason": found.reason,
        "commit": found.commit,
        "pull_request": found.pull_request,
    }


def pull(found: PullRequest) -> dict[str, Any]:
    """A pull request."""
    about = heads.parsed(found.head)
    return {
        "number": found.number,
        "url": found.url,
        "state": found.state,
        "environment": about and about.environment,
        "service": about.service if about and about.is_service else None,
        "title": found.title,
        "head": found.head,
        "base": found.base,
    }


def overview(found: Overview) -> dict[str, Any]:
    """What stands everywhere, as `status` prints it."""
    return {
        "services": [_entry(each) for each in found.entries],
        "waiting": [_waiting(name, event) for name, events in found.waiting.items() for event in events],
        "pull_requests": [_underway(each) for each in found.underway.pulls],
        "promotions": [_promotion(each) for each in found.underway.promotions],
    }


def record(found: Record) -> dict[str, Any]:
    """What landed once, as `history` prints it."""
    landing, target = found.landing, found.target
    return {
        "environment": target.environment,
        "service": target.service,
        "overlay": target.overlay,
        "entry": target.entry.name,
        "image": target.entry.image,
        "from": version(found.before),
        "to": version(landing.version),
        "how": found.how.value,
        "at": stamp(landing.landed_at),
        "pushed_at": stamp(landing.pushed_at),
        "event": landing.event,
        "author": landing.author,
        "commit": landing.commit,
        "pull_request": found.pull and found.pull.number,
        "approved_by": [] if found.pull is None else approved_by(found.pull),
        "merged_by": found.pull and found.pull.closed_by,
        "took_seconds": None if found.took is None else int(found.took.total_seconds()),
        "after": found.after,
    }


def posted(place: Posted, status: Status) -> dict[str, Any]:
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


def _commit(commit: Commit) -> dict[str, str]:
    return {
        "sha": commit.sha,
        "branch": commit.branch,
        "environment": commit.environment,
        "service": commit.service,
        "subject": commit.subject,
    }


def _entry(entry: EntryStatus) -> dict[str, Any]:
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


def _waiting(environment: str, event: Event) -> dict[str, Any]:
    return {
        "environment": environment,
        "image": event.image,
        "version": version(event.version),
        "pushed_at": stamp(event.time),
    }


def _underway(each: Pull) -> dict[str, Any]:
    return {
        **pull(each.pull),
        "proposes": [{"service": service, "version": version(proposed)} for service, proposed in each.proposes],
        "approved_by": approved_by(each.pull),
        "waits_for": each.waits_for,
    }


def _promotion(found: Decision) -> dict[str, Any]:
    return {**decision(found), "due": None if found.due is None else stamp(found.due)}
