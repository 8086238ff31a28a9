"""Promoting by hand: the plan of `updater promote`, on the newest known tips.

It is decided as `updater reconcile` does it, but for the services that a person names. What only has to wait may be
forced; what people took back or hold, and what is not newer, may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from updater.by_hand.choosing import FORCED, Candidate, newest, of_version, older, unchanged
from updater.by_hand.emergency import insisted, is_older
from updater.by_hand.services import Services, recalled, services
from updater.core import copies, graph, matching, messages
from updater.core.changes import Change, lines_of, make_changes, place_of, target_of
from updater.core.environment import Configuration
from updater.core.messages import short
from updater.core.references import is_digest, is_tag
from updater.core.rules import Rule
from updater.core.verdicts import Case, Verdict, verdicts
from updater.errors import ConfigurationError, UpdaterError, UsageError
from updater.model import Decision, Hold, Outcome, Target, Version
from updater.planning import Plan
from updater.promoting import offering
from updater.promoting.cases import Promotions, promotions
from updater.promoting.gating import judged
from updater.sight import Sight, missing_branches, tip_of
from updater.survey import claimants, contested

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for: services by name or glob, to one environment; a version and an image if they matter.

    `is_forced` is whether it does not wait for anything.
    """

    environment: str
    services: Sequence[str]
    version: Version | None = None
    image: str | None = None
    reason: str | None = None
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the sources of an environment offer: the verdicts of each case, and what went wrong."""

    found: Promotions = field(default_factory=Promotions)
    judgements: Sequence[tuple[Verdict, ...]] = ()
    problems: tuple[UpdaterError, ...] = ()


def version_of(text: str) -> Version:
    """A version as a person writes it, `TAG` or `TAG@sha256:...`. Raises `UsageError`."""
    tag, at, digest = text.partition("@")
    if not is_tag(tag) or (at and not is_digest(digest)):
        raise UsageError(f"{text!r} is no version", hint="write TAG, or TAG@sha256: and all 64 digits of the digest")
    return Version(tag, digest or None)


def make_promotion(sight: Sight, wish: Wish) -> Plan:
    """Promotes the wanted services. Raises `UsageError` where there is nothing of what is asked for, and `GitError`.

    Nothing asks the forge for statuses where they are to be skipped.
    """
    found = services(sight, wish.environment, wish.services, wish.image)
    if found.environment.settings.promote is None and not (wish.is_forced and wish.version is not None):
        raise UsageError(
            f"{wish.environment} promotes from no other environment",
            hint='--version TAG@sha256:... --force --reason "..." puts a version there by hand',
        )
    asked = _asked(sight, found, wish)
    candidates = _candidates(sight, found, asked)
    decisions = [_permitted(found, each) for each in _decided(sight, found, wish, candidates)]
    bumps = [each for each in decisions if each.outcome is Outcome.COMMITTED]
    tree = sight.repository.tree(found.tip)
    made = make_changes(tree, {wish.environment: found.environment}, bumps, sight.verify)
    landed = [each for change in made.changes for each in change.decisions]
    others = [each for each in decisions if each.outcome is not Outcome.COMMITTED]
    told = sorted((*others, *made.refused, *landed), key=place_of)
    tips = {branch: tip_of(sight.repository, branch) for branch in _branches(found)}
    changes = tuple(_retold(change, wish) for change in made.changes)
    return Plan({**tips, **found.tips}, tuple(told), (), changes, (*found.problems, *asked.problems))


def _configuration(found: Services) -> Configuration:
    return Configuration(tuple(found.known.values()))


def _branches(found: Services) -> list[str]:
    return [each.branch for each in offering.with_sources(_configuration(found), [found.environment])]


def _asked(sight: Sight, found: Services, wish: Wish) -> _Asked:
    if found.environment.settings.promote is None:
        return _Asked()
    configuration = _configuration(found)
    for missing in missing_branches(
        sight.repository, offering.with_sources(configuration, [found.environment])
    ).values():
        raise missing
    names = list(dict.fromkeys(target.service for target in found.targets))
    offers = promotions(sight, configuration, [found.environment], names)
    if wish.is_forced:
        now = sight.clock.now()
        return _Asked(offers, [verdicts(case, lambda _: (), now) for case in offers.cases], offers.problems)
    judgements, problems = judged(sight, offers.cases, found.known)
    return _Asked(offers, judgements, (*offers.problems, *problems))


def _candidates(sight: Sight, found: Services, asked: _Asked) -> list[Candidate]:
    """Every entry with what is offered to it, and the holds of its service."""
    known: Mapping[object, tuple[Case, tuple[Verdict, ...]]] = {
        matching.place(case.target): (case, mine)
        for case, mine in zip(asked.found.cases, asked.judgements, strict=True)
    }
    candidates = []
    for target, order in _united(recalled(sight, found)):
        if target.entry.image is not None:
            case, mine = known.get(matching.place(target), (None, ()))
            nothing = _why_nothing(found, asked, target)
            candidates.append(
                Candidate(target, order, nothing=nothing)
                if case is None
                else Candidate(target, order, case.offers, mine, nothing)
            )
    return candidates


def _united(entries: Sequence[tuple[Target, Rule]]) -> list[tuple[Target, Rule]]:
    """The entries with the holds of their service: what was taken back in one of its overlays is held in all."""
    holds: dict[tuple[str, str | None], dict[Hold, None]] = {}
    for target, _ in entries:
        holds.setdefault((target.service, target.entry.image), {}).update(dict.fromkeys(target.past.holds))
    return [
        (replace(target, past=replace(target.past, holds=tuple(holds[target.service, target.entry.image]))), order)
        for target, order in entries
    ]


def _why_nothing(found: Services, asked: _Asked, target: Target) -> str:
    """Why no version is newer, where the sources offer some or have no such entry."""
    promote, sources = found.environment.settings.promote, graph.sources(found.environment.settings)
    copied = None if promote is None else promote.images
    there = {name: inventory.targets for name, inventory in asked.found.read.items()}
    missing = [
        name
        for name in sources
        if all(
            (each.service, copies.name_here(each.entry.image or "", copied)) != (target.service, target.entry.image)
            for each in there.get(name, ())
        )
    ]
    if missing:
        return f"no entry of {' and '.join(missing)} follows {target.entry.image} in this service"
    return f"{short(target.entry.version)} stands already, and {' and '.join(sources)} offers nothing newer"


def _decided(sight: Sight, found: Services, wish: Wish, candidates: Sequence[Candidate]) -> list[Decision]:
    if wish.version is None:
        return [newest(each, is_forced=wish.is_forced) for each in candidates]
    version = wish.version
    decisions = [_of_version(sight, each, version, is_forced=wish.is_forced) for each in candidates]
    unknown = [each for each, decision in zip(candidates, decisions, strict=True) if decision is None]
    if wish.is_forced:
        _refuse_several(unknown)
    elif unknown and len(unknown) == len(candidates):
        raise UsageError(f"{short(version)} is not offered to {' and '.join(wish.services)}", hint=_offered(unknown))
    return [
        decision
        or (
            insisted(sight, found, each, version)
            if wish.is_forced
            else unchanged(each, f"{short(version)} is not offered to it")
        )
        for each, decision in zip(candidates, decisions, strict=True)
    ]


def _of_version(sight: Sight, candidate: Candidate, version: Version, *, is_forced: bool) -> Decision | None:
    known = of_version(candidate, version, is_forced=is_forced)
    return older(candidate, version) if known is None and is_older(sight, candidate, version) else known


def _refuse_several(unknown: Sequence[Candidate]) -> None:
    """Raises `UsageError` where it is open whose version it is."""
    images = list(dict.fromkeys(each.target.entry.image or "" for each in unknown))
    if len(images) > 1:
        raise UsageError(f"the version may be of {' or '.join(images)}", hint="name the image with --image")


def _offered(candidates: Sequence[Candidate]) -> str:
    tags = dict.fromkeys(short(offer.version) for each in candidates for offer in each.offers.offers)
    if not tags:
        return "nothing is offered to it"
    return f"offered are: {', '.join(list(tags)[:_NAMED])}"


def _permitted(found: Services, decision: Decision) -> Decision:
    """The decision, refused where several environments claim the entry."""
    target = target_of(decision)
    reason = contested(target, claimants(list(found.known.values()), target))
    if reason is None or decision.outcome is not Outcome.COMMITTED:
        return decision
    return replace(decision, outcome=Outcome.REFUSED, reason=reason, exit_code=ConfigurationError.exit_code)


def _retold(change: Change, wish: Wish) -> Change:
    """A change whose text says that a person ordered it, why, and what was skipped for it."""
    skipped = [each.reason for each in change.decisions if each.reason.startswith(FORCED)]
    forced = dict.fromkeys(skipped or [f"{FORCED}it waits for nothing"]) if wish.is_forced else {}
    why = [*([wish.reason] if wish.reason else []), *forced]
    text = messages.text(change.subject, why, change.environment, change.service, lines_of(change.decisions))
    said = f"{wish.reason or change.subject}{' (--force)' if wish.is_forced else ''}"
    return replace(change, message=messages.with_trailers(text, [messages.by_hand(said)]))
