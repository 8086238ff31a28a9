"""`updater release`: lets versions in again that are held."""

from __future__ import annotations

import click

from updater.cli import by_hand
from updater.cli.options import Common, common
from updater.cli.telling import finish


@click.command()
@by_hand.services
@click.option("--version", metavar="TAG", help="Only this version  [default: all that is held]")
@click.option("--reason", callback=by_hand.one_line, help="Why; it goes into the file.")
@common
def release(
    common: Common,
    services: tuple[str, ...],
    environment: str,
    image: str | None,
    dry_run: bool,
    version: str | None,
    reason: str | None,
) -> None:
    """Lift what holds services, by hand or because it was reverted.

    Takes what `updater hold` wrote out of environments/ENV.yaml, and adds an item to `release:` for each version that
    was reverted, in one commit. A released version lands with its next event. SERVICE may be a glob.
    """
    from updater.by_hand.overruling import Releasing, make_release

    wish = Releasing(environment, services, reason, image, version)
    finish(by_hand.carry_out(common, lambda sight: make_release(sight, wish), dry_run=dry_run))
