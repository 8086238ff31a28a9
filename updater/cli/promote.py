"""`updater promote`: a version to the next environment, because a person says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from updater.cli import by_hand
from updater.cli.by_hand import Asked
from updater.cli.options import Common, common
from updater.cli.telling import finish

if TYPE_CHECKING:
    from updater.pipeline import Report

_NEWEST = "The version, as TAG or TAG@sha256:DIGEST  [default: the newest that may land]"
_FORCE = "Skip soak, statuses, freeze and paused, and what no environment ran; needs --reason."


@click.command()
@by_hand.services("--to", "The environment to which it goes.")
@click.option("--version", metavar="VERSION", help=_NEWEST)
@click.option("--force", is_flag=True, help=_FORCE)
@click.option("--reason", callback=by_hand.one_line, help="Why; it goes into the commit.")
@common
def promote(common: Common, asked: Asked, version: str | None, force: bool, reason: str | None) -> None:
    """Promote services to an environment now.

    Takes what its sources (`promote.from`) have run, as `updater reconcile` would, one commit or pull request for each
    service. What people refused by closing a pull request is proposed again. --force is the way in an emergency: it
    takes a version that nobody ran before, too, if it is given with its digest. Nothing skips a hold, what was taken
    back, and what stands already or is newer. SERVICE may be a glob.
    """
    from updater.by_hand.promotion import Wish, make_promotion, version_of

    if force and not reason:
        raise click.UsageError("--force needs --reason")
    wanted = None if version is None else version_of(version)
    wish = Wish(asked.environment, asked.services, wanted, asked.image, reason, force)
    report = by_hand.carry_out(common, asked, lambda sight: make_promotion(sight, wish), reason=reason, is_forced=force)
    if not force:
        _tell_force(report)
    finish(report)


def _tell_force(report: Report) -> None:
    """Says how what waits gets there all the same."""
    from updater.model import Outcome

    if any(decision.outcome is Outcome.WAITING for decision in report.decisions):
        click.secho("hint: ", fg="cyan", bold=True, nl=False, err=True)
        click.echo('--force --reason "..." does not wait', err=True)
