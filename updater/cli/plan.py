"""`updater plan`: what events would do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common
from updater.cli.telling import finish

if TYPE_CHECKING:
    from updater.bootstrap import Workshop
    from updater.protocols import Tree
    from updater.sight import ReadConfiguration


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--source", help="What sent the payloads, for instance `artifact-registry`; without it FILEs hold records."
)
@click.option("--ref", metavar="COMMIT|FOLDER", help="Take `environments/` from this branch, commit or folder instead.")
@common
def plan(common: Common, files: tuple[str, ...], source: str | None, ref: str | None) -> None:
    """Show what events would do; write nothing.

    Prints the decisions and the diff. FILE is as for `updater handle`. With --ref a change of configuration can be
    tried before it is merged.
    """
    from updater import pipeline
    from updater.adapters.clock import SystemClock
    from updater.cli import output, payloads

    read = payloads.read(files, source, SystemClock().now())
    with common.opened() as workshop:
        parts = workshop.parts
        if ref is not None:
            configuration = _configured_by(workshop, ref)
            parts = replace(parts, sight=replace(parts.sight, configuration=configuration))
        changes, report = pipeline.plan(parts, read.deliveries)
    report = replace(report, problems=(*read.problems, *report.problems))
    output.report(report, {"diff": output.diff_text(changes)}, in_json=common.json)
    finish(report)


def _configured_by(workshop: Workshop, ref: str) -> ReadConfiguration:
    """Reads the environments from a folder or another commit, whatever tree is asked for."""
    from updater.adapters.folder import FolderTree

    read = workshop.parts.sight.configuration
    if Path(ref).is_dir():
        tree: Tree = FolderTree(Path(ref))
    else:
        workshop.mirror.refresh(frozenset({ref}))
        tree = workshop.mirror.tree(workshop.mirror.resolve(ref))
    return lambda _, default_branch: read(tree, default_branch)
