"""`updater`: the map of commands, and the one place where a failure becomes words and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import click
from click.shell_completion import shell_complete

from updater import __version__
from updater.cli.check import check
from updater.cli.completion import COMPLETE, completion
from updater.cli.demo import demo
from updater.cli.doctor import doctor
from updater.cli.events import events
from updater.cli.handle import handle
from updater.cli.history import history
from updater.cli.hold import hold
from updater.cli.options import DEBUG
from updater.cli.plan import plan
from updater.cli.pr import pr
from updater.cli.promote import promote
from updater.cli.reconcile import reconcile
from updater.cli.release import release
from updater.cli.report import report
from updater.cli.rollback import rollback
from updater.cli.schema import schema
from updater.cli.serve import serve
from updater.cli.status import status
from updater.cli.telling import tell
from updater.errors import UpdaterError

INTERRUPTED = 130


@click.group(
    invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="updater")
@click.pass_context
def updater(context: click.Context) -> None:
    """Turns container-registry events into git commits that bump image tags in kustomize overlays.

    Exit codes: 0 done, or nothing to do; 1 unexpected; 2 usage; 3 configuration or overlay is wrong;
    4 unreadable or refused event; 5 git remote; 6 forge; 7 rendering; 130 interrupted.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (
    demo, check, plan, handle, reconcile, serve, promote, status, history, rollback, hold, release, pr, report, events,
    doctor, schema, completion,
):  # fmt: skip
    updater.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and ends the process with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Runs the command line and gives its exit code. Failures are told on standard error, in one line and a hint."""
    if asked := os.environ.get(COMPLETE):
        return shell_complete(updater, {}, "updater", COMPLETE, asked)
    debug = "--debug" in arguments
    try:
        with updater.make_context("updater", list(arguments)) as context:
            debug = context.meta.get(DEBUG, debug)
            updater.invoke(context)
        return 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        tell("interrupted", None)
        return INTERRUPTED
    except click.ClickException as error:
        tell(error.format_message(), _usage_hint(error))
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except UpdaterError as error:
        _trace(debug)
        tell(str(error), error.hint)
        return error.exit_code
    except Exception as error:
        _trace(debug)
        tell(f"unexpected: {type(error).__name__}: {error}", None if debug else "--debug shows where it comes from")
        return 1


def _usage_hint(error: click.ClickException) -> str | None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return None if context is None else f"`{context.command_path} --help` shows how it is used"


def _trace(debug: bool) -> None:
    if debug:
        traceback.print_exc()
