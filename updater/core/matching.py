"""From pushed images to the entries that follow them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from updater.core import patterns
from updater.core.environment import NamedEnvironment
from updater.core.rules import Rule, compile_rule
from updater.model import Entry, Event, Target


@dataclass(frozen=True, slots=True)
class Followed:
    """The pushes of one image that one environment follows, under the rule that decides for it."""

    environment: NamedEnvironment
    rule: Rule
    image: str
    events: tuple[Event, ...]


def merge(events: Iterable[Event]) -> tuple[Event, ...]:
    """Equal pushes (image, tag and digest) as one, with the earliest time that any source knows; sorted."""
    earliest: dict[tuple[str, str, str], Event] = {}
    for event in events:
        key = (event.image, event.version.tag or "", event.version.digest or "")
        known = earliest.get(key)
        if known is None or _age(event) < _age(known):
            earliest[key] = event
    return tuple(earliest[key] for key in sorted(earliest))


def followed(environments: Sequence[NamedEnvironment], events: Sequence[Event]) -> tuple[Followed, ...]:
    """What each environment follows among merged events; the first rule whose image matches decides alone."""
    images = dict.fromkeys(event.image for event in events)
    found = []
    for environment in environments:
        rules = [compile_rule(follow) for follow in environment.settings.follow]
        for image in images:
            rule = next((rule for rule in rules if rule.follows(image)), None)
            if rule is not None:
                pushes = tuple(event for event in events if event.image == image)
                found.append(Followed(environment, rule, image, pushes))
    return tuple(found)


def overlay(environment: NamedEnvironment, path: str) -> tuple[str, str] | None:
    """Folder and service of the overlay whose kustomization is at `path`; None if it is not of this environment."""
    folder = path.rpartition("/")[0]
    for glob in environment.globs:
        captures = patterns.compile(glob).match(folder)
        if captures is not None:
            return folder, captures.get("service") or folder.rpartition("/")[2]
    return None


def claims(environment: NamedEnvironment, entry: Entry) -> bool:
    """Whether an entry of one of its overlays belongs to the environment (`entries:`, where `!` excludes)."""
    globs = environment.settings.entries
    wanted = [glob for glob in globs if not glob.startswith("!")]
    unwanted = [glob[1:] for glob in globs if glob.startswith("!")]
    if any(fnmatchcase(entry.name, glob) for glob in unwanted):
        return False
    return not wanted or any(fnmatchcase(entry.name, glob) for glob in wanted)


def targets(environment: NamedEnvironment, image: str, entries: Iterable[Entry]) -> tuple[Target, ...]:
    """The entries of one kustomization that follow an image and belong to the environment."""
    found = []
    for entry in entries:
        place = overlay(environment, entry.path)
        if place is not None and entry.image == image and claims(environment, entry):
            folder, service = place
            found.append(Target(environment.name, service, environment.branch, folder, entry))
    return tuple(found)


def place(target: Target) -> tuple[str, str, str, str, int]:
    """What entries are sorted by wherever they are listed or written."""
    entry = target.entry
    return (target.environment, target.service, entry.path, entry.list, entry.index)


def _age(event: Event) -> tuple[float, bool, str, str]:
    """Earlier first; what a sender told before what we only saw arrive; then by name, so that order does not matter."""
    return (event.time.timestamp(), event.pushed_at is None, event.source, event.id)
