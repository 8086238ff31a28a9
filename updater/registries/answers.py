"""What a registry answered, and what of it is kept for the next time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Served:
    """A manifest or an index, byte for byte. `digest` was reckoned, `media_type` is the registry's word."""

    digest: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that holds while the registry knows it by the same `etag`. `headers` have lower-case names."""

    etag: str
    body: bytes
    headers: Mapping[str, str]


class Memory(Protocol):
    """Answers that may be forgotten at any time."""

    def known(self, key: str) -> Kept | None:
        """What was kept under a key."""
        ...

    def keep(self, key: str, kept: Kept) -> None:
        """Keeps an answer instead of what was kept under the key before."""
        ...
