"""Who may send: each source's secrets, Google's tokens, Amazon's signatures, and how often one may be wrong.

    proof        what is known of a request, and what it is answered
    secrets      signatures and tokens that are made with the secret of a source
    google       the tokens of Pub/Sub, Eventarc and Cloud Build's push
    sns          Amazon SNS: signed bodies from topics on a list
    documents    keys and certificates from outside, fetched seldom and kept
    handshakes   what senders ask before they send
    throttle     how often one may be wrong, and how often that is told
    settings     the variables

A request is asked about twice: by its headers, before its body is read, and again with the body where that decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from updater.admission import google, settings
from updater.admission.documents import Shelf
from updater.admission.google import Tokens
from updater.admission.handshakes import Handshake, handshake
from updater.admission.proof import NOTHING, Answer, Fetch, Finding, Proof, Request, State, Verdict, joined
from updater.admission.secrets import PATHS, Secrets
from updater.admission.settings import Settings
from updater.admission.sns import Notifications, read_certificate
from updater.admission.throttle import Seldom, Throttle

__all__ = ["PATHS", "Admission", "Answer", "Handshake", "Request", "Verdict", "joined", "read"]

_ADMITTED = Answer("admitted")
_NEEDS_BODY = Answer("needs-body")
_CLOSED = Answer("closed", "this source is closed")
_REFUSED = Answer("refused", "the sender is not proved: send the secret of this source as its documentation says")
_UNAVAILABLE = Answer("unavailable", "the proof cannot be checked now", 10)
_FROM_A_PAGE = Answer("refused", "what a page in a browser sends is not taken without a secret")
_SLOW_DOWN = "too many wrong proofs came from your address"
_BY_STRENGTH: Sequence[State] = ("proved", "unread", "unable", "wrong", "nothing")
_logger = logging.getLogger(__name__)


def read(
    environ: Mapping[str, str],
    sources: Collection[str],
    *,
    is_loopback: bool,
    now: Callable[[], datetime],
    fetch: Fetch,
) -> Admission:
    """Who may send by these sources, as the variables `UPDATER_HOOK*`, `UPDATER_PUBSUB_*` and `UPDATER_SNS_*` say.

    `is_loopback` is whether only this machine can reach us. Raises `UsageError` naming the variable that is wrong.
    """
    found = settings.read(environ, sources, is_loopback=is_loopback)
    certificates = Shelf(fetch, read_certificate, now, pause=timedelta(seconds=1))
    notifications = Notifications(found.topics, certificates, now)
    return Admission(found, _proofs(found, sources, notifications, fetch, now), notifications, fetch, now)


def _proofs(
    found: Settings,
    sources: Collection[str],
    notifications: Notifications,
    fetch: Fetch,
    now: Callable[[], datetime],
) -> Mapping[str, Sequence[Proof]]:
    proofs: dict[str, list[Proof]] = {source: [] for source in sources}
    for source, secrets in found.secrets.items():
        proofs[source].append(Secrets(source, secrets))
    if found.senders is not None:
        keys = Shelf(fetch, google.read_keys, now, pause=timedelta(seconds=10))
        tokens = Tokens(found.senders, keys, now)
        for source in google.SOURCES & proofs.keys():
            proofs[source].append(tokens)
    if found.topics and "ecr" in proofs:
        proofs["ecr"].append(notifications)
    return proofs


class Admission:
    """Says of each request whether it may go on. Its methods belong to one thread, that of the event loop."""

    def __init__(
        self,
        settings: Settings,
        proofs: Mapping[str, Sequence[Proof]],
        notifications: Notifications,
        fetch: Fetch,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._proofs = proofs
        self._notifications = notifications
        self._fetch = fetch
        self._now = now
        self._throttle = Throttle()
        self._seldom = Seldom()

    def before_body(self, request: Request) -> Answer:
        """What is to be done with a request whose body was not read yet."""
        if self._settings.is_open:
            # Whoever is on this machine may open a page of somebody else, which can send here, too.
            return _FROM_A_PAGE if "origin" in request.headers else _ADMITTED
        proofs = self._proofs.get(request.source)
        if not proofs:
            self._tell(request, "the source is closed")
            return _CLOSED
        finding = _strongest([proof.before_body(request) for proof in proofs])
        if finding.state in ("unread", "unable", "wrong"):
            # Who is proved by headers alone never waits: somebody else may send from the same address.
            wait = self._throttle.admit(request.peer, self._now())
            if wait is not None:
                return Answer("throttled", _SLOW_DOWN, wait)
        return self._answer(request, finding)

    async def with_body(self, request: Request, body: bytes) -> Answer:
        """The answer at last, for a request that needs its body. May wait for keys from outside."""
        if self._settings.is_open:
            return _ADMITTED
        proofs = self._proofs.get(request.source, ())
        return self._answer(request, _strongest([await proof.with_body(request, body) for proof in proofs]))

    async def handshake(self, request: Request, body: bytes) -> Handshake | None:
        """What a sender that asks before it sends is answered; None where this is no such request.

        OPTIONS is asked about at once, without a body; everything else after it was admitted.
        """
        if not self._settings.is_open and not self._proofs.get(request.source):
            return None
        greeting = await handshake(request, body, self._notifications, self._fetch)
        if greeting is not None and greeting.told:
            _logger.info("a handshake with %s: %s", request.source, greeting.told, extra={"source": request.source})
        return greeting

    def open_sources(self) -> Mapping[str, str]:
        """How the senders of each source may prove who they are, or why it is closed. By source, sorted."""
        return {source: self._way(source) for source in sorted(self._proofs)}

    def warnings(self) -> Sequence[str]:
        """What is dangerous in the settings, though it works."""
        return self._settings.warnings

    def _way(self, source: str) -> str:
        if self._settings.is_open:
            return "open to everybody on this machine (UPDATER_HOOKS_OPEN)"
        ways = " or ".join(proof.told for proof in self._proofs[source])
        return ways or f"closed: {settings.variable(source)} is not set"

    def _answer(self, request: Request, finding: Finding) -> Answer:
        if finding.state == "proved":
            self._throttle.proved(request.peer)
            return _ADMITTED
        if finding.state == "unread":
            return _NEEDS_BODY
        self._tell(request, finding.told)
        if finding.state == "nothing":
            # Seen without a cost, and some senders show their password only after they were refused once.
            return _REFUSED
        self._throttle.failed(request.peer, self._now())
        return _UNAVAILABLE if finding.state == "unable" else _REFUSED

    def _tell(self, request: Request, why: str) -> None:
        count = self._seldom.tell(request.peer, self._now())
        if count is not None:
            told = {"source": request.source, "peer": request.peer, "refused": count}
            _logger.warning("turned away a sender for %s: %s", request.source, why, extra=told)


def _strongest(findings: Sequence[Finding]) -> Finding:
    return min(findings, key=lambda finding: _BY_STRENGTH.index(finding.state), default=NOTHING)
