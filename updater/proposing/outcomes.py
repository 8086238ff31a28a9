"""What became of each version that was to be proposed, or had to wait for what is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from updater.core.proposals import is_approved
from updater.core.verdicts import Verdict
from updater.errors import UpdaterError
from updater.model import Decision, Outcome, Target
from updater.planning import Plan
from updater.proposing.arranging import Task
from updater.proposing.building import Built
from updater.proposing.upkeep import Kept
from updater.reviewing.branches import head_of


def outcomes(each: Built, kept: Kept | None, commit: str | None, error: UpdaterError | None) -> Iterator[Decision]:
    """The decisions on one branch, given the commit that was pushed, its pull request now, and what went wrong."""
    yield from each.refused
    number = None if kept is None else kept.pull.number
    head = commit or (None if kept is None else kept.pull.commit)
    for verdict in each.bumps:
        decision = _failed(verdict, error) if error is not None else _proposed(verdict, kept)
        yield replace(decision, pull_request=number, commit=head)
    for verdict in each.task.arrangement.waits:
        if verdict.may_land:
            decision = replace(verdict.decision, outcome=Outcome.WAITING, reason=why_waiting(each.task))
            yield replace(decision, pull_request=number, keeps=verdict.offer is None)


def others(made: Plan, decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions on reviewed environments about which no task has more to say."""
    said = {(decision.target, decision.to) for decision in decisions}
    return [
        _numbered(made, each, each.target)
        for each in made.decisions
        if each.target is not None
        and each.target.environment in made.review.environments
        and (each.target, each.to) not in said
    ]


def _numbered(made: Plan, decision: Decision, target: Target) -> Decision:
    """The decision with the open pull request that proposes its version, though it is not ours to change."""
    branch = made.review.branches.get(head_of(made.review.environments[target.environment], target.service))
    if branch is None or branch.pull is None or branch.proposed is None:
        return decision
    is_there = branch.proposed.version(target) == decision.to
    return replace(decision, pull_request=branch.pull.number, commit=branch.tip) if is_there else decision


def why_waiting(task: Task) -> str:
    """Why versions that may land wait all the same: for the pull request that is open, or for one to be closed."""
    pull = task.pull
    if pull is not None and task.arrangement.action == "withdraw":
        return f"#{pull.number} is withdrawn first: {task.arrangement.reason}"
    if task.arrangement.reason or pull is None:
        return task.arrangement.reason
    if not is_approved(pull):
        return f"#{pull.number} is open, and is not moved (`move: {task.environment.settings.pull_request.move}`)"
    who = " and ".join(dict.fromkeys(approval.by for approval in pull.approvals))
    return f"#{pull.number} was approved by {who}: this waits until it is merged or closed"


def _proposed(verdict: Verdict, kept: Kept | None) -> Decision:
    """A version that is on a branch of the remote, so that its push need not be kept elsewhere."""
    decision = replace(verdict.decision, keeps=False)
    if kept is not None and kept.pull.state == "merged":
        return replace(decision, outcome=Outcome.COMMITTED, reason=kept.told)
    return decision


def _failed(verdict: Verdict, error: UpdaterError) -> Decision:
    """A version that did not get there. Where trying again may help its push is kept; a promotion is seen again."""
    if not verdict.may_land:
        return verdict.decision
    outcome = Outcome.WAITING if error.retry else Outcome.REFUSED
    keeps = error.retry and verdict.offer is None
    return replace(verdict.decision, outcome=outcome, reason=str(error), exit_code=error.exit_code, keeps=keeps)
