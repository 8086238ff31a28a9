"""Carrying proposals out: the branches of all pull requests in one push, then each pull request on the forge.

A branch is planned on a tip that the remote has confirmed, and pushed on the condition that nobody moved it. What the
forge does not do now is told, and done by the next pass, which compares again what is wanted with what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from updater.core.changes import Change
from updater.core.proposals import Branch
from updater.errors import ForgeError, ForgeUnavailable, GitError, PushContended, PushRefused, UpdaterError
from updater.model import Decision
from updater.planning import Plan
from updater.proposing.arranging import tasks
from updater.proposing.building import Built, built, chained
from updater.proposing.outcomes import others, outcomes
from updater.proposing.upkeep import Kept, keep_up, withdraw
from updater.protocols import PushOutcome, Update
from updater.reviewing.weighing import Stray
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
    """Sees to it that the pull requests are as the plan wants them. What cannot be done is told, and raises nothing.

    `make` plans anew where somebody else moved a branch, and `pause` waits before that, given how often it happened.
    """
    settled, done, gone = Settled(), set[str](), list[Update]()
    open_ones = _open_ones(sight, made, done)
    error: GitError = PushContended(f"branches of pull requests were moved {TRIES} times in a row", hint=_AGAIN)
    for number in range(TRIES):
        try:
            if number:
                pause(number)
                sight.repository.refresh(frozenset(made.tips))
                made = make()
                open_ones = _open_ones(sight, made, done)
            pushed, landed = push(sight, open_ones)
        except GitError as failure:
            error = failure
            break
        for each in open_ones:
            outcome = landed.get(each.task.head, "landed")
            if outcome not in ("moved", "unfinished"):
                done.add(each.task.head)
                refusal = outcome if isinstance(outcome, PushRefused) else None
                gone += _carry_out(sight, settled, each, pushed.get(each.task.head), refusal)
        open_ones = [each for each in open_ones if each.task.head not in done]
        if not open_ones:
            break
    _give_up(settled, open_ones, error)
    _finish(sight, settled, made, gone)
    return settled


def _give_up(settled: Settled, open_ones: Sequence[Built], error: GitError) -> None:
    """What did not get onto the remote."""
    settled.problems += [error] if open_ones else []
    for each in open_ones:
        settled.decisions += outcomes(each, None, None, error)


def _finish(sight: Sight, settled: Settled, made: Plan, gone: list[Update]) -> None:
    """What is left once every branch is as it should be: others' decisions, strays, and branches that are to go."""
    if made.review.problem is not None:
        settled.problems.append(made.review.problem)
    settled.decisions += others(made, settled.decisions)
    for stray in made.strays:
        gone += _withdraw_stray(sight, settled, stray)
    _delete(sight, settled, gone)


def foreseen(sight: Sight, made: Plan) -> tuple[Settled, list[Change]]:
    """What would come of it, and the changes that would be on new commits of our branches. Nothing is written."""
    settled, changes = Settled(), list[Change]()
    for each in _open_ones(sight, made, ()):
        pull, reason = each.task.pull, each.task.arrangement.reason
        kept = None if pull is None else Kept(pull, reason)
        settled.decisions += outcomes(each, kept, None, None)
        settled.pulls += [] if kept is None else [kept]
        changes += each.changes if each.is_new else ()
    settled.decisions += others(made, settled.decisions)
    return settled, changes


def _open_ones(sight: Sight, made: Plan, done: Collection[str]) -> list[Built]:
    return [built(sight, task) for task in tasks(sight, made) if task.head not in done]


def push(sight: Sight, open_ones: Sequence[Built]) -> tuple[dict[str, str], Mapping[str, PushOutcome]]:
    """Pushes every branch that is to change, all at once: the new commits and the outcomes, by branch."""
    commits = {each.task.head: chained(sight, each) for each in open_ones if each.is_new}
    updates = [Update(each.task.head, each.old, commits[each.task.head]) for each in open_ones if each.is_new]
    return commits, sight.repository.push(updates) if updates else {}


def _carry_out(
    sight: Sight, settled: Settled, each: Built, commit: str | None, error: UpdaterError | None
) -> list[Update]:
    """Brings the pull request into line with its branch, and gives the branches that are to go."""
    kept = None
    # A forge that did not answer just now is not asked about each of a hundred others.
    down = next((problem for problem in settled.problems if isinstance(problem, ForgeUnavailable)), None)
    if error is None and down is None:
        try:
            kept = keep_up(sight, each, commit)
        except ForgeError as failure:
            error = failure
    if error is not None:
        settled.problems.append(error)
    if kept is not None:
        settled.pulls.append(kept)
        settled.problems += [] if kept.error is None else [kept.error]
    settled.decisions += outcomes(each, kept, commit, error or down)
    is_over = each.task.arrangement.action == "delete" or (kept is not None and kept.pull.state != "open")
    # What may land still is proposed anew by the next pass; until then nothing but the branch may know of it.
    return _without(each.task.branch) if is_over and not each.task.arrangement.waits else []


def _without(branch: Branch | None) -> list[Update]:
    return [] if branch is None or branch.tip is None else [Update(branch.head, branch.tip, None)]


def _withdraw_stray(sight: Sight, settled: Settled, stray: Stray) -> list[Update]:
    """Withdraws what is open for an environment that is gone, or delivers by pull request no longer."""
    pull = stray.branch.pull
    if pull is None or stray.left:
        settled.pulls += [Kept(pull, stray.left)] if pull is not None else []
        return []
    try:
        reason = "its environment is gone, or does not deliver by pull request any more"
        settled.pulls.append(withdraw(sight, pull, reason))
    except ForgeError as error:
        settled.problems.append(error)
        return []
    return _without(stray.branch)


def _delete(sight: Sight, settled: Settled, gone: Sequence[Update]) -> None:
    """Takes branches away. One that stays, stays empty-handed until the next pass."""
    try:
        results = sight.repository.push(gone) if gone else {}
    except GitError as error:
        settled.problems.append(error)
        return
    settled.problems += [outcome for outcome in results.values() if isinstance(outcome, PushRefused)]
