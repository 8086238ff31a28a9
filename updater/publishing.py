"""Getting planned changes onto the remote, each branch with an outcome of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from updater.core.changes import Change, target_of
from updater.errors import GitError, PushRefused, UpdaterError
from updater.model import Commit, Decision, Outcome, Standing
from updater.planning import Plan, Sight
from updater.protocols import Clock, Update


@dataclass(slots=True)
class Progress:
    """How far the tries of one batch have got: the newest plan, and what is final of the branches named here."""

    plan: Plan
    decisions: dict[str, list[Decision]] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    problems: list[UpdaterError] = field(default_factory=list)


def publish(sight: Sight, clock: Clock, progress: Progress) -> set[str]:
    """Pushes all open branches at once and notes what became final. Gives the kinds of outcome that there were."""
    made = progress.plan
    changes = [change for change in made.changes if change.branch not in progress.decisions]
    commits = _build(sight, clock, made, changes)
    updates = _updates(made, commits)
    outcomes = sight.repository.push(updates) if updates else {}
    for update in updates:
        outcome, decisions = outcomes[update.branch], decisions_on(made, update.branch)
        if isinstance(outcome, PushRefused):
            progress.problems.append(outcome)
            progress.decisions[update.branch] = [refused(decision, outcome) for decision in decisions]
        elif outcome == "landed":
            mine = [commit for commit in commits if commit.branch == update.branch]
            progress.commits += mine
            progress.decisions[update.branch] = [_committed(decision, mine) for decision in decisions]
            _note(sight, clock, update, changes, progress.decisions[update.branch])
    return {outcome for outcome in outcomes.values() if isinstance(outcome, str)}


def _note(sight: Sight, clock: Clock, update: Update, changes: Sequence[Change], decisions: Sequence[Decision]) -> None:
    """Tells the catalog what our push changed, so that the next event need not ask history for it."""
    mine = [change for change in changes if change.branch == update.branch]
    files = {path: file.after for change in mine for path, file in change.files.items()}
    now = clock.now().replace(microsecond=0)
    standing = [
        (replace(target_of(decision).entry, version=decision.to), how)
        for decision in decisions
        if (how := _standing(decision, now)) is not None
    ]
    sight.catalog.landed(update, files, standing)


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


def _build(sight: Sight, clock: Clock, made: Plan, changes: Sequence[Change]) -> list[Commit]:
    """One commit for each change, each branch's commits on top of each other."""
    tips = dict(made.tips)
    commits = []
    for change in changes:
        tip = tips[change.branch]
        contents = {path: file.after for path, file in change.files.items()}
        sha = sight.repository.build(tip, contents, change.message, clock.now())
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


def refused(decision: Decision, error: GitError) -> Decision:
    """The decision, refused for that failure if it was a bump."""
    if decision.outcome is not Outcome.COMMITTED:
        return decision
    return replace(decision, outcome=Outcome.REFUSED, reason=str(error), exit_code=error.exit_code)


def decisions_on(made: Plan, branch: str) -> list[Decision]:
    """What was decided about the entries of a branch."""
    return [decision for decision in made.decisions if target_of(decision).branch == branch]
