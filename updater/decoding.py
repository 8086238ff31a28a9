"""Reading deliveries: which pushes they tell of, each by the decoder of its source."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from updater.core import matching
from updater.decoders.envelopes import unwrap
from updater.errors import UpdaterError, UsageError
from updater.model import Delivery, Event
from updater.protocols import Decoder


@dataclass(frozen=True, slots=True)
class Decoding:
    """The pushes that deliveries tell of (equal ones merged), what was unreadable, and why others hold none."""

    events: tuple[Event, ...] = ()
    problems: tuple[UpdaterError, ...] = ()
    notes: tuple[str, ...] = ()


NOTHING = Decoding()


def decode(decoders: Mapping[str, Decoder], deliveries: Sequence[Delivery]) -> Decoding:
    """Reads deliveries. What one of them has wrong stops no other."""
    events: list[Event] = []
    problems: list[UpdaterError] = []
    notes: list[str] = []
    for delivery in deliveries:
        try:
            decoded = _decoder(decoders, delivery.source)(unwrap(delivery))
        except UpdaterError as error:
            problems.append(error)
            continue
        events += decoded.events
        if decoded.ignored:
            notes.append(f"{delivery.source}: {decoded.ignored}")
    return Decoding(matching.merge(events), tuple(problems), tuple(notes))


def _decoder(decoders: Mapping[str, Decoder], source: str) -> Decoder:
    if source not in decoders:
        near = difflib.get_close_matches(source, decoders, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(decoders))}"
        raise UsageError(f"there is no source {source!r}", hint=hint)
    return decoders[source]
