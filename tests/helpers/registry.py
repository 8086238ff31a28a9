"""A real container registry on this machine, pushes to it, and the notifications that it sends."""

from __future__ import annotations

import base64
import ctypes
import ctypes.util
import http.client
import http.server
import json
import queue
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.helpers.authority import Authority
from tests.helpers.components import require
from tests.helpers.image_layouts import INDEX, MANIFEST, Image, sha256
from tests.helpers.ports import free_port
from tests.helpers.registry_tokens import ISSUER, SERVICE, TokenServer

LINE = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d+) ')
Login = tuple[str, str]
Platform = tuple[str, str]


class Request(NamedTuple):
    """A line of the registry's access log; the query belongs to the path."""

    method: str
    path: str
    status: int


@dataclass
class Registry:
    """A running registry at `host`. Each notification arrives in `notifications`, byte for byte.

    With `basic` or `tokens` nobody gets in without a login; with `authority` it speaks TLS. All that is pushed here is
    pushed with a login that may.
    """

    host: str
    folder: Path
    notifications: queue.Queue[bytes] = field(default_factory=queue.Queue)
    basic: Login | None = None
    tokens: TokenServer | None = None
    authority: Authority | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.authority else 'http'}://{self.host}"

    @property
    def requests(self) -> list[Request]:
        """All requests that it has answered, in order."""
        found = LINE.finditer((self.folder / "access.log").read_text())
        return [Request(line["method"], line["path"], int(line["status"])) for line in found]

    # --- pushing

    def push(
        self,
        repository: str,
        tag: str,
        content: bytes = b"a model",
        labels: Mapping[str, str] | None = None,
        platform: Platform = ("linux", "amd64"),
        created: str = "",
    ) -> str:
        """Pushes a small image with skopeo and gives its digest."""
        with tempfile.TemporaryDirectory(dir=self.folder) as made:
            layout, told = Path(made) / "layout", Path(made) / "digest"
            Image(content, labels or {}, platform, created).write(layout)
            options = ["--insecure-policy", "--quiet", f"--digestfile={told}", *self._skopeo_options()]
            places = [f"oci:{layout}:image", f"docker://{self.host}/{repository}:{tag}"]
            command = [require("skopeo"), "copy", *options, *places]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            return told.read_text().strip()

    def put(self, repository: str, reference: str, content: bytes, media_type: str = MANIFEST) -> str:
        """Stores a manifest, byte for byte, under a tag or its own digest; its parts have to be there."""
        self._ask(repository, "PUT", f"manifests/{reference}", content, media_type)
        return sha256(content)

    def upload(self, repository: str, content: bytes) -> str:
        """Stores a blob in one go: a session is opened with POST and ended with PUT."""
        answer = self._ask(repository, "POST", "blobs/uploads/")
        place = answer.headers["Location"].removeprefix(self.url)
        joint = "&" if "?" in place else "?"
        digest = sha256(content)
        self._ask(repository, "PUT", f"{place}{joint}digest={digest}", content, "application/octet-stream")
        return digest

    def push_index(self, repository: str, tag: str, images: Sequence[tuple[str, Platform]]) -> str:
        """Puts images that are there (by digest) together in an index under a tag."""
        members = [self._member(repository, digest, *platform) for digest, platform in images]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": members}
        return self.put(repository, tag, json.dumps(index).encode(), INDEX)

    def tag(self, repository: str, digest: str, names: Iterable[str]) -> None:
        """Gives an image that is there more tags, behind the registry's back: by its API 10,000 take a minute."""
        tags = self.folder / f"registry/docker/registry/v2/repositories/{repository}/_manifests/tags"
        assert tags.is_dir(), f"nothing was pushed to {repository}"
        for name in names:
            for link in ("current", f"index/{digest.replace(':', '/')}"):
                (tags / name / link).mkdir(parents=True, exist_ok=True)
                (tags / name / link / "link").write_text(digest)

    def delete(self, repository: str, digest: str) -> None:
        """Removes an image with all its tags."""
        self._ask(repository, "DELETE", f"manifests/{digest}")

    def notification(self, tag: str) -> bytes:
        """The next notification that names `tag`; those about blobs before it are dropped."""
        while True:
            body = self.notifications.get(timeout=20)
            if any(event["target"].get("tag") == tag for event in json.loads(body)["events"]):
                return body

    # --- how it is spoken to

    def _member(self, repository: str, digest: str, system: str, architecture: str) -> dict[str, Any]:
        answer = self._ask(repository, "GET", f"manifests/{digest}", accept=f"{MANIFEST}, {INDEX}")
        platform = {"os": system, "architecture": architecture}
        size = len(answer.body)
        return {"mediaType": answer.headers["Content-Type"], "digest": digest, "size": size, "platform": platform}

    def _ask(
        self,
        repository: str,
        method: str,
        path: str,
        body: bytes = b"",
        media_type: str = "",
        accept: str = MANIFEST,
    ) -> _Answer:
        target = path if path.startswith("/") else f"/v2/{repository}/{path}"
        headers = {"Accept": accept, **({"Content-Type": media_type} if media_type else {}), **self._login(repository)}
        with closing(self._connection()) as connection:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            told = _Answer(answer.headers, answer.read())
        assert answer.status < 300, f"{method} {target}: {answer.status} {told.body!r}"
        return told

    def _connection(self) -> http.client.HTTPConnection:
        if self.authority is None:
            return http.client.HTTPConnection(self.host, timeout=20)
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        return http.client.HTTPSConnection(self.host, timeout=20, context=context)

    def _login(self, repository: str) -> dict[str, str]:
        if self.tokens is not None:
            user = next(iter(self.tokens.users))
            return {"Authorization": f"Bearer {self.tokens.token(user, [f'repository:{repository}:delete,pull,push'])}"}
        if self.basic is not None:
            return {"Authorization": f"Basic {base64.b64encode(':'.join(self.basic).encode()).decode()}"}
        return {}

    def _skopeo_options(self) -> list[str]:
        login = next(iter(self.tokens.users.items())) if self.tokens else self.basic
        trust = f"--dest-cert-dir={self.authority.ca.parent}" if self.authority else "--dest-tls-verify=false"
        return [trust, *([f"--dest-creds={':'.join(login)}"] if login else [])]


