"""What every command takes, and how it gets at the repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from updater.bootstrap import Workshop
    from updater.settings import Settings

DEBUG = "updater.debug"


@dataclass(frozen=True, slots=True)
class Common:
    """The options of every command. `json` is whether JSON goes to standard output, alone."""

    repository: str | None
    json: bool

    def settings(self) -> Settings:
        """Settings with --repo, else UPDATER_REPO, else the remote `origin` of the repository one stands in."""
        from updater import settings
        from updater.cli.telling import listen

        listen()
        found = settings.read(os.environ)
        named = self.repository or found.repository
        if named is None:
            from updater.adapters import checkout

            named = checkout.origin(Path.cwd())
        return replace(found, repository=named)

    @contextmanager
    def opened(self) -> Iterator[Workshop]:
        """The parts for the repository, open."""
        from updater import bootstrap

        settings = self.settings()
        with (
            bootstrap.registries(os.environ, settings.state) as registries,
            bootstrap.opened(settings, asked=registries) as workshop,
        ):
            yield workshop

    @contextmanager
    def opened_by_person(self) -> Iterator[Workshop]:
        """The same, but commits are by the person that git knows, if it knows one."""
        from updater import bootstrap
        from updater.adapters import checkout

        settings = self.settings()
        person = None if "UPDATER_AUTHOR" in os.environ else checkout.person(Path.cwd())
        with bootstrap.opened(replace(settings, author=person or settings.author)) as workshop:
            yield workshop


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of every command; it gets them as `common`."""

    @click.option(
        "--repo", metavar="REPO", help="Path or URL of the GitOps repository  [default: UPDATER_REPO, else `origin`]"
    )
    @click.option(
        "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="What to print."
    )
    @click.option("--debug", is_flag=True, expose_value=False, callback=_debug, help="Show where an error comes from.")
    @wraps(command)
    def with_options(*arguments: Any, repo: str | None, output: str, **others: Any) -> Any:
        return command(*arguments, common=Common(repo, output == "json"), **others)

    return with_options


def _debug(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    context.meta[DEBUG] = wanted
