"""`updater doctor`: what is missing in a live set-up, and how to mend it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from updater.cli.options import Common, common

if TYPE_CHECKING:
    from updater.doctor.checks import Check

_COLOURS = {"ok": "green", "warning": "yellow", "fault": "red"}


@click.command()
@common
def doctor(common: Common) -> None:
    """Look at a live set-up: what is missing, and how to mend it.

    Looks at git, kustomize, the state folder, the repository, the forge and whatever else the settings name, and says
    of each thing in one line whether it is in order. Run it where the service runs, with the same settings. Whether it
    may write to the repository is tried with two refs that are taken away at once. The exit code is that of the fault
    on which most depends: 2 to 7.
    """
    from updater.cli import output
    from updater.doctor import examine
    from updater.doctor.checks import exit_code

    found = list(_told(examine(common.settings(), os.environ), in_json=common.json))
    if common.json:
        output.as_json({"checks": [_json(check) for check in found]})
    faults, warnings = (sum(check.state == state for check in found) for state in ("fault", "warning"))
    click.echo(f"{len(found)} checks, {faults} faults, {warnings} warnings", err=True)
    click.get_current_context().exit(exit_code(found))


def _told(checks: Iterator[Check], *, in_json: bool) -> Iterator[Check]:
    """Prints each check for a person as soon as it is done."""
    for check in checks:
        if not in_json:
            _line(check)
        yield check


def _line(check: Check) -> None:
    from updater.core.messages import plain

    hint = f"  ({plain(check.hint)})" if check.hint else ""
    click.echo(f"{click.style(f'{check.state:<8}', fg=_COLOURS[check.state])} {check.name}: {plain(check.told)}{hint}")


def _json(check: Check) -> dict[str, Any]:
    return {"name": check.name, "state": check.state, "told": check.told, "hint": check.hint}
