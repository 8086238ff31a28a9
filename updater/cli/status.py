"""`updater status`: services by environments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from updater.cli.options import Common, common
from updater.cli.telling import end

if TYPE_CHECKING:
    from updater.by_hand.overview import EntryStatus, Overview
    from updater.model import Event, Target


@click.command()
@click.argument("services", metavar="[SERVICE...]", nargs=-1)
@click.option("--env", "environment", metavar="ENV", help="Only this environment.")
@common
def status(common: Common, services: tuple[str, ...], environment: str | None) -> None:
    """Show what stands where, what is held, what waits.

    SERVICE may be a glob.
    """
    from updater.by_hand.overview import overview
    from updater.by_hand.services import refresh
    from updater.cli import output

    with common.opened() as workshop:
        refresh(workshop.parts.sight)
        found = overview(workshop.parts.sight, environment, services)
    if common.json:
        waiting = [_waiting(name, event) for name, events in found.waiting.items() for event in events]
        output.as_json({"services": [_json(each) for each in found.entries], "waiting": waiting})
    else:
        _print(found)
    end(found.problems)


def _print(found: Overview) -> None:
    """A row for each image of a service, a column for each environment; then what is held, stopped and waiting."""
    from updater.cli import output

    targets = [each.target for each in found.entries]
    environments = list(dict.fromkeys(target.environment for target in targets))
    cells: dict[tuple[str, str], dict[str, list[str]]] = {}
    for target in targets:
        row = (target.service, target.entry.image or target.entry.name)
        cells.setdefault(row, {}).setdefault(target.environment, []).append(_cell(target))
    rows = [
        (
            service,
            output.image_name(image),
            *(" / ".join(dict.fromkeys(versions.get(name, ["-"]))) for name in environments),
        )
        for (service, image), versions in sorted(cells.items())
    ]
    output.table(("SERVICE", "IMAGE", *(name.upper() for name in environments)), rows)
    output.lines("held", _held(targets))
    output.lines("stopped", _stopped(found.entries))
    output.lines("waiting", (f"{name}: {_named(event)}" for name, events in found.waiting.items() for event in events))


def _held(targets: Sequence[Target]) -> Iterable[str]:
    from updater.core.holds import reason

    for target in targets:
        for hold in target.past.holds:
            yield f"{target.environment}/{target.service}: {reason(hold, hold.version)}"


def _stopped(entries: Sequence[EntryStatus]) -> Iterable[str]:
    for each in entries:
        if each.stopped is not None:
            yield f"{each.target.environment}/{each.target.service}: {each.stopped.reason}"


def _named(event: Event) -> str:
    from updater.core.messages import reference

    return reference(event.image, event.version)


def _cell(target: Target) -> str:
    from updater.core.messages import short

    since = "" if target.standing is None else f" since {target.standing.landed_at:%Y-%m-%d %H:%M}Z"
    return f"{short(target.entry.version)}{since}"


def _json(entry: EntryStatus) -> dict[str, Any]:
    from updater.cli.output import version_json
    from updater.core.messages import stamp

    target = entry.target
    standing = target.standing
    return {
        "environment": target.environment,
        "service": target.service,
        "overlay": target.overlay,
        "entry": target.entry.name,
        "image": target.entry.image,
        "version": version_json(target.entry.version),
        "since": None if standing is None else stamp(standing.landed_at),
        "commit": None if standing is None else standing.commit,
        "holds": [
            {"version": version_json(hold.version), "commit": hold.commit, "author": hold.author, "at": stamp(hold.at)}
            for hold in target.past.holds
        ],
        "stopped": None if entry.stopped is None else entry.stopped.reason,
    }


def _waiting(environment: str, event: Event) -> dict[str, Any]:
    from updater.cli.output import version_json
    from updater.core.messages import stamp

    return {
        "environment": environment,
        "image": event.image,
        "version": version_json(event.version),
        "pushed_at": stamp(event.time),
    }
