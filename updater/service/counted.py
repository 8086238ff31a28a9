"""Registries whose answers are counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from updater.core.references import split_host
from updater.errors import RegistryError
from updater.model import Event
from updater.registry import Listing, Question, Registries, Word


@dataclass(frozen=True, slots=True)
class Counted:
    """A `registry.Registries`. `count` is told of each answer: the registry's host, and how the question ended."""

    registries: Registries
    count: Callable[[str, str], None]

    def knows(self, image: str) -> bool:
        """See `registry.Registries`."""
        return self.registries.knows(image)

    def words(self, questions: Collection[Question]) -> Mapping[Question, Word]:
        """See `registry.Registries`."""
        found = self.registries.words(questions)
        for question, word in found.items():
            self._count(question.image, word.failure)
        return found

    def listings(self, wanted: Mapping[str, Collection[str]]) -> Mapping[str, Listing | RegistryError]:
        """See `registry.Registries`."""
        found = self.registries.listings(wanted)
        for image, listing in found.items():
            self._count(image, listing)
        return found

    def digests(self, references: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str | None | RegistryError]:
        """See `registry.Registries`."""
        found = self.registries.digests(references)
        for (image, _), digest in found.items():
            self._count(image, digest)
        return found

    def saw(self, events: Sequence[Event]) -> None:
        """See `registry.Registries`."""
        self.registries.saw(events)

    def _count(self, image: str, answer: object) -> None:
        outcome = "answered"
        if isinstance(answer, RegistryError):
            outcome = "unavailable" if answer.retry else "refused"
        self.count(split_host(image)[0], outcome)
