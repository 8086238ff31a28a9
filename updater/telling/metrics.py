"""What the service counts and measures, in the words of Prometheus (https://prometheus.io/docs/practices/naming/).

docs/metrics.md says what each is for. The values of labels come from small fixed sets, the names of environments, and
those of some registries that overlays name: nothing that a stranger sends can make a new series.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from updater import __version__
from updater.core import heads
from updater.errors import RegistryError, UpdaterError
from updater.forge import PullRequest
from updater.model import Decision, Outcome

UNKNOWN = "unknown"
OTHER = "other"
HOSTS = 50
"""Registries that have series of their own: overlays name them, and whoever may write there could name any number."""
OUTCOMES = frozenset({*(outcome.value for outcome in Outcome), "unreadable", "dead"})
"""What becomes of an event: a decision, or none."""
AGES: Mapping[str, float] = {"0s": 0, "1h": 3600, "1d": 86_400, "7d": 604_800}
"""How old pull requests are at least that are counted together, by the name of the label."""
_ANSWERS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_WORK = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_DELAYS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)


class Depth(Protocol):
    """How much waits in the inbox, since when the oldest of it does, and how much is left to a person."""

    @property
    def waiting(self) -> int: ...

    @property
    def dead(self) -> int: ...

    @property
    def oldest(self) -> datetime | None: ...


class Kept(Protocol):
    """A pull request as a pass has left it."""

    @property
    def pull(self) -> PullRequest: ...


class Report(Protocol):
    """What came of a pass."""

    @property
    def decisions(self) -> Sequence[Decision]: ...

    @property
    def problems(self) -> Sequence[UpdaterError]: ...

    @property
    def pulls(self) -> Sequence[Kept]: ...


class Metrics:
    """Everything that is counted. `sources` are the names of those that may send; safe to use from many threads."""

    def __init__(self, sources: Collection[str]) -> None:
        self._sources = frozenset(sources)
        self._registry = registry = CollectorRegistry()
        self._events = Counter(
            "updater_events_total", "Events, by what became of them", ["source", "outcome"], registry=registry
        )
        self._hooks = Counter(
            "updater_hook_requests_total", "Web hooks, by the status of our answer", ["source", "status"],
            registry=registry,
        )  # fmt: skip
        self._answers = _histogram(registry, "updater_hook_seconds", "From a web hook to our answer", _ANSWERS)
        self._since_push = _histogram(
            registry, "updater_push_to_commit_seconds", "From the push of an image to its commit", _DELAYS
        )
        self._since_receipt = _histogram(
            registry, "updater_acceptance_to_commit_seconds", "From the arrival of an event to its commit", _DELAYS
        )
        self._batch_events = _histogram(registry, "updater_batch_events", "Events that were one batch", _SIZES)
        self._batch_seconds = _histogram(registry, "updater_batch_seconds", "How long a batch took", _WORK)
        self._retries = Counter(
            "updater_push_retries_total", "Pushes that were planned anew: somebody was faster", registry=registry
        )
        self._forge = Counter(
            "updater_forge_requests_total", "Requests to the forge, by class of answer", ["status"], registry=registry
        )
        self._left = Gauge("updater_forge_rate_remaining", "Requests that the forge lets us make", registry=registry)
        self._left.set(float("nan"))  # as long as nobody knows: an alert on few must not ring
        self._passes = Counter(
            "updater_passes_total", "Passes over everything, by how they ended", ["outcome"], registry=registry
        )
        self._pass_seconds = _histogram(registry, "updater_pass_seconds", "How long a pass took", _WORK)
        self._last = Gauge(
            "updater_last_successful_pass_timestamp_seconds", "When a pass last ended well", registry=registry
        )
        self._questions = Counter(
            "updater_registry_questions_total", "Questions to registries, by how they ended", ["registry", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._hosts: set[str] = set()
        self._look_seconds = _histogram(registry, "updater_registry_look_seconds", "How long a look took", _WORK)
        self._looked_at = Gauge(
            "updater_registry_last_look_timestamp_seconds", "When a look at registries last ended", registry=registry
        )
        self._silent = Gauge(
            "updater_registry_unanswered_images", "Images of which the last look learned nothing", registry=registry
        )
        self._standing: Sequence[GaugeMetricFamily] = ()
        registry.register(_Asked(lambda: self._standing))
        Gauge("updater_build_info", "What runs here", ["version"], registry=registry).labels(__version__).set(1)

    def exposed(self) -> tuple[bytes, str]:
        """Everything as Prometheus reads it, and the content type of that."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def watch_inbox(self, depth: Callable[[], Depth], now: Callable[[], datetime]) -> None:
        """From now on the inbox is asked whenever somebody reads; where it cannot tell, its figures are left out."""
        self._registry.register(_Asked(lambda: _inbox(depth, now)))

    def watch_subscriptions(self, held: Callable[[], int]) -> None:
        """From now on somebody is asked how many Pub/Sub messages are held, whenever somebody reads."""
        outstanding = "updater_pubsub_outstanding_messages"
        Gauge(outstanding, "Pub/Sub messages that are leased and not settled", registry=self._registry).set_function(
            held
        )

    def hook(self, source: str, status: int, seconds: float) -> None:
        """A web hook was answered."""
        self._hooks.labels(self._known(source), str(status)).inc()
        self._answers.observe(seconds)

    def event(self, source: str, outcome: str) -> None:
        """Something became of an event, or could not be read as one (`unreadable`)."""
        self._events.labels(self._known(source), outcome if outcome in OUTCOMES else UNKNOWN).inc()

    def landed(self, pushed_at: datetime, received_at: datetime, now: datetime) -> None:
        """What was pushed then, and received then, is in a commit on the remote."""
        self._since_push.observe(_seconds(pushed_at, now))
        self._since_receipt.observe(_seconds(received_at, now))

    def batch(self, size: int, seconds: float) -> None:
        """So many events were worked on together."""
        self._batch_events.observe(size)
        self._batch_seconds.observe(seconds)

    def push_retried(self) -> None:
        """Somebody else was faster, and a push is planned anew."""
        self._retries.inc()

    def forge_called(self, status: int | None, left: int | None) -> None:
        """The forge answered, or did not (None); `left` is how often we may ask until its limit begins anew."""
        self._forge.labels("none" if status is None else f"{status // 100}xx").inc()
        if left is not None:
            self._left.set(left)

    def passed(self, report: Report, seconds: float, now: datetime) -> None:
        """A pass over everything has ended; with problems, or well."""
        self._passes.labels("failure" if report.problems else "success").inc()
        self._pass_seconds.observe(seconds)
        if not report.problems:
            self._last.set(now.timestamp())
        # At once, so that nobody reads a half of it.
        self._standing = (_held(report.decisions), _ages([kept.pull for kept in report.pulls], now))

    def registry_answered(self, host: str, outcome: str) -> None:
        """A registry was asked something; `outcome` is `answered`, `refused` or `unavailable`."""
        if len(self._hosts) < HOSTS:
            self._hosts.add(host)
        self._questions.labels(host if host in self._hosts else OTHER, outcome).inc()

    def looked(self, answers: Collection[object], seconds: float, now: datetime) -> None:
        """A look at registries is over; `answers` are lists of tags, or failures."""
        self._look_seconds.observe(seconds)
        self._looked_at.set(now.timestamp())
        self._silent.set(sum(isinstance(each, RegistryError) for each in answers))

    def _known(self, source: str) -> str:
        return source if source in self._sources else UNKNOWN


