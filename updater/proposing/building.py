"""What a branch of ours is to hold: the changes on its base, and whether it holds them already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from updater.core import heads
from updater.core.changes import Change, make_changes, target_of
from updater.core.messages import reference, with_trailers
from updater.core.proposals import Proposed, place
from updater.core.verdicts import Verdict
from updater.model import Decision, Outcome, Version
from updater.proposing.arranging import Task
from updater.protocols import Tree
from updater.sight import Sight

_WRITING = ("open", "move", "keep")


@dataclass(frozen=True, slots=True)
class Built:
    """A task with the changes that its branch is to hold, their verdicts, and the bumps that files do not allow.

    `is_new` is whether the branch has to be pushed; `supersedes` what it proposed before, by service; `ordered` what is
    told of the order, where a person ordered it.
    """

    task: Task
    changes: tuple[Change, ...] = ()
    bumps: tuple[Verdict, ...] = ()
    refused: tuple[Decision, ...] = ()
    supersedes: tuple[tuple[str, Version], ...] = ()
    is_new: bool = False
    ordered: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The branch into which it is to be merged: that of the overlays, or of the environment's file."""
        return self.changes[0].branch if self.changes else self.task.environment.branch

    @property
    def old(self) -> str | None:
        """The commit that the branch has now."""
        return None if self.task.branch is None else self.task.branch.tip


def built(sight: Sight, task: Task) -> Built:
    """Plans what the branch is to hold; nothing is written."""
    if task.arrangement.action not in _WRITING:
        return Built(task)
    tree, environment = sight.repository.tree(task.base), task.environment
    decisions = [replace(each.decision, outcome=Outcome.COMMITTED) for each in task.arrangement.bumps]
    made = make_changes(tree, {environment.name: environment}, decisions, sight.verify)
    landed = {(each.target, each.to) for change in made.changes for each in change.decisions}
    bumps = tuple(each for each in task.arrangement.bumps if (each.target, each.decision.to) in landed)
    if not made.changes:
        return Built(replace(task, arrangement=replace(task.arrangement, action="leave")), refused=made.refused)
    older = superseded(task, [each.decision for each in bumps])
    changes = tuple(with_older(change, older) for change in made.changes)
    is_there = _is_there(sight, task, changes)
    supersedes = tuple((service, version) for service, _, version in older)
    return Built(task, changes, bumps, made.refused, supersedes, is_new=not is_there or task.is_behind)


def _is_there(sight: Sight, task: Task, changes: Sequence[Change]) -> bool:
    """Whether the branch has these changes, and nothing else that the base has not got by now."""
    if task.branch is None or task.branch.tip is None or task.branch.proposed is None:
        return False
    if task.branch.proposed.is_stale:
        return False  # merged, it would bring back what somebody has taken out
    if task.pull is None and task.branch.proposed.superseded:
        return False  # that was so in a pull request that is over
    content = task.branch.proposed
    base, fork, here = (sight.repository.tree(commit) for commit in (task.base, content.fork, task.branch.tip))
    paths = frozenset(path for path in content.paths if base.node(path) != here.node(path))
    is_conflicting = task.pull is not None and task.pull.readiness == "conflicting"
    if is_conflicting and any(base.node(path) != fork.node(path) for path in paths):
        return False  # lines that it changes were changed in the base, too, though we plan the same bytes
    return holds(here, changes, replace(content, paths=paths))


def chained(sight: Sight, each: Built) -> str:
    """Builds the commits of a branch, one for each change, on top of each other and its base; gives the newest."""
    newest = each.task.base
    for change in each.changes:
        files = {path: file.after for path, file in change.files.items()}
        newest = sight.repository.build(newest, files, change.message, sight.clock.now())
    return newest


def holds(tree: Tree, changes: Sequence[Change], content: Proposed | None) -> bool:
    """Whether a head has exactly these changes: then a base that merely moved on is no reason to push it again."""
    files = {path: file.after for change in changes for path, file in change.files.items()}
    if content is None or content.paths != files.keys():
        return False
    return all(tree.node(path) is not None and tree.read(path) == after for path, after in files.items())


def superseded(task: Task, bumps: Sequence[Decision]) -> list[tuple[str, str, Version]]:
    """Service, image and version of everything that the branch proposed before and does not propose now."""
    content = None if task.branch is None or task.branch.pull is None else task.branch.proposed
    if content is None:
        return []
    services = {place(target_of(each)): target_of(each).service for each in bumps}
    now = {(target_of(each).service, each.to) for each in bumps}
    about = heads.parsed(task.head)
    alone = about.service if about is not None and about.is_service else None
    found = list(content.superseded)
    for at, version in content.versions.items():
        service = services.get(at, alone)
        if service is not None:
            found.append((service, at[1].partition("\n")[0], version))
    return list(dict.fromkeys(each for each in found if (each[0], each[2]) not in now))


def with_older(change: Change, older: Sequence[tuple[str, str, Version]]) -> Change:
    """A change whose text names what it supersedes."""
    lines = [
        f"Updater-Supersedes: {reference(image, version)}"
        for service, image, version in older
        if service == change.service
    ]
    return replace(change, message=with_trailers(change.message, lines))
