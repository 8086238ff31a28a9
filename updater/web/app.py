"""The ASGI application: web hooks, health, metrics, and the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

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
) -> FastAPI:
    """The application. `living` is entered when the server has started and left before it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with living():
            yield

    hooks = Hooks(reception)
    app = FastAPI(
        title="manifest updater",
        description=_ABOUT,
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    methods = ["POST", "OPTIONS"]
    app.router.routes += health.routes(state, exposed)
    app.router.routes += [
        Route("/hooks/{source}", hooks.receive, methods=methods),
        Route("/hooks/{source}/{rest:path}", hooks.receive, methods=methods),
    ]
    app.include_router(router(office))
    return app
