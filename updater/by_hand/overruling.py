"""What a person writes into an environment's file: the plans of `updater hold` and `updater release`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from updater.by_hand.services import Services, services
from updater.core import list_edits, matching, messages
from updater.core.changes import Change, FileChange
from updater.core.environment import Hold, NamedEnvironment
from updater.core.references import normalise
from updater.core.stops import stop
from updater.errors import UsageError
from updater.model import Outcome
from updater.planning import Plan, Sight, past_configurations
from updater.protocols import Question
from updater.survey import unlifted


@dataclass(frozen=True, slots=True)
class Holding:
    """Services that are to be kept as they are, by name or glob, in one environment; one image if not all."""

    environment: str
    services: Sequence[str]
    reason: str
    image: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Releasing:
    """Services whose holds are to be lifted, by name or glob, in one environment; one version or image if not all."""

    environment: str
    services: Sequence[str]
    reason: str | None = None
    image: str | None = None
    version: str | None = None


def make_hold(sight: Sight, wish: Holding) -> Plan:
    """Adds an item to `hold:` for each name or glob. Raises `UsageError` where it stands there already."""
    found = services(sight, wish.environment, wish.services, wish.image)
    items = [Hold(service, wish.reason, wish.image, wish.until) for service in dict.fromkeys(wish.services)]
    twice = [item.service for item in items if item in found.environment.settings.hold]
    if twice:
        raise UsageError(f"{found.environment.at('hold')}: {' and '.join(twice)} is held already, with these words")
    before = after = _file(sight, found)
    for item in items:
        texts = {"service": item.service, "image": item.image, "reason": item.reason, "until": item.until}
        after = list_edits.added(found.environment.path, after, "hold", _given(texts))
    end = "" if wish.until is None else f" until {wish.until}"
    subject = f"Hold {' and '.join(wish.services)} in {wish.environment}{end}"
    return _plan(sight, found, subject, wish.reason, before, after)


def make_release(sight: Sight, wish: Releasing) -> Plan:
    """Takes out what `hold:` says of the services alone, and adds an item to `release:` for each version that is held.

    Raises `UsageError` where nothing is held.
    """
    found = services(sight, wish.environment, wish.services, wish.image)
    environment = found.environment
    outdated = [] if wish.version else [at for at, hold in enumerate(environment.settings.hold) if _is_of(hold, wish)]
    items = list(dict.fromkeys(_held(sight, found, wish)))
    if not items and not outdated:
        raise UsageError(_nothing(found, wish), hint=_wider(environment, found))
    before = after = _file(sight, found)
    if outdated:
        after = list_edits.taken_out(environment.path, after, "hold", outdated)
    for service, image, version in items:
        texts = {"service": service, "image": image, "version": version, "reason": wish.reason}
        after = list_edits.added(environment.path, after, "release", _given(texts))
    names = dict.fromkeys(f"{service} {version}" for service, _, version in items)
    subject = f"Release {' and '.join(names or wish.services)} in {wish.environment}"
    return _plan(sight, found, subject, wish.reason, before, after)


def _held(sight: Sight, found: Services, wish: Releasing) -> Iterator[tuple[str, str, str]]:
    """Service, image and tag of every hold from history that nothing has lifted; or the tag that is asked for."""
    targets = [(target, target.entry.image) for target in found.targets if target.entry.image is not None]
    questions = [
        Question(target.entry, matching.order_of(found.known, wish.environment, image)) for target, image in targets
    ]
    pasts = sight.catalog.pasts(found.branch, found.tip, questions)
    now = sight.clock.now()
    for (target, image), past in zip(targets, pasts, strict=True):
        stopped = stop(found.environment, target.service, image, now, wish.version)
        if wish.version is not None and stopped is not None and stopped.outcome is Outcome.HELD:
            yield target.service, image, wish.version
        for hold in unlifted(past.holds, found.environment, target.service, image, past_configurations(sight)):
            tag = wish.version or hold.version.tag
            if tag is not None and tag not in hold.spares:
                yield target.service, image, tag


def _is_of(hold: Hold, wish: Releasing) -> bool:
    """Whether an item of the file is about nothing but what is to be released."""
    named = hold.service in wish.services or any(fnmatchcase(hold.service, glob) for glob in wish.services)
    return named and (wish.image is None or (hold.image is not None and normalise(hold.image) == normalise(wish.image)))


def _nothing(found: Services, wish: Releasing) -> str:
    return f"nothing of {' and '.join(wish.services)} is held in {found.environment.name}"


def _wider(environment: NamedEnvironment, found: Services) -> str | None:
    """What to do about an item of the file that holds more than was asked for."""
    names = {target.service for target in found.targets}
    wide = [hold for hold in environment.settings.hold if any(fnmatchcase(name, hold.service) for name in names)]
    return f"{environment.at('hold')} holds {wide[0].service!r}, which is more: name that, or edit it" if wide else None


def _file(sight: Sight, found: Services) -> bytes:
    return sight.repository.tree(_default_tip(sight, found)).read(found.environment.path)


def _default_tip(sight: Sight, found: Services) -> str:
    return found.tips[sight.repository.default_branch]


def _given(texts: dict[str, str | None]) -> dict[str, str]:
    return {key: text for key, text in texts.items() if text is not None}


def _plan(sight: Sight, found: Services, subject: str, why: str | None, before: bytes, after: bytes) -> Plan:
    """One commit that changes the environment's file alone."""
    default = sight.repository.default_branch
    service = " ".join(dict.fromkeys(target.service for target in found.targets))
    text = messages.text(subject, [why] if why else [], found.environment.name, service, ())
    files = {found.environment.path: FileChange(before, after)}
    change = Change(found.environment.name, service, default, files, (), text)
    return Plan({default: found.tips[default]}, (), (), (change,), found.problems)
