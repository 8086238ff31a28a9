"""Who is told outcomes, and how an event gets there: signed, in the form that CloudEvents asks for, or not at all."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.helpers.events import NOON
from updater.adapters import http
from updater.core.cloud_events import CloudEvent
from updater.core.masking import mask
from updater.core.outcomes import DEPLOYED
from updater.errors import StorageError, UpdaterError, UsageError
from updater.telling import receivers
from updater.telling.receivers import Receiver, read, to_address, to_topic, without_secrets

EVENT = CloudEvent("id-1", DEPLOYED, "test/model-a", NOON, {"to": {"tag": "1"}})
TOPIC = "projects/acme/topics/outcomes"


class Listener(HTTPServer):
    """A server on this machine that keeps what it is sent."""

    status = 204

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[Mapping[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/outcomes"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Listener)
        content = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(({name.lower(): value for name, value in self.headers.items()}, content))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, name="listener")
    thread.start()
    try:
        yield listener
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def test_an_address_is_sent_the_whole_event_signed() -> None:
    with listening() as listener:
        to_address(Receiver(listener.url, is_topic=False, secret="hush"), "https://example.org/x", http.post)(EVENT)
    ((headers, content),) = listener.requests
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["x-signature"] == "sha256=" + hmac.new(b"hush", content, hashlib.sha256).hexdigest()
    assert json.loads(content)["source"] == "https://example.org/x"
    assert json.loads(content)["data"] == {"to": {"tag": "1"}}


def test_without_a_secret_nothing_is_signed() -> None:
    with listening() as listener:
        to_address(Receiver(listener.url, is_topic=False), "x", http.post)(EVENT)
    assert "x-signature" not in listener.requests[0][0]


def test_an_address_that_does_not_take_it_is_a_failure() -> None:
    with listening() as listener:
        listener.status = 503
        with pytest.raises(UpdaterError, match="503"):
            to_address(Receiver(listener.url, is_topic=False), "x", http.post)(EVENT)


def test_a_topic_is_sent_data_and_attributes() -> None:
    published: list[tuple[str, bytes, Mapping[str, str]]] = []

    def publish(topic: str, data: bytes, attributes: Mapping[str, str]) -> Future[str]:
        published.append((topic, data, attributes))
        done: Future[str] = Future()
        done.set_result("1")
        return done

    to_topic(Receiver(TOPIC, is_topic=True), "x", publish)(EVENT)
    ((topic, data, attributes),) = published
    assert (topic, json.loads(data)) == (TOPIC, {"to": {"tag": "1"}})
    assert (attributes["ce-id"], attributes["ce-type"], attributes["ce-source"]) == ("id-1", DEPLOYED, "x")


def test_a_topic_that_refuses_or_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "SECONDS", 0.01)
    refused: Future[str] = Future()
    refused.set_exception(StorageError("no such topic"))
    pending: Future[str] = Future()
    for future, words in ((refused, "no such topic"), (pending, "did not take")):
        with pytest.raises(StorageError, match=words):
            to_topic(Receiver(TOPIC, is_topic=True), "x", lambda *_, future=future: future)(EVENT)
    assert pending.cancelled()


def test_no_secret_leaves_in_an_event() -> None:
    sent: list[CloudEvent] = []
    told = {"reason": "cannot push with hush-hush", "to": {"tag": "1"}, "pull_request": 7}
    without_secrets(mask(["hush-hush"]), sent.append)(replace(EVENT, data=told))
    assert [each.data for each in sent] == [{**told, "reason": "cannot push with ***"}]


@pytest.mark.parametrize("address", ["", None])
def test_nobody_is_told_where_no_address_is_given(address: str | None) -> None:
    assert read({} if address is None else {"UPDATER_OUTCOMES": address}) is None


@pytest.mark.parametrize(
    ("address", "is_topic"),
    [(TOPIC, True), ("https://example.org/outcomes?key=1", False), ("http://127.0.0.1:8000/", False)],
)
def test_topics_and_addresses_are_told_apart(address: str, is_topic: bool) -> None:
    assert read({"UPDATER_OUTCOMES": address}) == Receiver(address, is_topic)


@pytest.mark.parametrize(
    "address",
    ["http://example.org/x", "topics/outcomes", "projects/a/topics/b/c", "ftp://x", "https:///x", "https://["],
)
def test_what_is_neither_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(UsageError, match="^UPDATER_OUTCOMES is neither") as caught:
        read({"UPDATER_OUTCOMES": address})
    assert address not in str(caught.value)


def test_the_secret_may_be_in_a_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    environ = {
        "UPDATER_OUTCOMES": "https://alice:password@example.org/",
        "UPDATER_OUTCOMES_SECRET_FILE": str(tmp_path / "secret"),
    }
    found = read(environ)
    assert found is not None
    assert found.secret == "hush"
    assert "hush" not in repr(found)
    assert "password" not in repr(found)
