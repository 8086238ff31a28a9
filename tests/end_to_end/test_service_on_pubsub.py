"""`updater serve` and Pub/Sub: Google's own notifications, pulled and pushed, and what becomes of all messages."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.end_to_end.conftest import FILES, overlay
from tests.helpers import faults, gitops
from tests.helpers.git_server import FETCH, PUSH, GitServer
from tests.helpers.patience import eventually, gate
from tests.helpers.payloads import MODELS, digest, plain, pushed
from tests.helpers.pubsub_double import Double
from tests.helpers.pubsub_emulator import emulator
from tests.helpers.replicas import Broker, broker
from tests.helpers.senders import AUDIENCE, EMAIL, claims, key, key_set, token
from tests.helpers.service import PATIENCE, Service, serving

pytestmark = pytest.mark.slow


@pytest.fixture(params=["emulator", "double"])
def pubsub(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Google's emulator, and our double for what only that can tell or do."""
    with broker(request.param) as made:
        yield made


@pytest.fixture
def fake() -> Iterator[Broker]:
    with broker("double") as made:
        yield made


@pytest.fixture
def double(fake: Broker) -> Double:
    assert fake.double is not None
    return fake.double


@contextmanager
def pulling(remote: object, folder: Path, *subscriptions: str, **settings: object) -> Iterator[Service]:
    """A service that pulls."""
    given = {"PUBSUB_SUBSCRIPTION": ",".join(subscriptions), **settings}
    with serving(remote, folder, faults.undisturbed(), **given) as service:
        yield service


def inserted(service: str, tag: str) -> bytes:
    """The data of Artifact Registry's message on the topic `gcr`."""
    image = f"{MODELS}/{service}"
    return json.dumps({"action": "INSERT", "digest": f"{image}@{digest(tag)}", "tag": f"{image}:{tag}"}).encode()


def built(service: str, tag: str) -> bytes:
    """The data of Cloud Build's message on the topic `cloud-builds`."""
    image = {"name": f"{MODELS}/{service}:{tag}", "digest": digest(tag)}
    build = {"id": "b-1", "projectId": "acme", "status": "SUCCESS", "results": {"images": [image]}}
    return json.dumps({**build, "finishTime": "2026-11-21T10:00:00Z"}).encode()


def has_hung_up(service: Service) -> bool:
    """Whether it takes no web hooks any more."""
    try:
        return service.get("/healthz").status == 0
    except (OSError, HTTPException):
        return True


def stands(bare: Path, service: str, tag: str) -> bool:
    """Whether a tag comes to stand in test, with its digest."""
    path = f"overlays/test/{service}/kustomization.yaml"
    wanted = overlay(service, tag) + f"    digest: {digest(tag)}"
    return eventually(lambda: gitops.show(bare, path) == wanted, PATIENCE)


# --- pulled


