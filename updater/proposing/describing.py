"""The title and text of a pull request, as they should be now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from updater.core import holds, pull_text
from updater.core.changes import Change, lines_of, target_of
from updater.core.messages import BY_HAND, subject_back, trailers
from updater.core.promotion import Ran
from updater.core.pull_text import About, Bump, Gate, Other
from updater.core.resource_diff import ResourceDiff, grouped, resource_diffs
from updater.core.verdicts import Verdict
from updater.errors import EditRefused, RenderError, UpdaterError
from updater.model import Decision, Target
from updater.protocols import Tree
from updater.sight import Render


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a pull request is about: the bumps with their verdicts, the changes that make them, and what else to tell.

    `supersedes` are versions that it proposed before, `notes` what is told of the order, where a person ordered it.
    """

    environment: str
    changes: tuple[Change, ...]
    verdicts: tuple[Verdict, ...]
    waits: tuple[Verdict, ...] = ()
    supersedes: tuple[Other, ...] = ()
    notes: tuple[str, ...] = ()


def title(proposal: Proposal) -> str:
    """One line: what is deployed where; that of the commit, where a person ordered it."""
    if proposal.notes:
        return pull_text.ordered([_subject(change) for change in proposal.changes])
    moves = {change.service: lines_of(change.decisions) for change in proposal.changes}
    return pull_text.title(proposal.environment, moves)


def _subject(change: Change) -> str:
    """That of the commit; for a revert, which repeats the subject of what it undoes, what it goes back to."""
    if not change.decisions or not change.subject.startswith('Revert "'):
        return change.subject
    return subject_back(change.environment, change.service, [decision.to for decision in change.decisions])


def about(proposal: Proposal, diffs: Sequence[ResourceDiff] = (), unrendered: Sequence[str] = ()) -> About:
    """Everything that the text tells."""
    by_bump = {(each.target, each.decision.to): each for each in proposal.verdicts}
    bumps = dict.fromkeys(
        _bump(change.service, decision, by_bump.get((target_of(decision), decision.to)))
        for change in proposal.changes
        for decision in change.decisions
    )
    return About(
        proposal.environment,
        tuple(bumps),
        tuple(dict.fromkeys(gate for each in proposal.verdicts for gate in _gates(each))),
        proposal.supersedes,
        tuple(dict.fromkeys(Other(each.target.service, each.decision.to) for each in proposal.waits)),
        tuple(dict.fromkeys(lifted for each in proposal.verdicts for lifted in _lifted(each))),
        proposal.notes,
        tuple(diffs),
        tuple(unrendered),
        tuple(line for change in proposal.changes for line in _trailers(change)),
    )


def rendered(tree: Tree, proposal: Proposal, render: Render) -> tuple[tuple[ResourceDiff, ...], tuple[str, ...]]:
    """How each resource changes, and why that is not known of some overlays."""
    diffs: list[ResourceDiff] = []
    unrendered: list[str] = []
    for change in proposal.changes:
        files = {path: file.after for path, file in change.files.items()}
        for overlay in _overlays(change):
            try:
                diffs += resource_diffs(overlay, *render(tree, files, overlay))
            except (RenderError, EditRefused) as error:
                unrendered.append(_told(overlay, error))
    return grouped(diffs), tuple(unrendered)


def _told(overlay: str, error: UpdaterError) -> str:
    return str(error) if error.at is not None else f"{overlay}: {error}"


def _overlays(change: Change) -> Iterable[str]:
    targets = [decision.target for decision in change.decisions if decision.target is not None]
    return dict.fromkeys(target.overlay for target in targets)


def _bump(service: str, decision: Decision, verdict: Verdict | None) -> Bump:
    (line,) = lines_of([decision])
    ran = () if verdict is None or verdict.offer is None else tuple(map(_ran, verdict.offer.ran))
    return Bump(service, line.image, line.old, line.new, ran, line.before, line.origin)


def _ran(ran: Ran) -> pull_text.Ran:
    return pull_text.Ran(ran.environment, ran.since, ran.until, ran.commits[0])


def _gates(verdict: Verdict) -> Iterator[Gate]:
    for state in verdict.gates:
        yield Gate(state.sentence, state.state, state.url)
    if verdict.decision.is_stopped:
        yield Gate(verdict.decision.reason, "pending")


def _lifted(verdict: Verdict) -> Iterator[str]:
    """The holds that end once the version lands: of versions that rank no higher."""
    target: Target = verdict.target
    event = verdict.event
    here = verdict.order.rank(verdict.decision.to, None if event is None else event.time)
    for hold in target.past.holds:
        if verdict.order.rank(hold.version, hold.pushed_at) <= here:
            yield f"{target.environment}/{target.service}: {holds.reason(hold, hold.version)}"


def _trailers(change: Change) -> Sequence[str]:
    said = [line for line in change.message.splitlines() if line.startswith(f"{BY_HAND}: ")]
    return [*trailers(change.environment, change.service, lines_of(change.decisions)), *said]
