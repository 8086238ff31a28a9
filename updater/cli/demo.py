"""`updater demo`: the whole story on a scratch repository."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common

if TYPE_CHECKING:
    from updater.pipeline import Report

_ENVIRONMENTS = ("test", "staging", "production")


@click.command()
@common
def demo(common: Common) -> None:
    """Tell the whole story on a scratch repository.

    It is made from the sample: images are pushed, commits come out for test and pull requests for staging, somebody
    approves and somebody takes back; all told step by step with the real diffs. Needs no network, writes only below
    the temporary folder, and leaves nothing behind.
    """
    from updater import as_json, bootstrap, settings
    from updater.adapters import sample
    from updater.adapters.clock import SystemClock
    from updater.cli import output
    from updater.cli.story import Stage, story

    now = SystemClock().now()
    told = []
    with tempfile.TemporaryDirectory(prefix="updater-demo-") as scratch:
        bare = sample.make(Path(scratch), now - timedelta(days=1), _additions(common))
        read = settings.read(os.environ)
        chosen = replace(read, repository=str(bare), forge="local", state=Path(scratch) / "state")
        _say(common, "A scratch repository from the sample", "`test` follows the registry, `staging` promotes from it.")
        with bootstrap.opened(chosen) as workshop:
            stage = Stage(workshop.parts, bare, now)
            for step in story():
                report = step.play(stage)
                told.append({"step": step.title, **as_json.report(report)})
                _say(common, step.title, step.meaning)
                _show(common, report, bare)
        _say(common, "The remote's history", "`git revert` of any commit takes back that one service.")
        if common.json:
            output.as_json({"steps": told})
        else:
            click.echo(sample.log(bare))


def _additions(common: Common) -> dict[str, str]:
    """Without a kustomize the sample asks for `verify: parse`."""
    from updater.adapters import kustomize
    from updater.errors import UpdaterError

    try:
        version = kustomize.find(os.environ).version
    except UpdaterError as error:
        _say(common, "Rendering", f"{error}: overlays are parsed only (`verify: parse`).")
        return {f"environments/{name}.yaml": "\nverify: parse\n" for name in _ENVIRONMENTS}
    _say(common, "Rendering", f"Each new shape of an overlay is proved by rendering it ({version.split()[0]}).")
    return {}


def _say(common: Common, title: str, meaning: str) -> None:
    if not common.json:
        click.secho(f"\n▸ {title}", bold=True)
        click.echo(f"  {meaning}")


def _show(common: Common, report: Report, bare: Path) -> None:
    from updater.adapters import sample
    from updater.cli import output

    if common.json:
        return
    click.echo()
    output.report_text(replace(report, commits=()))
    for commit in report.commits:
        click.echo()
        output.diff(sample.show(bare, commit.sha))
    for kept in [kept for kept in report.pulls if kept.told == "opened"][-1:]:
        click.echo(f"\nThe text of #{kept.pull.number}:\n")
        output.diff(kept.pull.body)
    for problem in report.problems:
        click.secho(f"error: {problem}", fg="red")
