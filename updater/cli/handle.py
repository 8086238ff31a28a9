"""`updater handle`: does what events call for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common

if TYPE_CHECKING:
    from updater.pipeline import Report


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option(
    "--source", help="What sent the payloads, for instance `artifact-registry`; without it FILEs hold records."
)
@common
def handle(common: Common, files: tuple[str, ...], source: str | None) -> None:
    """Commit what events call for, push it, and exit.

    FILE is a payload as its source sends it (with --source), or has one record a line:
    {"source": …, "headers": …, "body": …, "time": …}; `-` is standard input. Exit code 0 means that everything
    is on the remote, or that nothing was to be done.
    """
    from updater import pipeline
    from updater.cli import output, payloads

    with common.opened() as workshop:
        read = payloads.read(files, source, workshop.parts.clock.now())
        report = pipeline.handle(workshop.parts, read.deliveries)
    report = replace(report, problems=(*read.problems, *report.problems))
    if common.json:
        output.as_json(output.report_json(report))
    else:
        output.report_text(report)
    finish(report)


def finish(report: Report) -> None:
    """Tells what belongs to no decision on standard error, and ends with the report's exit code."""
    from updater.cli.main import tell

    for note in report.notes:
        click.echo(f"ignored: {note}", err=True)
    for problem in report.problems:
        tell(str(problem), problem.hint)
    click.get_current_context().exit(report.exit_code)
