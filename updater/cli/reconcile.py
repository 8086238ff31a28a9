"""`updater reconcile`: one pass over everything that needs no event."""

from __future__ import annotations

import click

from updater.cli.options import Common, common
from updater.cli.telling import finish


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@common
def reconcile(common: Common, dry_run: bool) -> None:
    """Promote, keep pull requests up to date, land what waited.

    Promotions need no event: what the environments before have proved is compared with what stands. A pushed version
    that met a freeze, `paused` or a hold with an end waits on the remote, in refs/updater/waiting/ENVIRONMENT. It lands
    when its time has come, if nothing newer stands by then.
    """
    from updater import pipeline
    from updater.cli import output
    from updater.core.messages import stamp

    with common.opened() as workshop:
        if dry_run:
            changes, report = pipeline.rehearse(workshop.parts)
            more = {"diff": output.diff_text(changes)}
        else:
            report, more = pipeline.reconcile(workshop.parts), {}
    due = None if report.due is None else stamp(report.due)
    output.report(report, {**more, "due": due}, in_json=common.json)
    if not (common.json or report.decisions):
        click.echo("nothing is to be done", err=True)
    if due is not None and not common.json:
        click.echo(f"look again at {due}", err=True)
    finish(report)
