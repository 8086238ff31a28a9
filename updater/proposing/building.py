"""What a branch of ours is to hold: the changes on its base, and whether it holds them already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from updater.core import heads
from updater.core.changes import Change, make_changes
from updater.core.messages import plain, reference
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

    `is_new` is whether the branch has to be pushed; `supersedes` what it proposed before, by service.
    """

    task: Task
    changes: tuple[Change, ...] = ()
    bumps: tuple[Verdict, ...] = ()
    refused: tuple[Decision, ...] = ()
    supersedes: tuple[tuple[str, Version], ...] = ()
    is_new: bool = False

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
    content = None if task.branch is None else task.branch.proposed
    landed = {(each.target, each.to) for change in made.changes for each in change.decisions}
    bumps = tuple(each for each in task.arrangement.bumps if (each.target, each.decision.to) in landed)
    if not made.changes:
        return Built(replace(task, arrangement=replace(task.arrangement, action="leave")), refused=made.refused)
    older = _superseded(task, bumps, content)
    changes = tuple(_with_older(change, older) for change in made.changes)
    here = None if content is None or task.branch is None or task.branch.tip is None else task.branch.tip
    is_there = here is not None and _holds(sight.repository.tree(here), changes, content)
    supersedes = tuple((service, version) for service, _, version in older)
    return Built(task, changes, bumps, made.refused, supersedes, is_new=not is_there or task.is_behind)


def chained(sight: Sight, each: Built) -> str:
    """Builds the commits of a branch on its base, and gives the newest."""
    return commits(sight, each.task.base, each.changes)


def commits(sight: Sight, base: str, changes: Sequence[Change]) -> str:
    """Builds a commit for each change, on top of each other, and gives the newest."""
    for change in changes:
        files = {path: file.after for path, file in change.files.items()}
        base = sight.repository.build(base, files, change.message, sight.clock.now())
    return base


def _holds(tree: Tree, changes: Sequence[Change], content: Proposed | None) -> bool:
    """Whether a head has exactly these changes: then a base that merely moved on is no reason to push it again."""
    files = {path: file.after for change in changes for path, file in change.files.items()}
    if content is None or content.paths != files.keys():
        return False
    return all(tree.node(path) is not None and tree.read(path) == after for path, after in files.items())


def _superseded(task: Task, bumps: Sequence[Verdict], content: Proposed | None) -> list[tuple[str, str, Version]]:
    """Service, image and version of everything that the branch proposed before and does not propose now."""
    if content is None or task.branch is None or task.branch.pull is None:
        return []
    services = {place(each.target): each.target.service for each in bumps}
    now = {(each.target.service, each.decision.to) for each in bumps}
    about = heads.parsed(task.head)
    alone = about.service if about is not None and about.is_service else None
    found = list(content.superseded)
    for at, version in content.versions.items():
        service = services.get(at, alone)
        if service is not None:
            found.append((service, at[1].partition("\n")[0], version))
    return list(dict.fromkeys(each for each in found if (each[0], each[2]) not in now))


def _with_older(change: Change, older: Sequence[tuple[str, str, Version]]) -> Change:
    lines = [
        plain(f"Updater-Supersedes: {reference(image, version)}")
        for service, image, version in older
        if service == change.service
    ]
    return change if not lines else replace(change, message="\n".join((change.message.rstrip("\n"), *lines, "")))
