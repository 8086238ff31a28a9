"""`updater hold`: keeps services as they are."""

from __future__ import annotations

import click

from updater.cli import by_hand
from updater.cli.options import Common, common
from updater.cli.telling import finish


@click.command()
@by_hand.services
@click.option("--reason", required=True, callback=by_hand.one_line, help="Why; shown wherever a version is held.")
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

    wish = Holding(environment, services, reason, image, until)
    finish(by_hand.carry_out(common, lambda sight: make_hold(sight, wish), dry_run=dry_run))
