"""Row j: a hundred services promoted at once, on a GitHub that keeps to GitHub's limits."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.measure import Figures
from bench.stand import Lab, can_render
from bench.table import Row, below
from bench.tools import say
from tests.helpers.github import openapi
from tests.helpers.github.server import GitHub
from tools.install_tools import DESCRIPTION, has_description
from updater import bootstrap, pipeline, settings
from updater.forge import Connection
from updater.forges.github import connect
from updater.pipeline import Parts, Report

SERVICES = 100
_FOLLOW = "overlays: overlays/test/{service}\nfollow:\n  - image: reg.example/models/*\n    order: semver\n"
_PROMOTE = (
    "overlays: overlays/staging/{service}\npromote:\n  from: test\ndeliver: pull-request\n"
    "pull-request:\n  labels: [promotion]\n  max-open: 1000\n"
)
_DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: {0}}}
spec:
  selector: {{matchLabels: {{app: {0}}}}}
  template:
    metadata: {{labels: {{app: {0}}}}}
    spec: {{containers: [{{name: app, image: reg.example/models/{0}}}]}}
"""


@dataclass(slots=True)
class Clock:
    """Goes on while somebody waits, so that an hour of pacing takes no time; and by itself, as any clock."""

    waited: float = 0.0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The time, all waiting included."""
        return datetime.now(UTC) + timedelta(seconds=self.waited)

    def pause(self, seconds: float) -> None:
        """Waits."""
        self.waited += seconds


def promotion(lab: Lab) -> Iterator[Row]:
    """Row j: the requests, pushes and waiting of one pass that opens a pull request for each service."""
    if not has_description():
        say("row j is left out: GitHub's description of its API is not here; `make setup` fetches it")
        return
    count = min(SERVICES, lab.burst)
    clock = Clock()
    with (
        tempfile.TemporaryDirectory(prefix="updater-bench-") as folder,
        GitHub(Path(folder), _files(count), clock.now, openapi.load(DESCRIPTION)) as github,
    ):
        yield from _measured(github, clock, Path(folder), count)
        if github.violations:
            raise SystemExit(f"error: not as GitHub describes it: {github.violations[:3]}")


def _measured(github: GitHub, clock: Clock, folder: Path, count: int) -> Iterator[Row]:
    environ = {"UPDATER_GITHUB_TOKEN": github.token().value, "UPDATER_GITHUB_API": github.url}
    login = {"UPDATER_GIT_USERNAME": "x-access-token", "UPDATER_GIT_PASSWORD": environ["UPDATER_GITHUB_TOKEN"]}
    named = {"UPDATER_REPO": github.git_url, "UPDATER_STATE_DIR": str(folder / "state"), "UPDATER_FORGE": "github"}
    chosen = settings.read({**os.environ, **named, **login})
    forge = connect(Connection(github.git_url, chosen.author, environ, clock.now, clock.pause))
    where = f"{count} services, GitHub's limits"
    try:
        with bootstrap.opened(chosen) as shop:
            parts = replace(shop.parts, sight=replace(shop.parts.sight, forge=lambda: forge, clock=clock))
            first, seconds = _pass(parts)
            calls, pushes, waited = len(github.log), len(github.pushes), clock.waited
            if len(first.pulls) != count or first.exit_code:
                raise SystemExit(f"error: {len(first.pulls)} pull requests of {count}: {first.problems[:3]}")
            github.log.clear()
            _, again = _pass(parts)
            what = f"{count} services promoted at once"
            yield below(count * 4 + 1, Row("j", f"{what}: requests", where, Figures((float(calls),)), unit="calls"))
            yield below(2, Row("j", f"{what}: pushes", where, Figures((float(pushes),)), unit="pushes"))
            yield Row("j", f"{what}: time at work", where, Figures((seconds,)))
            yield Row("j", f"{what}: waited for the limits", where, Figures((waited,)))
            yield Row(
                "j", "the next pass, nothing changed: requests", where, Figures((float(len(github.log)),)), unit="calls"
            )
            yield Row("j", "the next pass, nothing changed", where, Figures((again,)))
    finally:
        forge.close()


def _pass(parts: Parts) -> tuple[Report, float]:
    started = time.perf_counter()
    report = pipeline.reconcile(parts)
    return report, time.perf_counter() - started


def _files(count: int) -> dict[str, str]:
    """Test is one version ahead of staging, in every service."""
    more = "" if can_render() else "verify: parse\n"
    files = {"environments/test.yaml": _FOLLOW + more, "environments/staging.yaml": _PROMOTE + more}
    for service in (f"model-{number:03}" for number in range(count)):
        files[f"base/{service}/kustomization.yaml"] = "resources: [deployment.yaml]\n"
        files[f"base/{service}/deployment.yaml"] = _DEPLOYMENT.format(service)
        for environment, tag in (("test", "1.4.0"), ("staging", "1.3.2")):
            digest = hashlib.sha256(f"{service}:{tag}".encode()).hexdigest()
            files[f"overlays/{environment}/{service}/kustomization.yaml"] = (
                f"resources: [../../../base/{service}]\nimages:\n  - name: reg.example/models/{service}\n"
                f"    newTag: {tag}\n    digest: sha256:{digest}\n"
            )
    return files
