"""`updater check`: configuration, overlays and rendering of a folder, and whether registries have what stands there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common

if TYPE_CHECKING:
    from updater.core.environment import Configuration
    from updater.core.inspection import Finding
    from updater.protocols import Tree


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--registry",
    "asks_registries",
    is_flag=True,
    help="Ask registries whether what stands is still there, and whether tags still name the pinned digests.",
)
@common
def check(common: Common, folder: Path, asks_registries: bool) -> None:
    """Check the files of a GitOps repository.

    Reads configuration and overlays in DIR as they are now, bumps and renders each overlay for a trial, and writes
    nothing. Every finding has its file and line; the exit code is that of the first error. Meant for CI and as a
    pre-commit hook.
    """
    from updater import bootstrap, config
    from updater.adapters.folder import FolderTree
    from updater.cli import output
    from updater.core import signing_keys
    from updater.core.inspection import in_order, inspect
    from updater.errors import UsageError

    if common.repository is not None:
        raise UsageError("`check` looks at a folder and at no --repo", hint="name the folder: `updater check DIR`")
    tree = FolderTree(folder)
    found = config.load(tree, "HEAD")
    found = replace(found, errors=(*found.errors, *signing_keys.problems(tree, found)))
    findings = inspect(tree, found, bootstrap.prover())
    if asks_registries:
        findings = in_order((*findings, *_drift(tree, found)))
    if common.json:
        output.as_json({"findings": [output.finding_json(finding) for finding in findings]})
    for finding in () if common.json else findings:
        output.finding(finding)
    errors = [finding for finding in findings if finding.exit_code]
    if not common.json:
        click.echo(f"{len(errors)} errors, {len(findings) - len(errors)} warnings", err=True)
    click.get_current_context().exit(errors[0].exit_code if errors else 0)


def _drift(tree: Tree, found: Configuration) -> Sequence[Finding]:
    from updater import bootstrap, settings
    from updater.core.drift import drift
    from updater.errors import UsageError

    with bootstrap.registries(os.environ, settings.read(os.environ).state) as registries:
        if registries is None:
            raise UsageError("registries cannot be asked here", hint="install manifest-updater[registry]")
        return drift(tree, found, registries.digests)
