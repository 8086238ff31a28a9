"""Pub/Sub as a door: what comes by it is in the dialect of whoever published it (`core/dialects.py`).

Here ends what is in none. Pub/Sub sends a message that is refused again for days, so it is ignored.
"""

from __future__ import annotations

from dataclasses import replace

from updater.core.pushes import stranger
from updater.model import Decoded, Message

_DIALECT = "a message of a sender that is known"


def decode(message: Message) -> Decoded:
    """Never an event: a message of a kind that nobody is known to send."""
    return stranger(replace(message, envelopes=(*message.envelopes, "pubsub")), _DIALECT)
