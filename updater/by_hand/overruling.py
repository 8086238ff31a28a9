"""What a person writes into an environment's file: the plans of `updater hold` and `updater release`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TypeAlias

from updater.by_hand.services import Services, matches, recalled, services
from updater.core import list_edits, messages, times
from updater.core.changes import Change, FileChange
from updater.core.environment import Hold, NamedEnvironment, Release
from updater.core.overlaid import Overlaid
from updater.core.promotion import rank
from updater.core.references import normalise
from updater.core.stops import stop
from updater.errors import ForgeError, UpdaterError, UsageError
from updater.model import Hold as PastHold
from updater.model import Outcome, Target, Version
from updater.planning import Plan
from updater.protocols import Ranking
from updater.reviewing.refusals import refused
from updater.sight import Sight

_logger = logging.getLogger(__name__)
_Recalled: TypeAlias = Sequence[tuple[Target, Ranking]]
"""Entries with what is to be known of their past, each with the order of its versions."""


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
    """Adds an item to `hold:` for each name or glob, and takes out what `release:` says of these services.

    Otherwise a version that was released long ago would pass the new hold. Raises `UsageError` where it stands there
    already, is over already, or cannot be written so.
    """
    _refuse_past(sight, wish.until)
    found = services(sight, wish.environment, wish.services, wish.image)
    items = [Hold(service, wish.reason, wish.image, wish.until) for service in dict.fromkeys(wish.services)]
    twice = [item.service for item in items if item in found.environment.settings.hold]
    if twice:
        raise UsageError(f"{found.environment.at('hold')}: {' and '.join(twice)} is held already, with these words")
    before = after = _file(sight, found)
    released = [at for at, each in enumerate(found.environment.settings.release) if _is_lifted_for(each, wish)]
    if released:
        after = list_edits.taken_out(found.environment.path, after, "release", released)
    for item in items:
        texts = {"service": item.service, "image": item.image, "reason": item.reason, "until": item.until}
        after = list_edits.added(found.environment.path, after, "hold", _given(texts))
    end = "" if wish.until is None else f" until {wish.until}"
    subject = f"Hold {' and '.join(wish.services)} in {wish.environment}{end}"
    return _plan(sight, found, subject, wish.reason, before, after)


def _is_lifted_for(release: Release, wish: Holding) -> bool:
    is_meant = wish.image is None or normalise(release.image) == normalise(wish.image)
    return is_meant and matches(release.service, wish.services)


def make_release(sight: Sight, wish: Releasing) -> Plan:
    """Takes out what `hold:` says of the services alone, and adds an item to `release:` for what is kept out.

    That are those that somebody moved back from, or refused by closing a pull request. Raises `UsageError` where there
    are none, or it cannot be written so, and `ForgeError` where nothing is held and the forge cannot be asked.
    """
    found = services(sight, wish.environment, wish.services, wish.image)
    environment = found.environment
    outdated = [] if wish.version else [at for at, hold in enumerate(environment.settings.hold) if _is_of(hold, wish)]
    targets, unknown = _with_refusals(sight, found)
    items = list(dict.fromkeys(_held(sight, found, wish, targets)))
    if not items and not outdated:
        hint = _wider(environment, found) or _others(sight, found, wish, targets)
        raise unknown or UsageError(_nothing(found, wish), hint=hint)
    if unknown is not None:
        _logger.warning("what people refused by closing pull requests is not released: %s", unknown)
    before = after = _file(sight, found)
    if outdated:
        after = list_edits.taken_out(environment.path, after, "hold", outdated)
    for service, image, version in items:
        texts = {"service": service, "image": image, "version": version, "reason": wish.reason}
        after = list_edits.added(environment.path, after, "release", _given(texts))
    names = dict.fromkeys(f"{service} {version}" for service, _, version in items)
    subject = f"Release {' and '.join(names or wish.services)} in {wish.environment}"
    return _plan(sight, found, subject, wish.reason, before, after)


def _with_refusals(sight: Sight, found: Services) -> tuple[_Recalled, UpdaterError | None]:
    """The entries with the holds that nothing has lifted, and refusals among them; or why those are not known.

    Refusals of what is older than what stands keep nothing out.
    """
    targets = recalled(sight, found)
    if found.environment.settings.deliver != "pull-request":
        return targets, None
    try:
        known = refused(sight, found.environment, [target for target, _ in targets])
    except (ForgeError, UsageError) as error:
        return targets, error
    return [(_and_refused(target, order, known[target]), order) for target, order in targets], None


def _and_refused(target: Target, order: Ranking, refusals: Sequence[PastHold]) -> Target:
    since = None if target.standing is None else target.standing.pushed_at
    here = rank(order, target.entry.version, since)
    newer = [each for each in refusals if order.rank(each.version, each.pushed_at) > here]
    return replace(target, past=replace(target.past, holds=(*target.past.holds, *newer)))


def _held(sight: Sight, found: Services, wish: Releasing, targets: _Recalled) -> Iterator[tuple[str, str, str]]:
    """Service, image and tag of everything that is kept out and nothing has lifted; or the tag that is asked for."""
    now = sight.clock.now()
    for target, order in targets:
        image = target.entry.image
        if image is None:
            continue
        stopped = stop(found.environment, target.service, image, now, wish.version)
        if wish.version is not None and stopped is not None and stopped.outcome is Outcome.HELD:
            yield target.service, image, wish.version
        for hold in target.past.holds:
            tag = wish.version or hold.version.tag
            if tag is not None and tag not in hold.spares and _is_kept_out(hold, order, target, tag):
                yield target.service, image, tag


def _others(sight: Sight, found: Services, wish: Releasing, targets: _Recalled) -> str | None:
    """The versions that could be meant instead of one that is not held."""
    there = dict.fromkeys(tag for _, _, tag in _held(sight, found, replace(wish, version=None), targets))
    return f"held are: {', '.join(there)}" if there else None


def _is_kept_out(hold: PastHold, order: Ranking, target: Target, tag: str) -> bool:
    """Whether a hold may be on a tag: its own, or one between it and what stands, for all that the order can tell.

    When it was pushed is not known, only that it would have been before the hold began.
    """
    if tag == hold.version.tag:
        return True
    version, standing = Version(tag), target.entry.version
    is_newer = tag != standing.tag and order.rank(version, hold.at) > order.rank(standing, None)
    return bool(is_newer and order.rank(version, None) < order.rank(hold.version, hold.pushed_at))


def _is_of(hold: Hold, wish: Releasing) -> bool:
    """Whether an item of the file is about nothing but what is to be released."""
    named = hold.service in wish.services or any(fnmatchcase(hold.service, glob) for glob in wish.services)
    return named and (wish.image is None or (hold.image is not None and normalise(hold.image) == normalise(wish.image)))


def _nothing(found: Services, wish: Releasing) -> str:
    what = ("nothing", "is held") if wish.version is None else (wish.version, "is not held")
    return f"{what[0]} of {' and '.join(wish.services)} {what[1]} in {found.environment.name}"


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
    _refuse_broken(sight, found, after)
    default = sight.repository.default_branch
    service = " ".join(dict.fromkeys(target.service for target in found.targets))
    text = messages.text(subject, [why] if why else [], found.environment.name, service, ())
    files = {found.environment.path: FileChange(before, after)}
    change = Change(found.environment.name, service, default, files, (), text)
    return Plan({default: found.tips[default]}, (), (), (change,), found.problems)


def _refuse_past(sight: Sight, until: str | None) -> None:
    """Raises `UsageError` for a hold that is over; what is no day is for the check of the file."""
    end = None if until is None else times.day(until)
    if end is not None and end <= sight.clock.now().date():
        raise UsageError(f"--until {until} is over", hint="a hold ends when that day begins (UTC): give a later one")


def _refuse_broken(sight: Sight, found: Services, after: bytes) -> None:
    """Raises `UsageError`, in the words of the check, for a file that would stop its environment."""
    path = found.environment.path
    tree = Overlaid(sight.repository.tree(_default_tip(sight, found)), {path: after})
    read = sight.configuration(tree, sight.repository.default_branch)
    if all(each.name != found.environment.name for each in read.environments):
        error = next(error for error in read.errors if error.at is not None and error.at.path == path)
        raise UsageError(error.message, hint=error.hint)
