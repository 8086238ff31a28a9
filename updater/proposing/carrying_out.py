"""Carrying proposals out: the branches of all pull requests in one push, then each pull request on the forge.

A branch is planned on a tip that the remote has confirmed, and pushed on the condition that nobody moved it. What the
forge does not do now is told, and done by the next pass, which compares again what is wanted with what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from updater.core.proposals import is_approved
from updater.errors import ForgeError, PushContended, PushRefused, UpdaterError
from updater.model import Decision, Outcome
from updater.planning import Plan
from updater.proposing.arranging import Task, tasks
from updater.proposing.building import Built, built, chained
from updater.proposing.upkeep import Kept, keep_up, withdraw
from updater.protocols import PushOutcome, Update
from updater.sight import Sight

TRIES = 12
"""How often branches are pushed where others keep moving them."""
_AGAIN = "the next `updater reconcile` tries again"


@dataclass(slots=True)
class Settled:
    """What came of proposals: final decisions in the place of planned ones, the pull requests, and what went wrong."""

    decisions: list[Decision] = field(default_factory=list)
    pulls: list[Kept] = field(default_factory=list)
    problems: list[UpdaterError] = field(default_factory=list)


def propose(sight: Sight, pause: Callable[[int], None], made: Plan, make: Callable[[], Plan]) -> Settled:
    """Sees to it that the pull requests are as the plan wants them. Raises `GitError` where nothing can be pushed."""
    settled, done, gone = Settled(), set[str](), list[Update]()
    for number in range(TRIES):
        if number:
            pause(number)
            sight.repository.refresh(frozenset(made.tips))
            made = make()
        open_ones = [built(sight, task) for task in tasks(sight, made) if task.head not in done]
        pushed, outcomes = _push(sight, open_ones)
        for each in open_ones:
            outcome = outcomes.get(each.task.head, "landed")
            if outcome in ("moved", "unfinished"):
                continue
            done.add(each.task.head)
            error = outcome if isinstance(outcome, PushRefused) else None
            gone += _carry_out(sight, settled, each, pushed.get(each.task.head), error)
        if all(each.task.head in done for each in open_ones):
            settled.decisions += _others(made, settled.decisions)
            _withdraw_others(sight, settled, made, gone)
            _delete(sight, settled, gone)
            return settled
    raise PushContended(f"branches of pull requests were moved by others {TRIES} times in a row", hint=_AGAIN)


def _push(sight: Sight, open_ones: Sequence[Built]) -> tuple[dict[str, str], Mapping[str, PushOutcome]]:
    """Pushes every branch that is to change, all at once: the new commits and the outcomes, by branch."""
    commits = {each.task.head: chained(sight, each) for each in open_ones if each.is_new}
    updates = [Update(each.task.head, each.old, commits[each.task.head]) for each in open_ones if each.is_new]
    return commits, sight.repository.push(updates) if updates else {}


def _carry_out(
    sight: Sight, settled: Settled, each: Built, commit: str | None, error: UpdaterError | None
) -> list[Update]:
    """Brings the pull request into line with its branch, and gives the branches that are to go."""
    task, kept = each.task, None
    if error is None:
        try:
            kept = keep_up(sight, each, commit)
        except ForgeError as failure:
            error = failure
    if error is not None:
        settled.problems.append(error)
    if kept is not None:
        settled.pulls.append(kept)
    settled.decisions += _decisions(each, kept, commit, error)
    is_over = task.arrangement.action == "delete" or (kept is not None and kept.pull.state == "closed")
    is_there = task.branch is not None and task.branch.tip is not None
    return [Update(task.head, task.branch.tip, None)] if is_over and is_there and task.branch else []


def _decisions(each: Built, kept: Kept | None, commit: str | None, error: UpdaterError | None) -> list[Decision]:
    """What became of each version that was to be on the branch, or had to wait for what is on it."""
    task, found = each.task, list(each.refused)
    number = None if kept is None else kept.pull.number
    for verdict in each.bumps:
        decision = verdict.decision
        if error is not None and verdict.may_land:
            keeps = verdict.offer is None
            outcome = Outcome.WAITING if error.retry else Outcome.REFUSED
            decision = replace(
                decision, outcome=outcome, reason=str(error), exit_code=error.exit_code, keeps=keeps and error.retry
            )
        elif kept is not None and kept.pull.state == "merged":
            decision = replace(decision, outcome=Outcome.COMMITTED, reason=kept.told)
        found.append(replace(decision, pull_request=number, commit=commit or (kept.pull.commit if kept else None)))
    for verdict in task.arrangement.waits:
        if verdict.may_land:
            decision = replace(verdict.decision, outcome=Outcome.WAITING, reason=_why_waiting(task))
            found.append(replace(decision, pull_request=number, keeps=verdict.offer is None))
    return found


def _why_waiting(task: Task) -> str:
    pull = None if task.branch is None else task.branch.pull
    if task.arrangement.reason or pull is None:
        return task.arrangement.reason
    if not is_approved(pull):
        return f"#{pull.number} is open, and is not moved (`move: {task.environment.settings.pull_request.move}`)"
    who = " and ".join(dict.fromkeys(approval.by for approval in pull.approvals))
    return f"#{pull.number} was approved by {who}: this waits until it is merged or closed"


def _others(made: Plan, decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions on reviewed environments about which no branch has more to say."""
    said = {(decision.target, decision.to) for decision in decisions}
    mine = [decision for decision in made.decisions if decision.target is not None]
    return [
        each
        for each in mine
        if each.target is not None
        and each.target.environment in made.review.environments
        and (each.target, each.to) not in said
    ]


def _withdraw_others(sight: Sight, settled: Settled, made: Plan, gone: list[Update]) -> None:
    """Withdraws what is open for environments that are gone, or deliver by pull request no longer."""
    for pull in made.strays:
        reason = "its environment is gone, or does not deliver by pull request any more"
        try:
            settled.pulls.append(withdraw(sight, pull, reason))
        except ForgeError as error:
            settled.problems.append(error)
            continue
        tip = sight.repository.tip(pull.head)
        gone += [] if tip is None else [Update(pull.head, tip, None)]


def _delete(sight: Sight, settled: Settled, gone: Sequence[Update]) -> None:
    outcomes = sight.repository.push(gone) if gone else {}
    settled.problems += [outcome for outcome in outcomes.values() if isinstance(outcome, PushRefused)]
