"""Registries that lie, hang, send us around or ask for too much: none of it is believed, and none of it takes long."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.authority import Authority
from tests.helpers.faulty_registry import Answer, FaultyRegistry, Request, faulty_registry
from tests.helpers.image_layouts import MANIFEST
from tests.helpers.registry_clients import Shelf, Stage, client_of
from updater.adapters import http
from updater.adapters.http import Connections, Unanswered
from updater.core.oci import OCI_INDEX
from updater.errors import RegistryError, RegistryRefused, RegistryUnavailable
from updater.registries import client as clients
from updater.registries import reading, sending
from updater.registries.answers import Kept
from updater.registries.credentials import Secret
from updater.registry import Tagged

IMAGE = json.dumps({"schemaVersion": 2, "config": {}, "layers": []}).encode()
DIGEST = f"sha256:{hashlib.sha256(IMAGE).hexdigest()}"
OTHER = f"sha256:{'5' * 64}"
SECRET = Secret("basic", "alice", "hush-hush")
JSON = {"Content-Type": "application/json"}

Ask = Callable[[Stage], object]


def tag_of(stage: Stage) -> object:
    return stage.client.digest("acme/a", "1.0.0")


def manifest_of(stage: Stage) -> object:
    return stage.client.manifest("acme/a", "1.0.0")


def pinned_of(stage: Stage) -> object:
    return stage.client.manifest("acme/a", DIGEST)


def pinned_digest_of(stage: Stage) -> object:
    return stage.client.digest("acme/a", DIGEST)


def blob_of(stage: Stage) -> object:
    return stage.client.blob("acme/a", DIGEST, 1000)


def tags_of(stage: Stage) -> object:
    return stage.client.tags("acme/a")


def referrers_of(stage: Stage) -> object:
    return stage.client.referrers("acme/a", DIGEST)


def ping(stage: Stage) -> object:
    stage.client.ping()
    return None


def image(digest: str = DIGEST, content: bytes = IMAGE, **headers: str) -> Answer:
    return Answer(200, {"Content-Type": MANIFEST, "Docker-Content-Digest": digest, **headers}, content)


def told(body: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status, {**JSON, **headers}, json.dumps(body).encode())


@pytest.fixture
def server() -> Iterator[FaultyRegistry]:
    with faulty_registry(lambda _request: image()) as found:
        yield found


@pytest.fixture
def stage(server: FaultyRegistry) -> Iterator[Stage]:
    with client_of("reg.example", server.url) as found:
        yield found


@pytest.fixture
def elsewhere() -> Iterator[FaultyRegistry]:
    with faulty_registry(lambda _request: image()) as found:
        yield found


def refusal(stage: Stage, ask: Ask) -> str:
    with pytest.raises(RegistryRefused) as caught:
        ask(stage)
    assert "reg.example" in caught.value.message
    assert "hush" not in f"{caught.value} {caught.value.hint}"
    return caught.value.message


def outage(stage: Stage, ask: Ask) -> str:
    with pytest.raises(RegistryUnavailable) as caught:
        ask(stage)
    assert "reg.example" in caught.value.message
    return caught.value.message


# --- what can be reckoned


@pytest.mark.parametrize("ask", [manifest_of, pinned_of, blob_of])
def test_content_that_is_not_what_its_digest_says_is_refused(stage: Stage, server: FaultyRegistry, ask: Ask) -> None:
    server.answer = lambda _request: image(DIGEST, IMAGE + b" ")
    assert "does not tell the truth" in refusal(stage, ask)
    assert not any(kept.headers and kept.body == IMAGE for kept in stage.memory.values())


def test_another_digest_than_the_one_that_was_asked_for_is_refused(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda _request: image(OTHER)
    assert "does not tell the truth" in refusal(stage, pinned_digest_of)


@pytest.mark.parametrize("headers", [{}, {"Docker-Content-Digest": "sha512:abc"}, {"Docker-Content-Digest": "x" * 999}])
def test_without_a_digest_that_can_be_used_the_content_is_hashed(
    stage: Stage, server: FaultyRegistry, headers: Mapping[str, str]
) -> None:
    server.answer = lambda _request: Answer(200, {"Content-Type": MANIFEST, **headers}, IMAGE)
    assert tag_of(stage) == DIGEST
    assert [request.method for request in server.requests] == ["HEAD", "GET"]


@pytest.mark.parametrize(("ask", "reference"), [(tag_of, "1.0.0"), (pinned_digest_of, DIGEST)])
def test_a_registry_that_knows_no_head_is_asked_for_all(
    stage: Stage, server: FaultyRegistry, ask: Ask, reference: str
) -> None:
    server.answer = lambda request: Answer(405) if request.method == "HEAD" else image()
    assert ask(stage) == DIGEST
    server.answer = lambda request: Answer(405) if request.method == "HEAD" else told({}, 404)
    assert ask(stage) is None
    assert server.requests[-1].path.endswith(reference)


def test_a_lie_is_found_where_no_head_is_known(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda request: Answer(405) if request.method == "HEAD" else image(content=IMAGE + b" ")
    assert "does not tell the truth" in refusal(stage, pinned_digest_of)


def test_what_is_said_to_be_unchanged_and_was_never_sent_is_refused(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda _request: Answer(304)
    assert "answered 304" in refusal(stage, manifest_of)


# --- what no registry answers


@pytest.mark.parametrize("ask", [tag_of, manifest_of, tags_of, referrers_of, ping])
def test_a_page_for_people_is_no_answer(stage: Stage, server: FaultyRegistry, ask: Ask) -> None:
    server.answer = lambda _request: Answer(200, {"Content-Type": "text/html"}, b"<html>log in</html>")
    assert "answered 200 and text/html" in refusal(stage, ask)


@pytest.mark.parametrize("ask", [tag_of, manifest_of, pinned_of, blob_of, tags_of])
def test_a_page_for_people_does_not_say_that_something_is_gone(stage: Stage, server: FaultyRegistry, ask: Ask) -> None:
    server.answer = lambda _request: Answer(404, {"Content-Type": "text/html; charset=utf-8"}, b"<html>down</html>")
    assert "answered 404 and text/html" in refusal(stage, ask)


@pytest.mark.parametrize("ask", [tag_of, manifest_of, pinned_of, blob_of, tags_of, referrers_of, ping])
@pytest.mark.parametrize("status", [204, 206, 302, 418])
def test_a_status_that_means_nothing_here_is_refused(
    stage: Stage, server: FaultyRegistry, ask: Ask, status: int
) -> None:
    server.answer = lambda _request: Answer(status)
    refusal(stage, ask)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff\xfe", b'"tags"', b'{"tags": {}}', b'{"tags": "a"}', b"[" * 100_000, b"9" * 5_000],
    ids=repr,
)
def test_what_is_no_list_of_tags_is_refused(stage: Stage, server: FaultyRegistry, body: bytes) -> None:
    server.answer = lambda _request: Answer(200, JSON, body)
    told = refusal(stage, tags_of)
    assert "as no registry does" in told
    assert not re.search(r"sys\.|codec|column|char", told), "nobody has to know Python"


@pytest.mark.parametrize("body", [IMAGE, b"{}", b"[]", b"<"])
def test_what_is_no_index_does_not_tell_what_refers(stage: Stage, server: FaultyRegistry, body: bytes) -> None:
    server.answer = lambda _request: Answer(200, {"Content-Type": OCI_INDEX}, body)
    refusal(stage, referrers_of)
    server.answer = lambda request: Answer(404) if "referrers" in request.path else Answer(200, JSON, body)
    refusal(stage, referrers_of)


def test_what_was_packed_unasked_is_not_unpacked(stage: Stage, server: FaultyRegistry) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    server.answer = lambda _request: Answer(200, {**JSON, "Content-Encoding": "gzip"}, bomb)
    assert "as no registry does" in refusal(stage, tags_of)
    assert server.requests[0].headers["accept-encoding"] == "identity"


# --- too much, too slow, not to the end


def test_a_manifest_of_a_hundred_megabytes_is_not_read(stage: Stage, server: FaultyRegistry) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1024 * 1024
            yield bytes(1024 * 1024)

    server.answer = lambda _request: Answer(200, {"Content-Type": MANIFEST}, pieces())
    assert f"more than {4 * 1024 * 1024} bytes" in refusal(stage, manifest_of)
    # What lies in the buffers of the connection was sent and not read.
    assert sent < 40 * 1024 * 1024


def test_a_server_that_is_silent_is_given_up(
    stage: Stage, server: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.2)
    server.answer = lambda _request: None
    assert "took too long" in outage(stage, tag_of)


def test_a_slow_failure_is_not_repeated(stage: Stage, server: FaultyRegistry) -> None:
    def answer(_request: Request) -> Answer:
        stage.hand.seconds += 20
        return Answer(500)

    server.answer = answer
    outage(stage, tag_of)
    assert len(server.requests) == 1


def drops(server: FaultyRegistry) -> Iterator[bytes]:
    while not server.stopped.wait(0.02):
        yield b" "


@pytest.mark.parametrize("is_chunked", [True, False])
def test_content_that_never_ends_is_given_up(
    stage: Stage, server: FaultyRegistry, monkeypatch: pytest.MonkeyPatch, is_chunked: bool
) -> None:
    monkeypatch.setattr(sending, "LONG", 0.3)
    headers = JSON if is_chunked else {**JSON, "Content-Length": "1000000"}
    server.answer = lambda _request: Answer(200, headers, drops(server))
    assert "took too long" in outage(stage, tags_of)


def test_headers_that_never_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.3)
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        listener.settimeout(0.1)
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not ended.wait(0.02):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        try:
            with client_of("reg.example", f"http://127.0.0.1:{listener.getsockname()[1]}") as stage:
                assert "took too long" in outage(stage, tag_of)
        finally:
            ended.set()
            thread.join()


def cut_off() -> Iterator[bytes]:
    yield IMAGE[:10]
    raise ConnectionError


def test_content_that_is_cut_off_is_asked_for_again(stage: Stage, server: FaultyRegistry) -> None:
    whole = {"Content-Type": MANIFEST, "Content-Length": str(len(IMAGE))}
    server.answer = lambda _request: Answer(200, whole, cut_off()) if len(server.requests) == 1 else image()
    served = stage.client.manifest("acme/a", "1.0.0")
    assert served is not None
    assert served.content == IMAGE


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_fails_is_asked_three_times(stage: Stage, server: FaultyRegistry, status: int) -> None:
    server.answer = lambda _request: Answer(status, {}, b"oops")
    assert f"answered {status}" in outage(stage, tag_of)
    assert len(server.requests) == 3
    assert stage.hand.pauses == [0.5, 2.0]


@pytest.mark.parametrize(
    "answer",
    [
        lambda: Answer(500),
        lambda: Answer(503, {"Retry-After": "0"}),
        lambda: Answer(200, {"Content-Type": MANIFEST, "Content-Length": "1000"}, cut_off()),
    ],
)
def test_a_server_in_any_trouble_is_left_alone_for_a_moment(
    stage: Stage, server: FaultyRegistry, answer: Callable[[], Answer]
) -> None:
    server.answer = lambda _request: answer()
    outage(stage, manifest_of)
    tries = len(server.requests)
    outage(stage, tags_of)
    assert len(server.requests) == tries
    server.answer = lambda _request: image()
    stage.hand.seconds += 11
    assert tag_of(stage) == DIGEST


def test_a_server_that_fails_at_one_thing_and_answers_others_is_not_left_alone(
    stage: Stage, server: FaultyRegistry
) -> None:
    def answer(request: Request) -> Answer:
        if request.path.endswith("/tags/list"):
            stage.hand.seconds += 0.1
            if len(server.requests) == 1:
                assert tag_of(stage) == DIGEST
            return Answer(500)
        return image()

    server.answer = answer
    outage(stage, tags_of)
    assert tag_of(stage) == DIGEST


@pytest.mark.parametrize(
    ("ask", "seconds"),
    [(tag_of, 10), (manifest_of, 10), (pinned_of, 10), (ping, 10), (blob_of, 30), (tags_of, 30), (referrers_of, 30)],
)
def test_only_what_may_be_long_may_take_long(
    stage: Stage, server: FaultyRegistry, monkeypatch: pytest.MonkeyPatch, ask: Ask, seconds: float
) -> None:
    given: list[float] = []

    def note(_self: Connections, *_: object, seconds: float, max_bytes: int) -> http.Answer:
        given.append(seconds)
        raise Unanswered("it took too long")

    monkeypatch.setattr(Connections, "ask", note)
    outage(stage, ask)
    assert set(given) == {seconds}


def test_a_server_that_failed_once_is_an_answer_later(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda _request: Answer(500) if len(server.requests) == 1 else image()
    assert tag_of(stage) == DIGEST


def test_a_server_that_is_not_there_is_left_alone_for_a_moment() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with client_of("reg.example", f"http://127.0.0.1:{port}") as stage:
        assert "did not answer" in outage(stage, tag_of)
        tries = len(stage.hand.pauses)
        outage(stage, tags_of)
        assert len(stage.hand.pauses) == tries
        stage.hand.seconds += 11
        outage(stage, tags_of)
        assert len(stage.hand.pauses) > tries


# --- when it wants us to wait


def test_a_short_wait_is_waited_for(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda _request: Answer(429, {"Retry-After": "7"}) if len(server.requests) == 1 else image()
    assert tag_of(stage) == DIGEST
    assert stage.hand.pauses == [7.0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_told_and_the_registry_left_alone_for_it(
    stage: Stage, server: FaultyRegistry, status: int
) -> None:
    server.answer = lambda _request: Answer(status, {"Retry-After": "60"})
    assert "wants us to wait for 60 s" in outage(stage, tag_of)
    stage.hand.seconds += 59
    assert "wants us to wait" in outage(stage, tags_of)
    assert len(server.requests) == 1
    server.answer = lambda _request: image()
    stage.hand.seconds += 2
    assert tag_of(stage) == DIGEST


def test_short_waits_are_not_waited_for_without_end(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda _request: Answer(429, {"Retry-After": "4"})
    outage(stage, tag_of)
    assert stage.hand.pauses == [4.0, 4.0]


def test_one_that_has_had_enough_and_does_not_say_for_how_long_is_left_alone(
    stage: Stage, server: FaultyRegistry
) -> None:
    server.answer = lambda _request: Answer(429)
    assert "wait for 30 s" in outage(stage, tag_of)
    assert len(server.requests) == 1


def test_a_time_to_come_again_is_measured_by_the_clock_of_who_said_it(stage: Stage, server: FaultyRegistry) -> None:
    dates = {"Date": "Fri, 31 Dec 1999 23:59:50 GMT", "Retry-After": "Fri, 31 Dec 1999 23:59:55 GMT"}
    server.answer = lambda _request: Answer(503, dates) if len(server.requests) == 1 else image()
    # The server of these tests puts its own date first, so that there are two.
    assert tag_of(stage) == DIGEST


def test_no_more_is_asked_in_a_minute_than_is_allowed(server: FaultyRegistry) -> None:
    with client_of("reg.example", server.url, calls_per_minute=60) as stage:
        for _ in range(120):
            tag_of(stage)
        assert stage.hand.seconds > 60


# --- where it sends us


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_server_leaves_the_login_behind(
    server: FaultyRegistry, elsewhere: FaultyRegistry, status: int
) -> None:
    def answer(request: Request) -> Answer:
        if "authorization" not in request.headers:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
        return Answer(status, {"Location": f"{elsewhere.url}/signed?key=1"})

    server.answer = answer
    with client_of("reg.example", server.url, lambda: SECRET) as stage:
        assert blob_of(stage) == IMAGE
    assert [request.path for request in elsewhere.requests] == ["/signed"]
    assert not any({"authorization", "cookie"} & request.headers.keys() for request in elsewhere.requests)


def test_a_redirect_on_the_same_server_keeps_the_login(server: FaultyRegistry) -> None:
    def answer(request: Request) -> Answer:
        if "authorization" not in request.headers:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
        return image() if request.path == "/moved" else Answer(307, {"Location": "/moved"})

    server.answer = answer
    with client_of("reg.example", server.url, lambda: SECRET) as stage:
        assert manifest_of(stage)


def test_a_login_left_behind_is_not_taken_up_again(server: FaultyRegistry, elsewhere: FaultyRegistry) -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/back":
            return image()
        if "authorization" not in request.headers:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
        return Answer(307, {"Location": f"{elsewhere.url}/"})

    server.answer = answer
    elsewhere.answer = lambda _request: Answer(307, {"Location": f"{server.url}/back"})
    with client_of("reg.example", server.url, lambda: SECRET) as stage:
        assert blob_of(stage) == IMAGE
    assert "authorization" not in server.requests[-1].headers


def test_a_server_that_we_are_sent_to_gets_no_login_for_the_asking(
    server: FaultyRegistry, elsewhere: FaultyRegistry
) -> None:
    server.answer = lambda _request: Answer(307, {"Location": f"{elsewhere.url}/"})
    elsewhere.answer = lambda _request: Answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
    with client_of("reg.example", server.url, lambda: SECRET) as stage:
        assert "wants a login of its own" in refusal(stage, blob_of)
    assert not any("authorization" in request.headers for request in elsewhere.requests)


def test_redirects_that_go_round_are_refused(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda request: Answer(307, {"Location": f"{request.path}x"})
    assert "more than 5 times" in refusal(stage, tag_of)
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "location",
    [
        "http://reg.example/x",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://alice:hush@127.0.0.1/",
        "https://[",
        "",
    ],
)
def test_a_redirect_to_what_should_not_be_asked_is_refused(stage: Stage, server: FaultyRegistry, location: str) -> None:
    server.answer = lambda _request: Answer(307, {"Location": location})
    assert "not to be trusted" in refusal(stage, tag_of)


def test_an_address_that_nobody_can_have_is_the_registrys_fault(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda _request: Answer(307, {"Location": "https://xn--a/x"})
    assert "cannot be asked" in refusal(stage, tag_of)
    guard(server, "https://xn--a/token")
    assert "cannot be asked" in refusal(stage, tag_of)
    assert len(server.requests) == 2


# --- certificates


@pytest.mark.parametrize(
    ("certificate", "reason"), [({"expired": True}, "expired"), ({"name": "other.example"}, "mismatch")]
)
def test_a_certificate_that_does_not_count_is_told(tmp_path: Path, certificate: dict[str, Any], reason: str) -> None:
    authority = Authority(tmp_path)
    with (
        faulty_registry(lambda _request: image(), authority, **certificate) as server,
        client_of("reg.example", server.url, ca=authority.ca) as stage,
    ):
        assert reason in refusal(stage, tag_of)
        assert server.requests == []


def test_nobody_is_led_out_of_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with (
        faulty_registry(lambda _request: Answer(307, {"Location": "http://reg.example/"}), authority) as server,
        client_of("reg.example", server.url, ca=authority.ca) as stage,
    ):
        assert "not to be trusted" in refusal(stage, tag_of)


def test_a_server_that_speaks_no_tls_is_an_outage(server: FaultyRegistry) -> None:
    with client_of("reg.example", server.url.replace("http:", "https:")) as stage:
        assert "did not answer" in outage(stage, tag_of)


# --- pages


def listed(server: FaultyRegistry, link: Callable[[Request], str], tags: Callable[[Request], list[str]]) -> None:
    server.answer = lambda request: told({"tags": tags(request)}, Link=link(request))


@pytest.mark.parametrize("base", ["", "{url}", "http://127.0.0.1"])
def test_pages_are_followed_to_the_end(stage: Stage, server: FaultyRegistry, base: str) -> None:
    def answer(request: Request) -> Answer:
        if request.query.get("last") == "b":
            return told({"tags": ["c", "not a tag", 7, "c"]})
        where = base.format(url=server.url)
        return told({"tags": ["a", "b"]}, Link=f'<{where}{request.path}?last=b&n=2>; rel="next"')

    server.answer = answer
    assert stage.client.tags("acme/a") == {"a": Tagged(), "b": Tagged(), "c": Tagged()}
    assert [request.raw_query for request in server.requests] == ["n=1000", "last=b&n=2"]


def test_pages_that_go_round_are_refused(stage: Stage, server: FaultyRegistry) -> None:
    turn = {"n=1000": "x=1", "x=1": "x=2", "x=2": "x=1"}
    listed(
        server,
        lambda request: f'<{request.path}?{turn[request.raw_query]}>; rel="next"',
        lambda request: [request.raw_query.replace("=", "-")],
    )
    assert "again and again" in refusal(stage, tags_of)
    assert len(server.requests) == 3


def test_other_pages_with_the_same_tags_are_refused(stage: Stage, server: FaultyRegistry) -> None:
    listed(server, lambda request: f'<{request.path}?x={len(server.requests)}>; rel="next"', lambda _request: ["a"])
    assert "same tags" in refusal(stage, tags_of)
    assert len(server.requests) == 2


def test_pages_without_end_are_refused(stage: Stage, server: FaultyRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PAGES", 20)
    number = server.requests.__len__
    listed(server, lambda request: f'<{request.path}?x={number()}>; rel="next"', lambda _request: [f"t{number()}"])
    assert "more than 20 pages" in refusal(stage, tags_of)
    assert len(server.requests) == 20


def test_tags_without_end_are_refused(stage: Stage, server: FaultyRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MAX_TAGS", 3)
    listed(server, lambda _request: "", lambda _request: ["a", "b", "c", "d"])
    assert "more than 3 tags" in refusal(stage, tags_of)


def test_referrers_without_end_are_refused(
    stage: Stage, server: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MAX_REFERRERS", 3)
    each = {"mediaType": MANIFEST, "digest": DIGEST, "size": 1}
    server.answer = lambda _request: told({"schemaVersion": 2, "manifests": [each] * 4})
    assert "more than 3 referrers" in refusal(stage, referrers_of)


@pytest.mark.parametrize(
    "path", ["/v2/acme/b/tags/list?x=1", "/v2/", "{elsewhere}/v2/acme/a/tags/list?x=1", "http://["]
)
def test_pages_elsewhere_are_not_followed(
    stage: Stage, server: FaultyRegistry, elsewhere: FaultyRegistry, path: str
) -> None:
    link = path.format(elsewhere=elsewhere.url)
    listed(server, lambda _request: f'<{link}>; rel="next"', lambda _request: ["a"])
    assert "goes on elsewhere" in refusal(stage, tags_of)
    assert elsewhere.requests == []
    assert len(server.requests) == 1


def test_a_registry_that_does_not_like_the_size_of_pages_is_asked_without(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda request: told({}, 400) if request.query else told({"tags": ["a"]})
    assert stage.client.tags("acme/a") == {"a": Tagged()}


def test_no_tags_are_no_tags(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda _request: told({"name": "acme/a", "tags": None})
    assert stage.client.tags("acme/a") == {}


def test_pages_that_stayed_are_not_sent_again(server: FaultyRegistry) -> None:
    def answer(request: Request) -> Answer:
        etag = f'"{request.raw_query}"'
        if request.headers.get("if-none-match") == etag:
            return Answer(304, {"ETag": etag})
        link = "" if "last" in request.query else f'<{request.path}?last=a>; rel="next"'
        return told({"tags": ["b" if "last" in request.query else "a"]}, ETag=etag, Link=link)

    server.answer = answer
    memory = Shelf()
    for _ in range(2):
        with client_of("reg.example", server.url, memory=memory) as stage:
            assert stage.client.tags("acme/a") == {"a": Tagged(), "b": Tagged()}
    assert [request.headers.get("if-none-match") for request in server.requests] == [None, None, '"n=1000"', '"last=a"']


@pytest.mark.parametrize("etag", ['"\xe9"', '"a b"', '"' + "x" * 1024 + '"', ""])
def test_an_etag_that_cannot_be_sent_back_is_not_kept(stage: Stage, server: FaultyRegistry, etag: str) -> None:
    server.answer = lambda _request: told({"tags": ["a"]}, ETag=etag)
    for _ in range(2):
        assert stage.client.tags("acme/a") == {"a": Tagged()}
    assert stage.memory == {}


def test_an_etag_that_was_kept_and_cannot_be_sent_is_got_rid_of(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda _request: told({"tags": ["a"]}, ETag='"good"')
    stage.client.tags("acme/a")
    ((key, kept),) = stage.memory.items()
    stage.memory[key] = Kept('"é"', kept.body, kept.headers)
    assert stage.client.tags("acme/a") == {"a": Tagged()}
    assert stage.memory[key].etag == '"good"'


def test_referrers_are_told_page_by_page(stage: Stage, server: FaultyRegistry) -> None:
    def answer(request: Request) -> Answer:
        digest = DIGEST if request.query else OTHER
        link = "" if request.query else f'<{request.path}?page=2>; rel="next"'
        each = {"mediaType": MANIFEST, "digest": digest, "size": 1}
        return told({"schemaVersion": 2, "manifests": [each]}, Link=link)

    server.answer = answer
    assert [found.digest for found in stage.client.referrers("acme/a", DIGEST)] == [OTHER, DIGEST]


@pytest.mark.parametrize("status", [400, 404, 405])
def test_referrers_are_looked_for_by_tag_where_the_api_is_not_known(
    stage: Stage, server: FaultyRegistry, status: int
) -> None:
    server.answer = lambda request: Answer(status if "referrers" in request.path else 404)
    assert stage.client.referrers("acme/a", DIGEST) == ()
    assert server.requests[-1].path == f"/v2/acme/a/manifests/{DIGEST.replace(':', '-')}"


def test_referrers_that_cannot_be_asked_for_are_not_taken_for_none(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda request: Answer(404) if "referrers" in request.path else Answer(500)
    outage(stage, referrers_of)


# --- token servers


def guard(server: FaultyRegistry, realm: str, token: str = "good", **parameters: str) -> None:
    """Lets the bearer of a token in, and names a token server."""
    told = "".join(f',{name}="{value}"' for name, value in {"service": "reg", **parameters}.items())

    def answer(request: Request) -> Answer:
        if request.headers.get("authorization") == f"Bearer {token}":
            return image()
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}"{told}'})

    server.answer = answer


@pytest.fixture
def logged_in(server: FaultyRegistry) -> Iterator[Stage]:
    with client_of("reg.example", server.url, lambda: SECRET) as found:
        yield found


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"token": "good", "expires_in": 300, "issued_at": "1999-01-01T00:00:00Z"}, 290),
        ({"access_token": "good", "expires_in": 100}, 90),
        ({"token": "good"}, 50),
        ({"token": "good", "expires_in": 8}, 6),
        ({"token": "good", "expires_in": -5}, 50),
        ({"token": "good", "expires_in": "soon"}, 50),
        ({"token": "good", "expires_in": True}, 50),
        ({"token": "good", "expires_in": 10**400}, 86_390),
    ],
)
def test_a_token_lasts_as_long_as_its_server_says_by_our_clock(
    logged_in: Stage, server: FaultyRegistry, elsewhere: FaultyRegistry, body: object, seconds: int
) -> None:
    guard(server, f"{elsewhere.url}/token")
    elsewhere.answer = lambda _request: told(body, Date="Fri, 31 Dec 1999 23:59:50 GMT")
    for passed, asked in ((0, 1), (seconds - 1, 1), (seconds + 1, 2)):
        logged_in.hand.seconds = passed
        assert tag_of(logged_in) == DIGEST
        assert len(elsewhere.requests) == asked


def test_a_token_is_asked_for_what_is_needed_and_no_more(
    logged_in: Stage, server: FaultyRegistry, elsewhere: FaultyRegistry
) -> None:
    guard(server, f"{elsewhere.url}/token?account=1", scope="repository:acme/other:push")
    elsewhere.answer = lambda _request: told({"token": "good"})
    tag_of(logged_in)
    assert elsewhere.requests[0].query == {"account": "1", "service": "reg", "scope": "repository:acme/a:pull"}


def test_another_scope_of_the_same_repository_is_what_is_asked_for(
    logged_in: Stage, server: FaultyRegistry, elsewhere: FaultyRegistry
) -> None:
    guard(server, f"{elsewhere.url}/token", scope="repository:acme/a:metadata_read")
    elsewhere.answer = lambda _request: told({"token": "good"})
    tag_of(logged_in)
    assert elsewhere.requests[0].query["scope"] == "repository:acme/a:metadata_read"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"Content-Type": "text/html"}, b"<html>"),
        Answer(200, JSON, b"[]"),
        Answer(200, JSON, b"{}"),
        Answer(200, JSON, b'{"token": 7}'),
        Answer(200, JSON, b'{"token": "hush\\r\\nX-Evil: 1"}'),
        Answer(200, JSON, b'{"token": "' + b"h" * 40_000 + b'"}'),
        Answer(200, JSON, b'{"token": "' + b"h" * 2_000_000 + b'"}'),
        Answer(200, JSON, b"[" * 100_000),
        Answer(200, JSON, b'{"token": ' + b"9" * 5_000 + b"}"),
        Answer(404),
        Answer(302),
    ],
    ids=lambda answer: repr(answer)[:60],
)
def test_what_is_no_token_is_shown_to_nobody(
    logged_in: Stage, server: FaultyRegistry, elsewhere: FaultyRegistry, answer: Answer
) -> None:
    guard(server, f"{elsewhere.url}/token")
    elsewhere.answer = lambda _request: answer
    refusal(logged_in, tag_of)
    assert not any("authorization" in request.headers for request in server.requests)


def test_a_token_server_that_is_down_is_an_outage(
    logged_in: Stage, server: FaultyRegistry, elsewhere: FaultyRegistry
) -> None:
    guard(server, f"{elsewhere.url}/token")
    elsewhere.answer = lambda _request: Answer(503)
    assert "answered 503" in outage(logged_in, tag_of)


@pytest.mark.parametrize(
    "realm",
    [
        "http://reg.example/token",
        "http://127.0.0.1.example.org/token",
        "ftp://127.0.0.1/token",
        "https://alice@127.0.0.1/token",
        "https://127.0.0.1/a b",
        "https://127.0.0.1/\\x0d\\x0aX-Evil:1 ",
    ],
)
def test_a_token_server_that_must_not_be_told_a_login_is_not_asked(
    logged_in: Stage, server: FaultyRegistry, realm: str
) -> None:
    guard(server, realm)
    assert "must not be told a login" in refusal(logged_in, tag_of)


def test_a_token_server_in_the_clear_is_not_asked_for_a_registry_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with faulty_registry(lambda _request: image(), authority) as server:
        guard(server, "http://reg.example/token")
        with client_of("reg.example", server.url, lambda: SECRET, ca=authority.ca) as stage:
            assert "must not be told a login" in refusal(stage, tag_of)


def test_what_a_registry_says_of_its_tokens_stays_in_its_place(
    logged_in: Stage, server: FaultyRegistry, elsewhere: FaultyRegistry
) -> None:
    guard(server, f"{elsewhere.url}/token", service="a&scope=registry:catalog:*#")
    elsewhere.answer = lambda _request: told({"token": "good"})
    tag_of(logged_in)
    assert elsewhere.requests[0].query == {"service": "a&scope=registry:catalog:*#", "scope": "repository:acme/a:pull"}


def test_a_registry_that_never_lets_us_in_is_asked_twice(
    logged_in: Stage, server: FaultyRegistry, elsewhere: FaultyRegistry
) -> None:
    guard(server, f"{elsewhere.url}/token", token="another")
    elsewhere.answer = lambda _request: told({"token": "good"})
    assert "does not let us read acme/a (401)" in refusal(logged_in, tag_of)
    assert len(server.requests) == 2
    assert len(elsewhere.requests) == 1


def test_a_registry_that_wants_passwords_from_now_on_is_shown_no_token_any_more(
    logged_in: Stage, server: FaultyRegistry, elsewhere: FaultyRegistry
) -> None:
    guard(server, f"{elsewhere.url}/token")
    elsewhere.answer = lambda _request: told({"token": "good"})
    tag_of(logged_in)
    server.answer = lambda request: (
        image()
        if request.headers.get("authorization", "").startswith("Basic")
        else Answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
    )
    tag_of(logged_in)
    before = len(server.requests)
    assert tag_of(logged_in) == DIGEST
    assert len(server.requests) == before + 1


def test_what_is_forbidden_is_not_gone(stage: Stage, server: FaultyRegistry) -> None:
    server.answer = lambda _request: told({"errors": [{"code": "DENIED"}]}, 403)
    assert "does not let us read acme/a (403)" in refusal(stage, tag_of)


@pytest.mark.parametrize("header", [None, "", "Negotiate abc==", "Bearer", 'Bearer realm=""', "=", "x" * 20_000])
def test_a_login_of_another_kind_is_refused(logged_in: Stage, server: FaultyRegistry, header: str | None) -> None:
    server.answer = lambda _request: Answer(401, {} if header is None else {"WWW-Authenticate": header})
    assert "a kind that is not known" in refusal(logged_in, tag_of)


def test_a_login_that_fails_is_told_as_it_is(server: FaultyRegistry) -> None:
    def fail() -> Secret:
        raise RegistryRefused("the helper of reg.example says no")

    server.answer = lambda _request: Answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
    with client_of("reg.example", server.url, fail) as stage, pytest.raises(RegistryError, match="the helper"):
        tag_of(stage)


def test_a_login_is_renewed_when_its_time_is_over(server: FaultyRegistry) -> None:
    given: list[Secret] = []

    def login() -> Secret:
        given.append(Secret("basic", "alice", str(len(given)), until=stage.hand.now().replace(hour=23)))
        return given[-1]

    server.answer = lambda request: (
        image() if "authorization" in request.headers else Answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
    )
    with client_of("reg.example", server.url, login) as stage:
        for seconds, logins in ((0, 1), (3600, 1), (12 * 3600, 2)):
            stage.hand.seconds = seconds
            tag_of(stage)
            assert len(given) == logins
