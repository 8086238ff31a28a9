"""Running services that share a remote and a Pub/Sub, each on a disk of its own, and what becomes of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path

from tests.helpers import faults
from tests.helpers.pubsub_double import Double, double
from tests.helpers.pubsub_emulator import emulator
from tests.helpers.pubsub_stage import Stage, stage
from tests.helpers.service import Service, started

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Broker:
    """A Pub/Sub: Google's emulator, or our double."""

    stage: Stage
    double: Double | None

    def expire(self, *subscriptions: str) -> None:
        """Ends all leases at once, those of the dead and of the living. Time would do that for the dead alone."""
        for name in subscriptions:
            if self.double is not None:
                self.double.expire(name)
            else:  # with this the emulator delivers again what is not acked
                self.stage.subscriber.seek(request={"subscription": name, "time": LONG_AGO})

    def is_done(self, *subscriptions: str) -> bool:
        """Whether nothing is leased any more, as far as one can see that."""
        return self.double is None or not any(self.double.leases(name) for name in subscriptions)


@contextmanager
def broker(kind: str) -> Iterator[Broker]:
    """The emulator or the double. Nothing that the double is sent may be wrong."""
    if kind == "emulator":
        with stage(emulator()) as made:
            yield Broker(made, None)
        return
    with double() as fake:
        with stage(fake.address) as made:
            yield Broker(made, fake)
        assert fake.complaints == []


@dataclass
class Replica:
    """One of several, with a folder that it finds again whenever it is started."""

    remote: object
    folder: Path
    settings: Mapping[str, object]
    service: Service = field(init=False)
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Starts it, as a process that has nothing of the one before but the disk."""
        self.service = self.stack.enter_context(
            started(self.remote, self.folder, faults.undisturbed(), **self.settings)
        )

    def kill(self, *, with_children: bool) -> None:
        """Kills it at whatever it does: the process alone, or with all that it started, as with a whole container."""
        pid = self.service.process.pid
        os.kill(pid, signal.SIGSTOP)
        for child in children(pid) if with_children else ():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.service.kill()

    def accepts(self, path: str, body: object) -> bool:
        """Whether it took a web hook. If not, it has to be sent again, here or elsewhere; nothing else is an answer."""
        try:
            answer = self.service.post(path, body)
        except (OSError, HTTPException):
            return False
        assert answer.status in (202, 503), answer
        return answer.status == 202


@contextmanager
def replicas(remote: object, folder: Path, count: int, **settings: object) -> Iterator[list[Replica]]:
    """So many, once all of them take events. Everybody on this machine may send."""
    made = [Replica(remote, folder / f"replica-{number}", {"HOOKS_OPEN": "1", **settings}) for number in range(count)]
    with ExitStack() as stack:
        for each in made:
            stack.enter_context(each.stack)
            each.start()
        for each in made:
            each.service.await_readiness()
        yield made


def children(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have; see proc(5)."""
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    family = [pid]
    for each in family:
        family += [child for child, parent in parents.items() if parent == each]
    return family[1:]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0
