"""`POST /hooks/<source>`: who sends, what is sent, and an answer once it is durable.

An event is answered with 202 when the intake has it on disk (or the queue's broker has it), a gate's result when it is
on the forge. What is understood and of no interest is 200; 400, 401, 403, 404, 413, 429 and 503 say what was wrong,
in words.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from updater import admission
from updater.admission import Admission, Handshake, joined
from updater.decoders.envelopes import unwrap
from updater.decoding import read
from updater.errors import EventError, StorageError, UpdaterError, UsageError
from updater.feeds import Intake
from updater.model import Decoded, Delivery, Event, Reported
from updater.protocols import Decoder
from updater.web.bodies import Room, Unread
from updater.working.bell import Bell

ACCEPTING = 0.9
"""Seconds in which an event has to be durable: a Distribution registry waits for one second in all."""
_TURNING_AWAY = 0.5
"""Seconds that a sender waits who did not prove who he is."""
_TURNED_AWAY = 200
"""How many are kept waiting so at the same time; others are answered at once."""
_STRANGERS = 32 * 1024 * 1024
"""Bytes that those may fill together whose signature can be checked only once their body is there."""
_REPEATERS = frozenset(
    {"distribution", "gitlab", "pubsub", "artifact-registry", "cloud-build", "eventarc", "clouddeploy"}
)
"""Senders that send what was refused again, for days or for ever, and what comes behind it never."""

_logger = logging.getLogger(__name__)
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reception:
    """What web hooks are received with. `post` writes gates' results to the forge, `watch` is told of each answer:
    source, status and seconds."""

    admission: Admission
    decoders: Mapping[str, Decoder]
    intake: Intake
    post: Callable[[Sequence[Reported]], Awaitable[None]]
    bell: Bell
    now: Callable[[], datetime]
    watch: Callable[[str, int, float], None]


class Hooks:
    """The endpoint of all sources."""

    def __init__(self, reception: Reception) -> None:
        self._with = reception
        self._room, self._strangers = Room(), Room(_STRANGERS)
        self._turned_away = 0

    async def receive(self, request: Request) -> Response:
        """Answers one web hook."""
        began = time.monotonic()
        source = request.path_params["source"]
        if request.method not in ("POST", "OPTIONS"):
            return _greeted(None)
        if source not in self._with.decoders:
            answer: Response = _answer(404, error=f"there is no source {source[:40]!a}")
            source = "unknown"
        else:
            answer = await self._answered(source, request)
        self._with.watch(source, answer.status_code, time.monotonic() - began)
        return answer

    async def _answered(self, source: str, request: Request) -> Response:
        asked = _asked(source, request)
        try:
            if request.method == "OPTIONS":
                return _greeted(await self._with.admission.handshake(asked, b""))
            early = self._with.admission.before_body(asked)
            if early.verdict not in ("admitted", "needs-body"):
                return await self._turn_away(early)
            room = self._room if early.verdict == "admitted" else self._strangers
            with room.held() as buffer:
                body = await room.read(request, buffer)
                proved = early if early.verdict == "admitted" else await self._with.admission.with_body(asked, body)
                if proved.verdict != "admitted":
                    return await self._turn_away(proved)
                if (greeting := await self._with.admission.handshake(asked, body)) is not None:
                    return _greeted(greeting)
                return await self._taken(
                    Delivery(source, body, self._with.now(), asked.headers, _address(source, request))
                )
        except Unread as error:
            return _answer(error.status, {"Connection": "close"}, error=error.reason)

    async def _turn_away(self, answer: admission.Answer) -> Response:
        """Slow for whoever tries, and cheap for us."""
        if answer.wait:
            status = 503 if answer.verdict == "unavailable" else 429
            return _answer(status, {"Retry-After": str(answer.wait), "Connection": "close"}, error=answer.reason)
        if self._turned_away < _TURNED_AWAY:
            self._turned_away += 1
            try:
                await asyncio.sleep(_TURNING_AWAY)
            finally:
                self._turned_away -= 1
        if answer.verdict == "closed":
            return _answer(403, {"Connection": "close"}, error=answer.reason)
        # Some senders (Amazon SNS) show their password only to who asks for it.
        asking = {"WWW-Authenticate": 'Basic realm="updater"', "Connection": "close"}
        return _answer(401, asking, error=answer.reason)

    async def _taken(self, delivery: Delivery) -> Response:
        """The answer to a delivery of a sender who proved who he is."""
        try:
            decoded = read(self._with.decoders, delivery)
        except EventError as error:
            return await self._unreadable(delivery, error)
        try:
            return await self._done(delivery, decoded)
        except StorageError as error:
            _logger.error("a delivery of %s cannot be kept: %s", delivery.source, error)
            return _answer(503, {"Retry-After": "5"}, error=str(error))
        except UpdaterError as error:
            _logger.warning("a delivery of %s: %s", delivery.source, error)
            if error.retry:
                return _answer(503, {"Retry-After": "5"}, error=str(error))
            is_endless = isinstance(error, UsageError) and delivery.source in _REPEATERS
            return _answer(200, ignored=str(error)) if is_endless else _answer(400, error=str(error))

    async def _done(self, delivery: Delivery, decoded: Decoded) -> Response:
        if decoded.reported:
            await self._with.post(decoded.reported)
        if decoded.events:
            await _within(ACCEPTING, self._with.intake.accept(decoded.events))
            for event in decoded.events:
                _tell(event)
        if decoded.reported or decoded.news:
            _logger.info("%s tells: %s", delivery.source, decoded.news or f"{len(decoded.reported)} gate(s)")
            self._with.bell.tell()
        if decoded.events or decoded.reported or decoded.news:
            return _answer(202, accepted=len(decoded.events), reported=len(decoded.reported), ignored=decoded.ignored)
        _logger.debug("a delivery of %s is ignored: %s", delivery.source, decoded.ignored)
        return _answer(200, ignored=decoded.ignored)

    async def _unreadable(self, delivery: Delivery, error: EventError) -> Response:
        """400; but what is JSON, and would be sent again for ever, is kept for a person to look at."""
        reason = f"{error}{f' ({error.hint})' if error.hint else ''}"
        _logger.warning("a delivery of %s cannot be read: %s", delivery.source, reason)
        if delivery.source not in _REPEATERS or not _is_json(delivery):
            return _answer(400, error=reason)
        try:
            await _within(ACCEPTING, self._with.intake.bury(delivery, reason))
        except StorageError as failure:
            return _answer(503, {"Retry-After": "5"}, error=str(failure))
        return _answer(202, buried=reason)


def _asked(source: str, request: Request) -> admission.Request:
    rest = request.path_params.get("rest", "")
    secret = rest if source in admission.PATHS else None
    peer = request.client.host if request.client else ""
    headers = joined(request.headers.raw)
    return admission.Request(source, request.method, headers, secret or None, peer)


def _address(source: str, request: Request) -> str:
    rest = "" if source in admission.PATHS else request.path_params.get("rest", "")
    query = request.url.query
    return (f"/{rest}" if rest else "") + (f"?{query}" if query else "")


def _is_json(delivery: Delivery) -> bool:
    try:
        unwrap(delivery)
    except EventError:
        return False
    return True


async def _within(seconds: float, keeping: Awaitable[None]) -> None:
    try:
        await asyncio.wait_for(keeping, seconds)
    except TimeoutError:
        raise StorageError(f"it was not durable within {seconds:g} seconds") from None


def _tell(event: Event) -> None:
    _logger.info("%s:%s was pushed", event.image, event.version.tag, extra={"event": f"{event.source}/{event.id}"})


def _greeted(greeting: Handshake | None) -> Response:
    if greeting is None:
        return _answer(405, {"Allow": "POST"}, error="web hooks are sent by POST")
    return JSONResponse(greeting.content, greeting.status, dict(greeting.headers))


def _answer(status: int, headers: Headers | None = None, **told: Any) -> JSONResponse:
    return JSONResponse({key: value for key, value in told.items() if value is not None}, status, dict(headers or {}))
