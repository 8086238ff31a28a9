"""Several services on one remote that share their web hooks by Pub/Sub, and are killed again and again."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest

from tests.end_to_end.conftest import TEST, overlay
from tests.helpers import cli, gitops
from tests.helpers.patience import eventually
from tests.helpers.payloads import MODELS, plain, record, write_records
from tests.helpers.pubsub_double import Double
from tests.helpers.replicas import Broker, Replica, broker, replicas
from tests.helpers.service import PATIENCE

pytestmark = pytest.mark.slow
LONG = "UPDATER_LONG_TESTS" in os.environ

REPLICAS = 4
SERVICES = [f"model-{number}" for number in range(8)]
COUNT, DEATHS = (125, 20) if LONG else (16, 4)
VERSIONS = [(f"1.{n}.0", f"2026-11-21T{n // 60:02}:{n % 60:02}:00Z") for n in range(1, COUNT + 1)]
"""Versions and when they were pushed: a newer one later."""
SENDERS = 6
DISORDER = 40
ROUNDS = 30
EDGE = TEST.replace("semver", "pushed").replace("/test/", "/edge/")
FILES = {
    "environments/test.yaml": TEST,
    "environments/edge.yaml": EDGE,
    **{
        f"overlays/{environment}/{service}/kustomization.yaml": overlay(service, "1.0.0")
        for environment in ("test", "edge")
        for service in SERVICES
    },
}
WAYS = ("by web hook", "by web hook", "by web hook", "by Pub/Sub", "by both")
Do = Callable[[], object]


# --- each event lands once


class Traffic:
    """Pushes on their way to replicas, by web hook and by a topic of a registry, and deaths among them.

    Who gets what and who dies when is the seed's choice, and no matter of time.
    """

    def __init__(self, pubsub: Broker, seed: int) -> None:
        self.pubsub = pubsub
        self.chance = Random(seed)
        self.queue, self.gcr = pubsub.stage.topic("queue"), pubsub.stage.topic("gcr")
        self.subscriptions = [pubsub.stage.subscription(topic) for topic in (self.queue, self.gcr)]
        pushes = [plain(f"{MODELS}/{service}", *each) for each in VERSIONS for service in SERVICES]
        # Nearly in order: each overtakes some others, and most may land.
        places = [number + self.chance.uniform(0, DISORDER) for number in range(len(pushes))]
        self.pushes = [push for _, push in sorted(zip(places, pushes, strict=True), key=lambda each: each[0])]

    def settings(self) -> Mapping[str, str]:
        """What a replica has to know."""
        queue, gcr = self.subscriptions
        return queued(self.queue, queue) | {"PUBSUB_SUBSCRIPTION": gcr}

    def parts(self, crew: Sequence[Replica]) -> Iterator[Sequence[Do]]:
        """What happens, in parts of which each has a death in it. The last one comes when all was sent."""
        size = -(-len(self.pushes) // (DEATHS - 1))
        for start in range(0, DEATHS * size, size):
            some: list[Do] = [partial(self._send, crew, push, *self._way()) for push in self.pushes[start:][:size]]
            death = partial(self._restart, self.chance.choice(crew), with_children=self.chance.random() < 0.5)
            some.insert(self.chance.randint(0, len(some)), death)
            yield some

    def ends(self, holds: Do) -> bool:
        """Whether something comes true. A stream whose process was killed may swallow one more batch of the emulator's,
        which is delivered again when its leases end."""
        for _ in range(ROUNDS):
            if eventually(lambda: bool(holds()), PATIENCE / ROUNDS):
                return True
            self.pubsub.expire(*self.subscriptions)
        return False

    def _way(self) -> tuple[str, int]:
        return self.chance.choice(WAYS), self.chance.randrange(REPLICAS)

    def _send(self, crew: Sequence[Replica], push: Mapping[str, Any], way: str, first: int) -> None:
        """Whoever gets no 202 asks the next replica."""
        if way != "by web hook":
            self.pubsub.stage.publish(self.gcr, json.dumps(push).encode())
        if way != "by Pub/Sub":
            numbers = count(first)
            assert eventually(lambda: crew[next(numbers) % REPLICAS].accepts("/hooks/generic", push), PATIENCE)

    def _restart(self, replica: Replica, *, with_children: bool) -> None:
        replica.kill(with_children=with_children)
        self.pubsub.expire(*self.subscriptions)
        replica.start()
        replica.service.await_readiness()


@pytest.mark.parametrize("kind", ["emulator", "double"])
@pytest.mark.parametrize("seed", [1, 2, 3] if LONG else [1])
def test_every_event_lands_once_whoever_gets_it_and_whoever_is_killed(kind: str, seed: int, tmp_path: Path) -> None:
    with broker(kind) as pubsub:
        traffic = Traffic(pubsub, seed)
        bare = gitops.remote(tmp_path / "gitops.git", FILES)
        with replicas(bare, tmp_path, REPLICAS, **traffic.settings()) as crew:
            with ThreadPoolExecutor(SENDERS) as senders:
                for some in traffic.parts(crew):
                    list(senders.map(lambda do: do(), some))
            alone = tree(by_one_process(tmp_path, traffic.pushes))
            assert traffic.ends(lambda: tree(bare) == alone), tree(bare)
            assert traffic.ends(lambda: pubsub.is_done(*traffic.subscriptions))
        assert pubsub.double is None or [pubsub.stage.pulled(name, 1) for name in traffic.subscriptions] == [[], []]
    assert gitops.git(bare, "rev-list", "--merges", "main") == ""
    for where, numbers in landed(bare).items():
        assert all(one < other for one, other in pairwise(numbers)), f"{where}: {numbers}"


def by_one_process(folder: Path, pushes: Sequence[Any]) -> Path:
    """The repository after a single process has got these pushes in a row."""
    bare = gitops.remote(folder / "alone.git", FILES)
    events = write_records(folder / "events", *(record("generic", push) for push in pushes))
    environment = {**os.environ, "UPDATER_STATE_DIR": str(folder / "alone")}
    ran = cli.finish(cli.start("handle", "--repo", bare, events, environment=environment))
    assert ran.code == 0, ran.err
    return bare


def tree(bare: Path) -> str:
    """All files of the branch, by their content."""
    return gitops.git(bare, "ls-tree", "-r", "main")


def landed(bare: Path) -> Mapping[str, Sequence[int]]:
    """The versions of each service in each environment, in the order in which they landed."""
    found = defaultdict(list)
    for subject in gitops.git(bare, "log", "--reverse", "--format=%s", "main").splitlines()[1:]:
        told = re.fullmatch(r"Deploy (?P<service>\S+) 1\.(?P<number>\d+)\.0 to (?P<environment>\S+)", subject)
        assert told is not None, subject
        found[f"{told['environment']}/{told['service']}"].append(int(told["number"]))
    return found


# --- what is answered


@pytest.fixture
def fake() -> Iterator[Broker]:
    with broker("double") as made:
        yield made


def queued(topic: str, subscription: str) -> dict[str, str]:
    """The settings of replicas."""
    return {"QUEUE": "pubsub", "QUEUE_TOPIC": topic, "QUEUE_SUBSCRIPTION": subscription}


def test_a_status_is_on_the_forge_before_any_replica_has_accepted_it(fake: Broker, tmp_path: Path) -> None:
    topic = fake.stage.topic("queue")
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    with replicas(bare, tmp_path, 2, **queued(topic, fake.stage.subscription(topic))) as crew:
        commit = gitops.tip(bare)
        for number, replica in enumerate(crew, 1):
            told = {"commit": commit, "context": f"smoke-test-{number}", "state": "success"}
            assert replica.service.post("/hooks/status", told).status == 202
            kept = json.loads(gitops.show(bare, "statuses.json", f"refs/updater/status/{commit}"))
            assert [each["context"] for each in kept["statuses"]][-1] == f"smoke-test-{number}"
            assert len(kept["statuses"]) == number


def is_down(double: Double) -> Do:
    double.refuse(grpc.StatusCode.UNAVAILABLE)
    return lambda: double.refuse(None)


def lets_nobody_in(double: Double) -> Do:
    double.refuse(grpc.StatusCode.PERMISSION_DENIED)
    return lambda: double.refuse(None)


def is_mute(double: Double) -> Do:
    double.mute()
    return double.speak


@pytest.mark.parametrize(
    "fault", [pytest.param(is_down, marks=pytest.mark.skipif(not LONG, reason="long")), lets_nobody_in, is_mute]
)
def test_what_the_broker_does_not_keep_is_not_accepted_and_everything_goes_on_afterwards(
    fake: Broker, tmp_path: Path, fault: Callable[[Double], Do]
) -> None:
    assert fake.double is not None
    topic = fake.stage.topic("queue")
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    push = plain(f"{MODELS}/model-1", "1.1.0")
    with replicas(bare, tmp_path, 1, **queued(topic, fake.stage.subscription(topic))) as [replica]:
        mend = fault(fake.double)
        refused = replica.service.post("/hooks/generic", push)
        assert (refused.status, "retry-after" in refused.headers) == (503, True)
        ready = replica.service.get("/readyz")
        assert (ready.status, list(ready.told["faults"])) == (503, ["intake"])
        mend()
        assert eventually(lambda: replica.accepts("/hooks/generic", push), PATIENCE)
        assert eventually(lambda: "newTag: 1.1.0" in gitops.show(bare, "overlays/test/model-1/kustomization.yaml"))
    assert landed(bare) == {"test/model-1": [1], "edge/model-1": [1]}
