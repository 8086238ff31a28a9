"""Running services that share a remote and a Pub/Sub, each on a disk of its own, and what becomes of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from tests.helpers import faults
from tests.helpers.pubsub_double import Double, double
from tests.helpers.pubsub_emulator import emulator
from tests.helpers.pubsub_stage import Stage, stage
from tests.helpers.service import Service, started


@dataclass(frozen=True)
class Broker:
    """A Pub/Sub: Google's emulator, or our double."""

    stage: Stage
    double: Double | None

    def forget(self, *subscriptions: str) -> None:
        """Nobody extends the leases of a process that was killed. On the emulator that takes ten seconds by itself."""
        for name in subscriptions if self.double else ():
            self.double.expire(name)


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
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Starts it, as a process that has nothing of the one before it but the disk."""
        self.service = self._stack.enter_context(
            started(self.remote, self.folder, faults.undisturbed(), **self.settings)
        )

    def kill(self, *, with_children: bool) -> None:
        """Kills it at whatever it does: the process alone, or with what it has started, as the end of a container does."""
        pid = self.service.process.pid
        os.kill(pid, signal.SIGSTOP)
        for child in children(pid) if with_children else ():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.service.kill()

    def takes(self, path: str, body: object) -> bool:
        """Whether it accepts a web hook. What is not accepted may be repeated anywhere; it must not have been refused."""
        try:
            answer = self.service.post(path, body)
        except (OSError, HTTPException):
            return False
        assert answer.status in (202, 503), answer
        return answer.status == 202

    def close(self) -> None:
        """Kills all that still runs."""
        self._stack.close()


@contextmanager
def replicas(remote: object, folder: Path, count: int, **settings: object) -> Iterator[list[Replica]]:
    """So many of them, once all take events."""
    made = [Replica(remote, folder / f"replica-{number}", {"HOOKS_OPEN": "1", **settings}) for number in range(count)]
    with ExitStack() as stack:
        for each in made:
            stack.callback(each.close)
            each.start()
        for each in made:
            each.service.await_readiness()
        yield made


def children(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have; see proc(5)."""
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0
