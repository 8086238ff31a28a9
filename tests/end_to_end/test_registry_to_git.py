"""A real registry's own notification becomes a commit on a real remote."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.cli import CommandLine
from tests.helpers.components import require, require_kustomizes
from tests.helpers.git_server import GitServer
from tests.helpers.registry import running_registry

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: model-a}
spec:
  selector: {matchLabels: {app: model-a}}
  template:
    metadata: {labels: {app: model-a}}
    spec:
      containers:
        - {name: model-a, image: model-a}
"""


@pytest.mark.slow
def test_a_push_by_skopeo_lands_as_one_rendered_commit_over_http(
    updater: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("docker-registry")
    require("skopeo")
    kustomize = next(iter(require_kustomizes().values()))[0]
    monkeypatch.setenv("UPDATER_KUSTOMIZE", kustomize)
    monkeypatch.setenv("UPDATER_GIT_USERNAME", "updater")
    monkeypatch.setenv("UPDATER_GIT_PASSWORD", "s3cret")
    with running_registry(tmp_path) as registry:
        image = f"{registry.host}/acme/model-a"
        before = f"resources: [deployment.yaml]\nimages:\n- name: model-a\n  newName: {image}\n  newTag: 1.0.0\n"
        bare = gitops.remote(
            tmp_path / "served" / "gitops.git",
            {
                "environments/test.yaml": (
                    "overlays: overlays/test/{service}\n"
                    f'follow:\n  - {{image: "{registry.host}/acme/*", order: semver}}\n'
                ),
                "overlays/test/model-a/kustomization.yaml": before,
                "overlays/test/model-a/deployment.yaml": DEPLOYMENT,
            },
        )
        digest = registry.push("acme/model-a", "1.1.0")
        event = tmp_path / "event.json"
        event.write_bytes(registry.notification("1.1.0"))
        with GitServer(bare.parent, credentials=("updater", "s3cret")) as server:
            ran = updater("handle", "--repo", server.url(), "--source", "distribution", "--output", "json", event)
            assert ran.code == 0, ran.err
            assert ran.outcomes == [("test", "model-a", "1.1.0", "committed")]
            again = updater("handle", "--repo", server.url(), "--source", "distribution", "--output", "json", event)
            assert again.outcomes == [("test", "model-a", "1.1.0", "unchanged")]
    after = gitops.show(bare, "overlays/test/model-a/kustomization.yaml") + "\n"
    assert after == before.replace("1.0.0", "1.1.0") + f"  digest: {digest}\n"
    assert gitops.git(bare, "rev-list", "--count", "main") == "2"
    assert f"Updater-Image: {image}:1.1.0@{digest}" in gitops.git(bare, "log", "-1", "--format=%b", "main")
