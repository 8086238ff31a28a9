"""What is known of a request, what a proof finds in it, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Fetch: TypeAlias = Callable[[str], bytes]
"""Gets what is at a URL. It may block, ends in time, and raises `UpdaterError` where there is no whole good answer."""

State: TypeAlias = Literal["proved", "unread", "unable", "wrong", "nothing"]
Verdict: TypeAlias = Literal["admitted", "needs-body", "unavailable", "throttled", "refused", "closed"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of a request before its body is read. `headers` is what `joined` makes of them.

    `path_secret` is what stands behind the source in the URL (`/hooks/<source>/<secret>`), `peer` the sender's address.
    """

    source: str
    method: str
    headers: Mapping[str, str]
    path_secret: str | None
    peer: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a request may go on, and why not, in words that give nothing away.

    `admitted`; `needs-body`: read the body and ask `with_body`; `unavailable`: it cannot be checked now; `throttled`:
    too many wrong proofs came from there; `refused`: not proved; `closed`: nobody may send by this source. Who is
    unavailable or throttled should come back after `wait` seconds.
    """

    verdict: Verdict
    reason: str = ""
    wait: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one way of proving sees in a request, strongest first, and in words for the log.

    `proved`; `unread`: the body decides; `unable`: what is needed for checking cannot be had now; `wrong`; `nothing` of
    this kind was shown.
    """

    state: State
    told: str = ""


PROVED = Finding("proved")
UNREAD = Finding("unread")
NOTHING = Finding("nothing", "it shows no proof")


class Proof(Protocol):
    """One way in which a source's senders prove who they are."""

    @property
    def told(self) -> str:
        """How, in words."""
        ...

    def before_body(self, request: Request) -> Finding:
        """What the headers tell."""
        ...

    async def with_body(self, request: Request, body: bytes) -> Finding:
        """What is found at last; never `unread`."""
        ...


def joined(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Headers as an ASGI server gives them, by lower-case name.

    One that is there twice gets both values with a comma between them (RFC 9110, 5.2), which no proof is written
    like: so a proof that is shown twice is none.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found
