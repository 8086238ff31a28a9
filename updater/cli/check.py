"""`updater check`: configuration, overlays and rendering of a folder."""

from __future__ import annotations

from pathlib import Path

import click

from updater.cli.options import Common, common


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@common
def check(common: Common, folder: Path) -> None:
    """Check the files of a GitOps repository.

    Reads configuration and overlays in DIR as they are now, bumps and renders each overlay for a trial, and writes
    nothing. Every finding has its file and line; the exit code is that of the first error. Meant for CI and as a
    pre-commit hook.
    """
    from updater import bootstrap, config
    from updater.adapters.folder import FolderTree
    from updater.cli import output
    from updater.core.inspection import inspect

    tree = FolderTree(folder)
    findings = inspect(tree, config.load(tree, "HEAD"), bootstrap.prover())
    if common.json:
        output.as_json({"findings": [output.finding_json(finding) for finding in findings]})
    for finding in () if common.json else findings:
        output.finding(finding)
    errors = [finding for finding in findings if finding.exit_code]
    if not common.json:
        click.echo(f"{len(errors)} errors, {len(findings) - len(errors)} warnings", err=True)
    click.get_current_context().exit(errors[0].exit_code if errors else 0)
