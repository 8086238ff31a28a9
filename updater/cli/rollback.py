"""`updater rollback`: back to what stood before."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from updater.cli import by_hand
from updater.cli.by_hand import Asked
from updater.cli.options import Common, common
from updater.cli.telling import finish

if TYPE_CHECKING:
    from updater.pipeline import Report


@click.command()
@by_hand.services("--env", "The environment.")
@click.option("--to", "tag", metavar="TAG", help="The version to go back to  [default: the one that stood before]")
@click.option("--reason", callback=by_hand.one_line, help="Why; it goes into the commit.")
@common
def rollback(common: Common, asked: Asked, tag: str | None, reason: str | None) -> None:
    """Take services back to an older version.

    One commit or pull request for each service. The newest deployment is reverted (`git revert`) where its commit
    holds one service; else the versions alone are put back. What was taken back is held: no event brings it in again.
    SERVICE may be a glob. Works in a freeze, too.
    """
    from updater.by_hand.rollback import Wish, planner

    wish = Wish(asked.environment, asked.services, tag, asked.image, reason)
    report = by_hand.carry_out(common, asked, planner(wish), reason=reason)
    if not common.json:
        _tell_held(report, asked.environment)
    finish(report)


def _tell_held(report: Report, environment: str) -> None:
    """Says what stays out from now on, or once a pull request is merged, and how it comes in again."""
    from updater.core.messages import plain, short

    held: dict[tuple[str, int | None], list[str]] = {}
    for decision in report.decisions:
        if decision.target is not None and decision.commit is not None:
            key = (decision.target.service, decision.pull_request)
            held.setdefault(key, []).append(short(decision.target.entry.version))
    for (service, number), versions in held.items():
        merged = "" if number is None else f", once #{number} is merged"
        told = f"{' and '.join(dict.fromkeys(versions))} of {service}{merged}; it comes in again with"
        command = f"updater release {shlex.quote(service)} --env {shlex.quote(environment)}"
        click.echo(f"{click.style('held:', fg='yellow')} {plain(told)}: {plain(command)}")
