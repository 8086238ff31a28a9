"""Registries in memory: what their tags name, what speaks against them, and what they were asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.helpers.events import IMAGE, at, digest
from updater.errors import RegistryError, RegistryUnavailable
from updater.model import Event, Origin
from updater.registry import Listing, Question, Tagged, Word

DOWN = RegistryUnavailable("reg.example did not answer")
KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmsDvPehVyQt3mMSjHkcl07/vxbDc
lGH3S7bQlKEIJmblPxNsB73hNErPgLKqmmeIN0KkjuU3IEcGStW7/UZh9Q==
-----END PUBLIC KEY-----
"""


@dataclass
class FakeRegistries:
    """`tags` are the letters of the digests that the tags of `image` name. Where `down`, nobody answers."""

    tags: dict[str, str] = field(default_factory=dict)
    image: str = IMAGE
    is_known: bool = True
    down: RegistryError | None = None
    unsigned: set[str] = field(default_factory=set)
    origins: dict[str, Origin] = field(default_factory=dict)
    asked: list[set[str]] = field(default_factory=list)
    """The tags that were asked about, each time."""
    keys: set[tuple[bytes, ...]] = field(default_factory=set)
    seen: list[Event] = field(default_factory=list)

    def knows(self, image: str) -> bool:
        return self.is_known

    def words(self, questions: Collection[Question]) -> Mapping[Question, Word]:
        self.asked.append({question.tag for question in questions})
        self.keys |= {question.keys for question in questions}
        return {question: self._word(question) for question in questions}

    def listings(self, wanted: Mapping[str, Collection[str]]) -> Mapping[str, Listing | RegistryError]:
        return {image: self.down or Listing({tag: Tagged() for tag in self.tags}, at(0)) for image in wanted}

    def digests(self, references: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str | None | RegistryError]:
        raise AssertionError("no plan asks for that")

    def saw(self, events: Sequence[Event]) -> None:
        self.seen += events

    def _word(self, question: Question) -> Word:
        if self.down is not None:
            return Word(failure=self.down)
        letter = self.tags.get(question.tag) if question.image == self.image else None
        if letter is None:
            return Word()
        refusal = "is not signed" if question.keys and letter in self.unsigned else None
        return Word(digest(letter), self.origins.get(letter), refusal, may_change=refusal is not None)
