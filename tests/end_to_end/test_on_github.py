"""Promotion by pull request on GitHub: the real command line and git against a stand-in for it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
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
    line = rf"^\+ +- image: {MODELS}/model-a:1.1.0@{sha('model-a', '1.1.0')}$"
    assert re.search(line, pull.body, re.MULTILINE), pull.body
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
    kept, waiting = stage.promoted("1.3.0").json["decisions"]
    assert (kept["outcome"], kept["to"]["tag"], kept["pull_request"]) == ("proposed", "1.2.0", 1)
    assert (waiting["outcome"], waiting["reason"]) == (
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
    now, told = stage.gates() or ("", "")
    assert (now, "holidays" in str(told)) == ("pending", True)
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
    stage.settings(WHEN_GREEN)
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


def test_what_is_green_is_not_merged_while_a_reviewer_objects(stage: Stage) -> None:
    stage.promoted("1.1.0")
    objection = stage.bob.request_changes(1)
    stage.settings(WHEN_GREEN)
    stage.pass_()
    assert stage.stands() == "1.0.0"
    stage.bob.dismiss(1, objection)
    stage.pass_()
    assert stage.stands() == "1.1.0"


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


@pytest.mark.parametrize(
    ("right", "code", "mend"),
    [
        ("contents", 5, "contents: write"),
        ("pull_requests", 6, "pull requests: write"),
        ("statuses", 6, "statuses: write"),
    ],
)
def test_a_token_without_a_right_is_told_and_the_next_pass_heals(
    stage: Stage, right: str, code: int, mend: str
) -> None:
    stage.push("1.1.0", "model-a", "model-b")
    rights = {**ALL, right: "read", "issues": "read"}
    stage.login(stage.github.token(kind="fine-grained", rights=rights).value)
    ran = stage.pass_()
    assert (ran.code, f"`{mend}`" in ran.err) == (code, True), ran.err
    stage.login(stage.github.token().value)
    assert stage.pass_().code == 0
    titles = ["Deploy model-a 1.1.0 to staging", "Deploy model-b 1.1.0 to staging"]
    assert [(now, title) for _, now, title in stage.pulls()] == [("open", title) for title in titles]
    assert [stage.gates(number) for number in (1, 2)] == [("success", "all gates are green")] * 2


@pytest.mark.parametrize("words", [["reconcile"], ["pr", "list"], ["pr", "merge", "1"], ["history"]])
def test_a_token_that_is_no_good_is_told(stage: Stage, words: list[str]) -> None:
    stage.login("ghp_nonsense")
    ran = stage.run(*words)
    assert (ran.code, "token is still good" in ran.err) == (5, True), ran.err


def test_an_app_can_do_it_all(stage: Stage) -> None:
    app = stage.github.app()
    stage.updater.patch.delenv("UPDATER_GITHUB_TOKEN")
    stage.updater.patch.setenv("UPDATER_GITHUB_APP_ID", str(app.id))
    stage.updater.patch.setenv("UPDATER_GITHUB_APP_KEY", app.key)
    assert stage.promoted("1.1.0").code == 0
    assert stage.pull().author.login == "updater-app[bot]"
    assert stage.run("pr", "merge", "1").code == 0
    assert (stage.stands(), state(stage.pull())) == ("1.1.0", "merged")


@pytest.mark.parametrize(("kind", "times"), [("bad gateway", 3), ("cut", 1), ("closed", 3)])
def test_a_forge_that_breaks_off_in_the_middle_is_caught_up_with(stage: Stage, kind: Kind, times: int) -> None:
    services = [f"model-{letter}" for letter in "abcde"]
    places = [(service, environment) for service in services for environment in ("test", "staging")]
    stage.alice.push("main", {file_of(*place): overlay(place[0], "1.0.0") for place in places})
    stage.push("1.1.0", *services)
    at_opening(stage, 3, lambda: stage.github.fault(kind, "/(pulls|statuses/.*)$", "POST", times))
    stage.pass_()
    ran = stage.pass_()
    assert (ran.code, sorted(ran.outcomes)) == (0, [("staging", each, "1.1.0", "proposed") for each in services])
    assert sorted(title for _, _, title in stage.pulls()) == [f"Deploy {each} 1.1.0 to staging" for each in services]
    assert [stage.gates(number) for number in range(1, 6)] == [("success", "all gates are green")] * 5


def at_opening(stage: Stage, number: int, act: Callable[[], None]) -> None:
    """Does something before the so-many-th request that opens a pull request."""
    later = act if number == 1 else lambda: at_opening(stage, number - 1, act)
    stage.github.before(later, "/pulls$", "POST")


def test_one_that_conflicts_by_now_is_built_anew(stage: Stage) -> None:
    stage.promoted("1.1.0")
    stage.alice.push("main", {file_of("model-a"): overlay("model-a", "1.0.5")})
    stage.pass_()
    assert stage.run("pr", "merge", "1").code == 0
    assert stage.stands() == "1.1.0"


def test_what_people_do_to_title_text_and_base_is_set_right_and_their_own_pull_request_left_alone(stage: Stage) -> None:
    stage.promoted("1.1.0")
    body = str(stage.pull().body)
    stage.alice.push("release", {"notes": "x"})
    mine = stage.alice.open(HEAD, "release", "Cherry")
    stage.alice.edit(1, "[OPS-1] hello", "")
    assert stage.pass_().code == 0
    assert (stage.pull().title, stage.pull().body) == ("Deploy model-a 1.1.0 to staging", body)
    assert (stage.pull(mine).title, stage.pull(mine).base) == ("Cherry", "release")
    stage.alice.edit(1, body=body.replace("\n", "\r\n"))
    stage.github.log.clear()
    assert stage.pass_().code == 0
    assert [seen.path for seen in stage.github.log] == ["/graphql"]


def test_one_with_a_commit_of_somebody_else_is_left_alone_and_its_merge_is_a_merge(stage: Stage) -> None:
    stage.promoted("1.1.0")
    theirs = stage.bob.push(HEAD, {"overlays/staging/model-a/note.txt": "x"})
    (decision,) = stage.promoted("1.2.0").json["decisions"]
    assert (decision["outcome"], "and is left alone" in decision["reason"]) == ("waiting", True)
    assert (gitops.tip(stage.github.bare, HEAD), stage.pull().title) == (theirs, "Deploy model-a 1.1.0 to staging")
    stage.bob.merge(1)
    stage.pass_()
    assert stage.pulls()[1:] == [(2, "open", "Deploy model-a 1.2.0 to staging")]


def test_a_rule_against_one_of_our_branches_stops_that_one_alone(stage: Stage) -> None:
    stage.promoted("1.1.0")
    stage.github.protect(HEAD)
    ran = stage.promoted("1.2.0", "model-a", "model-b")
    assert (ran.code, "force-push and delete the branches updater/**" in ran.err) == (5, True)
    titles = ["Deploy model-a 1.1.0 to staging", "Deploy model-b 1.2.0 to staging"]
    assert [title for _, _, title in stage.pulls()] == titles
    stage.github.settings.protection.clear()
    assert stage.pass_().code == 0
    assert stage.pull().title == "Deploy model-a 1.2.0 to staging"


@pytest.mark.parametrize("name", ["my service", "@{b|%41.lock"])
def test_a_service_of_any_name_is_proposed_closed_and_merged(stage: Stage, name: str) -> None:
    first = overlay("odd", "1.0.0")
    stage.alice.push("main", {file_of(name, environment): first for environment in ("test", "staging")})
    assert stage.promoted("1.1.0", "odd").outcomes == [("staging", name, "1.1.0", "proposed")]
    assert stage.run("pr", "close", f"staging/{name}").code == 0
    assert stage.pass_().outcomes == [("staging", name, "1.1.0", "rejected")]
    stage.promoted("1.2.0", "odd")
    assert stage.run("pr", "merge", f"staging/{name}").code == 0
    assert stage.stands(name) == "1.2.0"


def test_commands_by_hand_work_on_its_pull_requests(stage: Stage) -> None:
    stage.promoted("1.1.0", "model-a", "model-b")
    assert [each["number"] for each in stage.json("pr", "list")["pull_requests"]] == [1, 2]
    assert stage.json("pr", "show", "1")["statuses"][0]["context"] == "updater/gates"
    refused = stage.run("pr", "approve", "1")
    assert (refused.code, "Can not approve your own pull request" in refused.err) == (6, True)
    assert stage.run("pr", "close", "model-b", "--reason", "too slow").code == 0
    assert [comment.body for comment in stage.pull(2).comments] == ["too slow"]
    assert stage.run("pr", "reopen", "2").code == 0
    merged = stage.json("pr", "merge", "model-*")["pull_requests"]
    assert [each["state"] for each in merged] == ["merged", "merged"]
    assert stage.run("rollback", "model-a", "--env", "staging", "--reason", "INC-42").code == 0
    assert stage.run("pr", "merge", "staging/model-a").code == 0
    assert (stage.stands(), stage.stands("model-b")) == ("1.0.0", "1.1.0")
    assert "staging/model-a: 1.1.0 was reverted" in stage.run("status").out


def test_a_result_that_is_reported_opens_the_gate_and_a_bad_one_turns_the_status_red(stage: Stage) -> None:
    stage.settings(STAGING.replace("from: test", "from: test\n  statuses: [smoke]"))
    report = ("report", "--service", "model-a", "--env", "test", "--context", "smoke", "--state")
    assert stage.promoted("1.1.0").outcomes == [("staging", "model-a", "1.1.0", "waiting")]
    assert stage.run(*report, "success").code == 0
    assert stage.pass_().outcomes == [("staging", "model-a", "1.1.0", "proposed")]
    assert stage.run(*report, "failure").code == 0
    stage.pass_()
    assert (stage.gates() or ("",))[0] == "failure"


def test_no_secret_is_told_kept_or_given_to_git_as_an_argument(stage: Stage, tmp_path: Path) -> None:
    seen = spying(stage, tmp_path / "bin")
    token = stage.github.token(kind="fine-grained").value
    stage.login(token)
    said = [stage.push("1.1.0"), stage.run("reconcile", "--debug"), stage.run("status", "--debug")]
    stage.push("1.2.0")
    stage.github.fault("error", "/graphql|/pulls", times=9)
    said += [stage.run(*words, "--debug") for words in (["reconcile"], ["pr", "list"], ["history"])]
    stage.github.faults.clear()
    stage.github.access.tokens.clear()
    said += [stage.run(*words, "--debug") for words in (["reconcile"], ["pr", "merge", "1"], ["history"])]
    assert {ran.code for ran in said} == {0, 5, 6}
    kept = [seen, *(file for file in stage.updater.state.rglob("*") if file.is_file())]
    assert "push" in seen.read_text()
    assert all(token not in ran.out + ran.err for ran in said)
    assert [file for file in kept if token.encode() in file.read_bytes()] == []


def spying(stage: Stage, folder: Path) -> Path:
    """Puts a git before the real one that writes its arguments into the file that is given."""
    folder.mkdir()
    git, seen = folder / "git", folder / "seen"
    git.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {seen}\nexec {components.require("git")} "$@"\n')
    git.chmod(0o755)
    stage.updater.patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return seen
