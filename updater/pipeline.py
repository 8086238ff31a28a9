"""The one path of an event: decode, match, decide, edit, verify, publish, report.

Whatever changes the repository goes this way: pushes (`handle`), what waited (`reconcile`), and what people order
(`perform`, given how their plan is made). A plan is made on what was last heard of the remote, and the push tells
whether that was still true: a branch that landed is thereby confirmed, and anything else is decided only after one
listing of the remote's refs. A branch that somebody else moved is planned again from the start, on its new tip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from updater import keeping, looks, polling
from updater.core.changes import Change, place_of, target_of
from updater.decoding import NOTHING, Decoding, decode
from updater.errors import GitError, PushContended, RemoteUnavailable, UpdaterError
from updater.model import Commit, Decision, Delivery, Event
from updater.planning import Plan, everybody, joined, make_plan
from updater.polling import NO_LISTINGS, Listings
from updater.proposing.carrying_out import Settled, foreseen, propose
from updater.proposing.upkeep import Kept
from updater.protocols import Decoder
from updater.publishing import Progress, decisions_on, publish, refused
from updater.sight import Sight

TRIES = 12
"""How often a batch is pushed where others keep moving its branches."""
BREAKS = 2
"""How often a push may break off with nothing changed on the remote."""
_AGAIN = "nothing is lost: handle the events again"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the path works with. `pause` waits before another try, given how many there were."""

    sight: Sight
    decoders: Mapping[str, Decoder]
    pause: Callable[[int], None]


Make: TypeAlias = Callable[[], Plan]
"""Makes a plan on what was last heard of the remote; called again wherever somebody else was faster."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of deliveries. `problems` belong to no decision; `notes` say why payloads held no event.

    `pulls` are the pull requests that were opened, looked at or withdrawn.
    """

    decisions: tuple[Decision, ...] = ()
    commits: tuple[Commit, ...] = ()
    problems: tuple[UpdaterError, ...] = ()
    notes: tuple[str, ...] = ()
    pulls: tuple[Kept, ...] = ()

    @property
    def due(self) -> datetime | None:
        """When the first of what waits may go on, as far as it is known (UTC)."""
        return min((each.due for each in self.decisions if each.due is not None), default=None)

    @property
    def exit_code(self) -> int:
        """0, or the code of the first failure."""
        codes = [problem.exit_code for problem in self.problems] + [decision.exit_code for decision in self.decisions]
        return next((code for code in codes if code), 0)


def plan(parts: Parts, deliveries: Sequence[Delivery]) -> tuple[Sequence[Change], Report]:
    """What deliveries would do, decided on tips that the remote has just confirmed, and what would change.

    That is on the environments' branches, and on those of pull requests. Nothing is written.
    """
    decoding = decode(parts.decoders, deliveries)
    return foresee(parts, preview(parts, _for_pushes(parts, decoding.events)), decoding)


def handle(parts: Parts, deliveries: Sequence[Delivery]) -> Report:
    """Does what deliveries call for, and returns once it is on the remote, or cannot get there.

    What the remote does not take is refused in the report, and the failure is among its problems: where one of
    them has `retry`, the deliveries are not finished. Handling them again is harmless. Raises `GitError` where
    nothing could be planned.
    """
    return land(parts, decode(parts.decoders, deliveries))


def land(parts: Parts, decoding: Decoding) -> Report:
    """Does what decoded deliveries call for. As for `handle`."""
    if not decoding.events:
        return Report(problems=decoding.problems, notes=decoding.notes)
    if parts.sight.registries is not None:
        parts.sight.registries.saw(decoding.events)
    return perform(parts, _for_pushes(parts, decoding.events), decoding)


def reconcile(parts: Parts, listings: Listings = NO_LISTINGS) -> Report:
    """One pass over all that needs no event: promotions, open pull requests, what waits, and what registries list.

    As for `handle`. What the lists tell is kept on the remote at the end.
    """
    repository = parts.sight.repository
    repository.refresh()
    listed = frozenset({repository.default_branch})
    standing = polling.standing(parts.sight) if listings else {}
    report = perform(parts, for_everything(parts, listings), _troubled(listings), listed)
    is_down = any(isinstance(problem, RemoteUnavailable) for problem in report.problems)
    problems = [] if is_down else looks.keep(parts.sight, parts.pause, listings, standing)
    return replace(report, decisions=_worth_telling(report), problems=(*report.problems, *problems))


def rehearse(parts: Parts, listings: Listings = NO_LISTINGS) -> tuple[Sequence[Change], Report]:
    """What `reconcile` would do, as for `plan`."""
    parts.sight.repository.refresh()
    changes, report = foresee(parts, preview(parts, for_everything(parts, listings)), _troubled(listings))
    return changes, replace(report, decisions=_worth_telling(report))


def for_everything(parts: Parts, listings: Listings = NO_LISTINGS) -> Make:
    """Plans everything that waits, may be promoted or is listed."""
    sight = parts.sight
    return lambda: make_plan(
        sight, (), lambda: joined(keeping.kept(sight), polling.offered(sight, listings)), everybody
    )


