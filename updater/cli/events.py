"""`updater events`: the inbox of the service on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from updater.cli.options import Common, common
from updater.cli.telling import end
from updater.errors import UsageError

if TYPE_CHECKING:
    from updater.adapters.inbox import Inbox
    from updater.adapters.inbox_rows import Row
    from updater.errors import UpdaterError

_ALL = 1_000_000


@click.group()
def events() -> None:
    """List, show and retry what the service accepted.

    That is in the state folder (UPDATER_STATE_DIR) of `updater serve`. What is done is forgotten after two weeks.
    """


@events.command("list")
@click.option("--state", type=click.Choice(["waiting", "done", "dead"]), help="Only what is in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at the most.")
@common
def list_(common: Common, state: str | None, limit: int) -> None:
    """List events, newest first.

    Those that are waiting are worked on, or tried again later; those that are dead are left to you: see `retry`.
    """
    from updater import as_json
    from updater.cli import event_output, output

    with _inbox(common) as inbox:
        found = [] if inbox is None else inbox.rows(state=state, limit=limit)
    if common.json:
        output.as_json({"events": [as_json.event(row) for row in found]})
    else:
        event_output.table(found)
        if not found:
            click.echo("the inbox is empty" if state is None else f"no event is {state}", err=True)


@events.command()
@click.argument("number", metavar="NUMBER", type=int)
@common
def show(common: Common, number: int) -> None:
    """Show one: what it is about, and what became of it."""
    from updater.cli import event_output, output

    with _inbox(common) as inbox:
        if inbox is None:
            raise _unknown(number)
        row, letter = _row(inbox, number), inbox.letter(number)
    if common.json:
        output.as_json(event_output.in_full_json(row, letter))
    else:
        event_output.in_full(row, letter)


@events.command()
@click.argument("numbers", metavar="[NUMBER...]", type=int, nargs=-1)
@click.option("--dead", is_flag=True, help="All that are dead.")
@common
def retry(common: Common, numbers: tuple[int, ...], dead: bool) -> None:
    """Have events tried again, however they ended.

    The service takes them up within seconds. A delivery that could not be read is read again by this release.
    """
    from updater import as_json
    from updater.cli import event_output, output

    if dead == bool(numbers):
        raise UsageError("which events?", hint="give their numbers, or --dead")
    with _inbox(common) as inbox:
        found, problems = _nothing(numbers) if inbox is None else _retry(inbox, numbers)
    if common.json:
        output.as_json({"events": [as_json.event(row) for row in found]})
    else:
        event_output.table(found)
        if not found:
            click.echo("no event is dead", err=True)
    end(problems)


@contextmanager
def _inbox(common: Common) -> Iterator[Inbox | None]:
    """The inbox for the repository; None where the service never had one here."""
    from updater.adapters import git, storage
    from updater.adapters.clock import SystemClock
    from updater.adapters.inbox import Inbox

    settings = common.settings()
    if settings.repository is None:
        raise UsageError("no repository is named", hint="give --repo or UPDATER_REPO, or stand in a clone of one")
    file = storage.inbox_file(git.remote(settings.repository), settings.state)
    if not file.exists():
        yield None
        return
    with closing(Inbox(file, SystemClock().now)) as inbox:
        yield inbox


def _nothing(numbers: Sequence[int]) -> tuple[list[Row], list[UpdaterError]]:
    """What is found where there is no inbox."""
    for number in numbers:
        raise _unknown(number)
    return [], []


def _retry(inbox: Inbox, numbers: Sequence[int]) -> tuple[list[Row], list[UpdaterError]]:
    """Has these tried again, all that are dead without a number; how they are now, and what is still wrong."""
    from updater import bootstrap
    from updater.service.rows import retry

    found = [_row(inbox, number) for number in numbers] or inbox.rows(state="dead", limit=_ALL)
    problems = retry(inbox, bootstrap.decoders(), found)
    return [_row(inbox, row.number) for row in found], problems


def _row(inbox: Inbox, number: int) -> Row:
    row = inbox.row(number)
    if row is None:
        raise _unknown(number)
    return row


def _unknown(number: int) -> UsageError:
    return UsageError(f"there is no event {number}", hint="`updater events list` shows what there is")
