"""A running `updater serve`: a process of its own, senders of web hooks, and what it tells of itself."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.helpers.patience import eventually

SERVING = re.compile(r"serving .* on 127\.0\.0\.1:(\d+)")
PATIENCE = 60.0


class Process(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int: ...

    def wait(self, timeout: float) -> int:
        """Its exit code, negative for the signal that killed it, once it has ended."""
        ...


Launch = Callable[[Mapping[str, str], Path], Process]
"""Starts `updater serve` with an environment; what it writes goes to the end of a file."""


def launch(environment: Mapping[str, str], log: Path) -> Process:
    """The command as a person starts it."""
    command = [sys.executable, "-m", "updater", "serve"]
    with log.open("ab") as file:
        return subprocess.Popen(command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=file, stderr=file)


@dataclass(frozen=True)
class Answer:
    """An answer: its status, the JSON in it (or the text of another kind), its headers in lower case."""

    status: int
    told: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Service:
    """A service that was started; `port` is where it listens."""

    process: Process
    log: Path
    port: int = 0
    code: int | None = None

    # --- as a sender

    def post(self, path: str, body: object = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Sends a body, JSON unless it is bytes. Raises OSError or HTTPException where there is no answer."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, content, headers)

    def get(self, path: str) -> Answer:
        """Asks for a page."""
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One request on a connection of its own."""
        with closing(self._connection()) as connection:
            connection.request(method, path, body, dict(headers or {}))
            return _read(connection.getresponse())

    def unfinished(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer to a request in chunks whose end never comes."""
        with closing(self._connection()) as connection:
            connection.putrequest("POST", path)
            for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(b"%x\r\n%b\r\n" % (len(body), body))
            return _read(connection.getresponse())

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    # --- what it tells

    def events(self) -> list[dict[str, Any]]:
        """What came in, oldest first."""
        found = self.get("/api/v1/events?limit=1000")
        assert found.status == 200, found
        return list(reversed(found.told["events"]))

    def ended(self, count: int) -> list[dict[str, Any]]:
        """What came in, once there are so many and none of them waits any more."""
        found: list[dict[str, Any]] = []

        def are_done() -> bool:
            found[:] = self.events()
            return len(found) >= count and all(each["state"] != "waiting" for each in found)

        assert eventually(are_done, PATIENCE), f"{found}\n{self.text()}"
        return found

    def text(self) -> str:
        """All that it has written."""
        return self.log.read_text(errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        """Its log; each line has to be JSON."""
        return [json.loads(line) for line in self.text().splitlines()]

    def tells(self, words: str) -> bool:
        """Whether it comes to write these words."""
        return eventually(lambda: words in self.text(), PATIENCE)

    def memory(self) -> int:
        """The memory that it holds now, in bytes; see proc(5)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    # --- its life

    def await_readiness(self) -> None:
        """Returns once it takes events."""
        assert eventually(self._has_port, PATIENCE), self.text()
        assert eventually(lambda: self._answers("/readyz"), PATIENCE), self.text()

    def await_port(self) -> None:
        """Returns once it answers, well or not."""
        assert eventually(self._has_port, PATIENCE), self.text()
        assert eventually(lambda: self._answers("/healthz"), PATIENCE), self.text()

    def tell_to_stop(self) -> None:
        """Asks it to end."""
        os.kill(self.process.pid, signal.SIGTERM)

    def stop(self, seconds: float = 20.0) -> int:
        """Asks it to end, and gives its exit code. Raises where it takes longer than it may."""
        self.tell_to_stop()
        return self.wait(seconds)

    def kill(self) -> None:
        """Ends it without a warning."""
        if self.code is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.wait()

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        self.code = self.process.wait(timeout=seconds)
        return self.code

    def _has_port(self) -> bool:
        found = SERVING.search(self.text())
        self.port = int(found[1]) if found else 0
        return found is not None

    def _answers(self, path: str) -> bool:
        try:
            return self.get(path).status == 200
        except OSError:
            return False


def _read(answer: http.client.HTTPResponse) -> Answer:
    content = answer.read()
    told = {name.lower(): value for name, value in answer.getheaders()}
    is_json = told.get("content-type", "").startswith("application/json")
    return Answer(answer.status, json.loads(content) if is_json else content.decode(), told)


@contextmanager
def started(remote: object, folder: Path, launch: Launch = launch, /, **settings: object) -> Iterator[Service]:
    """A service for a remote, with its state in a folder; killed at the end if it still runs.

    Settings are named without `UPDATER_`. It writes JSON, and listens on a port that was free.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"log-{len(list(folder.glob('log-*')))}"
    log.touch()
    given = {"REPO": remote, "STATE_DIR": folder / "state", "LISTEN": "127.0.0.1:0", "LOG": "json", **settings}
    environment = {**os.environ, **{f"UPDATER_{name}": str(value) for name, value in given.items()}}
    service = Service(launch(environment, log), log)
    try:
        yield service
    finally:
        service.kill()


@contextmanager
def serving(remote: object, folder: Path, launch: Launch = launch, /, **settings: object) -> Iterator[Service]:
    """The same, once it takes events. Without other settings everybody on this machine may send."""
    is_closed = any(name.startswith(("HOOK_", "PUBSUB_")) for name in settings)
    with started(remote, folder, launch, **({} if is_closed else {"HOOKS_OPEN": "1"}), **settings) as service:
        service.await_readiness()
        yield service
