"""What the port does with senders who do not come to an end."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from updater.decoders.envelopes import MAX_BYTES
from updater.web import server
from updater.web.server import HEAD_BYTES, HEAD_FIELDS, PatientlessProtocol

GET = b"GET / HTTP/1.1\r\nHost: updater\r\n"
POST = b"POST / HTTP/1.1\r\nHost: updater\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MUCH = 4 * (HEAD_BYTES + MAX_BYTES)


class Heard(PatientlessProtocol):
    """Tells when its connection is over."""

    def __init__(self, config: uvicorn.Config, over: asyncio.Event) -> None:
        super().__init__(config, ServerState(), {})
        self._over = over

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._over.set()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Tells how long the body is, or very much."""
    body = await Request(scope, receive).body()
    response: Response = JSONResponse("a" * MUCH if scope["path"] == "/much" else len(body))
    await response(scope, receive, send)


def answered(said: bytes) -> bytes:
    """What a connection on which that is said gets to hear until it is closed or nothing more is to come."""

    async def talk() -> bytes:
        config = uvicorn.Config(app, log_config=None)
        config.load()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: PatientlessProtocol(config, ServerState(), {}), "127.0.0.1", 0)
        async with listening:
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            writer.write(said)
            try:
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.transport.abort()

    return asyncio.run(talk())


def last(said: bytes) -> bytes:
    """The same request as the last one of its connection."""
    return said.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (GET + b"\r\n", b"0"),
        (GET + b"X: a\r\n" * (HEAD_FIELDS - 2) + b"\r\n", b"0"),
        (GET + b"X: " + b"a" * (HEAD_BYTES - 100) + b"\r\n\r\n", b"0"),
        (POST + b"Content-Length: %d\r\n\r\n" % MAX_BYTES + b"a" * MAX_BYTES, b"%d" % MAX_BYTES),
        (CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (MAX_BYTES, b"a" * MAX_BYTES), b"%d" % MAX_BYTES),
    ],
)
def test_whatever_a_sender_may_need_is_read(said: bytes, told: bytes) -> None:
    assert answered(last(said)).endswith(b"\r\n\r\n" + told)


def test_limits_are_for_each_request_of_a_connection() -> None:
    request = POST + b"X: a\r\n" * (HEAD_FIELDS - 5) + b"Content-Length: %d\r\n\r\n" % MAX_BYTES + b"a" * MAX_BYTES
    assert answered(request * 3 + last(GET + b"\r\n")).count(b"200 OK") == 4


@pytest.mark.parametrize("beginning", [GET, CHUNKED + b"1\r\na\r\n0\r\n"], ids=["head", "behind the body"])
def test_fields_without_end_are_refused(beginning: bytes) -> None:
    assert answered(beginning + b"X: a\r\n" * (HEAD_FIELDS + 1)).startswith(b"HTTP/1.1 400 Bad Request")


@pytest.mark.parametrize(
    "beginning",
    [b"GET /", GET + b"X: ", CHUNKED + b"1\r\na\r\n0\r\nX: ", CHUNKED + b"1;"],
    ids=["address", "field", "field behind the body", "note on a chunk"],
)
def test_a_text_without_end_is_broken_off(beginning: bytes) -> None:
    assert b"200 OK" not in answered(beginning + b"a" * MUCH)


def test_chunks_that_are_mostly_their_own_lengths_are_broken_off() -> None:
    assert b"200 OK" not in answered(CHUNKED + b"1\r\na\r\n" * MAX_BYTES)


@pytest.mark.parametrize("reads", [True, False])
def test_who_does_not_read_the_answer_is_not_kept(reads: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "DEAF_SECONDS", 20.0 if reads else 0.2)

    async def talk() -> bytes:
        config, over = uvicorn.Config(app, log_config=None), asyncio.Event()
        config.load()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: Heard(config, over), "127.0.0.1", 0)
        async with listening:
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            writer.write(last(b"GET /much HTTP/1.1\r\nHost: updater\r\n\r\n"))
            heard = await reader.read() if reads else b""
            await asyncio.wait_for(over.wait(), 20)
            writer.transport.abort()
            return heard

    heard = asyncio.run(talk())
    assert len(heard) > MUCH or not reads
