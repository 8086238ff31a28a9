"""`updater pr`: our pull requests, on any forge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from updater.cli import by_hand
from updater.cli.options import Common, common

if TYPE_CHECKING:
    from updater.forge import Method
    from updater.sight import Sight


@contextmanager
def _sight(common: Common) -> Iterator[Sight]:
    """What the remote has now, seen by the person that git knows."""
    from updater.by_hand.services import refresh

    with common.opened_by_person() as workshop:
        refresh(workshop.parts.sight)
        yield workshop.parts.sight


_ENVIRONMENT = click.option("--env", "environment", metavar="ENV", help="Only this environment.")


def _wanted(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what names open pull requests: `wanted` and `environment`."""
    return click.argument("wanted", metavar="NUMBER|GLOB...", nargs=-1, required=True)(_ENVIRONMENT(command))


@click.group()
def pr() -> None:
    """List, show, merge and close our pull requests.

    And approve and reopen them. GLOB is matched against ENVIRONMENT/SERVICE, and against SERVICE alone.
    """


@pr.command("list")
@click.argument("wanted", metavar="[GLOB...]", nargs=-1)
@_ENVIRONMENT
@click.option("--all", "settled", is_flag=True, help="Merged and closed ones, too: the newest ten of each branch.")
@common
def list_(common: Common, wanted: tuple[str, ...], environment: str | None, settled: bool) -> None:
    """List open pull requests, or all."""
    from updater import as_json
    from updater.by_hand import pulls
    from updater.cli import output, pull_output

    with _sight(common) as sight:
        found = pulls.listed(sight, wanted, environment, settled=settled)
    if common.json:
        output.as_json({"pull_requests": [as_json.pull(pull) for pull in found]})
    else:
        pull_output.table(found)
        if not found:
            click.echo("there is no such pull request" if wanted else "no pull request is open", err=True)


@pr.command()
@click.argument("number", metavar="NUMBER")
@common
def show(common: Common, number: str) -> None:
    """Show one: its state, who approved it, its gates and its text."""
    from updater.by_hand import pulls
    from updater.cli import output, pull_output

    with _sight(common) as sight:
        pull = pulls.one(sight, number)
    if common.json:
        output.as_json(pull_output.in_full_json(pull))
    else:
        pull_output.in_full(pull)


@pr.command()
@_wanted
@click.option(
    "--method",
    type=click.Choice(["merge", "squash", "rebase"]),
    help="How  [default: as the environment says, else the first that the repository allows]",
)
@common
def merge(common: Common, wanted: tuple[str, ...], environment: str | None, method: Method | None) -> None:
    """Merge open pull requests, as they are now.

    One whose head moves meanwhile is not merged. Works in a freeze, too, with a warning: this is a person's act.
    """
    from updater.by_hand import pulls, settling
    from updater.cli import pull_output
    from updater.cli.telling import warn

    with _sight(common) as sight:
        found = pulls.chosen(sight, wanted, environment)
        for doubt in settling.doubts(sight, found):
            warn(doubt)
        done = settling.merge(sight, found, method)
    pull_output.finish(done, in_json=common.json)


@pr.command()
@_wanted
@click.option("--reason", callback=by_hand.one_line, help="Why; it becomes a comment.")
@common
def close(common: Common, wanted: tuple[str, ...], environment: str | None, reason: str | None) -> None:
    """Close open pull requests: a no to what they propose.

    Those versions are not proposed again, newer ones are. `updater pr reopen`, `release` and `promote` lift it.
    """
    from updater.by_hand import pulls, settling
    from updater.cli import pull_output

    with _sight(common) as sight:
        done = settling.close(sight, pulls.chosen(sight, wanted, environment), reason)
    pull_output.finish(done, in_json=common.json)


@pr.command()
@click.argument("number", metavar="NUMBER")
@common
def reopen(common: Common, number: str) -> None:
    """Open a closed one again: what it proposes is wanted after all."""
    from updater.by_hand import pulls, settling
    from updater.cli import pull_output

    with _sight(common) as sight:
        done = settling.reopen(sight, pulls.one(sight, number))
    pull_output.finish([done], in_json=common.json)


@pr.command()
@_wanted
@common
def approve(common: Common, wanted: tuple[str, ...], environment: str | None) -> None:
    """Approve open pull requests, as they are now.

    From then on no newer version moves them, unless the environment says `move: always`.
    """
    from updater.by_hand import pulls, settling
    from updater.cli import pull_output

    with _sight(common) as sight:
        done = settling.approve(sight, pulls.chosen(sight, wanted, environment))
    pull_output.finish(done, in_json=common.json)
