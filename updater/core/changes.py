"""From decisions to new file contents: editing, verifying, and one change for each service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from updater.core import matching
from updater.core.edit import EntryEdit, bump
from updater.core.environment import NamedEnvironment
from updater.core.kustomization import FILE_NAMES
from updater.core.messages import Line, commit_message
from updater.core.overlaid import Overlaid
from updater.core.rendering import PlannedBump
from updater.core.verification import PlannedEdit
from updater.errors import EditRefused, Location, RenderError, UpdaterError
from updater.model import Decision, Outcome, Target
from updater.protocols import Tree

Verify = Callable[[Tree, PlannedEdit], None]
"""Raises `RenderError` unless an edit changes what is rendered by exactly the planned bumps."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file's content before a commit and after it."""

    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit does: files that change for one service of one environment, and the text of the commit.

    Its decisions are all bumps; there are none where it changes an environment's file.
    """

    environment: str
    service: str
    branch: str
    files: Mapping[str, FileChange]
    decisions: tuple[Decision, ...]
    message: str

    @property
    def subject(self) -> str:
        """The first line of the text."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Planned:
    """The changes of one branch, in the order in which they build on each other, and the bumps that are refused."""

    changes: tuple[Change, ...]
    refused: tuple[Decision, ...]


def make_changes(
    tree: Tree, environments: Mapping[str, NamedEnvironment], bumps: Sequence[Decision], verify: Verify
) -> Planned:
    """Edits and verifies all bumps of one branch, whose files at its tip are `tree`.

    A bump that its file or its rendering does not allow is refused with the reason; the others go on.
    Files that several changes touch carry the earlier changes along.
    """
    written: dict[str, bytes] = {}
    so_far = Overlaid(tree, written)
    changes, refused = [], []
    for (name, service), group in groupby(sorted(bumps, key=place_of), key=_service):
        environment = environments[name]
        files, landed = {}, []
        for path, decisions in groupby(group, key=_path):
            before = so_far.read(path)
            check = verify if environment.settings.verify == "render" else _unverified
            after, good, bad = _edit_verified(so_far, path, before, list(decisions), check)
            refused += bad
            if good:
                files[path] = FileChange(before, after)
                written[path] = after
                landed += good
        if landed:
            message = commit_message(name, service, lines_of(landed))
            changes.append(Change(name, service, environment.branch, files, tuple(landed), message))
    return Planned(tuple(changes), tuple(refused))


def lines_of(decisions: Sequence[Decision]) -> list[Line]:
    """What bumps are told as in a commit's text."""
    return list(map(_line, decisions))


def _line(decision: Decision) -> Line:
    target = target_of(decision)
    before = None if target.standing is None else target.standing.origin
    return Line(decision.image, target.entry.version, decision.to, decision.event, decision.origin, before)


def _edit_verified(
    tree: Tree, path: str, before: bytes, decisions: Sequence[Decision], verify: Verify
) -> tuple[bytes, list[Decision], list[Decision]]:
    """The file after all bumps together, or else after those of each half that pass; and good and bad bumps.

    So what lands does not depend on what else is bumped in the same batch.
    """
    after, good, bad = _edit(tree, path, before, decisions)
    error = _objection(verify, tree, PlannedEdit(path, before, after, _bumps(good))) if good else None
    if error is None:
        return after, good, bad
    if len(good) == 1:
        return before, [], [*bad, _refused(good[0], error)]
    half = len(good) // 2
    before, first, refused = _edit_verified(tree, path, before, good[:half], verify)
    after, second, refused_too = _edit_verified(tree, path, before, good[half:], verify)
    return after, [*first, *second], [*bad, *refused, *refused_too]


def _edit(
    tree: Tree, path: str, content: bytes, decisions: Sequence[Decision]
) -> tuple[bytes, list[Decision], list[Decision]]:
    """The content with every bump that it allows, and good and bad bumps. Lines in reasons are those of the content."""
    good, bad, edits = [], [], []
    after = content
    for decision in decisions:
        entry = target_of(decision).entry
        edit = EntryEdit(entry.list, entry.index, decision.to)
        try:
            refuse_second_kustomization(tree, path)
            after = bump(path, content, (edit,))
        except EditRefused as error:
            bad.append(_refused(decision, error))
            continue
        good.append(decision)
        edits.append(edit)
    return (after if len(edits) == 1 else bump(path, content, edits)), good, bad


def _objection(verify: Verify, tree: Tree, edit: PlannedEdit) -> UpdaterError | None:
    try:
        verify(tree, edit)
    except (RenderError, EditRefused) as error:
        return error
    return None


def _unverified(_tree: Tree, _edit: PlannedEdit) -> None:
    """`verify: parse`: an edit was read again already."""


def _bumps(decisions: Sequence[Decision]) -> tuple[PlannedBump, ...]:
    return tuple(PlannedBump(target_of(decision).entry, decision.to) for decision in decisions)


def refuse_second_kustomization(tree: Tree, path: str) -> None:
    folder = path.rpartition("/")[0]
    found = [name for name in FILE_NAMES if tree.node(f"{folder}/{name}".lstrip("/")) is not None]
    if len(found) > 1:
        raise EditRefused(
            f"the folder has {' and '.join(found)}, and kustomize reads only one",
            at=Location(path),
            hint="delete the one that is not wanted",
        )


def _refused(decision: Decision, error: UpdaterError) -> Decision:
    return replace(decision, outcome=Outcome.REFUSED, reason=str(error), exit_code=error.exit_code, retry=error.retry)


def target_of(decision: Decision) -> Target:
    """The entry that a decision is about; only `ignored` ones have none."""
    assert decision.target is not None
    return decision.target


def _service(decision: Decision) -> tuple[str, str]:
    return (target_of(decision).environment, target_of(decision).service)


def _path(decision: Decision) -> str:
    return target_of(decision).entry.path


def place_of(decision: Decision) -> tuple[str, str, str, str, int]:
    """Where a decision belongs in every list of decisions."""
    return matching.place(target_of(decision))
