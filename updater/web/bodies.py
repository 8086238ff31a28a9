"""Reading what a sender sends: not more than we take, not slower than we wait, and not all of it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request

from updater.decoders.envelopes import MAX_BYTES

SECONDS = 5.0
"""How long the whole body may take."""
_ROOM = 64 * 1024 * 1024
"""Bytes of unfinished requests that are held at the same time at the most."""


class Unread(Exception):
    """A body that is not taken; `status` is the answer, `reason` goes to the sender."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Room:
    """The memory that all bodies together may take."""

    def __init__(self, size: int = _ROOM) -> None:
        self._left = size

    @contextmanager
    def held(self) -> Iterator[bytearray]:
        """A buffer; what it has at the end is given back."""
        buffer = bytearray()
        try:
            yield buffer
        finally:
            self._left += len(buffer)

    async def read(self, request: Request, buffer: bytearray, seconds: float = SECONDS) -> bytes:
        """The body of a request. Raises `Unread`: 413 over 1 MiB, 429 where too much is held already, 400 for one that
        stops coming or is compressed."""
        refuse_announced(request)
        try:
            async with asyncio.timeout(seconds):
                async for chunk in request.stream():
                    if len(buffer) + len(chunk) > MAX_BYTES:
                        raise Unread(413, f"a body may have up to {MAX_BYTES} bytes")
                    if len(chunk) > self._left:
                        raise Unread(429, "too many requests are under way")
                    self._left -= len(chunk)
                    buffer += chunk
        except TimeoutError:
            raise Unread(400, f"the body was not complete after {seconds:g} seconds") from None
        except ClientDisconnect:
            raise Unread(400, "the connection was closed before the body was complete") from None
        return bytes(buffer)


def refuse_announced(request: Request) -> None:
    """Raises `Unread` for a body whose headers tell that it is not taken."""
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise Unread(400, "Content-Length is no number")
    if int(length[:20]) > MAX_BYTES:
        raise Unread(413, f"a body may have up to {MAX_BYTES} bytes")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unread(400, "compressed bodies are not read")
