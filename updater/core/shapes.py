"""A kustomization without the values that are bumped: what two bumps have in common.

Each bumped value becomes a hole that keeps all that kustomize could tell of it but the text itself: whether
it is there, its quotes, and that it reads as a string. A file with a value that cannot be taken out like
that has no shape, and nothing is remembered of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from updater.core import references
from updater.core.inputs import document
from updater.core.scalars import needs_quotes
from updater.core.yaml_nodes import Mapping, Scalar, Sequence

Place: TypeAlias = tuple[str, int, str]
"""List, index in it and key of a value."""

TAG, DIGEST = "newTag", "digest"
_LETTERS = ("abcdefg01234", "hjkmnpq56789")
_HEXADECIMAL = ("01234567", "89abcdef")
_SEPARATORS = ".-_"
_SEGMENTS, _LENGTH = 12, 5


@dataclass(frozen=True, slots=True)
class Hole:
    """A value that was taken out; `quote` is "" for a plain one."""

    place: Place
    quote: str


@dataclass(frozen=True, slots=True)
class Shape:
    """The pieces of a text and the holes between them. Equal shapes differ in nothing but what is in their holes."""

    pieces: tuple[str, ...]
    holes: tuple[Hole, ...]

    def filled(self, values: Dictionary[Place, str]) -> bytes:
        """The text with these values in the holes."""
        written = (f"{hole.quote}{values[hole.place]}{hole.quote}" for hole in self.holes)
        return "".join(chain(*zip(self.pieces, (*written, ""), strict=True))).encode()


def shape(path: str, content: bytes, places: Iterable[Place]) -> Shape | None:
    """The shape of a kustomization with holes at `places`, None where one of them holds no simple value.

    Raises `RenderError` or `EditRefused` for a text that is no kustomization.
    """
    root, text = document(path, content), content.decode()
    found = [(place, _value(root, place)) for place in places]
    holes = [(value.span, Hole(place, value.style)) for place, value in found if value is not None]
    if len(holes) < len(found):
        return None
    holes.sort(key=lambda hole: hole[0].start)
    starts, ends = (0, *(span.end for span, _ in holes)), (*(span.start for span, _ in holes), len(text))
    pieces = tuple(text[start:end] for start, end in zip(starts, ends, strict=True))
    return Shape(pieces, tuple(hole for _, hole in holes))


def sentinels(places: Iterable[Place], side: int) -> dict[Place, str]:
    """A value for each place, with nothing in common with that of any other place or of the other side (0 or 1).

    Cut at any separator they have many pieces, all different, so whatever splits, copies or compares
    versions shows in a rendering.
    """
    return {place: _digest(place, side) if place[2] == DIGEST else _tag(place, side) for place in places}


def _tag(place: Place, side: int) -> str:
    letters, noise = _LETTERS[side], _noise(place)
    characters = "".join(letters[byte % len(letters)] for byte in noise)
    segments = [characters[n * _LENGTH : (n + 1) * _LENGTH] for n in range(_SEGMENTS)]
    # A letter first: no reader takes the whole for a number.
    return letters[0] + "".join(chain(*zip(segments, _SEPARATORS * _SEGMENTS, strict=False)))[:-1]


def _digest(place: Place, side: int) -> str:
    digits = _HEXADECIMAL[side]
    return "sha256:" + "".join(digits[byte % len(digits)] for byte in _noise(place))


def _noise(place: Place) -> bytes:
    return hashlib.sha512(repr(place).encode()).digest()


def _value(root: Mapping, place: Place) -> Scalar | None:
    """The tag or digest at a place, None if it is no such thing, or not written plainly or in quotes, as a string."""
    name, index, key = place
    items = root.get(name)
    item = items.items[index] if isinstance(items, Sequence) and index < len(items.items) else None
    value = item.get(key) if isinstance(item, Mapping) else None
    return value if isinstance(value, Scalar) and _is_simple(value) else None


def _is_simple(value: Scalar) -> bool:
    known = references.is_tag(value.value) or references.is_digest(value.value)
    is_text = bool(value.style) or not needs_quotes(value.value)
    return known and is_text and value.style in ("", "'", '"') and value.tag is None and value.anchor is None
