"""What every answer to a delivery keeps, whoever sends it, for the tests of decoders and the fuzzer."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from updater.core import references
from updater.core.pushes import SHOWN
from updater.decoding import read
from updater.errors import EventError
from updater.forge import GATES
from updater.model import Decoded, Delivery, Event, Reported
from updater.protocols import Decoder

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "events"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ENTRY_POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["updater.decoders"]


def decoder(place: str) -> Decoder:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


DECODERS: Mapping[str, Decoder] = {source: decoder(place) for source, place in ENTRY_POINTS.items()}


def decode(source: str, body: bytes, headers: Mapping[str, str] | None = None, address: str = "") -> Decoded:
    return read(DECODERS, Delivery(source, body, NOW, headers or {}, address))


def assert_can_go_to_git(event: Event) -> None:
    """Law 9: nothing that an event brings can leave its place in a YAML scalar or a commit message."""
    assert event.source in DECODERS
    assert references.normalise(event.image) == event.image
    assert event.version.tag is not None
    assert references.is_tag(event.version.tag)
    assert not references.is_artifact_tag(event.version.tag)
    assert event.version.digest is None or references.is_digest(event.version.digest)
    assert event.id.isascii()
    assert event.id.isprintable()
    assert " " not in event.id
    assert event.pushed_at is None or event.pushed_at.tzinfo is UTC
    assert event.received_at == NOW


def assert_can_be_posted(reported: Reported) -> None:
    """Law 9: a result stands on a commit, where people and browsers see it, and none may pass for our own gates."""
    assert reported.context.casefold() != GATES
    for name in (reported.context, reported.environment or "-", reported.service or "-", reported.description):
        assert name.isprintable()
        assert len(name) <= 255
    assert reported.context
    assert reported.state in ("success", "pending", "failure", "error")
    if reported.commit is None:
        assert reported.environment
        assert reported.service
    else:
        assert re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", reported.commit)
    assert reported.url is None or re.fullmatch(r"https?://[^\s@\"'<>\\]+(/\S*)?", reported.url)


def outcome(source: str, body: bytes, headers: Mapping[str, str] | None = None, address: str = "") -> Decoded | None:
    """Whatever is sent, there is an answer: valid events, results, news, a reason, or an error in one printable line.

    None is the error.
    """
    try:
        answer = decode(source, body, headers, address)
    except EventError as error:
        assert_is_a_line(str(error))
        return None
    assert answer.events or answer.reported or answer.news or answer.ignored
    assert_is_a_line((answer.ignored or "") + (answer.news or ""))
    for event in answer.events:
        assert_can_go_to_git(event)
    for reported in answer.reported:
        assert_can_be_posted(reported)
    return answer


def assert_is_a_line(text: str) -> None:
    assert text.isprintable()
    assert "x" * (SHOWN + 1) not in text
