"""`updater rollback`: back to what stood before."""

from __future__ import annotations

import click

from updater.cli import by_hand
from updater.cli.options import Common, common


@click.command()
@by_hand.services
@click.option("--to", "tag", metavar="TAG", help="The version to go back to  [default: the one that stood before]")
@click.option("--reason", help="Why; it goes into the commit.")
@common
def rollback(
    common: Common,
    services: tuple[str, ...],
    environment: str,
    image: str | None,
    dry_run: bool,
    tag: str | None,
    reason: str | None,
) -> None:
    """Take services back to an older version.

    One commit for each service. The newest deployment is reverted (`git revert`) where its commit holds one service;
    else the versions alone are put back. What was taken back is held: no event brings it in again. SERVICE may be a
    glob. Works in a freeze, too.
    """
    from updater.by_hand.rollback import Wish, make_rollback

    wish = Wish(environment, services, tag, image, reason)
    by_hand.carry_out(common, lambda sight: make_rollback(sight, wish), by_hand.by_revert, dry_run=dry_run)
