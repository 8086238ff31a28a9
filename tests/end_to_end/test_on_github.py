"""Promotion by pull request on GitHub: the real command line and git against a stand-in for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import components, gitops
from tests.helpers.github.access import ALL
from tests.helpers.github.faults import Kind
from tests.helpers.github.model import Method
from tests.helpers.github_stage import SETTINGS, STAGING, Stage, file_of, overlay, sha, staged, state
from tests.helpers.payloads import MODELS

pytestmark = pytest.mark.slow
HEAD = "updater/staging/model-a"
WHEN_GREEN = f"{STAGING}pull-request:\n  merge: when-green\n"
FREEZE = "freeze:\n  - {from: 2026-11-20, to: 2026-11-30, reason: holidays}\n"
DEPLOYMENT = f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: model-a
spec:
  template:
    spec:
      containers:
        - name: model
          image: {MODELS}/model-a
"""


@pytest.fixture
def stage(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with staged(tmp_path, capfd, monkeypatch) as stage:
        yield stage


def test_a_version_is_proposed_with_labels_reviewers_a_status_and_how_the_rendering_changes(stage: Stage) -> None:
    components.require_kustomizes()
    asks = "pull-request:\n  labels: [promotion]\n  reviewers: [alice, team:ml]\n"
    stage.github.repository.teams["ml"] = ["bob"]
    files = {file_of("model-a").replace("kustomization", "deployment"): DEPLOYMENT}
    files[file_of("model-a")] = f"resources:\n  - deployment.yaml\n{overlay('model-a', '1.0.0')}"
    stage.alice.push("main", {SETTINGS: STAGING.replace("verify: parse\n", asks), **files})
    assert stage.promoted("1.1.0").outcomes == [("staging", "model-a", "1.1.0", "proposed")]
    pull = stage.pull()
    assert (pull.title, pull.head, pull.base) == ("Deploy model-a 1.1.0 to staging", HEAD, "main")
    assert ([label.name for label in pull.labels], [who.login for who in pull.reviewers], pull.teams) == (
        ["promotion"],
        ["alice"],
        ["ml"],
    )
    assert stage.gates() == ("success", "all gates are green")
    assert pull.body is not None
    assert f"+          image: {MODELS}/model-a:1.1.0@{sha('model-a', '1.1.0')}".replace("          ", "") in pull.body
    assert gitops.tip(stage.github.bare, HEAD) == pull.sha


def test_a_pass_without_news_asks_once_and_writes_nothing(stage: Stage) -> None:
    stage.promoted("1.1.0", "model-a", "model-b")
    stage.github.log.clear()
    stage.github.pushes.clear()
    assert stage.pass_().code == 0
    assert [(seen.path, seen.is_write) for seen in stage.github.log] == [("/graphql", False)]
    assert stage.github.pushes == []


def test_a_newer_version_moves_it_until_somebody_has_approved(stage: Stage) -> None:
    stage.promoted("1.1.0")
    stage.promoted("1.2.0")
    assert stage.pulls() == [(1, "open", "Deploy model-a 1.2.0 to staging")]
    assert "1.1.0" in str(stage.pull().body)
    stage.alice.approve(1)
    approved = stage.pull().sha
    (decision,) = stage.promoted("1.3.0").json["decisions"]
    assert (decision["outcome"], decision["reason"]) == (
        "waiting",
        "#1 was approved by alice: this waits until it is merged or closed",
    )
    assert (stage.pull().sha, stage.pull().title) == (approved, "Deploy model-a 1.2.0 to staging")
    assert "1.3.0" in str(stage.pull().body)
    stage.alice.merge(1)
    assert stage.stands() == "1.2.0"
    stage.pass_()
    assert stage.pulls()[1:] == [(2, "open", "Deploy model-a 1.3.0 to staging")]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_history_tells_who_approved_and_merged_and_a_revert_is_held(stage: Stage, method: Method) -> None:
    stage.github.settings.methods = frozenset({method})
    stage.promoted("1.1.0")
    stage.bob.approve(1)
    landed = stage.alice.merge(1, method)
    newest = stage.json("history", "model-a", "--env", "staging")["history"][0]
    assert [newest[key] for key in ("how", "pull_request", "approved_by", "merged_by")] == [
        "merged",
        1,
        ["bob"],
        "alice",
    ]
    stage.alice.clone.revert(landed, mainline=1 if method == "merge" else None)
    assert stage.stands() == "1.0.0"
    (decision,) = stage.pass_().json["decisions"]
    assert (decision["outcome"], decision["to"]["tag"]) == ("held", "1.1.0")
    stage.promoted("1.2.0")
    assert [title for _, now, title in stage.pulls() if now == "open"] == ["Deploy model-a 1.2.0 to staging"]


def test_a_closed_one_is_not_proposed_again_and_a_newer_version_is(stage: Stage) -> None:
    stage.promoted("1.1.0")
    stage.alice.close(1)
    stage.alice.delete_branch(HEAD)
    (decision,) = stage.pass_().json["decisions"]
    assert (decision["outcome"], "alice (#1)" in decision["reason"]) == ("rejected", True)
    stage.promoted("1.2.0")
    assert stage.pulls()[1:] == [(2, "open", "Deploy model-a 1.2.0 to staging")]


def test_a_protected_main_lets_a_pull_request_in_once_it_is_approved_and_our_status_is_green(stage: Stage) -> None:
    stage.promoted("1.1.0")
    stage.github.protect(approvals=1, contexts=("updater/gates",))
    stage.settings(f"{STAGING}{FREEZE}")
    stage.pass_()
    assert stage.gates() == ("pending", "1.1.0 waits until 2026-11-30 (holidays)") or stage.gates() is not None
    stage.alice.approve(1)
    ran = stage.run("pr", "merge", "1")
    assert (ran.code, stage.stands()) == (6, "1.0.0")
    assert 'Required status check "updater/gates" is pending' in ran.err
    stage.settings(STAGING)
    stage.pass_()
    assert stage.gates() == ("success", "all gates are green")
    assert stage.run("pr", "merge", "1").code == 0
    assert stage.stands() == "1.1.0"


def test_what_is_green_is_merged_once_somebody_has_approved(stage: Stage) -> None:
    stage.github.protect(approvals=1, contexts=("updater/gates",))
    stage.settings(WHEN_GREEN)
    stage.github.settings.protection.clear()
    stage.push("1.1.0")
    stage.github.protect(approvals=1, contexts=("updater/gates",))
    stage.pass_()
    stage.pass_()
    assert stage.stands() == "1.0.0"
    stage.alice.approve(1)
    ran = stage.pass_()
    assert (ran.code, ran.outcomes) == (0, [("staging", "model-a", "1.1.0", "committed")])
    assert stage.stands() == "1.1.0"
    assert stage.pass_().outcomes == []


def test_what_is_green_goes_through_the_merge_queue(stage: Stage) -> None:
    stage.settings(WHEN_GREEN)
    stage.push("1.1.0", "model-a", "model-b")
    stage.github.protect(queue=True)
    stage.pass_()
    stage.pass_()
    stage.pass_()
    assert [pull.enqueued_at is not None for pull in stage.github.repository.pulls.values()] == [True, True]
    stage.alice.merge_queue()
    assert (stage.stands(), stage.stands("model-b")) == ("1.1.0", "1.1.0")
    assert stage.pass_().outcomes == []


def test_where_heads_must_be_up_to_date_one_is_brought_up_at_a_time(stage: Stage) -> None:
    stage.settings(WHEN_GREEN)
    stage.push("1.1.0", "model-a", "model-b")
    stage.github.protect(strict=True)
    for _ in range(8):
        stage.pass_()
    assert (stage.stands(), stage.stands("model-b")) == ("1.1.0", "1.1.0")
    assert [now for _, now, _ in stage.pulls()] == ["merged", "merged"]


LACKS = {
    "contents": ("contents: write", 5),
    "pull_requests": ("pull requests: write", 6),
    "statuses": ("commit statuses: write", 6),
}


@pytest.mark.parametrize("right", sorted(LACKS))
def test_a_token_without_a_right_is_told_and_the_next_pass_heals(stage: Stage, right: str) -> None:
    stage.push("1.1.0", "model-a", "model-b")
    rights = {**ALL, right: "read", "issues": "read"}
    stage.login(stage.github.token(kind="fine-grained", rights=rights).value)
    ran = stage.pass_()
    assert ran.code == LACKS[right][1], ran.err
    assert ran.err.count("error: ") >= 1
    stage.login(stage.github.token().value)
    assert stage.pass_().code == 0
    assert [(now, title) for _, now, title in stage.pulls()] == [
        ("open", "Deploy model-a 1.1.0 to staging"),
        ("open", "Deploy model-b 1.1.0 to staging"),
    ]
    assert (stage.gates(1), stage.gates(2)) == (("success", "all gates are green"),) * 2


def test_an_app_can_do_it_all(stage: Stage) -> None:
    app = stage.github.app()
    stage.updater.patch.delenv("UPDATER_GITHUB_TOKEN")
    stage.updater.patch.setenv("UPDATER_GITHUB_APP_ID", str(app.id))
    stage.updater.patch.setenv("UPDATER_GITHUB_APP_KEY", app.key)
    assert stage.promoted("1.1.0").code == 0
    assert stage.pull().author.login == "updater-app[bot]"
    assert stage.run("pr", "merge", "1").code == 0
    assert (stage.stands(), state(stage.pull())) == ("1.1.0", "merged")


@pytest.mark.parametrize("kind", ["bad gateway", "error", "closed", "cut", "truncated", "page"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_forge_that_breaks_off_in_the_middle_is_caught_up_with(stage: Stage, kind: Kind, times: int) -> None:
    services = [f"model-{letter}" for letter in "abcde"]
    stage.alice.push(
        "main", {file_of(each, env): overlay(each, "1.0.0") for each in services for env in ("test", "staging")}
    )
    stage.push("1.1.0", *services)
    stage.github.before(lambda: stage.github.fault(kind, "/(pulls|statuses/.*)$", "POST", times), "/pulls$", "POST")
    stage.pass_()
    ran = stage.pass_()
    assert (ran.code, sorted(ran.outcomes)) == (0, [("staging", each, "1.1.0", "proposed") for each in services])
    assert sorted(title for _, _, title in stage.pulls()) == [f"Deploy {each} 1.1.0 to staging" for each in services]
    assert [stage.gates(number) for number in range(1, 6)] == [("success", "all gates are green")] * 5


def test_no_secret_is_told_or_kept(stage: Stage) -> None:
    token = stage.github.token(kind="fine-grained").value
    stage.login(token)
    said = [stage.run("--debug", *words) for words in (["reconcile"], ["status"], ["pr", "list"], ["history"])]
    stage.github.fault("error", times=50)
    said += [stage.promoted("1.1.0"), stage.run("--debug", "reconcile")]
    stage.github.faults.clear()
    said += [
        stage.promoted("1.2.0"),
        stage.run("--debug", "pr", "merge", "1"),
        stage.run("--debug", "pr", "merge", "9"),
    ]
    assert all(token not in ran.out + ran.err for ran in said)
    kept = [file for file in stage.updater.state.rglob("*") if file.is_file()]
    assert kept
    assert [file for file in kept if token.encode() in file.read_bytes()] == []
