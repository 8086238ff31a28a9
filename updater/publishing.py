"""Getting planned changes onto the remote, each branch with an outcome of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from updater.core.changes import Change, target_of
from updater.errors import GitError, PushRefused, UpdaterError
from updater.model import Commit, Decision, Outcome
from updater.planning import Plan
from updater.protocols import Update
from updater.sight import Sight


@dataclass(slots=True)
class Progress:
    """How far the tries of one batch have got: the newest plan, and what is final of the branches named here."""

    plan: Plan
    decisions: dict[str, list[Decision]] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    problems: list[UpdaterError] = field(default_factory=list)


def publish(sight: Sight, progress: Progress) -> set[str]:
    """Pushes all open branches at once and notes what became final. Gives the kinds of outcome that there were."""
    made = progress.plan
    changes = [change for change in made.changes if change.branch not in progress.decisions]
    commits = _build(sight, made, changes)
    updates = _updates(made, commits)
    outcomes = sight.repository.push(updates) if updates else {}
    for update in updates:
        outcome, decisions = outcomes[update.branch], decisions_on(made, update.branch)
        if isinstance(outcome, PushRefused):
            progress.problems.append(outcome)
            progress.decisions[update.branch] = [refused(decision, outcome) for decision in decisions]
        elif outcome == "landed":
            mine = [(commit, change) for commit, change in zip(commits, changes, strict=True) if _is_on(update, commit)]
            progress.commits += [commit for commit, _ in mine]
            progress.decisions[update.branch] = [_committed(decision, progress.commits) for decision in decisions]
            sight.catalog.landed(update, [(commit.sha, _contents(change)) for commit, change in mine])
    return {outcome for outcome in outcomes.values() if isinstance(outcome, str)}


def _build(sight: Sight, made: Plan, changes: Sequence[Change]) -> list[Commit]:
    """One commit for each change, each branch's commits on top of each other."""
    tips = dict(made.tips)
    commits = []
    for change in changes:
        sha = sight.repository.build(tips[change.branch], _contents(change), change.message, sight.clock.now())
        tips[change.branch] = sha
        commits.append(Commit(sha, change.branch, change.environment, change.service, change.subject))
    return commits


def _contents(change: Change) -> dict[str, bytes]:
    return {path: file.after for path, file in change.files.items()}


def _is_on(update: Update, commit: Commit) -> bool:
    return commit.branch == update.branch


def _updates(made: Plan, commits: Sequence[Commit]) -> list[Update]:
    newest = {commit.branch: commit.sha for commit in commits}
    return [Update(branch, made.tips[branch], sha) for branch, sha in newest.items()]


def _committed(decision: Decision, commits: Sequence[Commit]) -> Decision:
    if decision.outcome is not Outcome.COMMITTED:
        return decision
    target = target_of(decision)
    place = (target.branch, target.environment, target.service)
    sha = next(commit.sha for commit in commits if (commit.branch, commit.environment, commit.service) == place)
    return replace(decision, commit=sha)


def refused(decision: Decision, error: GitError) -> Decision:
    """The decision, refused for that failure if it was to be carried out."""
    if decision.outcome not in (Outcome.COMMITTED, Outcome.PROPOSED) or decision.commit is not None:
        return decision
    return replace(decision, outcome=Outcome.REFUSED, reason=str(error), exit_code=error.exit_code)


def decisions_on(made: Plan, branch: str) -> list[Decision]:
    """What was decided about the entries of a branch."""
    return [decision for decision in made.decisions if target_of(decision).branch == branch]
