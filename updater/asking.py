"""Asking registries about what would land."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeAlias

from updater.core.hearing import Hearing, asks
from updater.core.matching import Followed
from updater.core.references import split_host
from updater.core.signing_keys import keys
from updater.errors import ConfigurationError, RegistryError
from updater.registry import Question, Word
from updater.sight import Sight, tip_of

Match: TypeAlias = tuple[str, str]
"""An environment and an image that it follows."""
Hearings: TypeAlias = Mapping[Match, Hearing | None]


def match_of(followed: Followed) -> Match:
    """What a hearing is known by: the rule is one for the image in the environment."""
    return followed.environment.name, followed.image


def begun(sight: Sight, followed: Collection[Followed]) -> Hearings:
    """What registries are to be asked about pushes; nothing was yet."""
    return {match_of(each): _begun(sight, each) for each in followed}


def gone_on(sight: Sight, hearings: Hearings, tags: Mapping[Match, Collection[str]]) -> Hearings:
    """The same with what registries say of these tags of each image. All of them are asked at the same time.

    One that did not answer before is not asked about the next best: that would take as long again.
    """
    questions = {match: _questions(hearings, match, mine) for match, mine in tags.items()}
    together = {each for mine in questions.values() for each in mine}
    silent = _silent(hearings)
    words = {each: Word(failure=silent[host]) for each in together if (host := split_host(each.image)[0]) in silent}
    asked = together - words.keys()
    words |= sight.registries.words(asked) if sight.registries is not None and asked else {}
    more = {match: {each.tag: words[each] for each in mine} for match, mine in questions.items()}
    return {match: _with(hearing, more.get(match, {})) for match, hearing in hearings.items()}


def _silent(hearings: Hearings) -> dict[str, RegistryError]:
    """The registries that did not answer, each with the reason."""
    heard = ((image, word.failure) for (_, image), each in hearings.items() if each for word in each.words.values())
    return {split_host(image)[0]: failure for image, failure in heard if failure is not None and failure.retry}


def _begun(sight: Sight, followed: Followed) -> Hearing | None:
    follow = followed.rule.follow
    if not asks(follow):
        return None
    if sight.registries is None:
        return None if follow.signed_by is None else Hearing(problem=_nobody(followed))
    repository = sight.repository
    try:
        trusted = keys(repository.tree(tip_of(repository, repository.default_branch)), followed.environment, follow)
    except ConfigurationError as error:
        return Hearing(problem=error)
    confirms = sight.registries.knows(followed.image) if follow.confirm is None else follow.confirm
    return Hearing(confirms, trusted)


def _nobody(followed: Followed) -> ConfigurationError:
    return ConfigurationError(
        f"no registry can be asked here whether {followed.image} is signed",
        at=followed.environment.at("follow"),
        hint="install manifest-updater[registry]",
    )


def _questions(hearings: Hearings, match: Match, tags: Collection[str]) -> list[Question]:
    hearing = hearings[match]
    return [] if hearing is None else [Question(match[1], tag, hearing.keys) for tag in tags]


def _with(hearing: Hearing | None, more: Mapping[str, Word]) -> Hearing | None:
    return replace(hearing, words={**hearing.words, **more}) if hearing is not None and more else hearing