class _Answer(NamedTuple):
    headers: http.client.HTTPMessage
    body: bytes


# --- the process


@contextmanager
def running_registry(
    folder: Path,
    hook: str = "",
    token: str = "",
    *,
    notifies: bool = True,
    basic: Login | None = None,
    tokens: TokenServer | None = None,
    authority: Authority | None = None,
) -> Iterator[Registry]:
    """A registry process that notifies a listener in this process; both end with the block.

    It notifies the address `hook` as well, if there is one, and shows the token there; without `notifies` the listener
    hears nothing. See `Registry` for the rest.
    """
    program = require("docker-registry")
    port = free_port()
    name = "localhost" if authority else "127.0.0.1"
    registry = Registry(f"{name}:{port}", folder, basic=basic, tokens=tokens, authority=authority)
    folder.mkdir(parents=True, exist_ok=True)
    config, log = folder / "registry.yml", folder / "access.log"
    with _listening(registry.notifications) as sink, log.open("ab") as file:
        endpoints = [
            _endpoint("here", f"http://127.0.0.1:{sink}/"),
            *([_endpoint("hook", hook, token)] if hook else []),
        ]
        config.write_text(json.dumps(_settings(registry, port, endpoints if notifies else [])))
        process = subprocess.Popen([program, "serve", str(config)], stdout=file, stderr=subprocess.DEVNULL)
        try:
            _await(process, port)
            yield registry
        finally:
            process.terminate()
            process.wait(timeout=20)


def _settings(registry: Registry, port: int, endpoints: list[dict[str, Any]]) -> dict[str, Any]:
    """Its configuration; JSON is YAML. See https://distribution.github.io/distribution/about/configuration/"""
    return {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(registry.folder / "registry")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", **_tls(registry.authority)},
        **_guard(registry),
        **({"notifications": {"endpoints": endpoints}} if endpoints else {}),
    }


def _tls(authority: Authority | None) -> dict[str, Any]:
    if authority is None:
        return {}
    certificate, key = authority.certificate("localhost", "127.0.0.1")
    return {"tls": {"certificate": str(certificate), "key": str(key)}}


def _guard(registry: Registry) -> dict[str, Any]:
    if tokens := registry.tokens:
        names = {"realm": tokens.realm, "service": SERVICE, "issuer": ISSUER}
        return {"auth": {"token": {**names, "rootcertbundle": str(tokens.certificate)}}}
    if registry.basic is None:
        return {}
    user, password = registry.basic
    users = registry.folder / "users"
    users.write_text(f"{user}:{_bcrypt(password)}\n")
    return {"auth": {"htpasswd": {"realm": "registry", "path": str(users)}}}


def _bcrypt(password: str) -> str:
    """The only hash of a password that the registry reads, by the system's crypt(3)."""
    library = ctypes.CDLL(ctypes.util.find_library("crypt"))
    library.crypt.restype = ctypes.c_char_p
    return str(library.crypt(password.encode(), b"$2b$04$" + b"a" * 21 + b"u").decode())


def _endpoint(name: str, url: str, token: str = "") -> dict[str, Any]:
    headers = {"headers": {"Authorization": [f"Bearer {token}"]}} if token else {}
    return {"name": name, "url": url, **headers, "timeout": "1s", "threshold": 5, "backoff": "1s"}


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
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    """Until it listens; it gives no other sign."""
    for _ in range(1000):
        assert process.poll() is None, "the registry ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise AssertionError(f"nobody listens on port {port}")
