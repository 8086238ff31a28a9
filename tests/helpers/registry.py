"""A real container registry on this machine, pushes to it, and the notifications that it sends."""

from __future__ import annotations

import hashlib
import http.server
import json
import queue
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.components import require

CONTENT_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Registry:
    """A running registry at `host`. Each notification arrives in `notifications`, byte for byte."""

    host: str
    folder: Path
    notifications: queue.Queue[bytes] = field(default_factory=queue.Queue)

    def push(self, repository: str, tag: str, content: bytes = b"a model") -> str:
        """Pushes a small image with skopeo and gives its digest."""
        layout = self.folder / f"layout-{hashlib.sha256(content).hexdigest()[:12]}"
        write_layout(layout, content)
        told = self.folder / "digest"
        options = ["--insecure-policy", "--dest-tls-verify=false", "--quiet", f"--digestfile={told}"]
        places = [f"oci:{layout}:image", f"docker://{self.host}/{repository}:{tag}"]
        subprocess.run([require("skopeo"), "copy", *options, *places], check=True, capture_output=True, timeout=60)
        return told.read_text().strip()

    def notification(self, tag: str) -> bytes:
        """The next notification that names `tag`; those about blobs before it are dropped."""
        while True:
            body = self.notifications.get(timeout=20)
            if any(event["target"].get("tag") == tag for event in json.loads(body)["events"]):
                return body


def write_layout(folder: Path, content: bytes) -> None:
    """An OCI image layout with one image of one layer."""
    folder.mkdir(parents=True, exist_ok=True)
    layer = _blob(folder, content, "application/vnd.oci.image.layer.v1.tar")
    settings = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}
    config = _blob(folder, json.dumps(settings).encode(), "application/vnd.oci.image.config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": CONTENT_TYPE, "config": config, "layers": [layer]}
    made = _blob(folder, json.dumps(manifest).encode(), CONTENT_TYPE)
    named = {**made, "annotations": {"org.opencontainers.image.ref.name": "image"}}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))


def _blob(folder: Path, content: bytes, media_type: str) -> dict[str, str | int]:
    digest = hashlib.sha256(content).hexdigest()
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


@contextmanager
def running_registry(folder: Path, hook: str = "", token: str = "") -> Iterator[Registry]:
    """A registry process that notifies a listener in this process; both end with the block.

    It notifies the address `hook` as well, if there is one, and shows the token there.
    """
    program = require("docker-registry")
    port = _free_port()
    registry = Registry(f"127.0.0.1:{port}", folder)
    with _listening(registry.notifications) as sink:
        config = folder / "registry.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder / 'registry'}}}}}\n"
            f"http: {{addr: 127.0.0.1:{port}}}\nnotifications:\n  endpoints:\n"
            + _endpoint("here", f"http://127.0.0.1:{sink}/")
            + (_endpoint("hook", hook, token) if hook else "")
        )
        process = subprocess.Popen(
            [program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _await(process, f"http://{registry.host}/v2/")
            yield registry
        finally:
            process.terminate()
            process.wait(timeout=20)


def _endpoint(name: str, url: str, token: str = "") -> str:
    """A line of the registry's configuration; see "notifications" in its documentation."""
    headers = f"headers: {{Authorization: ['Bearer {token}']}}, " if token else ""
    return f"    - {{name: {name}, url: '{url}', {headers}timeout: 1s, threshold: 5, backoff: 1s}}\n"


@contextmanager
def _listening(received: queue.Queue[bytes]) -> Iterator[int]:
    class Sink(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _await(process: subprocess.Popen[bytes], url: str) -> None:
    """Until it answers; a process that listens gives no other sign."""
    for _ in range(200):
        assert process.poll() is None, "the registry ended at once"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
