"""The one path of an event: decode, match, decide, edit, verify, publish, report.

It plans on what was last heard of the remote and lets the push tell whether that was still true: a
branch that landed is thereby confirmed, and anything else is decided only after one listing of the
remote's refs. A branch that somebody else moved is planned again from the start, on its new tip.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from updater.core import matching
from updater.core.changes import Change, target_of
from updater.decoders.envelopes import unwrap
from updater.errors import GitError, PushContended, PushRefused, RemoteUnavailable, UpdaterError, UsageError
from updater.model import Commit, Decision, Delivery, Event, Outcome, Standing
from updater.planning import Plan, Sight, make_plan
from updater.protocols import Clock, Decoder, Update

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
    clock: Clock
    pause: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Decoding:
    """The pushes that deliveries tell of (equal ones merged), what was unreadable, and why others hold none."""

    events: tuple[Event, ...]
    problems: tuple[UpdaterError, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of deliveries. `problems` belong to no decision; `notes` say why payloads held no event."""

    decisions: tuple[Decision, ...] = ()
    commits: tuple[Commit, ...] = ()
    problems: tuple[UpdaterError, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or the code of the first failure."""
        codes = [problem.exit_code for problem in self.problems] + [decision.exit_code for decision in self.decisions]
        return next((code for code in codes if code), 0)


@dataclass(slots=True)
class _Progress:
    """How far the tries of one batch have got: the newest plan, and what is final of the branches named here."""

    plan: Plan
    decisions: dict[str, list[Decision]] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    problems: list[UpdaterError] = field(default_factory=list)


def decode(decoders: Mapping[str, Decoder], deliveries: Sequence[Delivery]) -> Decoding:
    """Reads deliveries. What one of them has wrong stops no other."""
    events: list[Event] = []
    problems: list[UpdaterError] = []
    notes: list[str] = []
    for delivery in deliveries:
        try:
            decoded = _decoder(decoders, delivery.source)(unwrap(delivery))
        except UpdaterError as error:
            problems.append(error)
            continue
        events += decoded.events
        if decoded.ignored:
            notes.append(f"{delivery.source}: {decoded.ignored}")
    return Decoding(matching.merge(events), tuple(problems), tuple(notes))


def plan(parts: Parts, deliveries: Sequence[Delivery]) -> tuple[Plan, Report]:
    """What deliveries would do, decided on tips that the remote has just confirmed. Nothing is written."""
    decoding = decode(parts.decoders, deliveries)
    made = _confirmed(parts.sight, decoding.events, make_plan(parts.sight, decoding.events))
    return made, _report(decoding, _Progress(made))


def handle(parts: Parts, deliveries: Sequence[Delivery]) -> Report:
    """Does what deliveries call for, and returns once it is on the remote, or cannot get there.

    What the remote does not take is refused in the report, and the failure is among its problems: where one of
    them has `retry`, the deliveries are not finished. Handling them again is harmless. Raises `GitError` where
    nothing could be planned.
    """
    decoding = decode(parts.decoders, deliveries)
    if not decoding.events:
        return Report(problems=decoding.problems, notes=decoding.notes)
    progress = _Progress(make_plan(parts.sight, decoding.events))
    try:
        _land(parts, decoding.events, progress)
    except GitError as error:
        progress.problems.append(error)
        for branch in progress.plan.tips.keys() - progress.decisions.keys():
            progress.decisions[branch] = [_refused(decision, error) for decision in _of(progress.plan, branch)]
    return _report(decoding, progress)


def _land(parts: Parts, events: Sequence[Event], progress: _Progress) -> None:
    """Pushes what is planned, and plans again what does not get through, until nothing is open."""
    if not progress.plan.is_proved_by_pushing():
        progress.plan = _confirmed(parts.sight, events, progress.plan)
    broken_off = 0
    for number in range(TRIES):
        if number:
            parts.pause(number)
            progress.plan = _again(parts.sight, events, progress.plan)
        outcomes = _publish(parts, progress)
        if not {"moved", "unfinished"} & outcomes:
            return
        broken_off += "unfinished" in outcomes
        if broken_off == BREAKS:
            raise RemoteUnavailable(f"the remote broke off our push {BREAKS} times", hint=_AGAIN)
    raise PushContended(f"our push was overtaken, or the branch locked, {TRIES} times in a row", hint=_AGAIN)


def _confirmed(sight: Sight, events: Sequence[Event], made: Plan, listed: frozenset[str] = frozenset()) -> Plan:
    """The same plan if the remote says that its tips are the newest, else one on the newest.

    Of the branches in `listed` that is known already. A newer configuration may name others.
    """
    while not made.tips.keys() <= listed:
        listed |= made.tips.keys()
        if sight.repository.refresh(listed):
            made = make_plan(sight, events)
    return made


def _again(sight: Sight, events: Sequence[Event], made: Plan) -> Plan:
    """A plan in the place of one that somebody overtook."""
    branches = frozenset(made.tips)
    sight.repository.refresh(branches)
    return _confirmed(sight, events, make_plan(sight, events), branches)


def _publish(parts: Parts, progress: _Progress) -> set[str]:
    """Pushes all open branches at once and notes what became final. Gives the kinds of outcome that there were."""
    made = progress.plan
    changes = [change for change in made.changes if change.branch not in progress.decisions]
    commits = _build(parts, made, changes)
    updates = _updates(made, commits)
    outcomes = parts.sight.repository.push(updates) if updates else {}
    for update in updates:
        outcome, decisions = outcomes[update.branch], _of(made, update.branch)
        if isinstance(outcome, PushRefused):
            progress.problems.append(outcome)
            progress.decisions[update.branch] = [_refused(decision, outcome) for decision in decisions]
        elif outcome == "landed":
            mine = [commit for commit in commits if commit.branch == update.branch]
            progress.commits += mine
            progress.decisions[update.branch] = [_committed(decision, mine) for decision in decisions]
            _note(parts, update, changes, progress.decisions[update.branch])
    return {outcome for outcome in outcomes.values() if isinstance(outcome, str)}


def _note(parts: Parts, update: Update, changes: Sequence[Change], decisions: Sequence[Decision]) -> None:
    """Tells the catalog what our push changed, so that the next event need not ask history for it."""
    mine = [change for change in changes if change.branch == update.branch]
    files = {path: file.after for change in mine for path, file in change.files.items()}
    now = parts.clock.now().replace(microsecond=0)
    standing = [
        (replace(target_of(decision).entry, version=decision.to), how)
        for decision in decisions
        if (how := _standing(decision, now)) is not None
    ]
    parts.sight.catalog.landed(update, files, standing)


def _standing(decision: Decision, now: datetime) -> Standing | None:
    """How an entry stands after its bump landed; None for what did not, and where that takes history to tell."""
    target = target_of(decision)
    entry, before = target.entry, target.standing
    if decision.commit is None:
        return None
    if entry.version.tag != decision.to.tag:
        return Standing(decision.commit, decision.event.time, now)
    if before is None:
        return None
    tag_since = before.pushed_at if entry.version.digest is None else before.tag_since
    return Standing(decision.commit, decision.event.time, now, tag_since)


def _build(parts: Parts, made: Plan, changes: Sequence[Change]) -> list[Commit]:
    """One commit for each change, each branch's commits on top of each other."""
    tips = dict(made.tips)
    commits = []
    for change in changes:
        tip = tips[change.branch]
        contents = {path: file.after for path, file in change.files.items()}
        sha = parts.sight.repository.build(tip, contents, change.message, parts.clock.now())
        tips[change.branch] = sha
        commits.append(Commit(sha, change.branch, change.environment, change.service, change.subject))
    return commits


def _updates(made: Plan, commits: Sequence[Commit]) -> list[Update]:
    newest = {commit.branch: commit.sha for commit in commits}
    return [Update(branch, made.tips[branch], sha) for branch, sha in newest.items()]


def _committed(decision: Decision, commits: Sequence[Commit]) -> Decision:
    if decision.outcome is not Outcome.COMMITTED:
        return decision
    place = (target_of(decision).environment, target_of(decision).service)
    sha = next(commit.sha for commit in commits if (commit.environment, commit.service) == place)
    return replace(decision, commit=sha)


def _refused(decision: Decision, error: GitError) -> Decision:
    if decision.outcome is not Outcome.COMMITTED:
        return decision
    return replace(decision, outcome=Outcome.REFUSED, reason=str(error), exit_code=error.exit_code)


def _of(made: Plan, branch: str) -> list[Decision]:
    return [decision for decision in made.decisions if target_of(decision).branch == branch]


def _report(decoding: Decoding, progress: _Progress) -> Report:
    made = progress.plan
    still = [decision for decision in made.decisions if target_of(decision).branch not in progress.decisions]
    decisions = [decision for branch in progress.decisions.values() for decision in branch]
    problems = (*decoding.problems, *made.problems, *progress.problems)
    return Report((*decisions, *still, *made.left_over), tuple(progress.commits), problems, decoding.notes)


def _decoder(decoders: Mapping[str, Decoder], source: str) -> Decoder:
    if source not in decoders:
        near = difflib.get_close_matches(source, decoders, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(decoders))}"
        raise UsageError(f"there is no source {source!r}", hint=hint)
    return decoders[source]
