"""Who works in a service, made from settings: the worker, the desks, who tells others, and what they share."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from updater import bootstrap
from updater.adapters import git, storage
from updater.adapters.inbox import Inbox
from updater.errors import StorageError, UsageError
from updater.model import Reported
from updater.pipeline import Parts, Report
from updater.protocols import Decoder
from updater.registry import Registries
from updater.service import feeding
from updater.service.counted import Counted
from updater.service.feeding import Supply
from updater.service.settings import Service
from updater.service.state import State
from updater.service.teller import Teller, sender
from updater.settings import Settings
from updater.sources import settings as pubsub_settings
from updater.telling.metrics import Metrics
from updater.telling.outcomes import Outcomes
from updater.web.desk import Desk
from updater.web.health import Health
from updater.working.bell import Bell
from updater.working.posting import post
from updater.working.worker import Tools, Worker

_logger = logging.getLogger(__name__)
_POSTING = 8.0
"""Seconds in which a gate's result has to be on the forge: GitHub waits for ten."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Everybody, not yet at work. Each desk and thread has the repository open for itself."""

    inbox: Inbox
    supply: Supply
    bell: Bell
    metrics: Metrics
    state: State
    worker: threading.Thread
    tellers: Sequence[Teller]
    posting: Desk
    asking: Desk

    def health(self) -> Health:
        """How all of them are."""
        problem = self.supply.intake.problem()
        faults = {"intake": problem} if problem else {}
        doubts = {**self.state.doubts, **self.supply.problems()}
        if not self.state.is_open:
            doubts.setdefault("repository", "it is not open yet")
        return Health(self.worker.is_alive(), faults, doubts)

    async def post(self, reported: Sequence[Reported]) -> None:
        """Posts gates' results where promotions look for them. Raises `UpdaterError`."""
        await self.posting.ask(lambda sight: post(sight, reported), _POSTING)


def crew(
    settings: Settings,
    service: Service,
    environ: Mapping[str, str],
    decoders: Mapping[str, Decoder],
    now: Callable[[], datetime],
    stack: ExitStack,
) -> Crew:
    """Makes everybody; what has to be closed in the end goes onto the stack. Raises `UsageError`."""
    if settings.repository is None:
        raise UsageError("no repository is named", hint="give --repo or UPDATER_REPO, or stand in a clone of one")
    if settings.forge is not None:
        bootstrap.forge_called(settings.forge)
    pulling = pubsub_settings.read(environ, decoders)
    remote = git.remote(settings.repository)
    inbox = Inbox(storage.inbox_file(remote, settings.state), now, keep=service.keep)
    _warn_of(storage.other_inboxes(remote, settings.state), now)
    stack.callback(inbox.close)
    bell, metrics = Bell(), Metrics(decoders)
    registries = stack.enter_context(bootstrap.registries(environ, settings.state))
    counted = None if registries is None else Counted(registries, metrics.registry_answered)
    opened = partial(_opened, settings, metrics, counted)
    supply = feeding.supply(pulling, inbox, decoders, bell, metrics, now, stack)
    metrics.watch_inbox(inbox.depth, now)
    metrics.watch_subscriptions(lambda: sum(feed.depth() for feed in supply.pulled))
    send = sender(environ, settings.repository, stack)
    tellers = [] if send is None else [Teller(Outcomes(send), opened, now)]
    state = State(metrics, now, partial(_told, tellers), partial(_tidy, inbox))
    tools = Tools(opened, now, time.monotonic, random.random)
    worker = Worker(tools, supply.feeds, bell, state, service.interval, service.looks)
    thread = threading.Thread(target=worker.run, name="worker", daemon=True)
    desks = Desk("posting", opened), Desk("asking", opened)
    return Crew(inbox, supply, bell, metrics, state, thread, tellers, *desks)


def _warn_of(others: Sequence[Path], now: Callable[[], datetime]) -> None:
    """Says where events wait that were accepted for another address, which may be an old one of this repository."""
    for file in others:
        with closing(Inbox(file, now)) as inbox, suppress(StorageError):
            if waiting := inbox.depth().waiting:
                _logger.warning("%s accepted event(s) wait in %s, for another UPDATER_REPO than this", waiting, file)


@contextmanager
def _opened(settings: Settings, metrics: Metrics, registries: Registries | None) -> Iterator[Parts]:
    """The parts for the repository, for one thread. Registries are asked by all of them together."""
    with bootstrap.opened(settings, metrics.forge_called, registries) as workshop:
        parts = workshop.parts

        def pause(number: int) -> None:
            metrics.push_retried()
            parts.pause(number)

        yield replace(parts, pause=pause)


def _told(tellers: Sequence[Teller], report: Report) -> None:
    for teller in tellers:
        teller.hear(report)


def _tidy(inbox: Inbox) -> None:
    with suppress(StorageError):  # it remembers its problem itself
        inbox.prune()