def _troubled(listings: Listings) -> Decoding:
    return Decoding(problems=polling.troubles(listings))


def _worth_telling(report: Report) -> tuple[Decision, ...]:
    """The decisions without those on versions that nobody has pushed now, and that come to nothing."""
    return tuple(each for each in report.decisions if not polling.is_idle(each))


def preview(parts: Parts, make: Make) -> Plan:
    """The plan on tips that the remote has just confirmed. Nothing is written."""
    return _confirmed(parts.sight, make, make(), frozenset())


def perform(parts: Parts, make: Make, decoding: Decoding = NOTHING, listed: frozenset[str] = frozenset()) -> Report:
    """Carries a plan out, and makes it anew wherever somebody else was faster. As for `handle`.

    The tips of the branches in `listed` were just asked for.
    """
    progress = Progress(make())
    try:
        _land(parts, make, progress, listed)
    except GitError as error:
        progress.problems.append(error)
        for branch in [branch for branch in progress.plan.tips if branch not in progress.decisions]:
            progress.decisions[branch] = [refused(decision, error) for decision in decisions_on(progress.plan, branch)]
    # What is proposed for an environment that delivers by commit now, has to land first.
    made = replace(progress.plan, strays=()) if progress.problems else progress.plan
    report = _proposed(parts, make, made, _report(decoding, progress))
    decisions, problems = keeping.keep(parts.sight, parts.pause, progress.plan, report.decisions)
    return replace(report, decisions=tuple(decisions), problems=(*report.problems, *problems))


def _proposed(parts: Parts, make: Make, made: Plan, report: Report) -> Report:
    """The report, once the pull requests are as the plan wants them."""
    if not (made.review.environments or made.strays) or made.review.problem is not None:
        return report
    return _settled(made, report, propose(parts.sight, parts.pause, made, make))


def _settled(made: Plan, report: Report, settled: Settled) -> Report:
    """The report with what came of proposals in the place of what was planned."""
    reviewed = made.review.environments
    others = [each for each in report.decisions if _environment(each) not in reviewed or each in made.left_over]
    problems = [problem for problem in settled.problems if problem not in report.problems]
    placed = [each for each in (*others, *settled.decisions) if each.target is not None]
    return replace(
        report,
        decisions=(*sorted(placed, key=place_of), *(each for each in others if each.target is None)),
        pulls=tuple(settled.pulls),
        problems=(*report.problems, *problems),
    )


def _environment(decision: Decision) -> str | None:
    return None if decision.target is None else decision.target.environment


def foresee(parts: Parts, made: Plan, decoding: Decoding = NOTHING) -> tuple[Sequence[Change], Report]:
    """What would come of a plan, its pull requests included, as for `plan`."""
    settled, changes = foreseen(parts.sight, made)
    return [*made.changes, *changes], _settled(made, told(made, decoding), settled)


def told(made: Plan, decoding: Decoding = NOTHING) -> Report:
    """A plan as the report of what would be, as far as no pull request comes into it."""
    return _report(decoding, Progress(made))


def _for_pushes(parts: Parts, events: Sequence[Event]) -> Make:
    sight, images = parts.sight, {event.image for event in events}
    return lambda: make_plan(sight, events, lambda: keeping.kept_of(sight, images))


def _land(parts: Parts, make: Make, progress: Progress, listed: frozenset[str]) -> None:
    """Pushes what is planned, and plans again what does not get through, until nothing is open."""
    if not progress.plan.is_proved_by_pushing():
        progress.plan = _confirmed(parts.sight, make, progress.plan, listed)
    broken_off = 0
    for number in range(TRIES):
        if number:
            parts.pause(number)
            progress.plan = _again(parts.sight, make, progress.plan)
        outcomes = publish(parts.sight, progress)
        if not {"moved", "unfinished"} & outcomes:
            return
        broken_off += "unfinished" in outcomes
        if broken_off == BREAKS:
            raise RemoteUnavailable(f"the remote broke off our push {BREAKS} times", hint=_AGAIN)
    raise PushContended(f"our push was overtaken, or the branch locked, {TRIES} times in a row", hint=_AGAIN)


def _confirmed(sight: Sight, make: Make, made: Plan, listed: frozenset[str]) -> Plan:
    """The same plan if the remote says that its tips are the newest, else one on the newest.

    Of the branches in `listed` that is known already. A newer configuration may name others.
    """
    while not made.tips.keys() <= listed:
        listed |= made.tips.keys()
        if sight.repository.refresh(listed):
            made = make()
    return made


def _again(sight: Sight, make: Make, made: Plan) -> Plan:
    """A plan in the place of one that somebody overtook."""
    branches = frozenset(made.tips)
    sight.repository.refresh(branches)
    return _confirmed(sight, make, make(), branches)


def _report(decoding: Decoding, progress: Progress) -> Report:
    made = progress.plan
    still = [decision for decision in made.decisions if target_of(decision).branch not in progress.decisions]
    decisions = [decision for branch in progress.decisions.values() for decision in branch]
    problems = (*decoding.problems, *made.problems, *progress.problems)
    return Report((*decisions, *still, *made.left_over), tuple(progress.commits), problems, decoding.notes)
