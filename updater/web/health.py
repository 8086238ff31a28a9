"""Whether the service lives, whether it can take events, and its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Health:
    """`faults` are why events cannot be taken, `doubts` what does not work for now and mends itself; both by part."""

    alive: bool = True
    faults: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)


def routes(health: Callable[[], Health], exposed: Callable[[], tuple[bytes, str]]) -> list[Route]:
    """`/healthz`, `/readyz` and `/metrics`. `exposed` gives the metrics and their content type."""

    async def healthz(_: Request) -> Response:
        return _told(health().alive, {})

    async def readyz(_: Request) -> Response:
        now = health()
        return _told(now.alive and not now.faults, {"faults": dict(now.faults), "doubts": dict(now.doubts)})

    def metrics(_: Request) -> Response:  # in a thread: it asks the inbox, which may be busy with its disk
        content, kind = exposed()
        return Response(content, headers={"Content-Type": kind})

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def _told(is_well: bool, more: Mapping[str, object]) -> JSONResponse:
    return JSONResponse({"status": "ok" if is_well else "unavailable", **more}, 200 if is_well else 503)
