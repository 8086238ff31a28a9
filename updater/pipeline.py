"""The one path of an event: decode, match, decide, edit, verify, publish, report.

It plans on what was last heard of the remote and lets the push tell whether that was still true: a
branch that landed is thereby confirmed, and anything else is decided only after one listing of the
remote's refs. A branch that somebody else moved is planned again from the start, on its new tip.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from updater.core import matching
from updater.core.changes import Change, target_of
from updater.core.planning import Plan, Sight, make_plan
from updater.decoders.envelopes import unwrap
from updater.errors import PushContended, PushRefused, UpdaterError, UsageError
from updater.model import Commit, Decision, Delivery, Event, Outcome
from updater.protocols import Clock, Decoder, Update

TRIES = 12


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
class _Final:
    """What is final after the tries so far: of the branches named here nothing more is to be done."""

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
    """What deliveries would do, decided on tips that the remote has just confirmed. Writes nothing."""
    decoding = decode(parts.decoders, deliveries)
    made = _confirmed(parts.sight, decoding.events, make_plan(parts.sight, decoding.events))
    return made, _report(decoding, made, _Final())


def handle(parts: Parts, deliveries: Sequence[Delivery]) -> Report:
    """Does what deliveries call for, and returns once it is on the remote.

    Raises `GitError` where the remote does not answer, and `PushContended` where others were faster every
    time. The deliveries are then not finished, and handling them again is harmless.
    """
    decoding = decode(parts.decoders, deliveries)
    if not decoding.events:
        return Report(problems=decoding.problems, notes=decoding.notes)
    final = _Final()
    made = make_plan(parts.sight, decoding.events)
    if not made.is_proved_by_pushing():
        made = _confirmed(parts.sight, decoding.events, made)
    for number in range(TRIES):
        if number:
            parts.pause(number)
            made = _again(parts.sight, decoding.events, made)
        if _publish(parts, made, final):
            return _report(decoding, made, final)
    landed = f"{len(final.commits)} commits have landed; " if final.commits else ""
    hint = f"{landed}nothing is lost: handle the events again"
    raise PushContended(f"others pushed first {TRIES} times in a row", hint=hint)


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


def _publish(parts: Parts, made: Plan, final: _Final) -> bool:
    """Pushes all open branches at once and notes what became final. False if a branch has to be planned again."""
    changes = [change for change in made.changes if change.branch not in final.decisions]
    commits = _build(parts, made, changes)
    outcomes = parts.sight.repository.push(_updates(made, commits)) if commits else {}
    for branch, outcome in outcomes.items():
        decisions = [decision for decision in made.decisions if target_of(decision).branch == branch]
        if isinstance(outcome, PushRefused):
            final.problems.append(outcome)
            final.decisions[branch] = [_refused(decision, outcome) for decision in decisions]
        elif outcome == "landed":
            mine = [commit for commit in commits if commit.branch == branch]
            final.commits += mine
            final.decisions[branch] = [_committed(decision, mine) for decision in decisions]
    return "moved" not in outcomes.values()


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


def _refused(decision: Decision, error: PushRefused) -> Decision:
    if decision.outcome is not Outcome.COMMITTED:
        return decision
    return replace(decision, outcome=Outcome.REFUSED, reason=str(error), exit_code=error.exit_code)


def _report(decoding: Decoding, made: Plan, final: _Final) -> Report:
    still = [decision for decision in made.decisions if target_of(decision).branch not in final.decisions]
    decisions = [decision for branch in final.decisions.values() for decision in branch]
    problems = (*decoding.problems, *made.problems, *final.problems)
    return Report((*decisions, *still, *made.ignored), tuple(final.commits), problems, decoding.notes)


def _decoder(decoders: Mapping[str, Decoder], source: str) -> Decoder:
    if source not in decoders:
        near = difflib.get_close_matches(source, decoders, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(decoders))}"
        raise UsageError(f"there is no source {source!r}", hint=hint)
    return decoders[source]
