"""`updater reconcile`: one pass over what waits."""

from __future__ import annotations

import click

from updater.cli.options import Common, common
from updater.cli.telling import finish


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@common
def reconcile(common: Common, dry_run: bool) -> None:
    """Land what waited and may land now, and exit.

    A version that met a freeze, `paused` or a hold with an end waits on the remote, in
    refs/updater/waiting/ENVIRONMENT. It lands when its time has come, if nothing newer stands by then.
    """
    from updater import pipeline
    from updater.cli import output

    with common.opened() as workshop:
        if dry_run:
            workshop.mirror.refresh()
            made = pipeline.preview(workshop.parts, pipeline.for_everything(workshop.parts))
            report, more = pipeline.told(made), {"diff": output.diff_text(made.changes)}
        else:
            report, more = pipeline.reconcile(workshop.parts), {}
    output.report(report, more, in_json=common.json)
    if not (common.json or report.decisions):
        click.echo("nothing waits", err=True)
    finish(report)
