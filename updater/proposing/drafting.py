"""What each branch of an order by hand is to hold, and whether it is ours to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from updater.core import heads, messages
from updater.core.changes import Change
from updater.core.environment import NamedEnvironment
from updater.core.proposals import Arrangement, Branch
from updater.errors import ForgeRefused
from updater.planning import Plan
from updater.proposing.arranging import Task
from updater.proposing.building import Built, holds, superseded, with_older
from updater.reviewing import branches as reviewing
from updater.sight import Sight, tip_of


@dataclass(frozen=True, slots=True)
class Order:
    """What a person says of an order: the environment, why, and whether gates are skipped for it.

    `deliver` is how it is to get there, None where the environment says it.
    """

    environment: str
    reason: str | None = None
    is_forced: bool = False
    deliver: str | None = None


def environment_of(sight: Sight, name: str) -> NamedEnvironment | None:
    """The environment of this name, as its file says now; None if there is none in order."""
    default = sight.repository.default_branch
    configuration = sight.configuration(sight.repository.tree(tip_of(sight.repository, default)), default)
    return next((each for each in configuration.environments if each.name == name), None)


def built(sight: Sight, made: Plan, order: Order) -> list[Built]:
    """What each branch of the order is to hold. Raises `ForgeError` where one is not ours to change."""
    environment = environment_of(sight, order.environment)
    if not made.changes or environment is None:
        return []
    pulls = sight.forge().opened()
    groups: dict[str, list[Change]] = {}
    for change in made.changes:
        # Several services share one branch under `per: environment`, and what a person writes into its file has one.
        head = reviewing.head_of(environment, change.service) if change.decisions else _settings(environment)
        groups.setdefault(head, []).append(_marked(change, order))
    found = []
    for head, changes in sorted(groups.items()):
        base, pull = made.tips[changes[0].branch], reviewing.of_head(pulls, head, changes[0].branch)
        branch = reviewing.branch_of(sight, head, base, pull)
        found.append(_on_branch(sight, Task(head, environment, base, Arrangement("open"), branch), changes, order))
    return found


def _settings(environment: NamedEnvironment) -> str:
    return heads.shared(environment.name, heads.SETTINGS)


def _marked(change: Change, order: Order) -> Change:
    """A change whose text says that it was ordered, if it does not say so itself."""
    if f"\n{messages.BY_HAND}: " in change.message:
        return change
    line = messages.by_hand(order.reason or change.subject)
    return replace(change, message=messages.with_trailers(change.message, [line]))


def _on_branch(sight: Sight, task: Task, changes: Sequence[Change], order: Order) -> Built:
    branch = task.branch
    assert branch is not None, "what is known of it was looked up"
    content, pull = branch.proposed, branch.pull
    _refuse_strangers(branch)
    is_there = branch.tip is not None and holds(sight.repository.tree(branch.tip), changes, content)
    is_ordered = content is not None and content.by_hand is not None
    if pull is not None and is_there and (is_ordered or not order.is_forced):
        return Built(replace(task, arrangement=Arrangement("keep")), tuple(changes))
    if is_ordered:
        _refuse_other_orders(branch, changes)
    older = superseded(task, [decision for change in changes for decision in change.decisions])
    return Built(
        task if pull is None else replace(task, arrangement=Arrangement("move")),
        tuple(with_older(change, older) for change in changes),
        supersedes=tuple((service, version) for service, _, version in older),
        is_new=not (is_there and is_ordered),
        ordered=tuple(_told(changes, order)),
    )


def _told(changes: Sequence[Change], order: Order) -> Iterator[str]:
    """What the text of the pull request tells of the order."""
    yield from (change.subject for change in changes if not change.decisions)
    skipped = ", with --force" if order.is_forced else ""
    yield f"Ordered by hand{skipped}: {order.reason}" if order.reason else f"Ordered by hand{skipped}."


def _refuse_strangers(branch: Branch) -> None:
    if branch.proposed is None or not branch.proposed.strangers:
        return
    who = " and ".join(branch.proposed.strangers)
    if branch.pull is None:
        raise ForgeRefused(f"the branch {branch.head} carries commits of {who}", hint="take it away first")
    raise ForgeRefused(f"#{branch.pull.number} carries commits of {who}", hint=_first(branch.pull.number))


def _refuse_other_orders(branch: Branch, changes: Sequence[Change]) -> None:
    """Raises `ForgeRefused` where something else that a person ordered would get lost on a branch of several things."""
    about = heads.parsed(branch.head)
    if branch.pull is None or branch.proposed is None or about is None or about.is_service:
        return
    paths = {path for change in changes for path in change.files}
    if about.service == heads.SETTINGS or not branch.proposed.paths <= paths:
        what = f"#{branch.pull.number} is open, which was ordered by hand as well: {branch.pull.title}"
        raise ForgeRefused(what, hint=_first(branch.pull.number))


def _first(number: int) -> str:
    return f"merge or close it first: updater pr merge {number}, or updater pr close {number}"
