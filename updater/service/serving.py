"""A running service: what is begun and ended in which order."""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial

from updater import admission, bootstrap
from updater.adapters import http, process
from updater.adapters.clock import SystemClock
from updater.errors import UsageError
from updater.service.crew import Crew, crew
from updater.service.rows import InboxRows
from updater.service.settings import Service
from updater.settings import Settings
from updater.telling import logs
from updater.telling.lines import Lines
from updater.web.api import Office
from updater.web.app import make_app
from updater.web.hooks import Reception
from updater.web.server import bound, serve

GRACE = 7.0
"""Seconds that requests under way and the push that is being made may take in the end."""
_REQUESTS = 2.0
_KILLED = 0.5
_GIVING_BACK = 2.5
_FETCHING = 5.0
_KEYS = 1_048_576
_SWITCHING = 0.0005
_logger = logging.getLogger(__name__)


def run(settings: Settings, service: Service, environ: Mapping[str, str]) -> None:
    """Serves until SIGTERM or SIGINT. Raises `UsageError` where a setting is wrong, before anything is begun."""
    with _logging(environ):
        _run(settings, service, environ)
    _leave()


def _run(settings: Settings, service: Service, environ: Mapping[str, str]) -> None:
    sys.setswitchinterval(_SWITCHING)  # web hooks are answered while the worker computes
    now, decoders = SystemClock().now, bootstrap.decoders()
    fetch = partial(http.get, seconds=_FETCHING, max_bytes=_KEYS)
    admitting = admission.read(environ, decoders, is_loopback=service.is_loopback, now=now, fetch=fetch)
    with ExitStack() as stack:
        listening = stack.enter_context(_listening(service))
        made = crew(settings, service, environ, decoders, now, stack)
        reception = Reception(admitting, decoders, made.supply.intake, made.post, made.bell, now, made.metrics.hook)
        office = Office(made.asking, InboxRows(made.inbox, decoders), made.bell, service.tokens)
        app = make_app(reception, office, made.health, made.metrics.exposed, partial(_living, made))
        _introduce(listening, settings, admitting)
        gc.freeze()  # what is there by now stays; to look through it again and again would make web hooks wait
        serve(app, listening, made.bell.stop, proxies=service.proxies, grace=_REQUESTS)
        _end(made)
        _logger.info("stopped")


@contextmanager
def _logging(environ: Mapping[str, str]) -> Iterator[None]:
    """Logs as the environment asks for it; in the end everything is written."""
    asked = logs.read(environ, is_terminal=sys.stderr.isatty())
    hidden = logs.secrets(environ)
    lines = Lines(sys.stderr)
    logs.set_up(lines, form=asked.form, secrets=hidden, level=asked.level)
    logging.getLogger("updater").handlers.clear()  # what commands print for people, secrets and all
    try:
        yield
    finally:
        lines.close()


@contextmanager
def _listening(service: Service) -> Iterator[socket.socket]:
    try:
        made = bound(service.host, service.port)
    except OSError as error:
        raise UsageError(
            f"UPDATER_LISTEN: {service.host}:{service.port} cannot be listened on: {error.strerror}",
            hint="choose another port, or end what listens there",
        ) from error
    with made:
        yield made


@asynccontextmanager
async def _living(made: Crew) -> AsyncIterator[None]:
    """Begins when the server does. The end is `_end`'s: what lands until then is to be acked."""
    made.worker.start()
    for teller in made.tellers:
        threading.Thread(target=teller.run, name="teller", daemon=True).start()
    for feed in made.supply.pulled:
        feed.start()
    yield


def _introduce(listening: socket.socket, settings: Settings, admitting: admission.Admission) -> None:
    host, port = listening.getsockname()[:2]
    _logger.info("serving %s on %s:%s", settings.repository, host, port)
    ways: dict[str, list[str]] = {}
    for source, how in admitting.open_sources().items():
        ways.setdefault("closed, without a secret" if how.startswith("closed") else how, []).append(source)
    for how, sources in ways.items():
        _logger.info("/hooks/ of %s: %s", ", ".join(sources), how)
    for warning in admitting.warnings():
        _logger.warning("%s", warning)


def _end(made: Crew) -> None:
    """The push in flight ends, or is killed: nothing is lost, since its items were not settled."""
    made.bell.stop()
    for teller in made.tellers:
        teller.stop()
    for desk in (made.posting, made.asking):
        desk.close()
    made.worker.join(GRACE - _REQUESTS)
    if made.worker.is_alive():
        _logger.warning("what is under way did not end in time and is broken off; the next start does it again")
        process.kill_all()
        made.worker.join(_KILLED)
    made.supply.stop(_GIVING_BACK)


def _leave() -> None:
    """Ends the process where a thread hangs on something that nobody waits for."""
    logging.shutdown()
    named = {"worker", "teller", "log"}
    if any(each.name in named or not each.daemon for each in threading.enumerate() if each.name != "MainThread"):
        process.kill_all()  # what was begun since then would go on without us
        os._exit(0)
