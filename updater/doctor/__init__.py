"""`updater doctor`: looks at a live set-up, one check after the other, and says how to mend what is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from updater import bootstrap
from updater.adapters import git, storage
from updater.adapters.clock import SystemClock
from updater.bootstrap import Workshop
from updater.core.environment import Configuration
from updater.doctor import clock, forge, machine, repository
from updater.doctor.checks import Check, fault, warning
from updater.errors import UpdaterError
from updater.forge import Connection
from updater.settings import Settings
from updater.sight import Sight


def examine(settings: Settings, environ: Mapping[str, str]) -> Iterator[Check]:
    """Everything that can be looked at, in the order in which it rests on what comes before.

    Writes only what it takes away again: a file in the state folder, and two refs on the remote.
    """
    yield machine.python()
    yield machine.git(environ)
    yield machine.state(settings.state)
    yield from _service(settings, environ)
    try:
        with bootstrap.opened(settings) as workshop:
            yield from _repository(workshop, settings, environ)
    except UpdaterError as error:
        yield fault("repository", error)


def _service(settings: Settings, environ: Mapping[str, str]) -> Iterator[Check]:
    """What only the service needs. Without its extra it cannot run here, and nobody may want it to."""
    try:
        from updater.doctor import service
    except ImportError as error:
        hint = "install manifest-updater[serve] where it is to run"
        yield warning("service", f"`updater serve` needs more than is installed: {error.name} is missing", hint)
        return
    now = SystemClock().now
    yield from service.checks(environ, now)
    if settings.repository is not None:
        yield service.inbox(storage.inbox_file(git.remote(settings.repository), settings.state), now)


def _repository(workshop: Workshop, settings: Settings, environ: Mapping[str, str]) -> Iterator[Check]:
    sight, url = workshop.parts.sight, workshop.mirror.git.remote.url
    yield repository.answers(sight.repository, url)
    yield from clock.checks(url, sight.clock.now)
    found = repository.read(sight)
    yield from repository.branches(sight.repository, found.environments)
    yield repository.configuration(sight, found)
    yield machine.renderer(environ, is_needed=_renders(found))
    yield from repository.rights(sight)
    connection = Connection(url, settings.author, environ, sight.clock.now, time.sleep, settings.git_seconds)
    yield from forge.checks(found, workshop.forge, connection)
    yield from _registries(sight, found, environ)


def _registries(sight: Sight, found: Configuration, environ: Mapping[str, str]) -> Iterator[Check]:
    try:
        from updater.doctor import registries  # not before: its libraries are an extra
    except ImportError as error:
        told = f"no registry can be asked, which needs more than is installed: {error.name} is missing"
        yield warning("registry", told, "install manifest-updater[registry]")
        return
    yield from registries.checks(sight, found.environments, environ)


def _renders(found: Configuration) -> bool:
    """Whether overlays are rendered; where nothing is known of the environments, so it is to be."""
    return not found.environments or any(each.settings.verify == "render" for each in found.environments)
