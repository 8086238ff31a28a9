"""`updater history`: what landed where, when, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common
from updater.cli.telling import end, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from updater.by_hand.timeline import Record
    from updater.cli.output import Cell

_COLOURS = {"event": "green", "merged": "green", "revert": "yellow"}
_SHOWN = 7


@click.command()
@click.argument("services", metavar="[SERVICE...]", nargs=-1)
@click.option("--env", "environment", metavar="ENV", help="Only this environment.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at the most.")
@common
def history(common: Common, services: tuple[str, ...], environment: str | None, limit: int) -> None:
    """Show what landed where, newest first.

    When, from which commit of its source, by which event, pull request or person, who approved it, how long that took
    since the step before (the push of the image, or its landing in the environment before), and what was taken back.
    SERVICE may be a glob.
    """
    from updater import as_json
    from updater.by_hand.chronicle import chronicle
    from updater.by_hand.services import refresh
    from updater.cli import output

    with common.opened() as workshop:
        refresh(workshop.parts.sight)
        found = chronicle(workshop.parts.sight, environment, services, limit)
    if common.json:
        output.as_json({"history": [as_json.record(record) for record in found.records]})
    else:
        _print(found.records)
    if found.unknown is not None:
        warn(f"who approved is not known: {found.unknown}")
    end(found.problems)


def _print(records: Sequence[Record]) -> None:
    """A row for each; columns without a word are left out, and where there is little room images named as services."""
    from updater.cli import output

    rows = [_row(record) for record in records]
    columns = [name for name in (rows[0] if rows else ()) if any(row[name] for row in rows)]
    services = [record.target.service for record in records]
    if not output.is_roomy() and [row["IMAGE"] for row in rows] == services:
        columns = [name for name in columns if name != "IMAGE"]
    output.table(columns, ([row[name] for name in columns] for row in rows))


def _row(record: Record) -> dict[str, Cell]:
    from updater.cli import output
    from updater.core.messages import move, short
    from updater.core.origins import revision

    landing, target = record.landing, record.target
    return {
        "WHEN": f"{landing.landed_at:%Y-%m-%d %H:%M}Z",
        "WHERE": f"{target.environment}/{target.service}",
        "IMAGE": output.image_name(target.entry.image or target.entry.name),
        "VERSION": short(landing.version) if record.before is None else move(record.before, landing.version),
        "SOURCE": "" if record.origin is None else revision(record.origin) or "",
        "HOW": (record.how.value, _COLOURS.get(record.how, "")),
        "BY": _by(record),
        "APPROVED": ", ".join(_approved(record)),
        "TOOK": _took(record),
        "COMMIT": landing.commit[:_SHOWN],
    }


def _by(record: Record) -> str:
    from updater.cli import output

    if record.pull is not None:
        return f"#{record.pull.number} {record.pull.closed_by or ''}".strip()
    event = record.landing.event
    if event is None:
        return record.landing.author
    return event if output.is_roomy() else event.partition("/")[0]


def _approved(record: Record) -> list[str]:
    from updater.by_hand.pulls import approved_by

    return [] if record.pull is None else approved_by(record.pull)


def _took(record: Record) -> str:
    """To the second largest unit."""
    from updater.cli import output
    from updater.core.times import shown

    if record.took is None:
        return ""
    took = " ".join(shown(record.took).split()[:2])
    return f"{took} after {record.after}" if record.after and output.is_roomy() else took
