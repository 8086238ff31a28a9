"""What people order where pull requests deliver: each service's change on its branch, in one push, and then the forge.

The commits say in a trailer that a person ordered them; automation leaves such a pull request alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from updater.core.changes import place_of
from updater.core.proposals import Arrangement, is_approved
from updater.errors import ForgeError, GitError, PushContended, PushRefused, UpdaterError
from updater.model import Decision, Outcome
from updater.planning import Plan
from updater.proposing.building import Built
from updater.proposing.carrying_out import Settled, push
from updater.proposing.drafting import Order, built, environment_of
from updater.proposing.upkeep import Kept, keep_up, report, withdraw
from updater.sight import Sight

TRIES = 12
"""How often branches are pushed where others keep moving them."""


def is_by_pull_request(sight: Sight, order: Order) -> bool:
    """Whether an order goes by pull request. An environment that is not there is for who plans the order to tell."""
    if order.deliver is not None:
        return order.deliver == "pull-request"
    environment = environment_of(sight, order.environment)
    return environment is not None and environment.proposes


def as_proposals(made: Plan) -> Plan:
    """A plan whose changes go by pull request: what would be."""
    return replace(made, decisions=tuple(_as(each, Outcome.PROPOSED) for each in made.decisions))


def propose(sight: Sight, pause: Callable[[int], None], make: Callable[[], Plan], order: Order) -> Settled:
    """Sees to it that pull requests are open for the changes of an order, whose plan is made on what was last heard.

    One that is open for the same branch is moved, or withdrawn first if somebody has approved it. Raises `GitError`
    and `UpdaterError` where nothing could be planned, and `ForgeError` where it cannot be asked or what is open there
    is not ours to change; then nothing is pushed.
    """
    settled, done, told = Settled(), set[str](), list[Decision]()
    tips = frozenset[str]()
    for number in range(TRIES):
        if number:
            pause(number)
            sight.repository.refresh(tips)
        made = make()
        tips = frozenset(made.tips)
        open_ones = [each for each in built(sight, made, order) if each.task.head not in done]
        try:
            open_ones = [_vacant(sight, settled, each) for each in open_ones]
            pushed, outcomes = push(sight, open_ones)
        except (ForgeError, GitError) as error:
            if not settled.pulls:
                raise
            settled.problems.append(error)  # something is withdrawn already, which has to be told
            told += [_failed(decision, error) for each in open_ones for decision in _decisions(each)]
            open_ones = []
        for each in open_ones:
            head = each.task.head
            outcome = outcomes.get(head, "landed")
            if outcome in ("moved", "unfinished"):
                continue
            done.add(head)
            told += _carry_out(sight, settled, each, pushed.get(head), outcome)
        if all(each.task.head in done for each in open_ones):
            others = [each for each in made.decisions if each.outcome is not Outcome.COMMITTED]
            settled.decisions = sorted((*told, *others), key=place_of)
            settled.problems = [*made.problems, *settled.problems]
            return settled
    raise PushContended(f"branches of pull requests were moved by others {TRIES} times in a row", hint="try again")


def _carry_out(sight: Sight, settled: Settled, each: Built, commit: str | None, outcome: object) -> Iterator[Decision]:
    """Opens or rewrites the pull request, notes it, and gives what became of the versions on it."""
    kept: Kept | None = None
    error: UpdaterError | None = outcome if isinstance(outcome, PushRefused) else None
    if error is None:
        try:
            kept = _kept(sight, each, commit)
            settled.pulls.append(kept)
        except ForgeError as failure:
            error = failure
    if error is not None:
        settled.problems.append(error)
    for decision in _decisions(each):
        yield _failed(decision, error) if kept is None else _proposed(decision, kept.pull.number, commit or each.old)


def _decisions(each: Built) -> list[Decision]:
    return [decision for change in each.changes for decision in change.decisions]


def _kept(sight: Sight, each: Built, commit: str | None) -> Kept:
    pull = None if each.task.branch is None else each.task.branch.pull
    if each.task.arrangement.action == "keep" and pull is not None:
        return Kept(pull, "it proposes that already", report(sight, each, pull))
    kept = keep_up(sight, each, commit)
    assert kept is not None, "it is opened or moved"
    return kept


def _proposed(decision: Decision, number: int, commit: str | None) -> Decision:
    return replace(_as(decision, Outcome.PROPOSED), pull_request=number, commit=commit)


def _failed(decision: Decision, error: UpdaterError | None) -> Decision:
    assert error is not None, "it was not done, for a reason"
    return replace(decision, outcome=Outcome.REFUSED, reason=str(error), exit_code=error.exit_code)


def _as(decision: Decision, outcome: Outcome) -> Decision:
    return replace(decision, outcome=outcome) if decision.outcome is Outcome.COMMITTED else decision


def _vacant(sight: Sight, settled: Settled, each: Built) -> Built:
    """The same, once what somebody has approved is withdrawn: nobody approved what comes now."""
    branch = each.task.branch
    if each.task.arrangement.action != "move" or branch is None or branch.pull is None or not is_approved(branch.pull):
        return each
    closed = withdraw(sight, branch.pull, f"a person ordered something else: {each.changes[0].subject}")
    settled.pulls.append(closed)
    told = (*each.ordered, f"Takes the place of #{branch.pull.number} that was approved and is withdrawn.")
    task = replace(each.task, arrangement=Arrangement("open"), branch=replace(branch, pull=None))
    return replace(each, task=task, ordered=told)
