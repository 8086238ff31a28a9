"""What the registry's word makes of a push: its digest, an older push than it seems, or one that may not land.

The registry is asked about what would land, and nothing else. So a decision is made as if nobody could be asked, and is
open until the registry's word is there; then it is made again with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from updater.core.environment import Follow
from updater.core.messages import short
from updater.errors import EventError, RegistryError, UpdaterError
from updater.model import Decision, Event, Outcome, Version
from updater.registry import Word


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the registry is asked about the pushes of an image under one rule, and what it has said of their tags.

    `confirms` is whether it is asked about each push that would land; otherwise only about those whose digest is
    missing, and where one of `keys` (PEM) has to have signed. `problem` is why none can land.
    """

    confirms: bool = False
    keys: tuple[bytes, ...] = ()
    problem: UpdaterError | None = None
    words: Mapping[str, Word] = field(default_factory=dict, hash=False)


def asks(follow: Follow) -> bool:
    """Whether a rule lets the registry be asked about its images at all."""
    return follow.confirm is not False or follow.signed_by is not None


def told(hearing: Hearing | None, follow: Follow, events: Sequence[Event]) -> tuple[Event, ...]:
    """The pushes with what the registry adds to them: a digest that no sender told, and where they were built from."""
    return tuple(_told(hearing, follow, event) for event in events)


def heard(hearing: Hearing | None, follow: Follow, decision: Decision, proposed: Collection[Version] = ()) -> Decision:
    """The decision on a push that would land, as far as the registry was heard about it.

    It is open (`is_open`) where the registry has to be asked first. `proposed` are versions that a pull request
    proposes.
    """
    if decision.outcome is not Outcome.COMMITTED or hearing is None:
        return decision
    if hearing.problem is not None:
        refused = _refused(decision, str(hearing.problem), hearing.problem.exit_code)
        return replace(refused, keeps=True)  # like what meets a broken file: it lands once that is mended
    word = hearing.words.get(decision.to.tag or "")
    if word is None:
        return replace(decision, is_open=decision.is_open or _is_asked(hearing, decision))
    if word.failure is not None:
        return _unheard(hearing, follow, decision, word.failure)
    if word.digest is None:
        return _refused(decision, f"{decision.to.tag} is not in the registry any more")
    if follow.pin == "digest" and decision.to.digest != word.digest:
        if decision.to in proposed:  # the tag named it then, and it may be approved by now
            return replace(decision, is_open=False)
        reason = f"{decision.to.tag} names {short(Version(None, word.digest))} now: the push of that decides"
        return replace(decision, outcome=Outcome.SUPERSEDED, reason=reason, is_open=False)
    if word.refusal is not None:
        reason = f"{short(decision.to)} {word.refusal}"
        return replace(_refused(decision, reason), keeps=word.may_change)
    return replace(decision, is_open=False)


def _is_asked(hearing: Hearing, decision: Decision) -> bool:
    """Whether the registry is asked about a push that would land. A list of tags may be old by the time it counts."""
    is_listed = decision.event is not None and decision.event.earliest is not None
    return hearing.confirms or bool(hearing.keys) or is_listed


def _told(hearing: Hearing | None, follow: Follow, event: Event) -> Event:
    version = event.version
    word = None if hearing is None else hearing.words.get(version.tag or "")
    if word is None or word.digest is None:
        return event
    if follow.pin == "digest" and version.digest is None:
        version = Version(version.tag, word.digest)
    return replace(event, version=version, origin=word.origin)


def _unheard(hearing: Hearing, follow: Follow, decision: Decision, failure: RegistryError) -> Decision:
    """A push waits for the registry where something has to be known of it that only the registry can tell."""
    if hearing.keys or (follow.pin == "digest" and decision.to.digest is None):
        return replace(_refused(decision, str(failure), failure.exit_code), retry=True)
    return replace(decision, reason=f"{decision.reason} (not confirmed: {failure})", is_open=False)


def _refused(decision: Decision, reason: str, exit_code: int = EventError.exit_code) -> Decision:
    return replace(decision, outcome=Outcome.REFUSED, reason=reason, exit_code=exit_code, is_open=False)
