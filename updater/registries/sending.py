"""Requests to one registry and to where it sends us: paced, tried again where that may help, and never trusting it.

httpx does the HTTP. Libraries for registries (python-dxf, oras) would spare the paths and the tokens, which are the
smaller part: they follow redirects unseen, read answers of any length, and ask nothing conditionally.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from updater.adapters.http import Answer, Connections, TooLong, Unanswered, Unsendable, Untrusted
from updater.core import later
from updater.core.links import origin, redirected
from updater.errors import RegistryRefused, RegistryUnavailable, UsageError
from updater.registries.paces import Pace, Rests
from updater.registries.settings import Place

SECONDS = 10.0
"""An answer takes no longer, with all of its content."""
LONG = 30.0
"""The same for what may be long: a list, a blob."""
_PATIENCE = 10.0
"""No new try begins later than so many seconds after the first."""
_PAUSES = (0.5, 2.0)
"""Before the second try and the third."""
_DOWN = 10.0
"""Seconds for which a server that gave no good answer is left alone."""
_LIMITED = 30.0
"""The same for one that has had enough and does not say when to come again."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_MOST_SERVERS = 100


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `headers` have lower-case names; of an answer up to `max_bytes` are read.

    An answer that `is_long` (a list, a blob) is given more time.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    max_bytes: int
    content: bytes | None = None
    is_long: bool = False

    def showing(self, authorization: str) -> Request:
        """The same with a login."""
        return replace(self, headers={**self.headers, "authorization": authorization})


class _Trouble(Exception):
    """A try that failed and may be repeated after `wait` seconds."""

    def __init__(self, why: str, url: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.server = origin(url)
        self.wait = wait


class Sender:
    """Sends requests for one registry. Any thread may send.

    `now` tells the time, `monotonic` counts seconds, `pause` waits. Raises `RegistryRefused` where the file of the
    registry's authorities cannot be used.
    """

    def __init__(
        self,
        place: Place,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        self._host = place.host
        self._now = now
        self._monotonic = monotonic
        self._pause = pause
        self._pace = Pace(place.host, place.calls_per_minute, monotonic, pause)
        self._rests = Rests(monotonic)
        self._answered: dict[tuple[str, str, int | None], float] = {}
        self._connections = _connections(place)

    def close(self) -> None:
        """Closes the connections."""
        self._connections.close()

    def send(self, request: Request) -> Answer:
        """What is answered in the end, with any status below 500 but 429.

        Raises `RegistryUnavailable` where nothing came, or the wait until it might is too long, and `RegistryRefused`
        where what came cannot be trusted.
        """
        begin = self._monotonic()
        for pause in (*_PAUSES, None):
            try:
                return self._followed(request)
            except _Trouble as found:
                trouble = found
            wait = max(pause or 0.0, trouble.wait)
            if pause is None or self._monotonic() + wait > begin + _PATIENCE:
                break
            self._pause(wait)
        # Who answers others in the meantime is up, and has trouble with this one thing.
        is_up = self._answered.get(trouble.server, begin) > begin
        self._rests.begin(trouble.server, max(trouble.wait, 0.0 if is_up else _DOWN), trouble.why)
        raise self._unavailable(trouble.why)

    def _followed(self, request: Request) -> Answer:
        """The answer at the end of all redirects. Only what reads is sent on, and a login only where it belongs."""
        begin = origin(request.url)
        for _ in range(1 + _MOST_REDIRECTS):
            answer = self._answer(request)
            if answer.status not in _REDIRECTS or request.method not in ("GET", "HEAD"):
                if answer.status == 401 and origin(request.url) != begin:
                    raise RegistryRefused(
                        f"{self._host} sends us to {_name(request.url)}, which wants a login of its own"
                    )
                self._note(origin(request.url))
                return answer
            request = self._redirected(request, answer.headers.get("location", ""))
        raise RegistryRefused(f"{self._host} sends us on more than {_MOST_REDIRECTS} times")

    def _redirected(self, request: Request, location: str) -> Request:
        url = redirected(request.url, location) if location else None
        if url is None:
            raise RegistryRefused(
                f"{self._host} sends us to an address that is not to be trusted",
                hint="it has to be https, and must not hold a login",
            )
        headers = request.headers
        if origin(url) != origin(request.url):
            headers = {name: value for name, value in headers.items() if name != "authorization"}
        return replace(request, url=url, headers=headers)

    def _answer(self, request: Request) -> Answer:
        """One answer to one request. Raises `_Trouble` where another try may get a better one."""
        resting = self._rests.reason(origin(request.url))
        if resting is not None:
            raise self._unavailable(resting)
        self._pace.take()
        answer = self._asked(request)
        if answer.status == 429 or answer.status >= 500:
            wait = later.seconds(answer.headers, self._now())
            if wait is None and answer.status == 429:
                wait = _LIMITED
            told = "" if wait is None else f" and wants us to wait for {wait:.0f} s"
            why = f"{_name(request.url)} answered {answer.status}{told}"
            raise _Trouble(why, request.url, wait or 0.0)
        return answer

    def _note(self, server: tuple[str, str, int | None]) -> None:
        """Notes that a server has answered."""
        if len(self._answered) > _MOST_SERVERS:
            self._answered.clear()
        self._answered[server] = self._monotonic()

    def _asked(self, request: Request) -> Answer:
        try:
            return self._connections.ask(
                request.method,
                request.url,
                request.headers,
                request.content,
                seconds=LONG if request.is_long else SECONDS,
                max_bytes=request.max_bytes,
            )
        except Untrusted as error:
            hint = "name the file of the authority that signed it as `ca:` of this registry in UPDATER_REGISTRIES"
            raise RegistryRefused(f"{self._host}: {error.message}", hint=hint) from error
        except (TooLong, Unsendable) as error:
            raise RegistryRefused(f"{self._host}: {error.message}") from error
        except Unanswered as error:
            raise _Trouble(error.message, request.url) from error

    def _unavailable(self, why: str) -> RegistryUnavailable:
        return RegistryUnavailable(f"{self._host}: {why}", hint="can it be reached from here?")


def _connections(place: Place) -> Connections:
    try:
        return Connections(place.ca)
    except UsageError as error:
        raise RegistryRefused(f"{place.host} cannot be asked: {error.message}", hint=error.hint) from error


def _name(url: str) -> str:
    """A server, without what may be secret in its address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"
