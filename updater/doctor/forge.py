"""The forge: whether it lets us in, and what it says about the branches that we push to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from updater.core.environment import Configuration, NamedEnvironment
from updater.doctor.checks import Check, fault, ok
from updater.errors import ForgeError, UsageError
from updater.forge import Connection, Forge
from updater.forges.github import GitHub


def checks(found: Configuration, forge: Callable[[], Forge], connection: Connection) -> Iterator[Check]:
    """What can be asked of any forge, and then what GitHub tells beside that."""
    is_needed = any(map(_needs_forge, found.environments))
    try:
        opened = forge()
        count = len(opened.opened())
    except UsageError as error:
        yield fault("forge", error) if is_needed else ok("forge", f"{error.message}; nothing here needs one")
        return
    except ForgeError as error:
        yield fault("forge", error)
        return
    yield ok("forge", f"lets us in; {count} of our pull requests are open")
    if isinstance(opened, GitHub):
        from updater.doctor import github  # not before: its library is an extra

        branches = dict.fromkeys(each.branch for each in found.environments if not each.proposes)
        yield from github.checks(connection, list(branches))


def _needs_forge(environment: NamedEnvironment) -> bool:
    promote = environment.settings.promote
    return environment.proposes or (promote is not None and bool(promote.statuses))
