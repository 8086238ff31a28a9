"""`python -m bench.load URL FIRST COUNT CONNECTIONS RATE`: sends web hooks and prints how long each answer took.

In a process of its own, and with no more of HTTP than it takes: what sends must not be what is measured. With a RATE
(requests a second) each is sent at its time whether or not the ones before were answered, as senders do; with 0 each
connection sends its next one as soon as it has its answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

SERVICES = 500


def body(number: int) -> bytes:
    """A push that is like no other one."""
    image = f"reg.example/models/model-{number % SERVICES:04}:1.{number // SERVICES}.0"
    pushed = {
        "image": image,
        "digest": f"sha256:{number:064x}",
        "pushed_at": "2026-11-20T10:00:00Z",
        "id": f"b-{number}",
    }
    return json.dumps(pushed).encode()


async def _connection(
    url: str, numbers: Iterator[tuple[int, int]], began: float, rate: float, took: list[float]
) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    for turn, number in numbers:
        due = began + turn / rate if rate else time.perf_counter()
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        content = body(number)
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 202"):
            raise SystemExit(f"error: {url} answered {answer.splitlines()[0].decode()}")
        length = next(line for line in answer.lower().splitlines() if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        took.append(time.perf_counter() - due)
    writer.close()


async def _sent(url: str, first: int, count: int, connections: int, rate: float) -> dict[str, object]:
    took: list[float] = []
    numbers = enumerate(range(first, first + count))
    began = time.perf_counter()
    await asyncio.gather(*(_connection(url, numbers, began, rate, took) for _ in range(connections)))
    return {"seconds": time.perf_counter() - began, "took": took}


if __name__ == "__main__":
    _url, _first, _count, _connections, _rate = sys.argv[1:]
    sys.stdout.write(json.dumps(asyncio.run(_sent(_url, int(_first), int(_count), int(_connections), float(_rate)))))