class _Asked(Collector):
    """Figures that are asked for whenever somebody reads, and not at the start."""

    def __init__(self, ask: Callable[[], Iterable[GaugeMetricFamily]]) -> None:
        self._ask = ask

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """See `Collector`."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """See `Collector`."""
        return self._ask()


def _inbox(ask: Callable[[], Depth], now: Callable[[], datetime]) -> Iterator[GaugeMetricFamily]:
    try:
        depth = ask()
    except UpdaterError:
        return
    age = 0.0 if depth.oldest is None else _seconds(depth.oldest, now())
    yield GaugeMetricFamily("updater_inbox_events", "Events that wait in the inbox", depth.waiting)
    yield GaugeMetricFamily("updater_inbox_oldest_seconds", "How long the oldest of them has waited", age)
    yield GaugeMetricFamily("updater_inbox_dead_letters", "Events that are left to a person", depth.dead)


def _histogram(registry: CollectorRegistry, name: str, what: str, buckets: Sequence[float]) -> Histogram:
    return Histogram(name, what, buckets=buckets, registry=registry)


def _seconds(start: datetime, end: datetime) -> float:
    """How long it was; clocks differ, so something may seem to end before it begins."""
    return max(0.0, (end - start).total_seconds())


def _held(decisions: Iterable[Decision]) -> GaugeMetricFamily:
    """How many versions each environment keeps out."""
    held = Tally(each.target.environment for each in decisions if each.target and each.outcome is Outcome.HELD)
    found = GaugeMetricFamily("updater_holds", "Versions that the last pass held", labels=["environment"])
    for environment, number in sorted(held.items()):
        found.add_metric([environment], number)
    return found


def _ages(pulls: Iterable[PullRequest], now: datetime) -> GaugeMetricFamily:
    """How many open pull requests each environment has of each age."""
    told = "Open pull requests that were at least so old at the last pass"
    found = GaugeMetricFamily("updater_open_pull_requests", told, labels=["environment", "age"])
    tally: Tally[tuple[str, str]] = Tally()
    for pull in pulls:
        about = heads.parsed(pull.head)
        if about is not None and pull.state == "open":
            old = _seconds(pull.opened_at, now)
            tally.update({(about.environment, age): int(old >= least) for age, least in AGES.items()})
    for labels, number in sorted(tally.items()):
        found.add_metric(labels, number)
    return found
