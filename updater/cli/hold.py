"""`updater hold`: keeps services as they are."""

from __future__ import annotations

import click

from updater.cli import by_hand
from updater.cli.by_hand import Asked
from updater.cli.options import Common, common
from updater.cli.telling import finish


@click.command()
@by_hand.services("--env", "The environment.")
@click.option("--reason", required=True, callback=by_hand.one_line, help="Why; shown wherever a version is held.")
@click.option("--until", metavar="DAY", help="Day on which the hold is over (2026-12-01, UTC); what is pushed waits.")
@common
def hold(common: Common, asked: Asked, reason: str, until: str | None) -> None:
    """Keep services as they are, whatever is pushed.

    Adds items to `hold:` in environments/ENV.yaml, in one commit or pull request. SERVICE may be a glob, and stays one
    there.
    """
    from updater.by_hand.overruling import Holding, make_hold

    wish = Holding(asked.environment, asked.services, reason, asked.image, until)
    finish(by_hand.carry_out(common, asked, lambda sight: make_hold(sight, wish), reason=reason))
