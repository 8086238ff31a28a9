"""Requests to other servers: keys to check senders with, what the updater tells to others, container registries.

All of it runs in an event loop in a thread of its own, since only there one deadline holds for the whole of a request.
The time-outs of a blocking socket start anew with each byte, so that a server that sends a header drop by drop would
keep a thread for ever, and nothing limits how long a name may take to be looked up.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from concurrent.futures import CancelledError
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import urlsplit

import httpx

from updater.core.urls import is_safe
from updater.errors import UpdaterError, UsageError

_AT_ONCE = 8
_IDLE = 30.0
"""Seconds that a connection is kept open for the next request."""
_CONNECTING = 5.0
_COMPLAINT = 64 * 1024
"""Of an answer that is no success no more is read, and what is longer is no failure."""
_DIRECT = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""Servers on this machine are never asked through a proxy, which would be another machine's."""


class Unanswered(UpdaterError):
    """A server gave no whole good answer in time; trying again may help."""

    retry = True


class TooLong(Unanswered):
    """An answer is longer than what is read."""

    retry = False


class Untrusted(Unanswered):
    """A server has no certificate that proves that it is the one that was asked."""

    retry = False


class Unsendable(Unanswered):
    """An address or a header is none that can be sent, as a server may have named it."""

    retry = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. `headers` have lower-case names; `content` is as it was sent, packed or not.

    Of what is no success only the beginning may be there.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""


class Connections:
    """Connections to servers, kept open for the next request. Any thread may ask; nothing is followed or unpacked.

    Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`). With `ca` only the authorities in that file (PEM)
    are trusted. Raises `UsageError` where either cannot be used.
    """

    def __init__(self, ca: Path | None = None) -> None:
        self._client = _client(_trust(ca))
        self._loop = asyncio.new_event_loop()
        self._lock = Lock()
        self._is_closed = False
        self._thread = Thread(target=self._loop.run_forever, name="http", daemon=True)
        self._thread.start()

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        seconds: float,
        max_bytes: int,
    ) -> Answer:
        """What a server answers, whatever its status. Nothing but https is asked, except of this machine.

        Raises `Unanswered` where no whole answer came in so many seconds, and what is derived from it. No content is
        read where `max_bytes` is 0. A redirect is an answer like others.
        """
        place = _place(url)
        timeout = httpx.Timeout(seconds, connect=min(seconds, _CONNECTING))
        answering = self._client.stream(method, url, headers=dict(headers), content=content, timeout=timeout)
        with self._lock:
            if self._is_closed:
                raise Unanswered(f"{place} is not asked any more: we are about to end")
            answer = asyncio.run_coroutine_threadsafe(_answer(place, answering, seconds, max_bytes), self._loop)
        try:
            return answer.result()
        except CancelledError as error:
            raise Unanswered(f"{place} was not listened to any longer: we are about to end") from error

    def close(self) -> None:
        """Closes the connections; whoever still waits for an answer gets `Unanswered`."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()


def get(url: str, *, seconds: float, max_bytes: int) -> bytes:
    """What is at a URL. Raises `Unanswered` for anything but a whole answer of success, in time and not too long."""
    return _once("GET", url, {}, None, seconds, max_bytes)


def post(url: str, content: bytes, headers: Mapping[str, str], seconds: float) -> None:
    """Sends `content`. As for `get`; what is answered beside success is not read."""
    _once("POST", url, headers, content, seconds, 0)


def _once(
    method: str, url: str, headers: Mapping[str, str], content: bytes | None, seconds: float, max_bytes: int
) -> bytes:
    with closing(Connections()) as connections:
        answer = connections.ask(method, url, headers, content, seconds=seconds, max_bytes=max_bytes)
    if not httpx.codes.is_success(answer.status):
        raise Unanswered(f"{_place(url)} answered {answer.status}")
    return answer.content


async def _answer(
    place: str, answering: AbstractAsyncContextManager[httpx.Response], seconds: float, max_bytes: int
) -> Answer:
    try:
        async with asyncio.timeout(seconds), answering as response:
            content = await _content(response, place, max_bytes)
            return Answer(response.status_code, dict(response.headers), content)
    except (TimeoutError, httpx.HTTPError) as error:
        raise _failure(place, error) from error
    except (ValueError, httpx.InvalidURL, ExceptionGroup) as error:  # as the libraries beneath httpx raise them
        told = f"{place} cannot be asked, or sends us to an address that is none: {type(error).__name__}"
        raise Unsendable(told) from error


async def _content(response: httpx.Response, place: str, max_bytes: int) -> bytes:
    content = bytearray()
    if max_bytes:
        async for piece in response.aiter_raw():
            content += piece
            if not response.is_success and len(content) > _COMPLAINT:
                break
            if response.is_success and len(content) > max_bytes:
                raise TooLong(f"{place} answered more than {max_bytes} bytes")
    return bytes(content)


def _failure(place: str, error: Exception) -> Unanswered:
    distrust = _distrust(error)
    if distrust is not None:
        return Untrusted(f"{place} has a certificate that does not count: {distrust}")
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Unanswered(f"{place} took too long to answer")
    return Unanswered(f"{place} did not answer: {type(error).__name__}")


def _distrust(error: BaseException | None) -> str | None:
    """Why a certificate did not count, where that is what lies beneath a failure."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None


def _client(trust: ssl.SSLContext) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            verify=trust,
            # What is packed could be far longer than what was received.
            headers={"accept-encoding": "identity", "user-agent": "manifest-updater"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            limits=httpx.Limits(max_connections=_AT_ONCE, keepalive_expiry=_IDLE),
            mounts=dict.fromkeys(_DIRECT),
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        hint = "see HTTPS_PROXY, HTTP_PROXY and ALL_PROXY; the address of each begins with http:// or https://"
        raise UsageError("a proxy that the environment names cannot be used", hint=hint) from error


def _trust(ca: Path | None) -> ssl.SSLContext:
    if ca is None:
        return httpx.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=str(ca))
    except OSError as error:
        raise UsageError(f"{ca} has no certificates that can be read", hint="it has to be a file in PEM") from error


def _place(url: str) -> str:
    """The server of a URL, without what may be secret in it."""
    if not is_safe(url):
        raise Unanswered("an address that is not https:// is not asked")
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"
