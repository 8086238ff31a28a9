"""From a plan to what is to be done with each branch of ours: one task for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from updater.core import heads
from updater.core.environment import NamedEnvironment
from updater.core.history import key
from updater.core.kustomization import entries
from updater.core.proposals import Arrangement, Branch, Place, arranged, place
from updater.core.verdicts import Verdict
from updater.errors import EditRefused
from updater.forge import GATES, PullRequest
from updater.model import Target, Version
from updater.planning import Plan
from updater.protocols import Tree
from updater.reviewing.branches import head_of
from updater.sight import Sight, tip_of

Group = Mapping[Target, Sequence[Verdict]]
"""The verdicts on the entries that one branch is about, those on an entry newest first."""


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

    @property
    def pull(self) -> PullRequest | None:
        """Its open pull request."""
        return None if self.branch is None else self.branch.pull


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
    groups = _groups(environment, made.verdicts)
    branches = {each.head: each for each in made.review.branches.values() if _environment(each.head) == name}
    found = []
    for head in sorted({*groups, *branches}):
        branch = branches.get(head)
        arrangement = _arranged(environment, groups.get(head, {}), branch, tree)
        if arrangement.action == "withdraw":
            arrangement = replace(arrangement, waits=_newest(groups.get(head, {})))
        arrangement = _unless_doubtful(arrangement, branch, _doubt(made, name, head))
        found.append(Task(head, environment, base, arrangement, branch))
    return _brought_up(_within(environment, found))


def _groups(environment: NamedEnvironment, verdicts: Sequence[Verdict]) -> dict[str, Group]:
    """The verdicts on the entries of an environment, by the branch on which they are proposed."""
    groups: dict[str, dict[Target, list[Verdict]]] = {}
    for verdict in verdicts:
        if verdict.target.environment == environment.name:
            group = groups.setdefault(head_of(environment, verdict.target.service), {})
            group.setdefault(verdict.target, []).append(verdict)
    return dict(groups)


def _newest(group: Group) -> tuple[Verdict, ...]:
    """The newest version that may land in each entry."""
    landing = (next((each for each in mine if each.may_land), None) for mine in group.values())
    return tuple(each for each in landing if each is not None)


def _environment(head: str) -> str | None:
    about = heads.parsed(head)
    return None if about is None else about.environment


def _arranged(environment: NamedEnvironment, verdicts: Group, branch: Branch | None, tree: Tree) -> Arrangement:
    paths = {path for path, _ in branch.proposed.versions} if branch is not None and branch.proposed else set()
    try:
        standing = dict(_standing(tree, sorted(paths)))
    except EditRefused as error:
        return Arrangement("leave", reason=str(error))
    settings = environment.settings.pull_request
    found = arranged(settings, verdicts, branch, standing)
    about = None if branch is None else heads.parsed(branch.head)
    if found.action == "withdraw" and about is not None and about.is_service == (settings.per == "environment"):
        return replace(found, reason=f"{environment.name} has one pull request for each {settings.per} now")
    return found


def _standing(tree: Tree, paths: Iterable[str]) -> Iterator[tuple[Place, Version]]:
    for path in paths:
        node = tree.node(path)
        if node is not None and node.kind == "file":
            for entry in entries(path, tree.read(path)):
                yield (path, key(entry)), entry.version


def _doubt(made: Plan, environment: str, head: str) -> str | None:
    """Why it is not known what the service of a branch may have, None if it is."""
    about = heads.parsed(head)
    service = about.service if about is not None and about.is_service else None
    mine = (reason for (name, each), reason in made.doubts.items() if name == environment and _meet(service, each))
    return next(mine, None)


def _meet(service: str | None, other: str | None) -> bool:
    return service is None or other is None or service == other


def _unless_doubtful(found: Arrangement, branch: Branch | None, doubt: str | None) -> Arrangement:
    """The arrangement; in doubt nothing is withdrawn, nor taken out of a pull request for several entries."""
    if doubt is None or branch is None or branch.pull is None or branch.proposed is None:
        return found
    left = branch.proposed.versions.keys() - {place(each.target) for each in found.bumps}
    if found.action == "withdraw" or (found.action == "move" and left):
        return Arrangement("leave", waits=found.bumps, reason=doubt)
    return found


def _within(environment: NamedEnvironment, found: Sequence[Task]) -> list[Task]:
    """The tasks, but no more pull requests are opened than may be; those that waited longest come first."""
    limit = environment.settings.pull_request.max_open
    staying = [task for task in found if task.pull is not None and task.arrangement.action != "withdraw"]
    opening = sorted((task for task in found if task.arrangement.action == "open"), key=_since)
    late = {task.head for task in opening[max(0, limit - len(staying)) :]}
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


def _brought_up(found: Sequence[Task]) -> list[Task]:
    """The tasks; of those that we merge and that are behind their base, the oldest is built anew, one at a time.

    None is as long as another one is up to date and on its way: once that is merged, all others are behind again.
    """
    merging = {task.pull.number: task for task in found if task.pull is not None and _is_to_be_merged(task)}
    late = [number for number, task in merging.items() if task.pull is not None and task.pull.readiness == "behind"]
    if not late or any(task.pull is not None and _is_on_its_way(task.pull) for task in merging.values()):
        return list(found)
    first = merging[min(late)]
    return [replace(task, is_behind=True) if task is first else task for task in found]


def _is_to_be_merged(task: Task) -> bool:
    is_ours = task.environment.settings.pull_request.merge == "when-green"
    is_wanted = task.arrangement.action in ("keep", "move")
    return is_ours and is_wanted and all(each.may_land for each in task.arrangement.bumps)


def _is_on_its_way(pull: PullRequest) -> bool:
    """Whether a pull request may be merged soon: by us, by a queue, or when its checks have ended."""
    is_tested = any(status.state == "pending" and status.context != GATES for status in pull.statuses)
    return pull.readiness in ("ready", "unknown") or pull.queued or (pull.readiness == "blocked" and is_tested)
