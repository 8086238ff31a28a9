"""What the commands by hand have in common: they plan, show or carry out, and say how to undo it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from updater.cli.options import Common

if TYPE_CHECKING:
    from updater.pipeline import Report
    from updater.planning import Plan
    from updater.sight import Sight


def services(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what names the services: `services`, `environment`, `image`; and `dry_run`."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Only show what would be done."),
        click.option("--image", metavar="IMAGE", help="Only this image of the services."),
        click.option("--env", "environment", metavar="ENV", required=True, help="The environment."),
        click.argument("services", metavar="SERVICE...", nargs=-1, required=True),
    ):
        command = option(command)
    return command


def one_line(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """A reason in one line, however it was typed: so it fits into a commit's text and a file."""
    return None if text is None else " ".join(text.split())


def carry_out(common: Common, make: Callable[[Sight], Plan], *, dry_run: bool) -> Report:
    """Does what is planned, or shows it, and says how to undo it."""
    from updater import pipeline
    from updater.by_hand.services import refresh
    from updater.cli import output

    with common.opened_by_person() as workshop:
        parts = workshop.parts
        refresh(parts.sight)

        def plan() -> Plan:
            return make(parts.sight)

        made = pipeline.preview(parts, plan) if dry_run else None
        report = pipeline.told(made) if made else pipeline.perform(parts, plan)
    hints = [f"git revert {commit.sha[:12]}" for commit in report.commits]
    output.report(report, {"diff": output.diff_text(made.changes)} if made else {"undo": hints}, in_json=common.json)
    for hint in () if common.json else hints:
        click.echo(f"{click.style('undo:', fg='cyan')} {hint}")
    return report
