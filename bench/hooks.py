"""Rows k and l: web hooks that the service has accepted, and the way of one from there to the remote."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.events import FLOOR, bumps_of, proved
from bench.floor import Bump, Floor
from bench.generate import Monorepo
from bench.load import SERVICES
from bench.measure import Figures, seconds
from bench.stand import Lab, Stand, stand
from bench.table import Row, below
from bench.tools import ROOT, UPDATER, git
from updater.working.worker import DEBOUNCE

RATE = 500
"""Web hooks a second that have to be accepted."""
_CONNECTIONS = 32
_PATIENCE = 60.0
_ENVIRONMENT = (
    "overlays: overlays/test/{service}\nverify: parse\nfollow: [{image: reg.example/models/*, order: semver}]\n"
)
_OVERLAY = "images:\n  - name: reg.example/models/{}\n    newTag: 0.9.0\n    digest: sha256:{}\n"


@dataclass(slots=True)
class _Measured:
    """What was seen of one server, a value for each round."""

    p99: list[float]
    rates: list[float]

    def add(self, url: str, count: int) -> None:
        """Loads it twice: at the rate that has to be borne, and as fast as it goes."""
        took, _ = _loaded(url, 0, count, RATE)
        self.p99.append(statistics.quantiles(took, n=100)[-1])
        _, seconds = _loaded(url, count, count, 0)
        self.rates.append(count / seconds)


def accepted(lab: Lab) -> Iterator[Row]:
    """Row k: beside a bare application; with pushes that nobody follows, and with pushes that land meanwhile."""
    count, rounds = (RATE * 10, 3) if lab.burst >= SERVICES else (RATE // 5, 1)
    for what, follows in (("followed by nobody", False), (f"landing in {SERVICES} services", True)):
        ours, bare = _Measured([], []), _Measured([], [])
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="updater-bench-") as folder:
                with serving(_repository(Path(folder), follows=follows), Path(folder)) as url:
                    ours.add(f"{url}/hooks/generic", count)
                with _bare(Path(folder)) as url:
                    bare.add(f"{url}/hooks/generic", count)
        yield from _rows(what, ours, bare)


def _rows(what: str, ours: _Measured, bare: _Measured) -> Iterator[Row]:
    against, where = "a bare application", f"{RATE} a second, {what}"
    slowest = Figures(tuple(ours.p99)), against, Figures(tuple(bare.p99))
    yield below(0.050, Row("k", "web hook accepted (durable), p99", where, *slowest))
    fastest = Figures(tuple(ours.rates)), against, Figures(tuple(bare.rates))
    row = Row("k", "web hooks accepted a second", f"{_CONNECTIONS} connections, {what}", *fastest, unit="a second")
    yield replace(row, target=f"at least {RATE}", met=row.ours.median >= RATE)


def landed(lab: Lab) -> Iterator[Row]:
    """Row l: one event after the other, from its web hook to the remote, in a warm service."""
    return (_landed(lab, repository) for repository in lab.repositories[: None if lab.burst >= SERVICES else 1])


def _landed(lab: Lab, repository: Monorepo) -> Row:
    rounds = lab.few(7)
    *bumps, before = bumps_of(repository.spread(rounds + 1), "3.0.0")
    with stand(lab, repository) as place:
        with place.shop() as shop:
            floor = proved(place, shop, [*bumps, before])
        with serving(place.environment(), place.folder) as url:
            _land(place, url, before)
            floor.land([before])
            git, ours = zip(*(_both(floor, place, url, bump) for bump in bumps), strict=True)
        place.check_equal()
    return Row("l", "web hook sent to commit on the remote", repository.title, Figures(ours), FLOOR, Figures(git))


def _both(floor: Floor, place: Stand, url: str, bump: Bump) -> tuple[float, float]:
    """The floor and the service in turn; what comes close behind another event would wait for more, so that is over."""
    least = seconds(lambda _: floor.land([bump]))
    time.sleep(DEBOUNCE)
    return least, seconds(lambda _: _land(place, url, bump))


def _land(place: Stand, url: str, bump: Bump) -> None:
    """Sends a push and waits for its commit; the service is idle again when the next one comes."""
    before = _tip(place.remote)
    request = urllib.request.Request(f"{url}/hooks/generic", place.payload(bump), method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=_PATIENCE):  # noqa: S310
        began = time.perf_counter()
    while _tip(place.remote) == before:
        if time.perf_counter() - began > _PATIENCE:
            raise SystemExit("error: an accepted event did not land")
        time.sleep(0.0005)


def _tip(remote: Path) -> str:
    """Of the branch, without a process: it is asked for a thousand times."""
    ref = remote / "refs" / "heads" / "main"
    return ref.read_text() if ref.exists() else ""


def _repository(folder: Path, *, follows: bool) -> Mapping[str, str]:
    """A remote with so many services, and variables for a service on it."""
    remote = folder / "remote.git"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    image = "models" if follows else "others"
    files = {"environments/test.yaml": _ENVIRONMENT.replace("models", image)}
    for number in range(SERVICES):
        service = f"model-{number:04}"
        files[f"overlays/test/{service}/kustomization.yaml"] = _OVERLAY.format(service, "0" * 64)
    stream = "commit refs/heads/main\ncommitter alice <alice@example.org> 1700000000 +0000\ndata 0\n" + "".join(
        f"M 100644 inline {path}\ndata {len(content)}\n{content}\n" for path, content in files.items()
    )
    git(remote, "fast-import", "--quiet", stdin=stream.encode())
    return {"UPDATER_REPO": str(remote), "UPDATER_STATE_DIR": str(folder / "state")}


@contextmanager
def serving(environ: Mapping[str, str], folder: Path) -> Iterator[str]:
    """A running service, and where it is."""
    port = _free_port()
    quiet = {"UPDATER_RECONCILE_SECONDS": "3600", "UPDATER_REGISTRY_INTERVAL": "off"}
    more = {"UPDATER_LISTEN": f"127.0.0.1:{port}", "UPDATER_HOOKS_OPEN": "1", **quiet}
    with _running((*UPDATER, "serve"), {**environ, **more}, folder, port) as url:
        yield url


@contextmanager
def _bare(folder: Path) -> Iterator[str]:
    port = _free_port()
    command = (sys.executable, "-m", "bench.bare", str(port), str(folder / "bare.sqlite"))
    with _running(command, {}, folder, port) as url:
        yield url


@contextmanager
def _running(command: Sequence[str], environ: Mapping[str, str], folder: Path, port: int) -> Iterator[str]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _await(process, f"{url}/readyz", folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until it answers that all is well."""
    began = time.perf_counter()
    while time.perf_counter() - began < _PATIENCE and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310
                if b"not open" not in answer.read():
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"error: {url} does not answer: {log.read_text()[-2000:]}")


def _loaded(url: str, first: int, count: int, rate: float) -> tuple[list[float], float]:
    command = (sys.executable, "-m", "bench.load", url, str(first), str(count), str(_CONNECTIONS), str(rate))
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode(errors="replace").strip())
    told = json.loads(done.stdout)
    return told["took"], told["seconds"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
