"""uvicorn, with the limits that a port on the internet needs."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from updater.decoders.envelopes import MAX_BYTES

HEAD_SECONDS = 5.0
"""How long a connection may take for the head of a request, and be idle between two of them."""
HEAD_BYTES = 65_536
"""How long the head of a request may be, beside what comes together with its first bytes."""
HEAD_FIELDS = 256
DEAF_SECONDS = 10.0
"""How long a sender may take for the next part of our answer."""
_WHOLE = HEAD_BYTES + 2 * MAX_BYTES
"""A request with its body, and what a body in chunks needs beside that."""
_CONNECTIONS = 20_000
_BACKLOG = 4096


class PatientlessProtocol(HttpToolsProtocol):
    """HTTP/1.1 that does not wait for senders who do not say what they want, or listen to those who say it without end:
    uvicorn itself has no such limits."""

    _head: asyncio.TimerHandle | None = None
    _deaf: asyncio.TimerHandle | None = None
    _came = 0
    _fields = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`. What comes together with the beginning of a request is not counted."""
        self._came += len(data)
        super().data_received(data)
        if self._came > (_WHOLE if self._head is None else HEAD_BYTES):
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins; its head has to follow."""
        super().on_message_begin()
        self._came = self._fields = 0
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or behind a body in chunks. Raises `ValueError`, which the sender is told as 400."""
        self._fields += 1
        if self._fields > HEAD_FIELDS:
            raise ValueError("too many fields")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there; the body is the application's matter."""
        self._forget_head()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._forget_head()
        self._hears()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The sender does not read what we answer."""
        super().pause_writing()
        self._deaf = self.loop.call_later(DEAF_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The sender reads again."""
        self._hears()
        super().resume_writing()

    def _hears(self) -> None:
        if self._deaf is not None:
            self._deaf.cancel()
            self._deaf = None

    def _await_head(self) -> None:
        self._forget_head()
        self._head = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class _Server(uvicorn.Server):
    """uvicorn's server, which tells at once that it is to stop, and leaves the end of the process to us."""

    stopping: Callable[[], None]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See `uvicorn.Server`, which would raise the signal again in the end, over the heads of those who tidy up."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._stop)
        yield

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping()
        self.handle_exit(number, frame)


def serve(
    app: Starlette, listening: socket.socket, stopping: Callable[[], None], *, proxies: str | None, grace: float
) -> None:
    """Answers on a socket until SIGTERM or SIGINT; then requests under way have `grace` seconds to end.

    `stopping` is called by the signal's handler. `proxies` are the addresses (comma separated) whose `X-Forwarded-For`
    is believed.
    """
    _allow_connections()
    options: dict[str, Any] = {"forwarded_allow_ips": proxies} if proxies else {}
    config = uvicorn.Config(
        app,
        http=PatientlessProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=proxies is not None,
        timeout_keep_alive=int(HEAD_SECONDS),
        timeout_graceful_shutdown=max(1, int(grace)),
        limit_concurrency=_CONNECTIONS,
        backlog=_BACKLOG,
        **options,
    )
    server = _Server(config)
    server.stopping = stopping
    server.run(sockets=[listening])


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens for the service. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    return made


def _allow_connections() -> None:
    """As many open files as the system lets us have: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
