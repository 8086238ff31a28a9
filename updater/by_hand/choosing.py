"""Which of the versions that are offered to an entry it gets when a person orders a promotion, and why none."""

from __future__ import annotations

from dataclasses import dataclass, replace

from updater.core.messages import short, told_apart
from updater.core.promotion import Offers
from updater.core.rules import Rule
from updater.core.verdicts import Verdict
from updater.errors import UsageError
from updater.model import Decision, Event, Outcome, Target, Version

FORCED = "--force: "
"""What the reason of a decision begins with that lands although it has to wait."""
_STAYS_OUT = (Outcome.WAITING, Outcome.HELD)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry, the order of its versions, what its sources offer and the verdicts on what is newer, newest first.

    `nothing` says why nothing newer is offered.
    """

    target: Target
    order: Rule
    offers: Offers = Offers()
    verdicts: tuple[Verdict, ...] = ()
    nothing: str = ""

    @property
    def here(self) -> Version:
        """What stands."""
        return self.target.entry.version


def newest(candidate: Candidate, *, is_forced: bool) -> Decision:
    """The newest version that may land, as automation chooses it; if it is forced, the newest that only has to wait."""
    lands = next((each for each in candidate.verdicts if _may_land(each, is_forced)), None)
    if lands is not None:
        return _landing(lands)
    if candidate.verdicts:
        return _kept_out(candidate.verdicts[0].decision)
    if candidate.offers.nothing is not None:
        return _kept_out(told(candidate, candidate.here, Outcome.WAITING, candidate.offers.nothing))
    return unchanged(candidate, candidate.nothing)


def of_version(candidate: Candidate, wanted: Version, *, is_forced: bool) -> Decision | None:
    """What becomes of one version; None where it neither stands there nor is offered."""
    verdict = next((each for each in candidate.verdicts if is_meant(wanted, each.decision.to)), None)
    if verdict is not None:
        return _landing(verdict) if _may_land(verdict, is_forced) else _kept_out(verdict.decision)
    if is_meant(wanted, candidate.here):
        return unchanged(candidate, f"{short(candidate.here)} stands already")
    offer = next((each for each in candidate.offers.offers if is_meant(wanted, each.version)), None)
    return None if offer is None else older(candidate, offer.version)


def is_meant(wanted: Version, version: Version) -> bool:
    """Whether a version is the one that a person names by its tag, with its digest or without."""
    return wanted.tag == version.tag and wanted.digest in (None, version.digest)


def older(candidate: Candidate, version: Version) -> Decision:
    """The decision for a version that is not newer than what stands."""
    here, asked = told_apart(candidate.here, version)
    reason = f"{asked} is older than {here}, which stands: `updater rollback --to {short(version)}` goes back"
    return told(candidate, version, Outcome.REJECTED, reason, UsageError.exit_code)


def unchanged(candidate: Candidate, reason: str) -> Decision:
    """The decision where nothing is to be done."""
    return told(candidate, candidate.here, Outcome.UNCHANGED, reason)


def told(
    candidate: Candidate,
    version: Version,
    outcome: Outcome,
    reason: str,
    exit_code: int = 0,
    event: Event | None = None,
) -> Decision:
    """A decision on the entry."""
    target = candidate.target
    return Decision(target.entry.image or "", version, outcome, reason, event, target, exit_code)


def _may_land(verdict: Verdict, is_forced: bool) -> bool:
    return verdict.may_land or (is_forced and verdict.decision.outcome is Outcome.WAITING)


def _landing(verdict: Verdict) -> Decision:
    decision = verdict.decision
    reason = decision.reason if verdict.may_land else f"{FORCED}{decision.reason}"
    return replace(decision, outcome=Outcome.COMMITTED, reason=reason, due=None, is_stopped=False)


def _kept_out(decision: Decision) -> Decision:
    """The decision, as that of an order which is not done."""
    code = UsageError.exit_code if decision.outcome in _STAYS_OUT else decision.exit_code
    return replace(decision, exit_code=code)
