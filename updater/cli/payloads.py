"""Events from files: payloads as their sources send them, or NDJSON records of deliveries."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from updater.core import instants
from updater.errors import EventError, Location, UpdaterError, UsageError
from updater.model import Delivery

_KEYS = frozenset({"source", "headers", "body", "time"})
_FORM = 'a record is {"source": "artifact-registry", "body": {…}}; for a bare payload give --source'


@dataclass(frozen=True, slots=True)
class Payloads:
    """What the files held: deliveries, and what was wrong with the rest."""

    deliveries: tuple[Delivery, ...]
    problems: tuple[UpdaterError, ...]


def read(files: Sequence[str], source: str | None, now: datetime) -> Payloads:
    """Reads files (`-` is standard input): each one payload of `source`, or else NDJSON records.

    A record is `{"source", "headers", "body", "time"}`: `body` is the payload, as JSON or as a string that holds it;
    headers and time (RFC 3339, when it arrived; else `now`) may be left out. A bad record does not stop
    the others. Raises `UsageError` for a file that cannot be read.
    """
    deliveries: list[Delivery] = []
    problems: list[UpdaterError] = []
    for file in files:
        content = _content(file)
        if source is not None:
            deliveries.append(Delivery(source, content, now))
            continue
        for at, record in _records(file, content):
            try:
                deliveries.append(_delivery(record, at, now))
            except EventError as error:
                problems.append(error)
    return Payloads(tuple(deliveries), tuple(problems))


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def _records(file: str, content: bytes) -> list[tuple[Location, bytes]]:
    """The records of a file, a line each; a file that is one JSON object over several lines is one record."""
    lines = [(Location(file, number), line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    if len(lines) > 1 and isinstance(_json(content), dict):
        return [(Location(file, 1), content)]
    return lines or [(Location(file), b"")]


def _delivery(line: bytes, at: Location, now: datetime) -> Delivery:
    record = _json(line)
    if not isinstance(record, dict) or "source" not in record or "body" not in record:
        raise EventError("no record of an event", at=at, hint=_FORM)
    if unknown := sorted(record.keys() - _KEYS):
        raise EventError(f"unknown key {unknown[0]!r} in a record", at=at, hint=_FORM)
    source, headers, body = record["source"], record.get("headers") or {}, record["body"]
    if not isinstance(source, str) or not _is_text_to_text(headers):
        raise EventError("`source` has to be text and `headers` names with texts", at=at, hint=_FORM)
    payload = body if isinstance(body, str) else json.dumps(body)
    names = {name.lower(): value for name, value in headers.items()}
    return Delivery(source, payload.encode(errors="surrogatepass"), _time(record.get("time"), at) or now, names)


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_text_to_text(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _time(text: Any, at: Location) -> datetime | None:
    if text is None:
        return None
    time = instants.from_text(text)
    if time is None:
        raise EventError(f"{text!r} is no time", at=at, hint="write it as 2026-11-20T10:00:00Z")
    return time
