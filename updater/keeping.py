"""Pushed versions that have to wait, kept on the remote until they may land (`core.waiting` says how)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from updater.core import waiting
from updater.core.changes import target_of
from updater.errors import GitError, PushContended, PushRefused
from updater.model import Decision, Event, Outcome, Version
from updater.planning import Plan, Sight
from updater.protocols import PushOutcome, Repository, Update

_logger = logging.getLogger(__name__)
TRIES = 12
"""How often the ref of one environment is written where others keep changing it."""


def kept(sight: Sight) -> dict[str, tuple[Event, ...]]:
    """What waits, by the name of its environment, as last heard of the remote."""
    names = (name.removeprefix(waiting.REFS) for name in sight.repository.names(waiting.REFS))
    return {name: _stored(sight, name) for name in names}


def kept_of(sight: Sight, images: Collection[str]) -> dict[str, tuple[Event, ...]]:
    """What waits of some images."""
    return {
        name: mine
        for name, events in kept(sight).items()
        if (mine := tuple(event for event in events if event.image in images))
    }


def keep(sight: Sight, made: Plan, decisions: Sequence[Decision]) -> tuple[list[Decision], list[GitError]]:
    """Sees that what has to wait is on the remote, and that what was decided is there no longer.

    Gives the decisions, with those refused that could not be kept, and what went wrong.
    """
    final, problems = list(decisions), []
    for name in sorted({*made.woken, *(_environment(decision) for decision in decisions if decision.keeps)}):
        mine = [decision for decision in decisions if decision.target is None or _environment(decision) == name]
        adding = [decision.event for decision in mine if decision.keeps and decision.event is not None]
        stuck = [decision.event for decision in mine if decision.outcome is Outcome.REFUSED and decision.target]
        settled = [event for event in made.woken.get(name, ()) if _is_decided(event, [each.event for each in mine])]
        try:
            _write(sight, name, adding, [event for event in settled if not _is_decided(event, stuck)])
        except GitError as error:
            problems.append(error)
            final = [_lost(decision, error) if decision in mine and decision.keeps else decision for decision in final]
    return final, problems


def _write(sight: Sight, name: str, adding: Sequence[Event], dropping: Sequence[Event]) -> None:
    """Adds and drops on the newest that anybody has written. Raises `GitError` where it does not get there."""
    repository = sight.repository
    for _ in range(TRIES):
        stored = _stored(sight, name)
        more = [
            event
            for event in adding
            if not any(waiting.same(event, each) and each.time <= event.time for each in stored)
        ]
        events = [event for event in stored if _is_among(event, adding) or not _is_among(event, dropping)] + more
        content = waiting.written(events)
        if content == waiting.written(stored):
            return
        old, now = repository.tip(waiting.ref(name)), sight.clock.now()
        files, title = {waiting.FILE: content}, waiting.title(name, events)
        new = repository.build_note(old, files, title, now) if events else None
        outcome = _pushed(repository, Update(waiting.ref(name), old, new))
        if isinstance(outcome, PushRefused):
            raise outcome
        if outcome == "landed":
            return
        repository.refresh()
    raise PushContended(f"{waiting.ref(name)} was changed by others {TRIES} times in a row", hint="try again")


def _pushed(repository: Repository, update: Update) -> PushOutcome:
    return repository.push([update])[update.branch]


def _stored(sight: Sight, name: str) -> tuple[Event, ...]:
    tip = sight.repository.tip(waiting.ref(name))
    tree = None if tip is None else sight.repository.tree(tip)
    node = None if tree is None else tree.node(waiting.FILE)
    if tree is None or node is None or node.kind != "file":
        return ()
    events, bad = waiting.read(tree.read(waiting.FILE), sight.clock.now())
    if bad:
        _logger.warning("%s line(s) in %s cannot be read as pushes, and are left out", bad, waiting.ref(name))
    return events


def _lost(decision: Decision, error: GitError) -> Decision:
    return replace(decision, outcome=Outcome.REFUSED, reason=str(error), exit_code=error.exit_code, keeps=False)


def _is_among(event: Event, events: Iterable[Event | None]) -> bool:
    return any(other is not None and waiting.same(event, other) for other in events)


def _is_decided(event: Event, decided: Sequence[Event | None]) -> bool:
    """Whether one of the pushes that were decided on is this one, or its tag alone (`pin: tag`)."""
    alone = replace(event, version=Version(event.version.tag))
    return any(_is_among(each, decided) for each in (event, alone))


def _environment(decision: Decision) -> str:
    return target_of(decision).environment
