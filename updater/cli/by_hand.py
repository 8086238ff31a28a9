"""What the commands by hand have in common: they plan, show or carry out, and say how to undo it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import click

from updater.cli.options import Common

if TYPE_CHECKING:
    from updater.pipeline import Parts, Report
    from updater.planning import Plan
    from updater.proposing.drafting import Order
    from updater.sight import Sight

_DELIVER = "Commit to the branch, or open a pull request  [default: as the environment's file says]"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which services a command is about, in which environment, one image of them or all; how it is carried out."""

    services: tuple[str, ...]
    environment: str
    image: str | None
    deliver: str | None
    dry_run: bool


def services(flag: str, meaning: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds what names the services, the environment by `flag`, and how to deliver; the command gets it as `asked`."""

    def with_services(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.argument("services", metavar="SERVICE...", nargs=-1, required=True)
        @click.option(flag, "environment", metavar="ENV", required=True, help=meaning)
        @click.option("--image", metavar="IMAGE", help="Only this image of the services.")
        @click.option("--deliver", type=click.Choice(["commit", "pull-request"]), help=_DELIVER)
        @click.option("--dry-run", is_flag=True, help="Only show what would be done.")
        @wraps(command)
        def with_asked(
            *arguments: Any,
            services: tuple[str, ...],
            environment: str,
            image: str | None,
            deliver: str | None,
            dry_run: bool,
            **others: Any,
        ) -> Any:
            asked = Asked(services, environment, image, deliver, dry_run)
            return command(*arguments, asked=asked, **others)

        return with_asked

    return with_services


def one_line(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """A reason in one line, however it was typed: so it fits into a commit's text and a file."""
    return None if text is None else " ".join(text.split())


def carry_out(
    common: Common,
    asked: Asked,
    make: Callable[[Sight], Plan],
    *,
    reason: str | None = None,
    is_forced: bool = False,
) -> Report:
    """Does what is planned, by commits or a pull request, or shows it; and says how to undo it."""
    from updater import pipeline
    from updater.by_hand.services import refresh
    from updater.cli import output
    from updater.proposing import ordering
    from updater.proposing.drafting import Order

    order = Order(asked.environment, reason, is_forced, asked.deliver)
    with common.opened_by_person() as workshop:
        parts = workshop.parts
        refresh(parts.sight)
        plan = partial(make, parts.sight)
        is_proposed = ordering.is_by_pull_request(parts.sight, order)
        if asked.dry_run:
            made = pipeline.preview(parts, plan)
            report = pipeline.told(ordering.as_proposals(made) if is_proposed else made)
            more: dict[str, Any] = {"diff": output.diff_text(made.changes)}
        else:
            report = _proposed(parts, plan, order) if is_proposed else pipeline.perform(parts, plan)
            more = {"undo": _undo(report)}
    output.report(report, more, in_json=common.json)
    for hint in () if common.json else more.get("undo", ()):
        later = ", or git revert once it is merged" if hint.startswith("updater pr") else ""
        click.echo(f"{click.style('undo:', fg='cyan')} {hint}{later}")
    return report


def _proposed(parts: Parts, plan: Callable[[], Plan], order: Order) -> Report:
    from updater.pipeline import Report
    from updater.proposing import ordering

    settled = ordering.propose(parts.sight, parts.pause, plan, order)
    return Report(tuple(settled.decisions), problems=tuple(settled.problems), pulls=tuple(settled.pulls))


def _undo(report: Report) -> list[str]:
    """The commands that take it back; a pull request until it is merged, then `git revert` of what it became."""
    pulls = [kept.pull.number for kept in report.pulls if kept.pull.state == "open"]
    return [
        *(f"git revert {commit.sha[:12]}" for commit in report.commits),
        *(f"updater pr close {number}" for number in pulls),
    ]