def test_what_google_publishes_lands_without_another_command(pubsub: Broker, tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    gcr, builds, dead = map(pubsub.stage.topic, ("gcr", "cloud-builds", "dead"))
    pulled = [pubsub.stage.subscription(topic) for topic in (gcr, builds)]
    letters = pubsub.stage.subscription(dead)
    named = [pulled[0], f"cloud-build={pulled[1]}"]
    with pulling(bare, tmp_path / "one", *named, PUBSUB_DEAD_LETTERS=dead) as service:
        [name] = pubsub.stage.publish(gcr, inserted("model-a", "1.1.0"))
        assert stands(bare, "model-a", "1.1.0"), service.text()
        told = gitops.git(bare, "log", "-1", "--format=%b", "main")
        assert f"Updater-Event: artifact-registry/{name} " in told
        pubsub.stage.publish(gcr, b'{"action": "INSERT", "tag": "../../etc:1"}')
        pubsub.stage.publish(builds, built("model-b", "1.2.0"), buildId="b-1", status="SUCCESS")
        assert stands(bare, "model-b", "1.2.0"), service.text()
        [letter] = pubsub.stage.pulled(letters, 1)
        assert (letter.attributes["source"], bool(letter.attributes["reason"])) == ("pubsub", True)
        assert service.stop() == 0
    assert [pubsub.stage.pulled(name, 1) for name in pulled] == [[], []], "all is acked"


@pytest.mark.parametrize(
    "kind",
    [{"enable_message_ordering": True}, {"enable_exactly_once_delivery": True}],
    ids=["ordered", "exactly once"],
)
def test_subscriptions_of_every_kind_are_pulled(pubsub: Broker, tmp_path: Path, kind: Mapping[str, Any]) -> None:
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    gcr = pubsub.stage.topic("gcr")
    name = pubsub.stage.subscription(gcr, **kind)
    key = {"ordering_key": "models"} if "enable_message_ordering" in kind else {}
    with pulling(bare, tmp_path / "one", name) as service:
        pubsub.stage.publish(gcr, *(inserted("model-a", f"1.{number}.0") for number in range(1, 6)), **key)
        assert stands(bare, "model-a", "1.5.0"), service.text()
        assert service.stop() == 0
    assert pubsub.stage.pulled(name, 1) == []


def test_while_the_remote_is_down_nothing_is_given_back_and_afterwards_all_lands(
    fake: Broker, double: Double, tmp_path: Path
) -> None:
    bare = gitops.remote(tmp_path / "served" / "gitops.git", FILES)
    gcr = fake.stage.topic("gcr")
    name = fake.stage.subscription(gcr)
    with GitServer(bare.parent) as server, pulling(server.url(), tmp_path / "one", name) as service:
        assert service.tells("the repository is open")
        server.faults = {PUSH: "unavailable", FETCH: "unavailable"}
        data = [inserted(f"model-{letter}", f"1.{number}.0") for letter in "ab" for number in range(1, 21)]
        ids = fake.stage.publish(gcr, *data)
        assert eventually(lambda: double.leases(name) == len(ids))
        assert eventually(lambda: service.text().count("waits for another try") >= len(ids), PATIENCE), service.text()
        assert service.get("/readyz").status == 200
        assert (double.acked, double.nacked) == ([], [])
        server.faults = {}
        assert stands(bare, "model-a", "1.20.0"), service.text()
        assert stands(bare, "model-b", "1.20.0"), service.text()
        assert eventually(lambda: sorted(double.acked) == sorted(ids)), service.text()
        assert double.nacked == []
    assert gitops.git(bare, "rev-list", "--count", "main") == "3"


def test_what_lands_while_the_service_ends_is_acked_and_the_rest_is_given_back(
    fake: Broker, double: Double, tmp_path: Path
) -> None:
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    gcr = fake.stage.topic("gcr")
    name = fake.stage.subscription(gcr)
    pushing = tmp_path / "pushing"
    gitops.hook(bare, "pre-receive", f"touch {pushing}; read line < {tmp_path / 'gate'}")
    with gate(tmp_path / "gate") as open_gate, pulling(bare, tmp_path / "one", name) as service:
        first = fake.stage.publish(gcr, inserted("model-a", "1.1.0"))
        assert eventually(pushing.exists, PATIENCE), service.text()
        second = fake.stage.publish(gcr, inserted("model-b", "1.1.0"))
        assert eventually(lambda: double.leases(name) == 2)
        service.tell_to_stop()
        assert eventually(lambda: has_hung_up(service))
        open_gate()
        assert service.wait(10) == 0
        assert (double.acked, double.nacked) == (first, second), service.text()
    assert stands(bare, "model-a", "1.1.0")


@pytest.mark.skipif("UPDATER_LONG_TESTS" not in os.environ, reason="long: it waits for the push that hangs")
def test_the_service_ends_in_time_although_neither_the_remote_nor_pubsub_answer(
    fake: Broker, double: Double, tmp_path: Path
) -> None:
    bare = gitops.remote(tmp_path / "served" / "gitops.git", FILES)
    gcr, queue = fake.stage.topic("gcr"), fake.stage.topic("queue")
    names = [fake.stage.subscription(topic) for topic in (gcr, queue)]
    settings = {"QUEUE": "pubsub", "QUEUE_TOPIC": queue, "QUEUE_SUBSCRIPTION": names[1], "HOOKS_OPEN": "1"}
    with GitServer(bare.parent) as server, pulling(server.url(), tmp_path / "one", names[0], **settings) as service:
        server.faults = {PUSH: "hang"}
        given = fake.stage.publish(gcr, inserted("model-a", "1.1.0"))
        assert eventually(lambda: server.count(PUSH) > 0)
        double.mute()
        assert service.post("/hooks/generic", plain(f"{MODELS}/model-b", "1.2.0")).status == 503
        assert service.stop(10) == 0
        assert (double.acked, double.nacked) == ([], given)


# --- pushed


def test_what_pubsub_pushes_to_our_hook_lands(tmp_path: Path) -> None:
    """The emulator shows no token."""
    emulator()
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    with broker("emulator") as pubsub, serving(bare, tmp_path / "one", faults.undisturbed()) as service:
        gcr = pubsub.stage.topic("gcr")
        endpoint = {"push_endpoint": f"http://127.0.0.1:{service.port}/hooks/pubsub"}
        pubsub.stage.subscription(gcr, push_config=endpoint)
        [name] = pubsub.stage.publish(gcr, inserted("model-a", "1.1.0"))
        assert stands(bare, "model-a", "1.1.0"), service.text()
        [event] = service.ended(1)
        assert (event["source"], event["id"]) == ("artifact-registry", name)


def test_whoever_pushes_for_pubsub_has_to_show_a_token_of_googles(tmp_path: Path) -> None:
    now = int(time.time())
    good = claims(iat=now, exp=now + 3600)
    tokens = {
        "good": token(good),
        "of another key": token(good, signer=key("k2")),
        "of somebody else": token({**good, "email": "mallory@example.org"}),
        "expired": token({**good, "iat": now - 7200, "exp": now - 3600}),
    }
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    with publishing(key_set([("k1", key())])) as certs:
        settings = {"PUBSUB_AUDIENCE": AUDIENCE, "PUBSUB_SENDER": EMAIL, "PUBSUB_CERTS_URL": certs}
        with serving(bare, tmp_path / "one", faults.undisturbed(), **settings) as service:
            push = pushed(f"{MODELS}/model-a", "1.1.0")
            shown = {name: {"Authorization": f"Bearer {each}"} for name, each in tokens.items()}
            statuses = {name: service.post("/hooks/pubsub", push, headers).status for name, headers in shown.items()}
            assert statuses == {"good": 202, "of another key": 401, "of somebody else": 401, "expired": 401}
            assert service.post("/hooks/pubsub", push).status == 401
            assert [each["outcome"] for each in service.ended(1)] == ["committed"]
            assert not any(each in service.text() for each in tokens.values())


@contextmanager
def publishing(document: bytes) -> Iterator[str]:
    """The address of a document on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(document)))
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/certs"
        server.shutdown()
        thread.join()
