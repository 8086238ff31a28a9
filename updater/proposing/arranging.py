"""From a plan to what is to be done with each branch of ours: one task for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from updater.core import heads
from updater.core.environment import NamedEnvironment
from updater.core.history import key
from updater.core.kustomization import entries
from updater.core.proposals import Arrangement, Branch, Place, arranged
from updater.core.verdicts import Verdict
from updater.errors import EditRefused
from updater.model import Target, Version
from updater.planning import Plan
from updater.protocols import Tree
from updater.reviewing.branches import head_of
from updater.sight import Sight, tip_of


@dataclass(frozen=True, slots=True)
class Task:
    """What is to become of one branch, which is built on the commit `base`.

    `is_behind` is whether it has to be built anew to be merged, because the forge wants it up to date with its base.
    """

    head: str
    environment: NamedEnvironment
    base: str
    arrangement: Arrangement
    branch: Branch | None = None
    is_behind: bool = False


def tasks(sight: Sight, made: Plan) -> list[Task]:
    """What is to be done with every branch of the environments that were reviewed; as many new ones as may be open."""
    if made.review.problem is not None:
        return []
    found = [task for name in sorted(made.review.environments) for task in _of(sight, made, name)]
    return [task for task in found if task.arrangement.action != "none"]


def _of(sight: Sight, made: Plan, name: str) -> list[Task]:
    environment = made.review.environments[name]
    base = tip_of(sight.repository, environment.branch)
    tree = sight.repository.tree(base)
    groups: dict[str, dict[Target, list[Verdict]]] = {}
    for verdict in made.verdicts:
        if verdict.target.environment == name:
            group = groups.setdefault(head_of(environment, verdict.target.service), {})
            group.setdefault(verdict.target, []).append(verdict)
    branches = {
        head: branch
        for head, branch in made.review.branches.items()
        if (about := heads.parsed(head)) is not None and about.environment == name
    }
    found = []
    for head in sorted({*groups, *branches}):
        branch = branches.get(head)
        arrangement = _arranged(environment, groups.get(head, {}), branch, tree, _doubt(made, name, head))
        found.append(Task(head, environment, base, arrangement, branch))
    return _brought_up(environment, _within(environment, found))


def _brought_up(environment: NamedEnvironment, found: Sequence[Task]) -> list[Task]:
    """The tasks; of those that we merge and that are behind their base, the oldest is built anew, one at a time."""
    late = [
        task
        for task in found
        if environment.settings.pull_request.merge == "when-green"
        and task.arrangement.action == "keep"
        and task.branch is not None
        and task.branch.pull is not None
        and task.branch.pull.readiness == "behind"
        and all(each.may_land for each in task.arrangement.bumps)
    ]
    first = min(
        late, key=lambda task: (task.branch and task.branch.pull and task.branch.pull.number) or 0, default=None
    )
    return [replace(task, is_behind=True) if task is first else task for task in found]


def _arranged(
    environment: NamedEnvironment,
    verdicts: Mapping[Target, Sequence[Verdict]],
    branch: Branch | None,
    tree: Tree,
    doubt: str | None,
) -> Arrangement:
    paths = {path for path, _ in branch.proposed.versions} if branch is not None and branch.proposed else set()
    try:
        standing = dict(_standing(tree, sorted(paths)))
    except EditRefused as error:
        return Arrangement("leave", reason=str(error))
    found = arranged(environment.settings.pull_request, verdicts, branch, standing)
    return Arrangement("leave", reason=doubt) if found.action == "withdraw" and doubt is not None else found


def _doubt(made: Plan, environment: str, head: str) -> str | None:
    """Why it is not known what the service of a branch may have, None if it is."""
    about = heads.parsed(head)
    mine = [
        reason
        for (name, service), reason in made.doubts.items()
        if name == environment
        and (service is None or about is None or not about.is_service or service == about.service)
    ]
    return mine[0] if mine else None


def _standing(tree: Tree, paths: Iterable[str]) -> Iterator[tuple[Place, Version]]:
    for path in paths:
        node = tree.node(path)
        if node is not None and node.kind == "file":
            for entry in entries(path, tree.read(path)):
                yield (path, key(entry)), entry.version


def _within(environment: NamedEnvironment, found: Sequence[Task]) -> list[Task]:
    """The tasks, but no more pull requests are opened than may be; those that waited longest come first."""
    limit = environment.settings.pull_request.max_open
    is_open = [task for task in found if task.branch is not None and task.branch.pull is not None]
    opening = sorted((task for task in found if task.arrangement.action == "open"), key=_since)
    late = {task.head for task in opening[max(0, limit - len(is_open)) :]}
    reason = f"{limit} pull requests of {environment.name} are open at a time (`max-open`)"
    return [
        replace(task, arrangement=Arrangement("leave", waits=task.arrangement.bumps, reason=reason))
        if task.head in late
        else task
        for task in found
    ]


def _since(task: Task) -> tuple[float, str]:
    """Since when a proposal has waited: since its versions stand where they are promoted from, or were pushed."""
    times = [time for each in task.arrangement.bumps if (time := _time(each)) is not None]
    return min((time.timestamp() for time in times), default=0.0), task.head


def _time(verdict: Verdict) -> datetime | None:
    if verdict.offer is not None:
        return max(ran.since for ran in verdict.offer.ran)
    return None if verdict.event is None else verdict.event.time
