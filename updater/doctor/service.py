"""What `updater serve` is told beside the repository: who may send, what is pulled, and what the inbox holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from updater import admission, bootstrap
from updater.adapters.inbox import Inbox
from updater.doctor import pubsub
from updater.doctor.checks import Check, fault, ok, warning
from updater.errors import StorageError, UsageError
from updater.service import settings as service_settings
from updater.sources import settings as sources_settings
from updater.sources.settings import Settings

LONG = timedelta(hours=1)
_CLOSED = "closed: "


def checks(environ: Mapping[str, str], now: Callable[[], datetime]) -> Iterator[Check]:
    """Whether anything can come in, by web hooks and by Pub/Sub."""
    sources = bootstrap.decoders()
    try:
        service = service_settings.read(environ)
        pulled = sources_settings.read(environ, sources)
        admitting = admission.read(environ, sources, is_loopback=service.is_loopback, now=now, fetch=_unasked)
    except UsageError as error:
        yield fault("service", error)
        return
    yield from hooks(admitting.open_sources(), admitting.warnings(), is_pulling=bool(pulled.pulls))
    yield from _pubsub(pulled, environ.get("UPDATER_OUTCOMES"))


def hooks(sources: Mapping[str, str], doubts: Iterable[str], *, is_pulling: bool) -> Iterator[Check]:
    """Which sources may send, by what proof, and what is dangerous about that."""
    closed = [source for source, how in sources.items() if how.startswith(_CLOSED)]
    for source, how in sources.items():
        if source not in closed:
            is_open = "UPDATER_HOOKS_OPEN" in how
            yield warning("hooks", f"{source}: {how}") if is_open else ok("hooks", f"{source}: {how}")
    for doubt in doubts:
        yield warning("hooks", doubt, "make a new one, of 32 random bytes for instance")
    if len(closed) == len(sources) and not is_pulling:
        hint = "set UPDATER_HOOK_SECRET_<SOURCE> for those that are to send, or UPDATER_PUBSUB_SUBSCRIPTION"
        yield warning("hooks", "nothing can come in", hint)
    elif closed:
        yield ok("hooks", f"closed: {', '.join(closed)}")


def inbox(file: Path, now: Callable[[], datetime]) -> Check:
    """What waits in the inbox, and whether it can be read and written."""
    if not file.exists():
        return ok("inbox", "there is none yet; the service makes it")
    with closing(Inbox(file, now)) as found:
        try:
            depth, problem = found.depth(), found.problem()
        except StorageError as error:
            return fault("inbox", error)
    if problem is not None:
        return fault("inbox", StorageError(problem))
    told = f"{depth.waiting} waiting, {depth.dead} dead"
    if depth.dead:
        return warning(
            "inbox", told, "`updater events list --state dead` shows those, `updater events retry` tries again"
        )
    if depth.oldest is not None and now() - depth.oldest > LONG:
        return warning(
            "inbox", f"{told}, the oldest since {depth.oldest:%Y-%m-%d %H:%M} UTC", "does `updater serve` run?"
        )
    return ok("inbox", told)


def _pubsub(settings: Settings, outcomes: str | None) -> Iterator[Check]:
    topic = outcomes if outcomes and outcomes.startswith("projects/") else None
    if not (settings.pulls or settings.queue or settings.dead_letters or topic):
        return
    try:
        from updater.adapters.pubsub_setup import Cloud  # not before: its library is an extra
    except ImportError:
        hint = "install manifest-updater[pubsub]"
        yield fault("pubsub", UsageError("Pub/Sub needs more than is installed", hint=hint))
        return
    try:
        with closing(Cloud()) as cloud:
            yield from pubsub.checks(settings, topic, cloud)
    except UsageError as error:
        yield fault("pubsub", error)


def _unasked(url: str) -> bytes:
    raise AssertionError(f"nothing is proved here, so {url} is not fetched")
