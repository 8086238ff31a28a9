"""Pushed versions that have to wait, kept on the remote until they may land (`core.waiting` says how)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from updater import notes
from updater.core import waiting
from updater.core.changes import place_of, target_of
from updater.core.waiting import Push
from updater.errors import GitError, PushRefused
from updater.model import Decision, Event, Outcome
from updater.notes import Note
from updater.planning import Plan
from updater.protocols import Repository
from updater.sight import Sight

_logger = logging.getLogger(__name__)
_NEVER = datetime.max.replace(tzinfo=UTC)
_FULL = "let some of what waits land first: end the freeze, the pause or the hold"


def kept(sight: Sight) -> dict[str, tuple[Event, ...]]:
    """What waits, by the name of its environment, as last heard of the remote."""
    names = (name.removeprefix(waiting.REFS) for name in sight.repository.names(waiting.REFS))
    return {name: _kept(sight, name) for name in names}


def kept_of(sight: Sight, images: Collection[str]) -> dict[str, tuple[Event, ...]]:
    """What waits of some images."""
    return {
        name: mine
        for name, events in kept(sight).items()
        if (mine := tuple(event for event in events if event.image in images))
    }


def keep(
    sight: Sight, pause: Callable[[int], None], made: Plan, decisions: Sequence[Decision]
) -> tuple[list[Decision], list[GitError]]:
    """Sees that what has to wait is on the remote, and that what was decided is there no longer.

    Pushes for an environment whose file is broken wait like any others: it is known what it follows once that is
    mended. `pause` waits before another try, given how many there were. Gives the decisions, with those refused that
    could not be kept, and what went wrong.
    """
    final, problems = list(decisions), []
    unknown = {decision for waits in made.unknowable.values() for decision in waits}
    known = [decision for decision in decisions if decision not in unknown]
    keeping = {_environment(decision) for decision in decisions if decision.keeps}
    for name in sorted({*made.woken, *keeping, *(name for name, waits in made.unknowable.items() if waits)}):
        mine = [decision for decision in known if decision.target is None or _environment(decision) == name]
        put_off = made.unknowable.get(name, ())
        adding = [
            each.event for each in (*mine, *put_off) if (each.keeps or each in unknown) and each.event is not None
        ]
        is_decided, is_stuck = waiting.among(_pushes(mine)), waiting.among(_pushes(_stuck(mine)))
        woken = {waiting.push(event) for event in made.woken.get(name, ())}
        settled = {push for push in woken if is_decided(push) and not is_stuck(push)}
        try:
            _write(sight, pause, name, adding, settled)
        except GitError as error:
            problems.append(error)
            lost = {*put_off, *(decision for decision in mine if decision.keeps)}
            final = [_lost(decision, error) if decision in lost else decision for decision in final]
    return final, problems


def _stuck(decisions: Sequence[Decision]) -> list[Decision]:
    """Those that got nowhere: refused, or superseded in an entry where the better one may be what was refused.

    One that is kept although it is refused (it may be signed later) takes the place of those that it is better than.
    """
    found = [decision for decision in decisions if decision.target is not None]
    refused = {place_of(each) for each in found if each.outcome is Outcome.REFUSED and not each.keeps}
    unsettled = (Outcome.REFUSED, Outcome.SUPERSEDED)
    return [each for each in found if each.outcome in unsettled and place_of(each) in refused]


def _pushes(decisions: Iterable[Decision]) -> set[Push]:
    return {waiting.push(decision.event) for decision in decisions if decision.event is not None}


def _write(
    sight: Sight, pause: Callable[[int], None], name: str, adding: Sequence[Event], dropping: Collection[Push]
) -> None:
    """Adds and drops on the newest that anybody has written. Raises `GitError` where it does not get there."""
    repository, ref = sight.repository, waiting.ref(name)

    def note() -> Note | None:
        old = _content(repository, ref)
        stored, unreadable = waiting.read(old or b"", sight.clock.now())
        events = _changed(stored, adding, dropping)
        content = waiting.written(events, unreadable)
        if content == waiting.written(stored, unreadable):
            return None
        if len(content) > waiting.MAX_BYTES:
            raise PushRefused(f"{ref} would have {len(content)} bytes; up to {waiting.MAX_BYTES} are kept", hint=_FULL)
        parent = None if old is None else repository.tip(ref)  # over junk we begin anew
        return Note({waiting.FILE: content} if content else {}, waiting.title(name, events), parent)

    notes.write(sight, pause, ref, note)


def _changed(stored: Sequence[Event], adding: Sequence[Event], dropping: Collection[Push]) -> list[Event]:
    kept = {waiting.push(event) for event in adding}
    times = {waiting.push(event): event.time for event in stored}
    left = [event for event in stored if waiting.push(event) in kept or waiting.push(event) not in dropping]
    return left + [event for event in adding if event.time < times.get(waiting.push(event), _NEVER)]


def _kept(sight: Sight, name: str) -> tuple[Event, ...]:
    """What waits for an environment. What cannot be read is passed over, and told."""
    ref = waiting.ref(name)
    content = _content(sight.repository, ref)
    if content is None:
        _logger.warning("%s is no commit with a file %s that can be read, and counts as empty", ref, waiting.FILE)
        return ()
    events, unreadable = waiting.read(content, sight.clock.now())
    if unreadable:
        _logger.warning("%s line(s) in %s cannot be read as pushes, and are passed over", len(unreadable), ref)
    return events


def _content(repository: Repository, ref: str) -> bytes | None:
    """The file in a ref of ours, empty where there is no such ref; None where there is no such file in it."""
    if repository.tip(ref) is None:
        return b""
    return notes.content(notes.tree(repository, ref), waiting.FILE, waiting.MAX_BYTES)


def _lost(decision: Decision, error: GitError) -> Decision:
    return replace(decision, outcome=Outcome.REFUSED, reason=str(error), exit_code=error.exit_code, keeps=False)


def _environment(decision: Decision) -> str:
    return target_of(decision).environment
