"""Row m: what the safety net asks of registries, and how long looking and deciding take."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.generate import commit, file
from bench.measure import Figures, seconds
from bench.stand import Lab
from bench.table import Row, below
from bench.tools import git, say
from tests.helpers.faulty_registry import Answer, Request, faulty_registry
from tests.helpers.registry import Registry, running_registry
from updater import bootstrap, pipeline, polling, settings
from updater.errors import RegistryError
from updater.model import Version
from updater.pipeline import Parts
from updater.polling import Listings

_T = TypeVar("_T")
IMAGES = 500
TAGS = 10_000
_FOLLOW = "overlays: overlays/test/{{service}}\nfollow:\n  - image: {0}/models/*\n    order: semver\nverify: parse\n"
_ENTRY = "images:\n  - name: {0}\n    newTag: {1.tag}\n    digest: {1.digest}\n"
_PLACE = '"{0}": {{calls-per-minute: 1000000, login: anonymous}}\n'


def safety_net(lab: Lab) -> Iterator[Row]:
    """Row m: looks at many images on a real registry and on one that knows ETags, and at one image of many tags."""
    if not (shutil.which("docker-registry") and shutil.which("skopeo")):
        say("row m is left out: docker-registry or skopeo is not here")
        return
    images, tags = min(IMAGES, lab.burst), TAGS if lab.burst >= IMAGES else 10 * lab.burst
    with tempfile.TemporaryDirectory(prefix="updater-bench-") as name, running_registry(Path(name)) as registry:
        yield from _many(Path(name), registry, images)
        yield from _large(Path(name), registry, tags)
    yield from _conditional(images, tags)


def _many(folder: Path, registry: Registry, count: int) -> Iterator[Row]:
    """Many images: the first look, the next one, and the pass that decides on it."""
    standing = Version("1.0.0", registry.push(f"models/{_name(0)}", "1.0.0"))
    repositories = registry.folder / "registry/docker/registry/v2/repositories/models"
    for number in range(1, count):  # behind the registry's back: by its API that takes a minute
        shutil.copytree(repositories / _name(0), repositories / _name(number))
    where = f"{count} images, docker-registry"
    with _opened(folder / "many", registry.host, count, standing) as parts:
        first, again = (_look(parts, lambda: [each.path for each in registry.requests]) for _ in range(2))
        lists = sum("/tags/list" in path for path in first.asked)
        yield below(count + 1, _calls("first look: lists of tags", where, lists))
        yield from (_calls(f"{which}: requests", where, len(look.asked)) for which, look in _named(first, again))
        yield from (_took(which, where, look) for which, look in _named(first, again))
        yield from _decided(parts, where, first, again)


def _large(folder: Path, registry: Registry, count: int) -> Iterator[Row]:
    """One image of many tags."""
    standing = Version("1.0.0", registry.push("models/large", "1.0.0"))
    registry.tag("models/large", standing.digest or "", [f"0.1.{number}" for number in range(count - 1)])
    where = f"an image of {count:,} tags, docker-registry"
    with _opened(folder / "large", registry.host, 1, standing, "large") as parts:
        first, again = (_look(parts, lambda: [each.path for each in registry.requests]) for _ in range(2))
        yield from (_took(which, where, look) for which, look in _named(first, again))
        yield from _decided(parts, where, first, again)


def _conditional(images: int, tags: int) -> Iterator[Row]:
    """The same on a registry that knows ETags: what did not change is not sent again."""
    for count, each in ((images, 1), (1, tags)):
        server = _Etags([f"0.1.{number}" for number in range(each - 1)] + ["1.0.0"])
        where = f"{count:,} image(s), {each:,} tag(s), ETags"
        with (
            tempfile.TemporaryDirectory(prefix="updater-bench-") as name,
            faulty_registry(server.answer) as registry,
            _opened(Path(name), registry.host, count, server.version) as parts,
        ):
            first = _look(parts, lambda: [request.path for request in registry.requests])
            sent, server.sent = server.sent, 0
            again = _look(parts, lambda: [request.path for request in registry.requests])
        yield _calls("first look: requests", where, len(first.asked))
        yield _calls("next look: answered 304", where, server.unchanged)
        for which, size in _named(sent, server.sent):
            yield Row("m", f"{which}: lists sent to us", where, Figures((size / 1024,)), unit="KB")
        yield from (_took(which, where, look) for which, look in _named(first, again))


@dataclass(slots=True)
class _Etags:
    """A registry whose repositories all have the same tags, all of which name the same thing."""

    tags: list[str]
    version: Version = Version("1.0.0", f"sha256:{hashlib.sha256(b'an image').hexdigest()}")
    sent: int = 0
    unchanged: int = 0
    pages: dict[str, bytes] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        """A page of tags, or the head of a manifest."""
        if not request.path.endswith("/tags/list"):
            digest = self.version.digest or ""
            return Answer(200, {"docker-content-digest": digest, "content-length": "8"})
        size, last = int(request.query.get("n", "1000")), request.query.get("last")
        begin = 0 if last is None else self.tags.index(last) + 1
        page = self.tags[begin : begin + size]
        body = json.dumps({"name": request.path[4:-10], "tags": page}).encode()
        headers = {"etag": f'"{hashlib.sha256(body).hexdigest()}"', "content-type": "application/json"}
        if begin + size < len(self.tags):
            headers["link"] = f'<{request.path}?n={size}&last={page[-1]}>; rel="next"'
        if request.headers.get("if-none-match") == headers["etag"]:
            self.unchanged += 1
            return Answer(304, headers)
        self.sent += len(body)
        return Answer(200, headers, body)


@contextmanager
def _opened(folder: Path, host: str, count: int, standing: Version, name: str = "") -> Iterator[Parts]:
    """The updater on a repository that follows so many images of a registry, without a limit of calls."""
    folder.mkdir(exist_ok=True)
    (folder / "registries.yaml").write_text(_PLACE.format(host))
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    files = {"environments/test.yaml": _FOLLOW.format(host)}
    for service in [name] if name else [_name(number) for number in range(count)]:
        image = f"{host}/models/{service}"
        files[f"overlays/test/{service}/kustomization.yaml"] = _ENTRY.format(image, standing)
    stream = [commit("Start\n", 1_700_000_000), *(file(path, text.encode()) for path, text in files.items())]
    git(folder / "remote.git", "fast-import", "--quiet", stdin=b"".join(stream))
    environ = {
        "UPDATER_REPO": str(folder / "remote.git"),
        "UPDATER_STATE_DIR": str(folder / "state"),
        "UPDATER_REGISTRIES": str(folder / "registries.yaml"),
    }
    chosen = settings.read(environ)
    with bootstrap.registries(environ, chosen.state) as asked, bootstrap.opened(chosen, asked=asked) as shop:
        yield shop.parts


@dataclass(frozen=True, slots=True)
class _Look:
    """What registries listed, how long that took, and the paths that they were asked for."""

    listings: Listings
    seconds: float
    asked: Sequence[str]


def _look(parts: Parts, requests: Callable[[], Sequence[str]]) -> _Look:
    """A look at all that is followed. `requests` are those that ever came."""
    assert parts.sight.registries is not None
    before, started = len(requests()), time.perf_counter()
    listings = parts.sight.registries.listings(polling.wanted(parts.sight))
    took = time.perf_counter() - started
    failed = [str(each) for each in listings.values() if isinstance(each, RegistryError)]
    if failed or not listings:
        raise SystemExit(f"error: of {len(listings)} images {len(failed)} were not listed: {failed[:3]}")
    return _Look(listings, took, requests()[before:])


def _decided(parts: Parts, where: str, first: _Look, again: _Look) -> Iterator[Row]:
    """What the passes cost that decide on a first look, which is kept on the remote, and on one without news."""
    kept = seconds(lambda _: pipeline.reconcile(parts, first.listings))
    with_look = seconds(lambda _: pipeline.reconcile(parts, again.listings))
    without = Figures((seconds(lambda _: pipeline.reconcile(parts)),))
    for which, took in _named(kept, with_look):
        yield Row("m", f"{which}: the pass that decides on it", where, Figures((took,)), "without a look", without)


def _named(first: _T, again: _T) -> list[tuple[str, _T]]:
    return [("first look", first), ("next look", again)]


def _took(which: str, where: str, look: _Look) -> Row:
    return Row("m", which, where, Figures((look.seconds,)))


def _calls(what: str, where: str, number: int) -> Row:
    return Row("m", what, where, Figures((float(number),)), unit="calls")


def _name(number: int) -> str:
    return f"model-{number:03}"
