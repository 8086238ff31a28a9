"""`updater history`: what landed where, when, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from updater.cli.options import Common, common
from updater.cli.telling import end

if TYPE_CHECKING:
    from updater.by_hand.timeline import Record

_COLOURS = {"event": "green", "revert": "yellow"}


@click.command()
@click.argument("services", metavar="[SERVICE...]", nargs=-1)
@click.option("--env", "environment", metavar="ENV", help="Only this environment.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at the most.")
@common
def history(common: Common, services: tuple[str, ...], environment: str | None, limit: int) -> None:
    """Show what landed where, newest first.

    When, by which event or by whom, and what was taken back. SERVICE may be a glob.
    """
    from updater.by_hand.services import known_names, refresh
    from updater.by_hand.timeline import history as told
    from updater.cli import output

    with common.opened() as workshop:
        sight = workshop.parts.sight
        refresh(sight)
        asked = {environment: services} if environment else known_names(sight, services)
        found = [told(sight, name, globs, limit) for name, globs in asked.items()]
    records = sorted(
        (each for mine, _ in found for each in mine), key=lambda each: each.landing.landed_at, reverse=True
    )
    if common.json:
        output.as_json({"history": [_json(record) for record in records[:limit]]})
    else:
        output.table(("WHEN", "WHERE", "IMAGE", "VERSION", "HOW", "BY", "COMMIT"), map(_row, records[:limit]))
    end([problem for _, mine in found for problem in mine])


def _row(record: Record) -> tuple[Any, ...]:
    from updater.cli import output
    from updater.core.messages import move, short

    landing, target = record.landing, record.target
    return (
        f"{landing.landed_at:%Y-%m-%d %H:%M}Z",
        f"{target.environment}/{target.service}",
        output.image_name(target.entry.image or target.entry.name),
        short(landing.version) if record.before is None else move(record.before, landing.version),
        (record.how.value, _COLOURS.get(record.how, "")),
        landing.event or landing.author,
        landing.commit[:12],
    )


def _json(record: Record) -> dict[str, Any]:
    from updater.cli.output import version_json
    from updater.core.messages import stamp

    landing, target = record.landing, record.target
    return {
        "environment": target.environment,
        "service": target.service,
        "overlay": target.overlay,
        "entry": target.entry.name,
        "image": target.entry.image,
        "from": version_json(record.before),
        "to": version_json(landing.version),
        "how": record.how.value,
        "at": stamp(landing.landed_at),
        "pushed_at": stamp(landing.pushed_at),
        "event": landing.event,
        "author": landing.author,
        "commit": landing.commit,
    }
