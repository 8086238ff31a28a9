"""The ASGI application: web hooks, health, metrics, and the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from updater import __version__
from updater.web import health
from updater.web.api import Office, router
from updater.web.health import Health
from updater.web.hooks import Hooks, Reception

Living = Callable[[], AbstractAsyncContextManager[None]]
_ABOUT = (
    "What stands in the environments, what landed there and why, and what came in. Web hooks go to /hooks/<source>."
)


def make_app(
    reception: Reception,
    office: Office,
    state: Callable[[], Health],
    exposed: Callable[[], tuple[bytes, str]],
    living: Living,
) -> Starlette:
    """The application. `living` is entered when the server has started and left before it ends.

    Web hooks come first, and past everything that FastAPI does for the API: there may be hundreds of them a second.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with living():
            yield

    routes = [*hook_routes(reception), *health.routes(state, exposed), Mount("/", _api(office))]
    return Starlette(routes=routes, lifespan=lifespan)


def hook_routes(reception: Reception) -> list[Route]:
    """`/hooks/<source>`, with more behind it for some."""
    hooks = Hooks(reception)
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # or the API would say that there is none
    return [
        Route("/hooks/{source}", hooks.receive, methods=methods),
        Route("/hooks/{source}/{rest:path}", hooks.receive, methods=methods),
    ]


def _api(office: Office) -> FastAPI:
    made = FastAPI(
        title="manifest updater",
        description=_ABOUT,
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    made.include_router(router(office))
    return made
