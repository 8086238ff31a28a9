"""What container registries are asked about images, and what they say. Nothing here is inherited from.

Images are normalised repositories; times are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from updater.errors import RegistryError
from updater.model import Event, Origin


@dataclass(frozen=True, slots=True)
class Question:
    """What does a tag name now? `keys` are public keys (PEM): one of them has to have signed that, if there are any."""

    image: str
    tag: str
    keys: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """What a registry says of a tag.

    `digest` is what the tag names now, None where there is no such tag. `refusal` is why nothing of it may land, in
    words for a person that go on after the version (`is not signed`), and `may_change` whether it may later. `failure`
    is why the registry did not say; nothing else counts then.
    """

    digest: str | None = None
    origin: Origin | None = None
    refusal: str | None = None
    may_change: bool = False
    failure: RegistryError | None = None


@dataclass(frozen=True, slots=True)
class Tagged:
    """What a list of tags tells beside a tag: what it names, and when that was uploaded; None where it does not."""

    digest: str | None = None
    uploaded_at: datetime | None = None


Pushes: TypeAlias = Mapping[str, Collection[tuple[str | None, datetime]]]
"""The pushes of an image that events told of: digest (None where it was not told) and time, by the tag."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The tags of an image. What came after `asked_at` (UTC) may be missing; `pushes` are those that were noted."""

    tags: Mapping[str, Tagged]
    asked_at: datetime
    pushes: Pushes = field(default_factory=dict)


class Registries(Protocol):
    """All registries. Nothing here raises for what a registry does or says: that is part of the answers."""

    def knows(self, image: str) -> bool:
        """Whether the registry of an image is known here: there are settings for it, or a login."""
        ...

    def words(self, questions: Collection[Question]) -> Mapping[Question, Word]:
        """The answers to all questions."""
        ...

    def listings(self, wanted: Mapping[str, Collection[str]]) -> Mapping[str, Listing | RegistryError]:
        """The tags of images, and what some of them name: those that are wanted of each image."""
        ...

    def digests(self, references: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str | None | RegistryError]:
        """What each reference (an image, and a tag or digest of it) names; None where there is no such thing."""
        ...

    def saw(self, events: Sequence[Event]) -> None:
        """Notes when images were pushed, so that they are not taken for newer when they are listed here."""
        ...
