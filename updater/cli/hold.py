"""`updater hold`: keeps services as they are."""

from __future__ import annotations

import click

from updater.cli import by_hand
from updater.cli.options import Common, common
from updater.errors import UsageError


@click.command()
@by_hand.services
@click.option("--reason", required=True, help="Why; shown wherever a version is held.")
@click.option("--until", metavar="DAY", help="Day on which the hold is over (2026-12-01, UTC); what is pushed waits.")
@common
def hold(
    common: Common,
    services: tuple[str, ...],
    environment: str,
    image: str | None,
    dry_run: bool,
    reason: str,
    until: str | None,
) -> None:
    """Keep services as they are, whatever is pushed.

    Adds items to `hold:` in environments/ENV.yaml, in one commit. SERVICE may be a glob, and stays one there.
    """
    from updater.by_hand.overruling import Holding, make_hold
    from updater.core import references, times

    if until is not None and times.day(until) is None:
        raise UsageError(f"--until {until!r} is no day of the calendar", hint="write it as 2026-12-01")
    if image is not None and references.normalise(image) is None:
        raise UsageError(f"--image {image!r} is no image repository", hint="write it without tag and digest")
    if not reason.strip():
        raise UsageError("--reason is empty", hint="say why, for those who meet the hold")
    wish = Holding(environment, services, reason, image, until)
    by_hand.carry_out(
        common,
        lambda sight: make_hold(sight, wish),
        lambda _: [f"updater release {' '.join(services)} --env {environment}"],
        dry_run=dry_run,
    )
