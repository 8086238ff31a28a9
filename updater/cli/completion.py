"""`updater completion`: completion of commands and options in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

COMPLETE = "_UPDATER_COMPLETE"
"""The variable in which a shell asks for completions; see "Shell Completion" in click's documentation."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For bash, for instance: updater completion bash > ~/.local/share/bash-completion/completions/updater
    """
    completer = get_completion_class(shell)
    assert completer is not None, "click completes in all the shells that are offered"
    root = context.find_root()
    click.echo(completer(root.command, {}, "updater", COMPLETE).source())
