"""Going back by hand: the plan of `updater rollback`, on the newest known tips."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from updater.by_hand.services import Services, services
from updater.core import going_back, matching, messages
from updater.core.changes import Change, FileChange, lines_of, place_of
from updater.core.edit import EntryEdit, restore
from updater.core.going_back import Step
from updater.core.history import key
from updater.core.kustomization import FILE_NAMES, entries
from updater.core.proposals import place
from updater.errors import EditRefused
from updater.model import Decision, Landing, Outcome, Target, Version
from updater.planning import Plan
from updater.sight import Sight

Stood: TypeAlias = dict[tuple[str, str], Version]
"""What stood in entries, by path and key, when a rollback was planned first."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for: services by name or glob, in one environment; a tag and an image if they matter."""

    environment: str
    services: Sequence[str]
    tag: str | None = None
    image: str | None = None
    reason: str | None = None


def planner(wish: Wish) -> Callable[[Sight], Plan]:
    """How a rollback is planned, and planned again where somebody was faster: what they did is not undone as well."""
    stood: Stood = {}
    return lambda sight: make_rollback(sight, wish, stood)


def make_rollback(sight: Sight, wish: Wish, stood: Stood | None = None) -> Plan:
    """Takes the wanted services back. Raises `UsageError` where there is nothing to go back to.

    Where a commit holds one service and its files stand as it left them, it is reverted as `git revert` does it; else
    the versions alone are put back. Nothing is rendered: what is put back has stood there, and a rollback must
    not wait for a renderer. A service in which something else stands than `stood` (filled where it is empty) says is
    left alone, unless the wish names a tag.
    """
    found = services(sight, wish.environment, wish.services, wish.image)
    overtaken = {} if stood is None or wish.tag is not None else _overtaken(found, stood)
    steps = _steps(sight, found, wish)
    changes: list[Change] = []
    others: list[Decision] = []
    for service, targets in found.by_service():
        mine = [] if service in overtaken else steps[service]
        try:
            changes += [_change(sight, found, mine, wish)] if mine else []
        except EditRefused as error:
            others += [_refused(step, error) for step in mine]
        if not mine:
            others += [_unchanged(each, overtaken.get(service) or _why_idle(each, wish.tag)) for each in targets]
    told = [*others, *(decision for change in changes for decision in change.decisions)]
    return Plan(found.tips, tuple(sorted(told, key=place_of)), (), tuple(changes), found.problems)


def _overtaken(found: Services, stood: Stood) -> dict[str, str]:
    """The services in which something else stands than when this was planned first, and what."""
    overtaken = {}
    for target in found.targets:
        here = target.entry.version
        before = stood.setdefault(place(target), here)
        if here != before:
            overtaken[target.service] = f"{messages.told_apart(before, here)[1]} stands there meanwhile"
    return overtaken


def _steps(sight: Sight, found: Services, wish: Wish) -> Mapping[str, Sequence[Step]]:
    """The steps of each service. Raises `UsageError` where the tag that is asked for stood in none."""
    landings = _landings(sight, found)
    steps: dict[str, list[Step]] = {target.service: [] for target in found.targets}
    if wish.tag is not None:
        for step in going_back.to(wish.tag, landings) if landings else ():
            steps[step.target.service].append(step)
        return steps
    for service, targets in found.by_service():
        order = {each: matching.order_of(found.known, wish.environment, each.entry.image or "") for each in targets}
        steps[service] += going_back.before({target: landings[target] for target in targets}, order)
    return steps


def _why_idle(target: Target, tag: str | None) -> str:
    if tag is None:
        return "nothing stood before"
    return f"{tag} stands already" if target.entry.version.tag == tag else f"{tag} never stood there"


def _unchanged(target: Target, reason: str) -> Decision:
    return Decision(target.entry.image or "", target.entry.version, Outcome.UNCHANGED, reason, None, target)


def _landings(sight: Sight, found: Services) -> Mapping[Target, Sequence[Landing]]:
    entries = [target.entry for target in found.targets]
    return dict(zip(found.targets, sight.catalog.landings(found.branch, found.tip, entries), strict=True))


def _change(sight: Sight, found: Services, steps: Sequence[Step], wish: Wish) -> Change:
    undone = next((step.undoes for step in steps), None)
    files = None if undone is None else _reverted(sight, found, steps, undone)
    service = steps[0].target.service
    why = [] if wish.reason is None else [wish.reason]
    if files is not None and undone is not None:
        subject = f'Revert "{sight.repository.message(undone).partition(chr(10))[0]}"'
        why = [f"This reverts commit {undone}.", *why]
    else:
        files = _restored(sight, found, steps)
        subject = messages.subject_back(wish.environment, service, [step.to for step in steps])
    decisions = tuple(_decision(step, undone) for step in steps)
    text = messages.text(subject, why, wish.environment, service, lines_of(decisions))
    return Change(wish.environment, service, found.branch, files, decisions, text)


def _decision(step: Step, undone: str | None) -> Decision:
    back = "it stood there before" if undone is None else f"it stood there before {undone[:7]}"
    return Decision(step.target.entry.image or "", step.to, Outcome.COMMITTED, back, None, step.target)


def _refused(step: Step, error: EditRefused) -> Decision:
    image = step.target.entry.image or ""
    return Decision(image, step.to, Outcome.REFUSED, str(error), None, step.target, error.exit_code)


def _reverted(sight: Sight, found: Services, steps: Sequence[Step], commit: str) -> dict[str, FileChange] | None:
    """The files as they were before a commit; None if it holds more than this service, or they changed since."""
    repository = sight.repository
    parent = repository.parent(commit)
    touched = repository.changed(commit)
    if parent is None or not _is_within(touched, {step.target.overlay for step in steps}):
        return None
    here, after, before = (repository.tree(at) for at in (found.tip, commit, parent))
    files = {}
    for path in touched:
        nodes = [tree.node(path) for tree in (here, after, before)]
        if nodes[0] != nodes[1] or any(node is None or node.kind != "file" for node in nodes):
            return None
        files[path] = FileChange(here.read(path), before.read(path))
    try:
        return files if _moves(files) == {place(step.target): step.to for step in steps} else None
    except EditRefused:  # the commit mended a file, which is not to be broken again
        return None


def _moves(files: Mapping[str, FileChange]) -> dict[tuple[str, str], Version | None]:
    """The entries that change with these files, and what they hold then; None if they go."""
    found: dict[tuple[str, str], Version | None] = {}
    for path, file in files.items():
        if path.rpartition("/")[2] in FILE_NAMES:
            here = {key(entry): entry.version for entry in entries(path, file.before)}
            new = {key(entry): entry.version for entry in entries(path, file.after)}
            found |= {
                (path, place): version for place in {**here, **new} if here.get(place) != (version := new.get(place))
            }
    return found


def _is_within(paths: Collection[str], folders: Collection[str]) -> bool:
    return all(any(path.startswith(f"{folder}/") for folder in folders) for path in paths)


def _restored(sight: Sight, found: Services, steps: Sequence[Step]) -> dict[str, FileChange]:
    tree = sight.repository.tree(found.tip)
    files = {}
    for path in dict.fromkeys(step.target.entry.path for step in steps):
        before = tree.read(path)
        entries = [(step.target.entry, step.to) for step in steps if step.target.entry.path == path]
        edits = [EntryEdit(entry.list, entry.index, to) for entry, to in entries]
        files[path] = FileChange(before, restore(path, before, edits))
    return files
