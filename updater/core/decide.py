"""What happens to an entry when versions of its image were pushed. Pure: equal input, equal decisions.

The rule ranks versions (`Rule.rank`); the best that was pushed and is not held is compared with what stands.
Nothing that ranks lower than what stands is ever written (law 3), nothing that was reverted is written again (law 4),
and order or repetition of events does not matter (law 2), because only the set of versions and their earliest push
times count. Each version is held on its own, so that none that is held hides one that is not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from updater.core import hearing, holds, stops
from updater.core.matching import Followed
from updater.core.messages import short, stamp, told_apart
from updater.core.offers import as_early, is_doubtful, may_be_older
from updater.core.rules import Rule
from updater.errors import EventError
from updater.model import Decision, Event, Outcome, Target, Version

_WOULD_LAND = (Outcome.COMMITTED, Outcome.REFUSED)


def decide(followed: Followed, target: Target, now: datetime) -> tuple[Decision, ...]:
    """The decisions for one entry, one for each pushed version that its rule lets in; that for the best comes last.

    `now` (UTC) is what a `hold:` with an end is measured by.
    """
    rule = followed.rule
    twins, events = _twins(rule, target, [as_early(each, target.entry.version) for each in _offers(followed)])
    ranked = sorted(events, key=lambda event: rule.rank(event.version, event.time))
    alone = _beside_what_stands(rule, target, [(event, _alone(followed, target, event)) for event in ranked])
    alone = [_unless_held_by_hand(followed, decision, target, now) for decision in alone]
    alone = [hearing.heard(followed.hearing, rule.follow, decision, followed.proposed) for decision in alone]
    best = max((at for at, decision in enumerate(alone) if decision.outcome is Outcome.COMMITTED), default=None)
    known = [
        _decision(target, twin, Outcome.SUPERSEDED, f"{_tag(twin)} came with its digest as well") for twin in twins
    ]
    if best is None:
        return (*known, *_kept_once(alone))
    lower = [less(decision, alone[best]) for decision in alone[:best]]
    return (*known, *lower, *_kept_once(alone[best + 1 :]), alone[best])


def ignored(event: Event, followed: Sequence[Followed], missing: Collection[str]) -> Decision:
    """The one decision for an event that no entry takes: why not, from the view of each environment that follows it.

    `missing` are the branches that the remote does not have.
    """
    reasons = [_why_ignored(event, match, missing) for match in followed]
    reason = "; ".join(reasons) or f"no environment follows {event.image}"
    return Decision(event.image, event.version, Outcome.IGNORED, reason, event)


def needs_past(followed: Followed, target: Target) -> bool:
    """Whether a push may be newer than what stands, so that history has to be asked about it before it lands."""
    rule, standing = followed.rule, target.entry.version
    here = rule.rank(standing, None)
    return any(
        not _same(rule, standing, event.version) and rule.rank(event.version, event.time) > here
        for event in _offers(followed)
    )


def _why_ignored(event: Event, match: Followed, missing: Collection[str]) -> str:
    name, branch = match.environment.name, match.environment.branch
    refusal = match.rule.refusal(_tag(event))
    if refusal is not None:
        return f"{name}: {refusal}"
    if branch in missing:
        return f"{name}: its branch {branch!r} is not on the remote"
    return f"no entry of {name} follows {event.image}"


def _offers(followed: Followed) -> list[Event]:
    """The pushes that may land, as far as the rule writes them: under `pin: tag` digests do not count."""
    rule = followed.rule
    events = [event for event in followed.events if rule.refusal(_tag(event)) is None]
    if rule.follow.pin == "tag":
        return [replace(event, version=Version(event.version.tag)) for event in events]
    return events


def _twins(rule: Rule, target: Target, events: Sequence[Event]) -> tuple[list[Event], list[Event]]:
    """Splits off the pushes without a digest that another source tells with theirs, if those may land."""
    whole = (event for event in events if event.version.digest is not None)
    told = {event.version.tag for event in whole if _held(rule, target, event) is None}
    twins = [event for event in events if event.version.digest is None and event.version.tag in told]
    return twins, [event for event in events if event.version.digest is not None or event.version.tag not in told]


def _lacks_digest(rule: Rule, target: Target, event: Event) -> bool:
    """Whether writing the push would leave the old image running, because a digest stands and it names none."""
    return rule.follow.pin == "digest" and target.entry.version.digest is not None and event.version.digest is None


def _held(rule: Rule, target: Target, event: Event) -> str | None:
    """Why history keeps a push out; None if it does not."""
    standing, stood = target.entry.version, event.version in target.past.stood
    hold = holds.hold_on(target.past.holds, rule, event, stood=stood)
    if hold is not None:
        return holds.reason(hold, event.version)
    # Whatever brought it out of the entry: the digest of a tag that stands without one is all that may come back.
    released = any(event.version.tag in hold.spares for hold in target.past.holds)
    if stood and not released and standing != Version(event.version.tag):
        return f"{short(event.version)} stood there before, and no event writes it again"
    return None


def _is_known_by_tag(target: Target, event: Event) -> bool:
    """Whether a version of the same tag was moved away from, or stood here before."""
    return event.version in target.past.stood or any(
        hold.version.tag == event.version.tag for hold in target.past.holds
    )


def _alone(followed: Followed, target: Target, event: Event) -> Decision:
    """The decision for a push to which no other one compares."""
    if _lacks_digest(followed.rule, target, event):
        return _without_digest(followed, target, event)
    return _compare(followed.rule, target, event)


def _without_digest(followed: Followed, target: Target, event: Event) -> Decision:
    rule = followed.rule
    standing, since = target.entry.version, target.since(event.version.tag)
    if event.version.tag == standing.tag and (since is None or event.time <= since):
        return _decision(target, event, Outcome.UNCHANGED, f"{short(standing)} stands already")
    if _is_older(rule, target, event):
        return _rejection(rule, target, event)
    can_ask = followed.hearing is not None
    held = _held(rule, target, event)
    # What somebody has just pushed under a tag that is held may be another image: its digest tells.
    if held is not None and not (can_ask and event.earliest is None and _is_known_by_tag(target, event)):
        return _decision(target, event, Outcome.HELD, held)
    if can_ask:
        return replace(_landing(rule, target, event), is_open=True)
    reason = (
        f"{target.entry.path}:{target.entry.line} pins a digest, and the event names none for {event.version.tag}: "
        "writing the tag alone would leave the old image running"
    )
    return replace(_decision(target, event, Outcome.REFUSED, reason), exit_code=EventError.exit_code)


def _compare(rule: Rule, target: Target, event: Event) -> Decision:
    standing = target.entry.version
    if _same(rule, standing, event.version):
        return _decision(target, event, Outcome.UNCHANGED, f"{short(standing)} stands already")
    learned = event.version.tag == standing.tag and standing.digest is None
    if not learned and _is_older(rule, target, event):
        return _rejection(rule, target, event)
    held = _held(rule, target, event)
    if held is not None:
        return _decision(target, event, Outcome.HELD, held)
    if learned:
        reason = f"{standing.tag} stands without its digest, which is known now"
        return _decision(target, event, Outcome.COMMITTED, reason)
    return _landing(rule, target, event)


def _is_older(rule: Rule, target: Target, event: Event) -> bool:
    """Whether a push is older than what stands, or nobody knows whether it is."""
    standing, since = target.entry.version, target.since(event.version.tag)
    if event.version.tag != standing.tag and _equal_keys(rule, standing, event) and may_be_older(event, since):
        return True
    return bool(rule.rank(event.version, event.time) < rule.rank(standing, since))


def _landing(rule: Rule, target: Target, event: Event) -> Decision:
    standing = target.entry.version
    old, new = told_apart(standing, event.version)
    by = f"pushed {stamp(event.time)}" if _equal_keys(rule, standing, event) else rule.follow.order
    return _decision(target, event, Outcome.COMMITTED, f"{new} is newer than {old} ({by})")


def _beside_what_stands(rule: Rule, target: Target, alone: Sequence[tuple[Event, Decision]]) -> list[Decision]:
    """The decisions (ascending), but nothing lands that ranks lower than a push of what stands already.

    History may know that one under an earlier time, that of somebody's commit.
    """
    standing = target.entry.version
    last = max((at for at, (event, _) in enumerate(alone) if _same(rule, standing, event.version)), default=0)
    return [
        _rejection(rule, target, event) if at < last and decision.outcome in _WOULD_LAND else decision
        for at, (event, decision) in enumerate(alone)
    ]


def _unless_held_by_hand(followed: Followed, decision: Decision, target: Target, now: datetime) -> Decision:
    if decision.outcome is not Outcome.COMMITTED:
        return decision
    place = (followed.environment, target.service, decision.image)
    return stops.stopped(decision, stops.held(*place, now, decision.to.tag))


def _kept_once(alone: list[Decision]) -> list[Decision]:
    """The decisions (ascending): of what is kept until a hold ends, the best alone is."""
    best = max((at for at, decision in enumerate(alone) if decision.keeps), default=0)
    return [*(less(decision, alone[best]) for decision in alone[:best]), *alone[best:]]


def less(decision: Decision, best: Decision) -> Decision:
    """The decision for a push that ranks lower than the one that lands, or is kept."""
    if decision.outcome is Outcome.SUPERSEDED or (decision.outcome is Outcome.HELD and not decision.keeps):
        return decision
    reason = f"{short(best.to)} is newer and came with it"
    return replace(decision, outcome=Outcome.SUPERSEDED, reason=reason, exit_code=0, keeps=False)


def _rejection(rule: Rule, target: Target, event: Event) -> Decision:
    standing, since = target.entry.version, target.since(event.version.tag)
    old, new = told_apart(standing, event.version)
    reason = f"{new} is older than {old}, which stands ({rule.follow.order})"
    if since is not None and _equal_keys(rule, standing, event):
        stands = f"{old}, which stands (pushed {stamp(since)})"
        if is_doubtful(event, since):
            found = f"{new} was found at {stamp(event.received_at)}, and not yet at {stamp(event.time)}"
            reason = f"{found}: nobody knows whether it was pushed after {stands}"
        elif event.time <= since:
            reason = f"{new} was pushed {stamp(event.time)}, not after {stands}"
        elif may_be_older(event, since):
            reason = f"nobody knows whether {new} was pushed after {stands}"
    return _decision(target, event, Outcome.REJECTED, reason)


def _same(rule: Rule, standing: Version, pushed: Version) -> bool:
    return standing.tag == pushed.tag if rule.follow.pin == "tag" else standing == pushed


def _equal_keys(rule: Rule, standing: Version, event: Event) -> bool:
    """Whether the tags alone do not tell which is newer, so that push times do."""
    return standing != Version() and rule.key(standing.tag or "") == rule.key(_tag(event))


def _decision(target: Target, event: Event, outcome: Outcome, reason: str) -> Decision:
    return Decision(event.image, event.version, outcome, reason, event, target)


def _tag(event: Event) -> str:
    return event.version.tag or ""
