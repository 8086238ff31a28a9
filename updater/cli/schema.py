"""`updater schema`: the JSON Schema of `environments/*.yaml`."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of environments/*.yaml, for editors.

    The first line of an environment's file tells an editor where it is:
    # yaml-language-server: $schema=environment.schema.json
    """
    from updater.cli import output
    from updater.config import json_schema

    output.as_json(json_schema())
