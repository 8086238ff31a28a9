"""Single requests to real servers of this machine: whole answers in time and in size, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from updater.adapters import http
from updater.adapters.http import Answer, Connections, Unanswered, Unsendable
from updater.errors import UsageError


@dataclass
class Site:
    """Where a server is, what it got, and when it is to end."""

    url: str = ""
    got: list[tuple[str, str, bytes, dict[str, str]]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    opened: int = 0


class Server(ThreadingHTTPServer):
    """Serves one site."""

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.site = site


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.site.opened += 1

    def do_GET(self) -> None:
        self._note(b"")
        answers = {
            "/slow": self._slow,
            "/drops": self._drops,
            "/elsewhere": self._elsewhere,
            "/complains": self._complains,
            "/cookie": self._cookie,
        }
        answers.get(self.path, self._plain)()

    def do_CONNECT(self) -> None:
        self._note(b"")
        self.send_error(502)

    def do_POST(self) -> None:
        self._note(self.rfile.read(int(self.headers["Content-Length"])))
        self._head(202 if self.path == "/good" else 500, 0)

    def _plain(self) -> None:
        self._head(200 if self.path == "/good" else 404, 4)
        self.wfile.write(b"good")

    def _slow(self) -> None:
        self._head(200, 10)
        self.wfile.write(b"x")
        self.server.site.arrived.set()
        self.server.site.ended.wait(10)

    def _drops(self) -> None:
        self._head(200, 10**6)
        with suppress(OSError):
            while not self.server.site.ended.wait(0.02):
                self.wfile.write(b"x")

    def _elsewhere(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/good")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _complains(self) -> None:
        self._head(400, 1_000_000)
        with suppress(OSError):
            self.wfile.write(bytes(1_000_000))

    def _cookie(self) -> None:
        self.send_response(200)
        self.send_header("Set-Cookie", "a=b; Path=/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _note(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.site.got.append((self.command, self.path, body, headers))

    def _head(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    with Server(found) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="site")
        thread.start()
        yield found
        found.ended.set()
        server.shutdown()
        thread.join()


def test_a_document_is_got(site: Site) -> None:
    assert http.get(f"{site.url}/good", seconds=10, max_bytes=4) == b"good"


def test_a_document_that_is_too_long_is_refused(site: Site) -> None:
    with pytest.raises(Unanswered, match="more than 3 bytes"):
        http.get(f"{site.url}/good", seconds=10, max_bytes=3)


@pytest.mark.parametrize(("path", "told"), [("/missing", "answered 404"), ("/elsewhere", "answered 302")])
def test_only_success_is_an_answer_and_redirects_are_not_followed(site: Site, path: str, told: str) -> None:
    with pytest.raises(Unanswered, match=told) as caught:
        http.get(site.url + path, seconds=10, max_bytes=100)
    assert caught.value.retry
    assert len(site.got) == 1


def test_a_server_that_stops_in_the_middle_is_given_up(site: Site) -> None:
    with pytest.raises(Unanswered, match="took too long"):
        http.get(f"{site.url}/slow", seconds=0.6, max_bytes=100)


def test_a_server_that_answers_drop_by_drop_is_given_up(site: Site) -> None:
    with pytest.raises(Unanswered, match="took too long"):
        http.get(f"{site.url}/drops", seconds=0.6, max_bytes=10**6)


def test_nothing_packed_is_asked_for(site: Site) -> None:
    http.get(f"{site.url}/good", seconds=10, max_bytes=4)
    assert site.got[0][3]["accept-encoding"] == "identity"


def test_content_is_sent_with_its_headers(site: Site) -> None:
    http.post(f"{site.url}/good", b"{}", {"content-type": "application/cloudevents+json"}, 10)
    method, path, body, headers = site.got[0]
    assert (method, path, body) == ("POST", "/good", b"{}")
    assert headers["content-type"] == "application/cloudevents+json"


def test_what_was_not_taken_is_an_error(site: Site) -> None:
    with pytest.raises(Unanswered, match="answered 500"):
        http.post(f"{site.url}/bad", b"{}", {}, 10)


def test_a_server_that_is_not_there_is_told_without_what_is_secret_in_its_url() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://alice:hush@127.0.0.1:{taken.getsockname()[1]}/path?key=hush"
        with pytest.raises(Unanswered, match="did not answer: ConnectError") as caught:
            http.get(url, seconds=10, max_bytes=100)
    assert "hush" not in str(caught.value)
    assert "path" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://example.org/", "ftp://127.0.0.1/", "file:///etc/hosts", "", "https://[", "http://127.0.0.1.example.org/"],
)
def test_nothing_but_https_is_asked_beyond_this_machine(url: str) -> None:
    with pytest.raises(Unanswered, match="address"):
        http.get(url, seconds=10, max_bytes=100)


def test_an_address_that_the_library_cannot_read_is_an_error_of_ours() -> None:
    with pytest.raises(Unanswered):
        http.get("https://exa mple.org:99999999/", seconds=1, max_bytes=100)


@pytest.fixture
def connections() -> Iterator[Connections]:
    with closing(Connections()) as found:
        yield found


def ask(connections: Connections, url: str, **headers: str) -> Answer:
    return connections.ask("GET", url, headers, seconds=10, max_bytes=10)


def test_every_status_is_an_answer_and_headers_have_lower_case_names(site: Site, connections: Connections) -> None:
    moved = ask(connections, f"{site.url}/elsewhere")
    assert (moved.status, moved.headers["location"], moved.content) == (302, "/good", b"")
    assert ask(connections, f"{site.url}/missing").status == 404


@pytest.mark.parametrize("url", ["https://xn--a/x", "https://localhost:99999/x"])
def test_an_address_that_no_server_can_have_is_told_and_not_asked_again(connections: Connections, url: str) -> None:
    with pytest.raises(Unsendable, match="cannot be asked") as caught:
        ask(connections, url)
    assert not caught.value.retry


@pytest.mark.parametrize("host", [f"{'a' * 70}.example.org", "a..b", "exa%00mple.org", "[fe80::1%25eth0]", "a_b*c!"])
def test_a_name_that_nobody_has_is_a_server_that_does_not_answer(connections: Connections, host: str) -> None:
    with pytest.raises(Unanswered):
        ask(connections, f"https://{host}/x")


def test_a_header_that_cannot_be_sent_is_told_and_does_not_end_the_connection(
    site: Site, connections: Connections
) -> None:
    with pytest.raises(Unsendable, match=r"127\.0\.0\.1 cannot be asked") as caught:
        ask(connections, f"{site.url}/good", **{"if-none-match": '"é"'})
    assert not caught.value.retry
    assert ask(connections, f"{site.url}/good").content == b"good"


def test_a_long_complaint_is_no_failure(site: Site, connections: Connections) -> None:
    assert connections.ask("GET", f"{site.url}/complains", {}, seconds=10, max_bytes=1).status == 400


def test_connections_are_used_again_and_by_many_threads(site: Site, connections: Connections) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(connections, f"{site.url}/good").content, range(40)))
    assert answers == [b"good"] * 40
    assert site.opened <= 8


def test_what_a_server_wants_to_be_reminded_of_is_forgotten(site: Site, connections: Connections) -> None:
    assert "set-cookie" in ask(connections, f"{site.url}/cookie").headers
    ask(connections, f"{site.url}/cookie")
    assert "cookie" not in site.got[-1][3]


def test_this_machine_is_never_asked_through_a_proxy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with closing(Connections()) as connections:
        assert ask(connections, f"{site.url}/good").content == b"good"


def test_other_machines_are_asked_through_the_proxy_of_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", site.url)
    with closing(Connections()) as connections, pytest.raises(Unanswered):
        ask(connections, "https://reg.example/", authorization="Basic hush")
    ((method, path, _, headers),) = site.got
    assert (method, path) == ("CONNECT", "reg.example:443")
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "proxy", ["ftp://alice:hush@reg.example", "socks5://alice:hush@reg.example", "http://reg.example:hush"]
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UsageError, match="proxy") as caught:
        Connections()
    assert "HTTPS_PROXY" in (caught.value.hint or "")
    assert "hush" not in f"{caught.value} {caught.value.hint}"


def test_whoever_waits_when_connections_are_closed_is_told_at_once(site: Site) -> None:
    connections = Connections()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connections.ask, "GET", f"{site.url}/slow", {}, seconds=60, max_bytes=100)
        assert site.arrived.wait(10)
        connections.close()
        with pytest.raises(Unanswered, match="about to end"):
            waiting.result(10)
    with pytest.raises(Unanswered, match="about to end"):
        ask(connections, f"{site.url}/good")
    connections.close()
