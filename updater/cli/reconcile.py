"""`updater reconcile`: one pass over everything that needs no event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common
from updater.cli.telling import finish
from updater.errors import UsageError

if TYPE_CHECKING:
    from updater.polling import Listings
    from updater.sight import Sight


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option(
    "--registry",
    "asks_registries",
    is_flag=True,
    help="Ask registries for their tags, too: pushes that no event told of land.",
)
@common
def reconcile(common: Common, dry_run: bool, asks_registries: bool) -> None:
    """Promote, keep pull requests up to date, land what waited.

    Promotions need no event: what the environments before have proved is compared with what stands. A pushed version
    that met a freeze, `paused` or a hold with an end waits on the remote, in refs/updater/waiting/ENVIRONMENT. It lands
    when its time has come, if nothing newer stands by then.

    With --registry, each followed image costs one list of tags. What ranks above what stands is decided on as if it had
    been pushed now: what was missed, and what a new overlay or a wider rule lets in. A registry that does not answer is
    a problem (exit code 4), and everything else goes on.
    """
    from updater import pipeline, polling
    from updater.cli import output
    from updater.core.messages import stamp

    with common.opened() as workshop:
        listings = _listings(workshop.parts.sight) if asks_registries else polling.NO_LISTINGS
        if dry_run:
            changes, report = pipeline.rehearse(workshop.parts, listings)
            more = {"diff": output.diff_text(changes)}
        else:
            report, more = pipeline.reconcile(workshop.parts, listings), {}
    due = None if report.due is None else stamp(report.due)
    output.report(report, {**more, "due": due}, in_json=common.json)
    if not (common.json or report.decisions):
        click.echo("nothing is to be done", err=True)
    if due is not None and not common.json:
        click.echo(f"look again at {due}", err=True)
    finish(report)


def _listings(sight: Sight) -> Listings:
    """What registries list of all that is followed, as the remote has it now."""
    from updater import polling

    if sight.registries is None:
        raise UsageError("registries cannot be asked here", hint="install manifest-updater[registry]")
    sight.repository.refresh()
    return sight.registries.listings(polling.wanted(sight))
