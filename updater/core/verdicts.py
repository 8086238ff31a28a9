"""What becomes of each version that is offered to an entry, and why. Pure: equal input, equal verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from updater.core import gates, holds, stops
from updater.core.environment import NamedEnvironment
from updater.core.gates import GateState
from updater.core.messages import short, stamp, told_apart
from updater.core.promotion import BY_HAND, Offer, Offers, rank
from updater.core.rules import Rule
from updater.errors import ConfigurationError
from updater.model import Decision, Event, Hold, Outcome, Target

Ask = Callable[[Offer], Sequence[GateState]]
"""How the status gates of an offer are."""

_MAY_LAND = (Outcome.COMMITTED, Outcome.PROPOSED)
_LASTING = (Outcome.REJECTED, Outcome.REFUSED, Outcome.UNCHANGED, Outcome.IGNORED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to an entry for one version, in the order of its image, and which way the version took.

    `offer` and `gates` are empty where an event brought it.
    """

    decision: Decision
    order: Rule
    offer: Offer | None = None
    gates: tuple[GateState, ...] = ()

    @property
    def target(self) -> Target:
        """The entry."""
        assert self.decision.target is not None
        return self.decision.target

    @property
    def event(self) -> Event | None:
        """Its push, as far as it is known."""
        return self.decision.event if self.offer is None else self.offer.event

    @property
    def may_land(self) -> bool:
        """Whether nothing speaks against it now."""
        return self.decision.outcome in _MAY_LAND

    @property
    def is_valid(self) -> bool:
        """Whether it may land now or later by itself: no person took it back or refused it, and it is not older."""
        is_held = self.decision.outcome is Outcome.HELD and not self.decision.is_stopped
        is_over = self.decision.outcome in _LASTING and not self.decision.retry
        return not is_held and not is_over


@dataclass(frozen=True, slots=True)
class Case:
    """An entry with what is offered to it, in the order of its image.

    `has_copy` is whether the image has another name in the environment before.
    """

    environment: NamedEnvironment
    target: Target
    order: Rule
    offers: Offers
    has_copy: bool = False


def verdicts(case: Case, ask: Ask, now: datetime) -> tuple[Verdict, ...]:
    """The verdict on every offered version that is newer than what stands in the entry, newest first."""
    return tuple(_verdict(case, offer, ask, now) for offer in case.offers.offers if _is_newer(case, offer))


def shown(found: Sequence[Verdict]) -> list[Decision]:
    """The decisions that a person has to know of: the newest of each outcome, down to the one that may land."""
    told: dict[Outcome, Decision] = {}
    for verdict in found:
        told.setdefault(verdict.decision.outcome, verdict.decision)
        if verdict.may_land:
            break
    return list(told.values())


def nothing(case: Case) -> Decision | None:
    """The decision where the sources offer nothing at all; None where they do."""
    if case.offers.nothing is None:
        return None
    target = case.target
    return Decision(target.entry.image or "", target.entry.version, Outcome.WAITING, case.offers.nothing, None, target)


def _is_newer(case: Case, offer: Offer) -> bool:
    here = case.target.entry.version
    if offer.version == here:
        return False
    if offer.version.tag == here.tag and None in (offer.version.digest, here.digest):
        return here.digest is None  # the digest of the tag that stands, which the source knows
    return bool(rank(case.order, offer.version, _push(case, offer).time) > rank(case.order, here, _pushed(case)))


def _pushed(case: Case) -> datetime | None:
    """When what stands was pushed, as the earliest of the histories tells: here that may be a person's merge."""
    standing = case.target.past.standing
    known = case.offers.pushed.get(case.target.entry.version)
    times = [*([known] if known else []), *([standing.pushed_at] if standing else [])]
    return min(times, default=None)


def _push(case: Case, offer: Offer) -> Event:
    """The push of what is offered; it was no later than when the version stood here first."""
    stood = case.target.past.stood.get(offer.version, offer.event.time)
    return offer.event if stood >= offer.event.time else replace(offer.event, pushed_at=stood)


def _held(case: Case, offer: Offer) -> Hold | None:
    """The hold of this environment that keeps a version out."""
    past, pushed = case.target.past, case.offers.pushed
    known = [
        replace(hold, pushed_at=min(hold.pushed_at, pushed.get(hold.version, hold.pushed_at))) for hold in past.holds
    ]
    return holds.hold_on(known, case.order, _push(case, offer), stood=False)  # that push is before it stood here


