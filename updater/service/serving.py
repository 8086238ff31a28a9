"""Settings to a running service: what is made, in which order it starts and how it ends."""

from __future__ import annotations

import logging
import os
import random
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial

from updater import admission, bootstrap
from updater.adapters import git, http, process, storage
from updater.adapters.clock import SystemClock
from updater.adapters.inbox import Inbox
from updater.errors import UsageError
from updater.model import Reported
from updater.pipeline import Parts
from updater.service import feeding
from updater.service.feeding import Supply
from updater.service.rows import InboxRows
from updater.service.settings import Service
from updater.service.state import State
from updater.settings import Settings
from updater.sources import settings as pubsub_settings
from updater.telling import logs
from updater.telling.metrics import Metrics
from updater.web.api import Office
from updater.web.app import make_app
from updater.web.desk import Desk
from updater.web.health import Health
from updater.web.hooks import Reception
from updater.web.server import bound, serve
from updater.working.bell import Bell
from updater.working.posting import post
from updater.working.worker import Tools, Worker

GRACE = 8.0
"""Seconds that the end may take: requests under way, and the push that is being made."""
_REQUESTS = 2.0
_FETCHING = 5.0
_KEYS = 1_048_576
_POSTING = 8.0
_SWITCHING = 0.001
_logger = logging.getLogger(__name__)


def run(settings: Settings, service: Service, environ: Mapping[str, str]) -> None:
    """Serves until SIGTERM or SIGINT. Raises `UsageError` where a setting is wrong, before anything is begun."""
    if settings.repository is None:
        raise UsageError("no repository is named", hint="give --repo or UPDATER_REPO, or stand in a clone of one")
    asked = logs.read(environ, is_terminal=sys.stderr.isatty())
    logs.set_up(sys.stderr, form=asked.form, secrets=logs.secrets(environ), level=asked.level)
    sys.setswitchinterval(_SWITCHING)  # web hooks are answered while the worker computes
    clock, bell, decoders = SystemClock(), Bell(), bootstrap.decoders()
    metrics = Metrics(decoders)
    fetch = partial(http.get, seconds=_FETCHING, max_bytes=_KEYS)
    admitting = admission.read(environ, decoders, is_loopback=service.is_loopback, now=clock.now, fetch=fetch)
    pulling = pubsub_settings.read(environ, decoders)
    with ExitStack() as stack:
        listening = stack.enter_context(_listening(service))
        inbox = Inbox(storage.inbox_file(git.remote(settings.repository), settings.state), clock.now, keep=service.keep)
        stack.callback(inbox.close)
        supply = feeding.supply(pulling, inbox, decoders, bell, metrics, clock.now, stack)
        metrics.watch_inbox(inbox.depth, clock.now)
        metrics.watch_subscriptions(lambda: sum(feed.depth() for feed in supply.pulled))
        state = State(metrics, clock.now, lambda _: None)
        opened = partial(_opened, settings, metrics)
        posting, asking = Desk("posting", opened), Desk("asking", opened)
        worker = Worker(
            Tools(opened, clock.now, time.monotonic, random.random), supply.feeds, bell, state, service.interval
        )
        thread = threading.Thread(target=worker.run, name="worker", daemon=True)

        async def posted(reported: Sequence[Reported]) -> None:
            await posting.ask(lambda sight: post(sight, reported), _POSTING)

        reception = Reception(admitting, decoders, supply.intake, posted, bell, clock.now, metrics.hook)
        office = Office(asking, InboxRows(inbox, decoders), bell, service.tokens)
        app = make_app(
            reception, office, partial(_health, state, supply, thread), metrics.exposed,
            partial(_living, thread, supply),
        )  # fmt: skip
        _introduce(listening, settings, admitting)
        serve(app, listening, bell.stop, proxies=service.proxies, grace=_REQUESTS)
        _end(thread, bell, [posting, asking])
    _logger.info("stopped")
    _leave(thread)


@contextmanager
def _opened(settings: Settings, metrics: Metrics) -> Iterator[Parts]:
    """The parts for the repository, for one thread."""
    with bootstrap.opened(settings, watch=metrics.forge_called) as workshop:
        parts = workshop.parts

        def pause(number: int) -> None:
            metrics.push_retried()
            parts.pause(number)

        yield replace(parts, pause=pause)


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
async def _living(thread: threading.Thread, supply: Supply) -> AsyncIterator[None]:
    """From the start of the server to its end."""
    thread.start()
    for feed in supply.pulled:
        feed.start()
    yield
    for feed in supply.pulled:
        feed.stop()


def _health(state: State, supply: Supply, thread: threading.Thread) -> Health:
    problem = supply.intake.problem()
    faults = {"intake": problem} if problem else {}
    doubts = {**state.doubts, **supply.problems()}
    if not state.is_open:
        doubts.setdefault("repository", "it is not open yet")
    return Health(thread.is_alive(), faults, doubts)


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


def _end(thread: threading.Thread, bell: Bell, desks: Sequence[Desk]) -> None:
    """The push in flight ends, or is killed: nobody is lost, since its items were not settled."""
    bell.stop()
    for desk in desks:
        desk.close()
    thread.join(GRACE - _REQUESTS)
    if thread.is_alive():
        _logger.warning(
            "what is under way did not end in time and is broken off; it is done again after the next start"
        )
        process.kill_all()
        thread.join(1.0)


def _leave(thread: threading.Thread) -> None:
    """Ends the process where a thread hangs on something that nobody waits for."""
    logging.shutdown()
    others = [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
    if thread.is_alive() or others:
        os._exit(0)
