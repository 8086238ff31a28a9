"""What goes to standard error: failures with what to do about them, and how a command ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from updater.core.messages import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from updater.errors import UpdaterError
    from updater.pipeline import Report


class Warnings(logging.Handler):
    """Prints what the updater logs as warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        warn(record.getMessage())


def listen() -> None:
    """From now on warnings of the updater are told; once, however often this is called."""
    logger = logging.getLogger("updater")
    if not any(isinstance(handler, Warnings) for handler in logger.handlers):
        logger.addHandler(Warnings(logging.WARNING))


def warn(message: str) -> None:
    """Prints a warning in one line."""
    click.secho("warning: ", fg="yellow", bold=True, nl=False, err=True)
    click.echo(plain(message), err=True)


def tell(message: str, hint: str | None) -> None:
    """Prints an error in one line, and what to do about it."""
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(plain(message), err=True)
    if hint:
        click.secho("hint: ", fg="cyan", nl=False, err=True)
        click.echo(plain(hint), err=True)


def finish(report: Report) -> None:
    """Tells what belongs to no decision, and ends the command with the report's exit code."""
    for note in report.notes:
        click.echo(f"ignored: {plain(note)}", err=True)
    end(report.problems, report.exit_code)


def end(problems: Sequence[UpdaterError], exit_code: int | None = None) -> None:
    """Tells what went wrong, and ends the command with an exit code: that of the first problem, if none is given."""
    for problem in problems:
        tell(str(problem), problem.hint)
    first = next((problem.exit_code for problem in problems), 0)
    click.get_current_context().exit(first if exit_code is None else exit_code)
