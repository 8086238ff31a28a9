"""`updater release`: lets versions in again that are held or were refused."""

from __future__ import annotations

import click

from updater.cli import by_hand
from updater.cli.by_hand import Asked
from updater.cli.options import Common, common
from updater.cli.telling import finish


@click.command()
@by_hand.services("--env", "The environment.")
@click.option("--version", metavar="TAG", help="Only this version  [default: all that is held or was refused]")
@click.option("--reason", callback=by_hand.one_line, help="Why; it goes into the file.")
@common
def release(common: Common, asked: Asked, version: str | None, reason: str | None) -> None:
    """Let versions in again that are held or were refused.

    That is by hand, by a revert, or by closing a pull request. Takes what `updater hold` wrote out of
    environments/ENV.yaml, and adds an item to `release:` for each version that was reverted or refused, in one commit
    or pull request. A released version lands with its next event, or is proposed again by the next
    `updater reconcile`. SERVICE may be a glob.
    """
    from updater.by_hand.overruling import Releasing, make_release

    wish = Releasing(asked.environment, asked.services, reason, asked.image, version)
    finish(by_hand.carry_out(common, asked, lambda sight: make_release(sight, wish), reason=reason))
