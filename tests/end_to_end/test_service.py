"""`updater serve` as its users meet it: senders of web hooks, forges, and whoever starts and stops it."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import FILES, overlay
from tests.helpers import faults, gitops
from tests.helpers.components import require
from tests.helpers.git_server import FETCH, PUSH, GitServer
from tests.helpers.gitops import Person
from tests.helpers.patience import eventually
from tests.helpers.payloads import MODELS, plain
from tests.helpers.processes import git_ends
from tests.helpers.registry import running_registry
from tests.helpers.service import PATIENCE, Service, serving, started

pytestmark = pytest.mark.slow

SECRET = "a secret that is long enough"
NEXT = "the secret that comes next one day"
EARLIER = "the secret of the time before this one"
BEARER = {"Authorization": f"Bearer {SECRET}"}
STAGING = "overlays: overlays/staging/{service}\ndeliver: pull-request\nverify: parse\npromote:\n  from: test\n"
PRODUCTION = "overlays: overlays/production/{service}\nverify: parse\npromote: {from: staging}\n"


def tag(bare: Path, environment: str, service: str = "model-a") -> str:
    """The tag that stands in an overlay on the remote."""
    text = gitops.show(bare, f"overlays/{environment}/{service}/kustomization.yaml")
    return text.partition("newTag: ")[2].split()[0]


def comes_to_stand(bare: Path, environment: str, wanted: str) -> bool:
    """Whether a tag comes to stand in an overlay of model-a."""
    return eventually(lambda: tag(bare, environment) == wanted, PATIENCE)


def signed(secret: str, body: bytes) -> str:
    """The signature of a body as GitHub makes it."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


# --- from a registry to git


def test_a_push_by_skopeo_to_a_registry_that_knows_our_hook_lands_without_another_command(tmp_path: Path) -> None:
    require("docker-registry")
    require("skopeo")
    bare = gitops.remote(tmp_path / "gitops.git", {"README.md": "empty yet\n"})
    with serving(bare, tmp_path / "service", HOOK_SECRET_DISTRIBUTION=SECRET) as service:
        hook = f"http://127.0.0.1:{service.port}/hooks/distribution"
        with running_registry(tmp_path, hook, SECRET) as registry:
            image = f"{registry.host}/acme/model-a"
            path = "overlays/test/model-a/kustomization.yaml"
            before = f"images:\n- name: {image}\n  newTag: 1.0.0\n"
            rule = f'{{image: "{registry.host}/acme/*", order: semver}}'
            settings = f"overlays: overlays/test/{{service}}\nfollow: [{rule}]\nverify: parse\n"
            Person(bare, tmp_path / "alice").commit({path: before, "environments/test.yaml": settings})
            digest = registry.push("acme/model-a", "1.1.0")
            assert comes_to_stand(bare, "test", "1.1.0"), service.text()
    assert gitops.show(bare, path) + "\n" == before.replace("1.0.0", "1.1.0") + f"  digest: {digest}\n"
    assert f"Updater-Image: {image}:1.1.0@{digest}" in gitops.git(bare, "log", "-1", "--format=%b", "main")


