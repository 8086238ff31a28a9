"""`updater handle`: does what events call for."""

from __future__ import annotations

from dataclasses import replace

import click

from updater.cli.options import Common, common
from updater.cli.telling import finish


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--source", help="What sent the payloads, for instance `artifact-registry`; without it FILEs hold records."
)
@common
def handle(common: Common, files: tuple[str, ...], source: str | None) -> None:
    """Commit what events call for, push it, and exit.

    FILE is a payload as its source sends it (with --source), or has one record a line:
    {"source": ..., "headers": ..., "body": ..., "time": ...}; `-` is standard input. Exit code 0 means that everything
    is on the remote, or that nothing was to be done.
    """
    from updater import pipeline
    from updater.adapters.clock import SystemClock
    from updater.cli import output, payloads

    read = payloads.read(files, source, SystemClock().now())
    with common.opened() as workshop:
        report = pipeline.handle(workshop.parts, read.deliveries)
    report = replace(report, problems=(*read.problems, *report.problems))
    output.report(report, {}, in_json=common.json)
    finish(report)
