"""Single requests to other servers: keys to check senders with, and what the updater tells to others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from updater.core.urls import is_safe
from updater.errors import UpdaterError


class Unanswered(UpdaterError):
    """A server gave no whole good answer in time; trying again may help."""

    retry = True


def get(url: str, *, seconds: float, max_bytes: int) -> bytes:
    """What is at a URL. Raises `Unanswered` for anything but a whole answer of success, in time and not too long.

    Redirects are not followed. Nothing but https is asked, except of this machine.
    """
    with _asked("GET", url, seconds) as response:
        return _content(response, time.monotonic() + seconds, max_bytes)


def post(url: str, content: bytes, headers: Mapping[str, str], seconds: float) -> None:
    """Sends `content`. As for `get`; what is answered beside success is not read."""
    with _asked("POST", url, seconds, content, headers):
        pass


@contextmanager
def _asked(
    method: str, url: str, seconds: float, content: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Iterator[httpx.Response]:
    place = _place(url)
    # What is packed could be far longer than what was received.
    headers = {**(headers or {}), "accept-encoding": "identity"}
    try:
        with httpx.stream(method, url, content=content, headers=headers, timeout=seconds) as response:
            if not response.is_success:
                raise Unanswered(f"{place} answered {response.status_code}")
            yield response
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unanswered(f"{place} did not answer: {type(error).__name__}") from error


def _content(response: httpx.Response, end: float, max_bytes: int) -> bytes:
    """The clock is looked at with each piece: the time-out of a connection starts anew with each."""
    content = bytearray()
    for piece in response.iter_raw():
        content += piece
        if len(content) > max_bytes:
            raise Unanswered(f"{_place(str(response.url))} answered more than {max_bytes} bytes")
        if time.monotonic() > end:
            raise Unanswered(f"{_place(str(response.url))} took too long to answer")
    return bytes(content)


def _place(url: str) -> str:
    """The server of a URL, without what may be secret in it."""
    if not is_safe(url):
        raise Unanswered("an address that is not https:// is not asked")
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"
