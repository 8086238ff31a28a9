"""A git remote over smart HTTP that can be made to misbehave: `git http-backend` behind a server on loopback."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

PUSH = "git-receive-pack"
FETCH = "git-upload-pack"
Fault = Literal["hang", "cut", "unavailable"]
PATIENCE = 30.0


@dataclass(frozen=True)
class Request:
    """A request that was seen. `service` is what it is about: fetching or pushing."""

    method: str
    path: str
    service: str
    user: str | None


class GitServer:
    """Serves the bare repositories in a folder, from `with` to its end.

    `faults` says what happens to requests of a kind (`PUSH`, `FETCH`, "GET", "POST" or both, as in "POST " + PUSH):
    "hang" leaves them without an answer, "cut" does the work and then closes the connection, "unavailable" answers 503.
    `delay` is waited, in seconds, before each request is looked at. With `credentials` nobody else gets in.
    """

    def __init__(self, root: Path, credentials: tuple[str, str] | None = None) -> None:
        self.root = root
        self.credentials = credentials
        self.faults: dict[str, Fault] = {}
        self.delay = 0.0
        self.requests: list[Request] = []
        self._seen = threading.Condition()
        self._stopped = threading.Event()
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begins to listen; after a stop, on the same port as before."""
        self._stopped.clear()
        self._server = Server(("127.0.0.1", self._port), Handler)
        self._server.owner = self
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Stops listening; requests that hang end without an answer. Harmless when it is stopped."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, repository: str = "gitops.git", credentials: str = "") -> str:
        """The URL of a repository; `credentials` (`user:password`) are put into it."""
        return f"http://{credentials}{credentials and '@'}127.0.0.1:{self._port}/{repository}"

    def count(self, service: str) -> int:
        """How many requests of a kind were seen."""
        return sum(service in (request.service, request.method) for request in self.requests)

    def wait_for_request(self) -> None:
        """Returns once a request has come in."""
        with self._seen:
            assert self._seen.wait_for(lambda: self.requests, PATIENCE)

    def note(self, request: Request) -> None:
        with self._seen:
            self.requests.append(request)
            self._seen.notify_all()

    def pause(self, seconds: float) -> bool:
        """Waits; True if the server was stopped meanwhile."""
        return self._stopped.wait(seconds)


class Server(ThreadingHTTPServer):
    """Serves what `owner` has, and ends only when all its answers are given."""

    daemon_threads = False
    owner: GitServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error here; everything else fails the test by the missing answer."""


class Handler(BaseHTTPRequestHandler):
    """One request of git, answered by `git http-backend` as the owner of the server wants it."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, *_: object) -> None:
        """Nothing is logged: tests read `GitServer.requests`."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        owner = self.server.owner
        self.close_connection = True
        service = PUSH if PUSH in self.path else FETCH
        owner.note(Request(self.command, self.path, service, self._user))
        kinds = (f"{self.command} {service}", service, self.command)
        fault = next((owner.faults[kind] for kind in kinds if kind in owner.faults), None)
        if fault == "hang":
            owner.pause(PATIENCE)
        elif owner.delay and owner.pause(owner.delay):
            pass
        elif fault == "unavailable":
            self._answer(503)
        elif owner.credentials is not None and self._credentials != owner.credentials:
            self._answer(401, [("WWW-Authenticate", 'Basic realm="test"')])
        else:
            status, headers, body = self._backend(self._body())
            if fault != "cut":
                self._answer(status, headers, body)

    def _answer(self, status: int, headers: list[tuple[str, str]] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in [*(headers or []), ("Content-Length", str(len(body))), ("Connection", "close")]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _backend(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        done = subprocess.run(["git", "http-backend"], input=body, stdout=subprocess.PIPE, env=self._cgi(len(body)))
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in head.decode().splitlines())]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        return status, [pair for pair in headers if pair[0] not in ("Status", "Content-Length")], content

    def _cgi(self, length: int) -> dict[str, str]:
        """The variables of a CGI request (RFC 3875, section 4.1), and those that git-http-backend(1) adds."""
        path, _, query = self.path.partition("?")
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self.server.owner.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": self._user or "",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }

    @cached_property
    def _credentials(self) -> tuple[str, str] | None:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user, password

    @property
    def _user(self) -> str | None:
        return None if self._credentials is None else self._credentials[0]