def _verdict(case: Case, offer: Offer, ask: Ask, now: datetime) -> Verdict:
    stopped = _kept_out(case, offer, now)
    if stopped is not None:
        return Verdict(stopped, case.order, offer)
    if offer.due is not None:
        sources = " and ".join(ran.environment for ran in offer.ran)
        reason = f"{short(offer.version)} has to stand in {sources} until {stamp(offer.due)}"
        return Verdict(_decision(case, offer, Outcome.WAITING, reason, offer.due), case.order, offer)
    states = tuple(ask(offer))
    if not gates.all_green(states):
        reason = "; ".join(state.sentence for state in states if state.state != "green")
        waits = _decision(case, offer, Outcome.WAITING, f"{short(offer.version)} {reason}")
        return Verdict(waits, case.order, offer, states)
    lands = _decision(case, offer, _delivery(case.environment), _why(case, offer))
    delayed = stops.delayed(case.environment, now)
    return Verdict(_stopped(lands, delayed), case.order, offer, states)


def _kept_out(case: Case, offer: Offer, now: datetime) -> Decision | None:
    """The decision for a version that people keep out: held, taken back, refused, or not the same image for sure."""
    target, version = case.target, offer.version
    hold = _held(case, offer)
    if hold is not None:
        return _decision(case, offer, Outcome.HELD, holds.reason(hold, version))
    if offer.taken_back is not None:
        return _decision(case, offer, Outcome.HELD, offer.taken_back)
    if case.has_copy and version.digest is None:
        reason = f"{short(version)} stands without a digest, so the copy here cannot be known to be the same image"
        return replace(_decision(case, offer, Outcome.REFUSED, reason), exit_code=ConfigurationError.exit_code)
    by_hand = stops.held(case.environment, target.service, target.entry.image or "", now, version.tag)
    if by_hand is not None:
        return _stopped(_decision(case, offer, Outcome.HELD, by_hand.reason), by_hand)
    return None


def _stopped(decision: Decision, by: stops.Stop | None) -> Decision:
    """The decision, if nothing stops it. Nothing has to be kept: what the sources offer is seen again."""
    return replace(stops.stopped(decision, by), keeps=False)


def _delivery(environment: NamedEnvironment) -> Outcome:
    return Outcome.PROPOSED if environment.proposes else Outcome.COMMITTED


def _why(case: Case, offer: Offer) -> str:
    old, new = told_apart(case.target.entry.version, offer.version)
    stood = " and ".join(
        f"{ran.environment} since {stamp(ran.since)}"
        if ran.until is None
        else f"{ran.environment} from {stamp(ran.since)} to {stamp(ran.until)}"
        for ran in offer.ran
    )
    return f"{new} stood in {stood}, and is newer than {old}"


def _decision(case: Case, offer: Offer, outcome: Outcome, reason: str, due: datetime | None = None) -> Decision:
    event = None if offer.event.source == BY_HAND else offer.event
    built = offer.event.origin
    return Decision(offer.event.image, offer.version, outcome, reason, event, case.target, due=due, built=built)


def refused_before(found: Sequence[Verdict], refusals: Sequence[Hold]) -> tuple[Verdict, ...]:
    """The verdicts on an entry, given what people refused of it by closing pull requests.

    A refused version is out, and so is what ranks lower and was pushed before; what is newer is not.
    """
    times = {each.decision.to: each.event.time for each in found if each.event is not None}
    known = [replace(each, pushed_at=times.get(each.version, each.pushed_at)) for each in refusals]
    return tuple(_unless_refused(verdict, known) for verdict in found)


def _unless_refused(verdict: Verdict, refusals: Sequence[Hold]) -> Verdict:
    refusal = None
    if verdict.is_valid and verdict.event is not None:
        refusal = holds.hold_on(refusals, verdict.order, verdict.event, stood=False)
    if refusal is None:
        return verdict
    what = f"was refused by {refusal.author} on {refusal.at:%Y-%m-%d}"
    version = verdict.decision.to
    reason = f"{short(version)} {what}"
    if not holds.is_same(refusal.version, version):
        old, new = told_apart(refusal.version, version)
        reason = f"{new} came before {old}, which {what}"
    decision = replace(verdict.decision, outcome=Outcome.REJECTED, reason=reason, keeps=False, due=None)
    return replace(verdict, decision=decision)
