"""What a registry has: asked for conditionally, kept where that is sound, and not believed about what can be reckoned.

Content is hashed, pages stay within their own list, and what no registry answers is told as that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from updater.adapters.http import Answer
from updater.core.links import next_page, query_of_page
from updater.errors import RegistryRefused
from updater.registries.answers import Kept, Memory
from updater.registries.sending import Request, Sender
from updater.registries.settings import Place
from updater.registries.tokens import Tokens, log_in

T = TypeVar("T")

MAX_PAGES = 1_000
BY_THOUSANDS = "?n=1000"
_MAX_KEPT = 1024 * 1024
"""Longer content is not kept."""
_ETAG = re.compile(r"[\x21-\x7e]{1,1024}")
"""What can be sent back; quotes are not insisted on, since some registries forget them."""
_KEPT_HEADERS = ("content-type", "docker-content-digest", "link")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something in a registry: where it is, the media types that are wanted of it, and how many bytes it may have.

    What `is_long` is given more time.
    """

    repository: str
    path: str
    accept: str
    max_bytes: int
    is_long: bool = False


class Reader:
    """Reads things from one registry. Any thread may read. Raises what `Client` raises."""

    def __init__(
        self,
        place: Place,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pause: Callable[[float], None],
        memory: Memory,
    ) -> None:
        self.host = place.host
        self._url = place.url
        self._memory = memory
        self._sender = Sender(place, now, monotonic, pause)
        self._tokens = Tokens(place, self._sender, now, monotonic)

    def close(self) -> None:
        """Closes the connections."""
        self._sender.close()

    def ask(self, method: str, thing: Thing, headers: Mapping[str, str] | None = None) -> Answer:
        """What is answered once we are let in. Raises `RegistryRefused` where we are not."""
        url = self._url + thing.path
        wanted = {"accept": thing.accept, **(headers or {})}
        request = Request(method, url, wanted, thing.max_bytes, is_long=thing.is_long)
        shown = self._tokens.shown(thing.repository)
        answer = self._sender.send(request if shown is None else request.showing(shown.header))
        if answer.status == 401:
            shown = self._tokens.renewed(thing.repository, answer.headers.get("www-authenticate", ""), shown)
            answer = self._sender.send(request.showing(shown.header))
        if answer.status in (401, 403):
            message = f"{self.host} does not let us read {thing.repository or thing.path} ({answer.status})"
            raise RegistryRefused(message, hint=log_in(self.host))
        return answer

    def current(self, thing: Thing) -> Answer:
        """What is there now; what was kept, where the registry says that it is still that."""
        kept = self._memory.known(self.host + thing.path)
        if kept is not None and _ETAG.fullmatch(kept.etag) is None:
            kept = None
        answer = self.ask("GET", thing, {} if kept is None else {"if-none-match": kept.etag})
        if answer.status == 304 and kept is not None:
            return Answer(200, kept.headers, kept.body)
        etag = answer.headers.get("etag", "")
        if answer.status == 200 and _ETAG.fullmatch(etag):
            self._keep(thing, answer, etag)
        return answer

    def content(self, thing: Thing, digest: str) -> Answer | None:
        """What has a digest, which is the same for ever, so that it is asked for once; None if it is not there."""
        kept = self._memory.known(self.host + thing.path)
        if kept is not None and len(kept.body) <= thing.max_bytes and sha256(kept.body) == digest:
            return Answer(200, kept.headers, kept.body)
        answer = self.ask("GET", thing)
        if self.is_gone(thing, answer):
            return None
        self.expect(thing, sha256(answer.content), digest)
        self._keep(thing, answer, f'"{digest}"')
        return answer

    def pages(self, thing: Thing, query: str = "") -> Iterator[Answer]:
        """The pages of a list, in order. One that is no success is the last."""
        thing = replace(thing, is_long=True)
        seen: set[str] = set()
        while query not in seen:
            seen.add(query)
            answer = self.current(replace(thing, path=thing.path + query))
            if answer.status == 400 and query == BY_THOUSANDS:
                answer = self.current(thing)
            yield answer
            target = next_page(answer.headers.get("link", ""))
            if target is None:
                return
            following = query_of_page(self._url + thing.path, target)
            if following is None:
                raise RegistryRefused(f"{self.host} says that {thing.path} goes on elsewhere")
            query = f"?{following}"
            if len(seen) == MAX_PAGES:
                raise RegistryRefused(f"{self.host} has more than {MAX_PAGES} pages of {thing.path}")
        raise RegistryRefused(f"{self.host} lists the same page of {thing.path} again and again")

    def is_gone(self, thing: Thing, answer: Answer) -> bool:
        """Whether a thing is not there. Raises `RegistryRefused` for an answer that says neither that nor yes.

        A page for people is no registry's word: what stands before one answers like that while it is down.
        """
        if answer.status == 404 and media_type(answer) != "text/html":
            return True
        if answer.status != 200:
            raise self.odd(thing, answer)
        return False

    def read(self, thing: Thing, answer: Answer, read: Callable[[bytes], T]) -> T:
        """What `read` makes of an answer's content. Raises `RegistryRefused` where it raises `ValueError`."""
        if answer.status != 200:
            raise self.odd(thing, answer)
        try:
            return read(answer.content)
        except ValueError as error:
            raise self.odd(thing, answer, f": {error}") from error

    def expect(self, thing: Thing, digest: str, wanted: str) -> None:
        """Raises `RegistryRefused` where two digests of a thing differ."""
        if digest != wanted:
            message = f"{self.host} does not tell the truth about {thing.path}: it is {digest} and should be {wanted}"
            raise RegistryRefused(message, hint="nothing of it is used; who runs that registry should know")

    def odd(self, thing: Thing, answer: Answer, why: str = "") -> RegistryRefused:
        """The error for what no registry answers."""
        kind = ascii(media_type(answer))[1:-1] or "no media type"
        message = f"{self.host} answered {answer.status} and {kind} for {thing.path}, as no registry does{why}"
        return RegistryRefused(message, hint="is its address the one of a registry? See UPDATER_REGISTRIES")

    def _keep(self, thing: Thing, answer: Answer, etag: str) -> None:
        if len(answer.content) <= _MAX_KEPT:
            headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
            self._memory.keep(self.host + thing.path, Kept(etag, answer.content, headers))


def media_type(answer: Answer) -> str:
    """The media type of an answer, without its parameters."""
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def sha256(content: bytes) -> str:
    """The digest of some content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
