"""What registries have that no event told of: which images are asked about, and what is offered of their tags."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from updater import notes
from updater.core import hearing, looks
from updater.core.environment import NamedEnvironment
from updater.core.inventory import overlays
from updater.core.matching import rule_for
from updater.core.offers import is_doubtful, is_listed, offers
from updater.core.rules import Rule
from updater.core.sightings import Knowledge, Sighting, is_news, looked, sightings
from updater.core.waiting import Waiting
from updater.errors import RegistryError
from updater.model import Decision, Event, Outcome, Version
from updater.registry import Listing
from updater.sight import Sight, tip_of

Listings = Mapping[str, Listing | RegistryError]
"""What registries list, by image, or why they do not."""
NO_LISTINGS: Listings = {}
Standing = Mapping[str, frozenset[Version]]
"""The versions in the entries of each image that registries are asked about."""

_logger = logging.getLogger(__name__)
_IDLE = (Outcome.SUPERSEDED, Outcome.REJECTED, Outcome.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Followed:
    """An image that an environment follows, the rule under which it does, and what stands in its entries there."""

    environment: str
    image: str
    rule: Rule
    standing: frozenset[Version]


def wanted(sight: Sight) -> dict[str, frozenset[str]]:
    """The images that are followed by a rule which lets the registry be asked, as last heard of the remote.

    With each come the tags that stand with a digest, or are to get one: it has to be known what they name now.
    """
    found: dict[str, frozenset[str]] = {}
    for each in _followed(sight):
        pinned = each.standing if each.rule.follow.pin == "digest" else ()
        tags = frozenset(version.tag for version in pinned if version.tag is not None)
        found[each.image] = found.get(each.image, frozenset()) | tags
    return found


def offered(sight: Sight, listings: Listings) -> Waiting:
    """What each environment may want of what registries list: like pushes that waited for it."""
    now = sight.clock.now()
    tags = {image: _sightings(sight, image, listing) for image, listing in _answered(listings)}
    found: dict[str, tuple[Event, ...]] = {}
    for each in _followed(sight) if tags else ():
        mine = offers(each.rule, each.image, tags.get(each.image, {}), each.standing, now)
        found[each.environment] = (*found.get(each.environment, ()), *mine)
    return found


def apart(sight: Sight, listings: Listings, most: int) -> tuple[Listings, Listings]:
    """Splits off what is to be decided on later: registries are asked about so many images together at the most.

    Of all others their lists say already that nothing of them may land.
    """
    if len(listings) <= most:
        return listings, NO_LISTINGS
    images = sorted({event.image for events in offered(sight, listings).values() for event in events})
    later = frozenset(images[most:])
    return (
        {image: each for image, each in listings.items() if image not in later},
        {image: each for image, each in listings.items() if image in later},
    )


def standing(sight: Sight) -> Standing:
    """What stands, as last heard of the remote."""
    found: dict[str, frozenset[Version]] = {}
    for each in _followed(sight):
        found[each.image] = found.get(each.image, frozenset()) | each.standing
    return found


def news(sight: Sight, listings: Listings, standing: Standing) -> dict[str, Knowledge]:
    """What is known of the listed images now, where that is more than what is kept (`is_news`).

    `standing` is what stood when they were listed.
    """
    answered = dict(_answered(listings))
    pairs = ((image, known(sight, image)) for image in standing if image in answered)
    found = ((image, old, looked(old, answered[image], standing[image])) for image, old in pairs)
    return {image: new for image, old, new in found if is_news(old, new)}


def known(sight: Sight, image: str) -> Knowledge | None:
    """What looks at an image have found that is kept on the remote, as last heard; None where it is the first look."""
    name = looks.file_name(image)
    content = notes.content(notes.tree(sight.repository, looks.REF), name, looks.MAX_BYTES)
    found = None if content is None else looks.read(content)
    if content is not None and found is None:
        _logger.warning("%s in %s cannot be read: the image counts as looked at for the first time", name, looks.REF)
    return found


def troubles(listings: Listings) -> tuple[RegistryError, ...]:
    """Why registries did not say what they have, each reason once."""
    errors = (each for each in listings.values() if isinstance(each, RegistryError))
    return tuple({str(error): error for error in errors}.values())


def is_idle(decision: Decision) -> bool:
    """Whether a decision on what a registry lists says no more than that it is not wanted."""
    if decision.event is None or not is_listed(decision) or decision.outcome not in _IDLE:
        return False
    since = None if decision.target is None else decision.target.since(decision.to.tag)
    return decision.outcome is not Outcome.REJECTED or since is None or not is_doubtful(decision.event, since)


def _answered(listings: Listings) -> Iterator[tuple[str, Listing]]:
    return ((image, listing) for image, listing in listings.items() if isinstance(listing, Listing))


def _sightings(sight: Sight, image: str, listing: Listing) -> Mapping[str, Sighting]:
    return sightings(looked(known(sight, image), listing), listing)


def _followed(sight: Sight) -> Iterator[Followed]:
    repository = sight.repository
    default = repository.default_branch
    tree = repository.tree(tip_of(repository, default))
    for environment in sight.configuration(tree, default).environments:
        if environment.settings.follow:
            yield from _followed_by(sight, environment)


def _followed_by(sight: Sight, environment: NamedEnvironment) -> Iterator[Followed]:
    tip = sight.repository.tip(environment.branch)
    if tip is None:
        return
    paths = sight.catalog.all_paths(environment.branch, tip)
    standing: dict[str, set[Version]] = {}
    for target in overlays(environment, sight.repository.tree(tip), paths).targets:
        if target.entry.image is not None:
            standing.setdefault(target.entry.image, set()).add(target.entry.version)
    for image, versions in standing.items():
        rule = rule_for(environment, image)
        if rule is not None and hearing.asks(rule.follow):
            yield Followed(environment.name, image, rule, frozenset(versions))
