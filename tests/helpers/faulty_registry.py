"""A server that takes a registry's place and answers what a test wants, however wrong that is."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from tests.helpers.authority import Authority


@dataclass(frozen=True)
class Request:
    """A request that was seen; the names of its headers are in lower case.

    `query` has the last of a repeated parameter, and `raw_query` all of them as they came.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    raw_query: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer. A body in pieces is sent in chunks, unless the headers tell its length."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterator[bytes] = b""


Answering = Callable[[Request], Answer | None]
"""Called by several threads. None leaves a request without an answer for as long as the server runs; where it (or a
body in pieces) raises ConnectionError, the connection is cut at that point."""


@dataclass
class FaultyRegistry:
    """A running server at `host`; `answer` may be exchanged at any time. `requests` are those that came, in order."""

    answer: Answering
    host: str = ""
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def count(self, method: str, path: str = "") -> int:
        """How many requests of a method came whose path has this in it."""
        return sum(request.method == method and path in request.path for request in list(self.requests))


@contextmanager
def faulty_registry(
    answer: Answering, authority: Authority | None = None, *, name: str = "localhost", expired: bool = False
) -> Iterator[FaultyRegistry]:
    """A server on loopback until the end of the block; with an authority over TLS, and a certificate for `name`."""
    registry = FaultyRegistry(answer)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.registry = registry
        registry.host = f"{'localhost' if authority else '127.0.0.1'}:{server.server_address[1]}"
        registry.url = f"{'https' if authority else 'http'}://{registry.host}"
        if authority:
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.tls.load_cert_chain(*authority.certificate(name, expired=expired))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield registry
        finally:
            registry.stopped.set()
            server.shutdown()
            thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True  # a client may hold its connection open for longer than the test takes
    request_queue_size = 64
    registry: FaultyRegistry
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: object, client_address: object) -> None:
        """In the connection's own thread, so that a client that dislikes our certificate keeps nobody waiting."""
        if not self.tls:
            super().finish_request(request, client_address)  # type: ignore[arg-type]
            return
        assert not isinstance(request, tuple)
        with self.tls.wrap_socket(request, server_side=True) as wrapped:  # type: ignore[arg-type]
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error here; everything else fails the test by the missing answer."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        registry = self.server.registry
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        request = Request(self.command, parts.path, dict(parse_qsl(parts.query, True)), headers, body, parts.query)
        registry.requests.append(request)
        try:
            answer = registry.answer(request)
            if answer is None:
                registry.stopped.wait(60)
            else:
                self._send(answer)
                return
        except (ConnectionError, ssl.SSLError):
            pass
        self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def _send(self, answer: Answer) -> None:
        body = answer.body
        given = {name.lower() for name in answer.headers}
        is_chunked = not isinstance(body, bytes) and "content-length" not in given
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif isinstance(body, bytes) and "content-length" not in given and answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status not in (204, 304):
            self._send_body(iter((body,)) if isinstance(body, bytes) else body, is_chunked)

    def _send_body(self, pieces: Iterator[bytes], is_chunked: bool) -> None:
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked and piece else piece)
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: tests read `FaultyRegistry.requests`."""