# --- what senders are answered


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that knows the secrets of some sources."""
    folder = tmp_path_factory.mktemp("hooks")
    bare = gitops.remote(folder / "gitops.git", FILES)
    secrets = {
        "HOOK_SECRET_GENERIC": f"{SECRET},{NEXT}",
        "HOOK_SECRET_GHCR": SECRET,
        "HOOK_SECRET_DISTRIBUTION": SECRET,
        "HOOK_SECRET_DOCKER_HUB": SECRET,
        "HOOK_SECRET_STATUS": SECRET,
    }
    with serving(bare, folder, **secrets) as service:
        yield service


GOOD = plain(f"{MODELS}/model-a", "1.1.0")
PULLED = {"events": [{"action": "pull", "target": {"repository": "acme/model-a"}, "request": {"host": "reg.example"}}]}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("generic", GOOD, BEARER, 202),
        ("distribution", PULLED, BEARER, 200),
        ("generic", b"{", BEARER, 400),
        ("generic", {"image": "../../etc/passwd"}, BEARER, 400),
        ("generic", GOOD, {}, 401),
        ("generic", GOOD, {"Authorization": "Bearer guessed"}, 401),
        ("quay", GOOD, BEARER, 403),
        ("nobody", GOOD, BEARER, 404),
        ("generic", b"", {**BEARER, "Content-Length": "1048577"}, 413),
    ],
    ids=["good", "of no interest", "no JSON", "no image", "no secret", "wrong", "closed", "unknown source", "long"],
)  # fmt: skip
def test_a_sender_is_told_what_became_of_his_web_hook(
    hooks: Service, path: str, body: object, headers: dict[str, str], status: int
) -> None:
    answer = hooks.post(f"/hooks/{path}", body, headers)
    assert answer.status == status
    assert answer.told, "and why"
    assert SECRET not in json.dumps(answer.told)


def test_more_than_a_mebibyte_is_refused_although_its_length_was_not_announced(hooks: Service) -> None:
    assert hooks.unfinished("/hooks/generic", b"x" * 1_048_577, BEARER).status == 413


def test_two_secrets_are_accepted_while_a_sender_changes_from_one_to_the_other(hooks: Service) -> None:
    statuses = [
        hooks.post("/hooks/generic", GOOD, {"Authorization": f"Bearer {secret}"}).status
        for secret in (SECRET, NEXT, EARLIER)
    ]
    assert statuses == [202, 202, 401]


def test_a_body_has_to_fit_its_signature(hooks: Service) -> None:
    body = json.dumps({"zen": "Keep it logically awesome.", "hook_id": 1}).encode()
    told = {"X-GitHub-Event": "ping", "X-Hub-Signature-256": signed(SECRET, body)}
    assert hooks.post("/hooks/ghcr", body, told).status == 200
    assert hooks.post("/hooks/ghcr", body + b" ", told).status == 401


def test_docker_hub_shows_its_secret_in_the_path_which_is_never_logged(hooks: Service) -> None:
    push = {"push_data": {"tag": "1.3.0"}, "repository": {"repo_name": "acme/model-a"}}
    secret = SECRET.replace(" ", "%20")
    assert hooks.post(f"/hooks/docker-hub/{secret}", push).status == 202
    assert hooks.post("/hooks/docker-hub/guessed", push).status == 401
    assert hooks.post("/hooks/docker-hub", push).status == 401
    assert SECRET not in hooks.text()
    assert secret not in hooks.text()


def test_the_log_is_json_and_follows_a_push_from_its_arrival_to_its_commit(hooks: Service) -> None:
    assert hooks.post("/hooks/generic", b"{", BEARER).status == 400, "which is a warning"
    push = plain(f"{MODELS}/model-b", "1.7.0", id="push-17")
    hooks.post("/hooks/generic", push, BEARER)
    hooks.ended(1)
    assert hooks.tells("model-b 1.7.0 committed")
    mine = [line for line in hooks.lines() if "1.7.0" in line["message"]]
    assert len({line["event"] for line in mine}) == 1
    assert [line["logger"] for line in mine] == ["updater.web.hooks", "updater.service.state"]
    assert len(mine[-1]["commit"]) == 40


def test_who_keeps_guessing_has_to_wait_and_who_knows_the_secret_does_not(tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    with serving(bare, tmp_path / "one", faults.undisturbed(), HOOK_SECRET_GENERIC=SECRET) as service:
        with ThreadPoolExecutor(40) as guessers:
            guess = {"Authorization": "Bearer guessed"}
            answers = list(guessers.map(lambda _: service.post("/hooks/generic", GOOD, guess), range(40)))
        assert {each.status for each in answers} == {401, 429}
        assert all(int(each.headers["retry-after"]) > 0 for each in answers if each.status == 429)
        assert service.post("/hooks/generic", GOOD, BEARER).status == 202


# --- what forges and clusters tell


def github(service: Service, event: str, told: dict[str, Any]) -> int:
    """A web hook as GitHub sends it."""
    body = json.dumps(told).encode()
    headers = {"X-GitHub-Event": event, "X-Hub-Signature-256": signed(SECRET, body)}
    return service.post("/hooks/github", body, headers).status


def test_a_merge_that_github_tells_of_lets_the_promotion_go_on(tmp_path: Path) -> None:
    """The next pass by the clock would be in five minutes."""
    both = {
        f"overlays/{name}/model-a/kustomization.yaml": overlay("model-a", "1.0.0") for name in ("staging", "production")
    }
    settings = {"environments/staging.yaml": STAGING, "environments/production.yaml": PRODUCTION}
    bare = gitops.remote(tmp_path / "gitops.git", {**FILES, **both, **settings})
    with serving(
        bare, tmp_path / "one", faults.undisturbed(), HOOK_SECRET_GENERIC=SECRET, HOOK_SECRET_GITHUB=SECRET
    ) as service:
        assert service.post("/hooks/generic", GOOD, BEARER).status == 202
        assert eventually(lambda: gitops.refs(bare, "refs/updater/pr/") != [], PATIENCE), service.text()
        Person(bare, tmp_path / "alice").merge("updater/staging/model-a")
        assert tag(bare, "production") == "1.0.0"
        merged = {"action": "closed", "number": 1, "pull_request": {"number": 1, "merged": True}}
        assert github(service, "pull_request", merged) == 202
        assert comes_to_stand(bare, "production", "1.1.0"), service.text()


def test_statuses_that_tests_and_clusters_send_are_on_the_forge_before_the_answer_and_open_the_gates(
    tmp_path: Path,
) -> None:
    gates = "  statuses: [smoke-test, continuous-delivery/model-a-edge-1, kustomization/models/5b1f00d2]\n"
    overlays = {"overlays/staging/model-a/kustomization.yaml": overlay("model-a", "1.0.0")}
    bare = gitops.remote(tmp_path / "gitops.git", {**FILES, **overlays, "environments/staging.yaml": STAGING + gates})
    sources = ("GENERIC", "STATUS", "ARGOCD", "FLUX")
    with serving(
        bare, tmp_path / "one", faults.undisturbed(), **{f"HOOK_SECRET_{name}": SECRET for name in sources}
    ) as service:
        assert service.post("/hooks/generic", GOOD, BEARER).status == 202
        service.ended(1)
        commit = gitops.tip(bare)
        smoke = {"environment": "test", "service": "model-a", "context": "smoke-test", "state": "success"}
        synced = {"app": "model-a-edge-1", "revision": commit, "phase": "Succeeded", "health": "Healthy"}
        item = {"kind": "Kustomization", "name": "models", "uid": "5b1f00d2-3e64-4b1c-9f0e-2d9a1c77e001"}
        applied = {
            "involvedObject": item, "severity": "info", "reason": "ReconciliationSucceeded",
            "metadata": {"revision": f"main@sha1:{commit}"},
        }  # fmt: skip
        for count, (source, told) in enumerate([("status", smoke), ("argocd", synced), ("flux", applied)], 1):
            assert gitops.refs(bare, "refs/updater/pr/") == []
            answer = service.post(f"/hooks/{source}", told, BEARER)
            assert (answer.status, len(statuses(bare, commit))) == (202, count), answer
        assert eventually(lambda: gitops.refs(bare, "refs/updater/pr/") != [], PATIENCE), service.text()


def statuses(bare: Path, commit: str) -> list[dict[str, Any]]:
    """The statuses of a commit on the forge that is built in."""
    kept = json.loads(gitops.show(bare, "statuses.json", f"refs/updater/status/{commit}"))
    found: list[dict[str, Any]] = kept["statuses"]
    return found


def test_a_status_that_cannot_be_posted_is_not_accepted(hooks: Service) -> None:
    told = {"context": "smoke-test", "state": "success", "commit": "a" * 40}
    answer = hooks.post("/hooks/status", told, BEARER)
    assert (answer.status, "a" * 40 in answer.told["error"]) == (400, True)


# --- its beginning and its end


@pytest.mark.parametrize("wrong", [{"LISTEN": "127.0.0.1:{taken}"}, {"LISTEN": "0.0.0.0:0", "HOOKS_OPEN": "1"}])
def test_a_setting_that_cannot_be_is_told_before_anything_is_begun(tmp_path: Path, wrong: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = {name: value.format(taken=other.getsockname()[1]) for name, value in wrong.items()}
        with started(tmp_path / "gitops.git", tmp_path / "one", faults.undisturbed(), **settings) as service:
            assert service.wait() == 2
    assert service.text().startswith("error: UPDATER_")
    assert "\nhint: " in service.text()


def test_an_idle_service_ends_at_once_without_an_error(tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    with serving(bare, tmp_path / "one") as service:
        assert service.stop() == 0
    assert service.lines()[-1]["message"] == "stopped"


def test_a_stop_while_remote_and_sender_hang_leaves_the_rest_for_the_next_start_and_no_process(tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "served" / "gitops.git", FILES)
    with GitServer(bare.parent) as server:
        with serving(server.url(), tmp_path / "one", faults.undisturbed()) as service:
            server.faults = {PUSH: "hang"}
            assert service.post("/hooks/generic", GOOD).status == 202
            assert eventually(lambda: server.count(PUSH) == 1)
            server.faults = {PUSH: "hang", FETCH: "hang"}
            assert service.post("/hooks/generic", plain(f"{MODELS}/model-b", "1.2.0")).status == 202
            with socket.create_connection(("127.0.0.1", service.port)) as slow:
                slow.sendall(b"POST /hooks/generic HTTP/1.1\r\nHost: updater\r\nContent-Length: 9\r\n\r\n{")
                assert service.stop() == 0
            assert git_ends(), "the server would leave them hanging for longer"
        server.faults = {}
        with serving(server.url(), tmp_path / "one", faults.undisturbed()) as service:
            assert [(each["state"], each["tries"]) for each in service.ended(2)] == [("done", 1), ("done", 1)]
    assert (tag(bare, "test"), tag(bare, "test", "model-b")) == ("1.1.0", "1.2.0")
    assert gitops.git(bare, "rev-list", "--count", "main") == "3"
