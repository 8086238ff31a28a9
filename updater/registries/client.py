"""One registry, asked by the OCI distribution API.

Source: the OCI distribution specification 1.1, and what registries do beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from updater.core import oci
from updater.core.oci import Descriptor
from updater.core.references import is_digest
from updater.errors import RegistryRefused
from updater.registries import pages
from updater.registries.answers import Memory, Served
from updater.registries.reading import BY_THOUSANDS, Reader, Thing, media_type, sha256
from updater.registries.settings import Place
from updater.registry import Tagged

MAX_MANIFEST = 4 * 1024 * 1024
"""What the specification advises registries to take."""
MAX_PAGE = 8 * 1024 * 1024
MAX_TAGS = 250_000
MAX_REFERRERS = 10_000


class Client:
    """One registry. A `repository` is its path there (`library/nginx`). Any thread may ask.

    `now` tells the time, `monotonic` counts seconds, `pause` waits. All of it raises `RegistryUnavailable` where the
    registry gives no answer in time, and `RegistryRefused` for any other than what it should be.
    """

    def __init__(
        self,
        place: Place,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pause: Callable[[float], None],
        memory: Memory,
    ) -> None:
        self._reader = Reader(place, now, monotonic, pause, memory)
        self._host = place.host

    def close(self) -> None:
        """Closes the connections; who still waits for an answer gets none."""
        self._reader.close()

    def ping(self) -> None:
        """Sees that a registry is there and lets us in."""
        thing = Thing("", "/v2/", "application/json", MAX_PAGE)
        answer = self._reader.ask("GET", thing)
        if answer.status != 200 or media_type(answer) == "text/html":
            raise self._reader.odd(thing, answer)

    def digest(self, repository: str, reference: str) -> str | None:
        """What a tag or digest names now; None if there is no such thing. It is always asked for."""
        thing = _manifest(repository, reference)
        answer = self._reader.ask("HEAD", thing)
        told = answer.headers.get("docker-content-digest", "")
        if answer.status == 405 or (answer.status == 200 and not is_digest(told)):
            served = self._served(repository, reference)
            return None if served is None else served.digest
        if self._reader.is_gone(thing, answer):
            return None
        if is_digest(reference):
            self._reader.expect(thing, told, reference)
        return told

    def manifest(self, repository: str, reference: str) -> Served | None:
        """The manifest or index that a tag or digest names; None if there is no such thing. Its digest is reckoned."""
        if not is_digest(reference):
            return self._served(repository, reference)
        answer = self._reader.content(_manifest(repository, reference), reference)
        return None if answer is None else Served(reference, media_type(answer), answer.content)

    def blob(self, repository: str, digest: str, max_bytes: int) -> bytes:
        """The content with a digest, which has to be there, and no longer than that."""
        thing = Thing(repository, f"/v2/{repository}/blobs/{digest}", "*/*", max_bytes, is_long=True)
        answer = self._reader.content(thing, digest)
        if answer is None:
            raise RegistryRefused(f"{self._host} does not have {digest}, a part of {repository}")
        return answer.content

    def tags(self, repository: str) -> Mapping[str, Tagged] | None:
        """All tags of a repository, in the registry's order; None if there is no such repository."""
        thing = Thing(repository, f"/v2/{repository}/tags/list", "application/json", MAX_PAGE)
        found: dict[str, Tagged] = {}
        for answer in self._reader.pages(thing, BY_THOUSANDS):
            if self._reader.is_gone(thing, answer):
                return None
            page = self._reader.read(thing, answer, pages.tags)
            if page and page.keys() <= found.keys():
                raise RegistryRefused(f"{self._host} lists the same tags of {repository} again and again")
            found |= page
            if len(found) > MAX_TAGS:
                raise RegistryRefused(f"{self._host} lists more than {MAX_TAGS} tags of {repository}")
        return found

    def referrers(self, repository: str, digest: str) -> Sequence[Descriptor]:
        """What refers to a manifest: by the API for that, else by the tag that stands in for it.

        Source: "Listing Referrers" and "Unavailable Referrers API" of the specification.
        """
        thing = Thing(repository, f"/v2/{repository}/referrers/{digest}", oci.OCI_INDEX, MAX_PAGE)
        found: list[Descriptor] = []
        for answer in self._reader.pages(thing):
            if answer.status in (400, 404, 405):
                return self._stand_in(repository, digest.replace(":", "-"))
            found += self._reader.read(thing, answer, pages.index).manifests
            if len(found) > MAX_REFERRERS:
                raise RegistryRefused(f"{self._host} lists more than {MAX_REFERRERS} referrers of {digest}")
        return found

    def _stand_in(self, repository: str, tag: str) -> Sequence[Descriptor]:
        thing = _manifest(repository, tag)
        answer = self._reader.current(thing)
        return () if self._reader.is_gone(thing, answer) else self._reader.read(thing, answer, pages.index).manifests

    def _served(self, repository: str, reference: str) -> Served | None:
        """What is there now, whatever was kept of a digest."""
        thing = _manifest(repository, reference)
        answer = self._reader.current(thing)
        if self._reader.is_gone(thing, answer):
            return None
        self._reader.read(thing, answer, pages.document)
        digest = sha256(answer.content)
        for told in (answer.headers.get("docker-content-digest", ""), reference):
            if is_digest(told):
                self._reader.expect(thing, digest, told)
        return Served(digest, media_type(answer), answer.content)


def _manifest(repository: str, reference: str) -> Thing:
    return Thing(repository, f"/v2/{repository}/manifests/{reference}", oci.ACCEPT, MAX_MANIFEST)
