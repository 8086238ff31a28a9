"""Reading deliveries: what they tell of, each by the decoder of its source."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from updater.core import matching
from updater.core.dialects import CARRIERS, dialect
from updater.decoders.envelopes import unwrap
from updater.errors import UpdaterError, UsageError
from updater.model import Decoded, Delivery, Event, Reported
from updater.protocols import Decoder


@dataclass(frozen=True, slots=True)
class Decoding:
    """What deliveries tell of: pushes (equal ones merged), what was unreadable, and why others hold none.

    `reported` are gates' results.
    """

    events: tuple[Event, ...] = ()
    problems: tuple[UpdaterError, ...] = ()
    notes: tuple[str, ...] = ()
    reported: tuple[Reported, ...] = ()


NOTHING = Decoding()


def read(decoders: Mapping[str, Decoder], delivery: Delivery) -> Decoded:
    """What one delivery tells of.

    What came by a carrier (Pub/Sub, Eventarc) is read by the decoder of whoever wrote it, and its events bear that
    source's name, so that an equal push looks alike by whatever door it comes. One that nobody is known to write is
    ignored, never an error: a carrier would bring it again and again. Raises `EventError` for what cannot be read, and
    `UsageError` for a source that there is not.
    """
    decoder = _decoder(decoders, delivery.source)
    message = unwrap(delivery)
    if delivery.source in CARRIERS:
        message = replace(message, source=dialect(message) or "pubsub")
        decoder = _decoder(decoders, message.source)
    return decoder(message)


def decode(decoders: Mapping[str, Decoder], deliveries: Sequence[Delivery]) -> Decoding:
    """Reads deliveries. What one of them has wrong stops no other."""
    events: list[Event] = []
    problems: list[UpdaterError] = []
    notes: list[str] = []
    reported: list[Reported] = []
    for delivery in deliveries:
        try:
            decoded = read(decoders, delivery)
        except UpdaterError as error:
            problems.append(error)
            continue
        events += decoded.events
        reported += decoded.reported
        notes += [f"{delivery.source}: {note}" for note in _notes(decoded)]
    return Decoding(matching.merge(events), tuple(problems), tuple(notes), tuple(reported))


def _notes(decoded: Decoded) -> Iterator[str]:
    """What a delivery tells beside pushes, in words."""
    yield from (f"{each.context} is reported as {each.state}" for each in decoded.reported)
    yield from filter(None, (decoded.news, decoded.ignored))


def _decoder(decoders: Mapping[str, Decoder], source: str) -> Decoder:
    if source not in decoders:
        near = difflib.get_close_matches(source, decoders, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(decoders))}"
        raise UsageError(f"there is no source {source!r}", hint=hint)
    return decoders[source]
