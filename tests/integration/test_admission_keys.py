"""Google's keys from a real server: fetched with the first token, and when Google signs with a new one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.helpers.senders import AUDIENCE, EMAIL, Clock, key, key_set, request, run, token
from updater import admission
from updater.adapters import http


class KeyServer:
    """Publishes keys as Google does; a document of None makes it fail."""

    def __init__(self) -> None:
        self.document: bytes | None = key_set([("k1", key())])
        self.asked = 0
        self.url = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked += 1
                document = server.document
                self.send_response(503 if document is None else 200)
                self.end_headers()
                self.wfile.write(document or b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    found = KeyServer()
    with ThreadingHTTPServer(("127.0.0.1", 0), found.handler()) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/certs"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="key-server")
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_tokens_are_checked_with_the_keys_of_a_real_server(key_server: KeyServer) -> None:
    clock = Clock()
    environ = {
        "UPDATER_PUBSUB_AUDIENCE": AUDIENCE,
        "UPDATER_PUBSUB_SENDER": EMAIL,
        "UPDATER_PUBSUB_CERTS_URL": key_server.url,
    }
    fetch = partial(http.get, seconds=10, max_bytes=65536)
    desk = admission.read(environ, ["pubsub"], is_loopback=False, now=clock.now, fetch=fetch)

    def verdict(shown: str) -> str:
        asked = request("pubsub", {"Authorization": f"Bearer {shown}"})
        return run(desk.with_body(asked, b"")).verdict

    assert [verdict(token()), verdict(token())] == ["admitted", "admitted"]
    assert key_server.asked == 1
    fresh = token(kid="k2", signer=key("second"))
    clock.pass_by(10)
    assert verdict(fresh) == "refused"
    key_server.document = None
    clock.pass_by(10)
    assert [verdict(fresh), verdict(token())] == ["unavailable", "admitted"]
    key_server.document = key_set([("k2", key("second"))])
    clock.pass_by(10)
    assert [verdict(fresh), verdict(token())] == ["admitted", "refused"]
    assert key_server.asked == 4
