"""Monorepos to measure on: many overlays, a long history, the same bytes every time."""

from __future__ import annotations

import hashlib
import math
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.tools import git, say

FORMAT = 1
"""Part of each name in the cache; to be raised when what is generated changes."""

_START = 1_700_000_000
_STRIDE = 7919  # a prime, so the commits go through all overlays before they come back to the first
_REVERT_EVERY, _BY_HAND_EVERY = 100, 10
_SERVER = {"gc.auto": "0", "receive.autogc": "false", "uploadpack.allowFilter": "true"}

_ENVIRONMENT = """\
overlays: {overlays}
follow:
  - image: reg.example/models/*
    order: semver
"""
_KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {service}
resources:
  - deployment.yaml
configMapGenerator:
  - name: settings
    envs:
      - settings.env
images:
  # bumped by the updater
  - name: {image}
    newTag: {tag}
    digest: {digest}
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {service}
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: {service}}}
  template:
    metadata:
      labels: {{app: {service}}}
    spec:
      containers:
        - name: model
          image: {image}
          envFrom:
            - configMapRef: {{name: settings}}
"""
_MESSAGE = """\
Deploy {service} {new} to test

{image}: {old} -> {new}

Updater-Environment: test
Updater-Service: {service}
Updater-Image: {image}:{new}@{new_digest}
Updater-Previous: {image}:{old}@{old_digest}
Updater-Event: generic/build-{number} {time}
"""


@dataclass(frozen=True, slots=True)
class Monorepo:
    """What is generated: overlays in folders by team, or all in one, and commits that each bump one of them."""

    layout: Literal["nested", "flat"]
    overlays: int
    commits: int

    @property
    def title(self) -> str:
        """What tables call it."""
        return f"{self.overlays:,} {self.layout}"

    def service(self, number: int) -> str:
        """The name of a service: its overlay's folder is called so."""
        return f"model-{number:05d}"

    def image(self, number: int) -> str:
        """The image that a service runs."""
        return f"reg.example/models/{self.service(number)}"

    def folder(self, number: int) -> str:
        """The overlay of a service. By team there are about as many teams as services in each."""
        if self.layout == "flat":
            return f"models/{self.service(number)}/test"
        return f"teams/team-{number % math.isqrt(self.overlays):03d}/{self.service(number)}/test"

    def kustomization(self, number: int) -> str:
        """The path of the file that is bumped."""
        return f"{self.folder(number)}/kustomization.yaml"

    def content(self, number: int, tag: str) -> bytes:
        """That file with a version in it."""
        service, image = self.service(number), self.image(number)
        return _KUSTOMIZATION.format(service=service, image=image, tag=tag, digest=digest(number, tag)).encode()

    def spread(self, count: int, first: int = 0) -> list[int]:
        """The numbers of `count` services from all over the repository, none of them twice."""
        return [(first + each) * _STRIDE % self.overlays for each in range(count)]


def digest(number: int, tag: str) -> str:
    """The digest of a service's image with that tag."""
    return f"sha256:{hashlib.sha256(f'{number}:{tag}'.encode()).hexdigest()}"


def generated(repository: Monorepo, cache: Path) -> Path:
    """The bare repository in the cache, packed as a server would have it; generated now if it is not there."""
    folder = cache / f"{repository.layout}-{repository.overlays}-{repository.commits}-v{FORMAT}.git"
    if not folder.is_dir():
        started = time.perf_counter()
        unfinished = folder.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        _import(repository, unfinished)
        git(unfinished, "repack", "-adq", "--write-bitmap-index")
        unfinished.rename(folder)
        say(f"generated {repository.title} in {time.perf_counter() - started:.0f} s")
    return folder


def _import(repository: Monorepo, folder: Path) -> None:
    say(f"generating {repository.title}, {repository.commits:,} commits")
    git(folder.parent, "init", "--quiet", "--bare", "--initial-branch=main", folder.name)
    for key, value in _SERVER.items():
        git(folder, "config", key, value)
    command = ("git", "fast-import", "--quiet")
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin as stream:
        for part in (*_first_commit(repository), b""):
            stream.write(part)
        for part in _bumps(repository):
            stream.write(part)
    if process.wait() != 0:
        raise SystemExit(f"error: git fast-import failed in {folder}")


def _first_commit(repository: Monorepo) -> Iterator[bytes]:
    pattern = "models/{service}/test" if repository.layout == "flat" else "teams/*/{service}/test"
    yield commit("Start\n", _START)
    yield file("environments/test.yaml", _ENVIRONMENT.format(overlays=pattern).encode())
    for number in range(repository.overlays):
        service, image, folder = repository.service(number), repository.image(number), repository.folder(number)
        deployment = _DEPLOYMENT.format(service=service, image=image, replicas=number % 5 + 1)
        yield file(repository.kustomization(number), repository.content(number, "1.0.0"))
        yield file(f"{folder}/deployment.yaml", deployment.encode())
        yield file(f"{folder}/settings.env", f"MODEL={service}\nBATCH={number % 64 + 1}\n".encode())


def _bumps(repository: Monorepo) -> Iterator[bytes]:
    """One commit for each bump: most by the updater, some by hand, and now and then a revert."""
    before: dict[int, str] = {}
    stands: dict[int, str] = {}
    for step in range(1, repository.commits):
        number = step * _STRIDE % repository.overlays
        old = stands.get(number, "1.0.0")
        is_revert = step % _REVERT_EVERY == 0 and number in before
        new = before[number] if is_revert else f"1.0.{step}"
        before[number], stands[number] = old, new
        yield commit(_message(repository, step, number, old, new, is_revert=is_revert), _START + 60 * step)
        yield file(repository.kustomization(number), repository.content(number, new))


def _message(repository: Monorepo, step: int, number: int, old: str, new: str, *, is_revert: bool) -> str:
    if is_revert:
        return f'Revert "Deploy {repository.service(number)} {old} to test"\n'
    if step % _BY_HAND_EVERY == 0:
        return f"{repository.service(number)}: use {new}\n"
    return _MESSAGE.format(
        service=repository.service(number), image=repository.image(number), number=step, old=old, new=new,
        old_digest=digest(number, old), new_digest=digest(number, new),
        time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_START + 60 * step - 5)),
    )  # fmt: skip


def commit(message: str, seconds: int, start: str = "") -> bytes:
    """The head of a commit on main in a stream for git-fast-import(1); `start` is where a new process begins."""
    origin = f"from {start}\n" if start else ""
    who = f"committer alice <alice@example.org> {seconds} +0000"
    return f"commit refs/heads/main\n{who}\ndata {len(message.encode())}\n{message}\n{origin}".encode()


def file(path: str, content: bytes) -> bytes:
    """A file of the commit above it."""
    return b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content)
