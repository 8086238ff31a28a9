"""`python -m bench.bare PORT FILE`: the least that keeps a web hook, with the same framework, server and database.

It knows no sender and no dialect: it reads JSON, inserts it in a transaction of its own with the same guarantees
(write-ahead log, synchronous FULL), in one thread beside the event loop, and answers 202.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def application(file: str) -> Starlette:
    """The application, which keeps what it gets in this file."""
    pool = ThreadPoolExecutor(1)

    def opened() -> sqlite3.Connection:
        database = sqlite3.connect(file, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY, body TEXT)")
        return database

    database = pool.submit(opened).result()

    def insert(content: str) -> None:
        database.execute("INSERT INTO event (body) VALUES (?)", (content,))

    async def hook(request: Request) -> JSONResponse:
        content = json.dumps(json.loads(await request.body()))
        await asyncio.get_running_loop().run_in_executor(pool, insert, content)
        return JSONResponse({"accepted": 1}, 202)

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[Route("/hooks/{source}", hook, methods=["POST"]), Route("/readyz", health), Route("/healthz", health)]
    )


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[2]), port=int(sys.argv[1]), access_log=False, log_level="warning")
