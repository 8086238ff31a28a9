"""How the rows of the inbox look: a table, and all about one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from updater import as_json
from updater.adapters.inbox_rows import Row
from updater.cli import output
from updater.core.messages import plain, reference, short, stamp
from updater.model import Delivery

if TYPE_CHECKING:
    from updater.cli.output import Cell

_COLOURS = {"waiting": "yellow", "done": "green", "dead": "red"}


def table(found: Iterable[Row]) -> None:
    """A row for each."""
    output.table(("NUMBER", "STATE", "IMAGE", "VERSION", "FROM", "ARRIVED", "TOLD"), map(_cells, found))


def _cells(row: Row) -> tuple[Cell, ...]:
    return (
        f"#{row.number}",
        (row.state, _COLOURS[row.state]),
        "-" if row.image is None else output.image_name(row.image),
        "-" if row.image is None else short(row.version),
        row.source,
        f"{row.received_at:%Y-%m-%d %H:%M:%S}Z",
        _told(row),
    )


def _told(row: Row) -> str:
    """What became of it, as far as anything did."""
    told = f"{row.outcome}: {row.reason}" if row.outcome else ""
    if row.next_try is not None:
        told = f"{told} (tried again at {row.next_try:%H:%M:%S}Z)"
    return told


def in_full(row: Row, letter: Delivery | None) -> None:
    """All that is known of one, and what was sent where that is no event."""
    click.secho(f"#{row.number} {row.state}", bold=True)
    facts = {
        "image": "" if row.image is None else reference(row.image, row.version),
        "event": f"{row.source}/{row.id}",
        "pushed": _stamp(row.pushed_at) or "",
        "arrived": stamp(row.received_at),
        "sent": f"{row.deliveries} times, at last as {row.newest}" if row.deliveries > 1 else "",
        "outcome": row.outcome,
        "reason": row.reason,
        "commits": " ".join(row.commits),
        "tries": str(row.tries or ""),
        "next try": _stamp(row.next_try) or "",
        "ended": _stamp(row.ended_at) or "",
        "address": "" if letter is None else letter.address,
    }
    for key, text in facts.items():
        if text:
            click.echo(f"{click.style(f'{key}:'.ljust(9), fg='cyan')} {plain(text)}")
    if letter is not None:
        output.lines("headers", (f"{name}: {text}" for name, text in sorted(letter.headers.items())))
        click.echo()
        output.text(letter.body.decode(errors="replace"))


def in_full_json(row: Row, letter: Delivery | None) -> dict[str, Any]:
    """The same for programs."""
    if letter is None:
        return {**as_json.event(row), "newest": row.newest}
    sent = {"headers": dict(letter.headers), "address": letter.address, "body": letter.body.decode(errors="replace")}
    return {**as_json.event(row), "newest": row.newest, **sent}


def _stamp(time: datetime | None) -> str | None:
    return None if time is None else stamp(time)
