"""`updater report`: a gate's result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common

if TYPE_CHECKING:
    from updater.by_hand.reporting import Posted
    from updater.forge import Status, StatusState


def _address(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    if url is not None and not url.startswith(("https://", "http://")):
        raise click.BadParameter("it has to begin with https:// or http://")
    return url


def _context(_context: click.Context, _option: click.Parameter, name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise click.BadParameter("it has to be a name in one line")
    return name


@click.command()
@click.option("--service", metavar="SERVICE", required=True, help="The service; it may be a glob.")
@click.option("--env", "environment", metavar="ENV", required=True, help="The environment in which it was tried.")
@click.option(
    "--context", metavar="NAME", required=True, callback=_context, help="The gate, as `promote.statuses` names it."
)
@click.option(
    "--state", type=click.Choice(["success", "failure", "pending", "error"]), required=True, help="How it went."
)
@click.option("--description", default="", help="A few words about it.")
@click.option("--url", metavar="URL", callback=_address, help="A page with more.")
@click.option("--commit", metavar="COMMIT", help="Where to post it  [default: where what stands there landed]")
@common
def report(
    common: Common,
    service: str,
    environment: str,
    context: str,
    state: StatusState,
    description: str,
    url: str | None,
    commit: str | None,
) -> None:
    """Report how a gate went for what stands in a service now.

    It is posted as a commit status on the commit that landed that version, where promotions look for it.
    """
    from updater import as_json
    from updater.by_hand.reporting import post
    from updater.by_hand.services import refresh
    from updater.cli import output
    from updater.forge import Status

    with common.opened_by_person() as workshop:
        sight = workshop.parts.sight
        refresh(sight)
        status = Status(context, state, sight.clock.now(), " ".join(description.split()), url)
        named = None if commit is None else workshop.mirror.resolve(commit)
        posted = post(sight, environment, service, status, named)
    if common.json:
        output.as_json({"statuses": [as_json.posted(place, status) for place in posted]})
        return
    for place in posted:
        click.echo(_told(place, status))


def _told(place: Posted, status: Status) -> str:
    from updater.core.messages import plain, short

    landed = dict.fromkeys(
        f"{target.environment}/{target.service} {short(each.version)}" for target, each in place.landed
    )
    of = f", which landed {' and '.join(landed)}" if landed else ""
    return f"{click.style(place.commit[:12], fg='yellow')} {plain(f'{status.context}: {status.state}{of}')}"
