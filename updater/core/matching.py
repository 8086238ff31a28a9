"""From pushed images to the entries that follow them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from updater.core import graph, patterns
from updater.core.copies import name_there
from updater.core.environment import Follow, NamedEnvironment
from updater.core.hearing import Hearing
from updater.core.rules import Rule, compile_rule
from updater.model import Entry, Event, Target, Version

NOTHING: Mapping[str, Sequence[Event]] = {}


@dataclass(frozen=True, slots=True)
class Followed:
    """The pushes of one image that one environment follows, under the rule that decides for it.

    `hearing` is what the registry is asked about them; None where it is not asked. `proposed` are the versions that
    pull requests propose.
    """

    environment: NamedEnvironment
    rule: Rule
    image: str
    events: tuple[Event, ...]
    hearing: Hearing | None = None
    proposed: frozenset[Version] = frozenset()


def merge(events: Iterable[Event]) -> tuple[Event, ...]:
    """Equal pushes (image, tag and digest) as one, with the earliest time that any source knows; sorted."""
    earliest: dict[tuple[str, str, str], Event] = {}
    for event in events:
        key = (event.image, event.version.tag or "", event.version.digest or "")
        known = earliest.get(key)
        if known is None or _age(event) < _age(known):
            earliest[key] = event
    return tuple(earliest[key] for key in sorted(earliest))


def followed(
    environments: Sequence[NamedEnvironment],
    events: Sequence[Event],
    waiting: Mapping[str, Sequence[Event]],
    proposed: Mapping[str, Sequence[Event]] = NOTHING,
) -> tuple[Followed, ...]:
    """What each environment follows among pushes. Equal ones are merged.

    Those that wait and those that pull requests propose are for the environment of that name alone.
    """
    found = []
    for environment in environments:
        ours = proposed.get(environment.name, ())
        by_image: dict[str, list[Event]] = {}
        for event in (*events, *waiting.get(environment.name, ()), *ours):
            by_image.setdefault(event.image, []).append(event)
        for image, pushes in by_image.items():
            rule = rule_for(environment, image)
            if rule is not None:
                versions = frozenset(event.version for event in ours if event.image == image)
                found.append(Followed(environment, rule, image, merge(pushes), proposed=versions))
    return tuple(found)


def rule_for(environment: NamedEnvironment, image: str) -> Rule | None:
    """The rule under which an environment follows an image: the first one whose pattern matches decides alone."""
    rules = (compile_rule(follow) for follow in environment.settings.follow)
    return next((rule for rule in rules if rule.follows(image)), None)


def order_of(environments: Mapping[str, NamedEnvironment], name: str, image: str) -> Rule:
    """The rule that orders an image's versions in an environment: its own, or that at the root of its promotions.

    Where none is about the image (as it is called there), the time of the push orders. The environments have no circle.
    """
    return next(_orders(environments, name, image), compile_rule(Follow("**")))


def _orders(environments: Mapping[str, NamedEnvironment], name: str, image: str) -> Iterator[Rule]:
    environment = environments[name]
    rule = rule_for(environment, image)
    if rule is not None:
        yield rule
    promote = environment.settings.promote
    there = image if promote is None else name_there(image, promote.images)
    for source in sorted(set(graph.sources(environment.settings)) & environments.keys()):
        yield from _orders(environments, source, there)


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
