"""`updater status`: services by environments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common
from updater.cli.telling import end, warn

if TYPE_CHECKING:
    from updater.by_hand.overview import EntryStatus, Overview
    from updater.by_hand.underway import Pull
    from updater.model import Decision, Event, Target


@click.command()
@click.argument("services", metavar="[SERVICE...]", nargs=-1)
@click.option("--env", "environment", metavar="ENV", help="Only this environment.")
@common
def status(common: Common, services: tuple[str, ...], environment: str | None) -> None:
    """Show what stands where, what is held, what waits.

    Open pull requests are shown with who approved them, and promotions with what they wait for. SERVICE may be a glob.
    """
    from updater import as_json
    from updater.by_hand.overview import overview
    from updater.by_hand.services import refresh
    from updater.cli import output

    with common.opened() as workshop:
        refresh(workshop.parts.sight)
        found = overview(workshop.parts.sight, environment, services)
    if common.json:
        output.as_json(as_json.overview(found))
    else:
        _print(found)
    for doubt in found.doubts:
        warn(str(doubt))
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
    output.lines("pull requests", map(_pull, found.underway.pulls))
    output.lines("promotions", map(_promotion, found.underway.promotions))


def _pull(each: Pull) -> str:
    from updater.by_hand.pulls import name
    from updater.cli.pull_output import approvals
    from updater.core import heads
    from updater.core.messages import short

    about = heads.parsed(each.pull.head)
    is_one = about is not None and about.is_service
    versions = ", ".join(
        short(version) if is_one else f"{service} {short(version)}" for service, version in each.proposes
    )
    told = [f"approved by {who}" if (who := approvals(each.pull)) else "not approved"]
    told += [f"waits for {each.waits_for}"] if each.waits_for else []
    return f"#{each.pull.number} {name(each.pull)} {versions}: {'; '.join(told)}"


def _promotion(decision: Decision) -> str:
    from updater.core.messages import short

    target = decision.target
    assert target is not None, "promotions are to entries"
    pull = f"#{decision.pull_request}"
    number = "" if decision.pull_request is None or pull in decision.reason else f" ({pull})"
    return f"{target.environment}/{target.service} {short(decision.to)} {decision.outcome}{number}: {decision.reason}"


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
