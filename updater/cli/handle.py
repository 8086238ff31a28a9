"""`updater handle`: does what events call for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common
from updater.cli.telling import finish

if TYPE_CHECKING:
    from updater.errors import UpdaterError
    from updater.model import Reported
    from updater.sight import Sight


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
    from updater.decoding import decode

    read = payloads.read(files, source, SystemClock().now())
    with common.opened() as workshop:
        decoding = decode(workshop.parts.decoders, read.deliveries)
        report = pipeline.land(workshop.parts, decoding)
        unposted = [error for each in decoding.reported if (error := _unposted(workshop.parts.sight, each)) is not None]
    report = replace(report, problems=(*read.problems, *report.problems, *unposted))
    output.report(report, {}, in_json=common.json)
    finish(report)


def _unposted(sight: Sight, reported: Reported) -> UpdaterError | None:
    """Posts a gate's result; what keeps it from that."""
    from updater.errors import UpdaterError
    from updater.working.posting import post

    try:
        post(sight, [reported])
    except UpdaterError as error:
        return error
    return None
