"""Taking back, holding, releasing and waiting, as a person does it at the command line, on a real remote."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import FILES, TEST, overlay
from tests.helpers import gitops
from tests.helpers.cli import CommandLine, Ran
from tests.helpers.gitops import Person
from tests.helpers.payloads import MODELS, digest, plain, record, write_records

MODEL_A = "overlays/test/model-a/kustomization.yaml"
SETTINGS = "environments/test.yaml"
WAITING = "refs/updater/waiting/test"


class Stage:
    """A remote, the command line, and a person who is called Alice."""

    def __init__(self, bare: Path, updater: CommandLine, folder: Path) -> None:
        self.bare = bare
        self.updater = updater
        self.folder = folder
        self.alice = Person(bare, folder / "alice")

    def run(self, *arguments: object) -> Ran:
        """A command on the remote."""
        return self.updater(*arguments, "--repo", self.bare)

    def push(self, tag: str, time: str = "2026-11-21T10:00:00Z", service: str = "model-a") -> str:
        """An image is pushed; what happened to it in the test environment."""
        events = write_records(self.folder / "e", record("generic", plain(f"{MODELS}/{service}", tag, time)))
        (outcome,) = self.run("handle", "--output", "json", events).outcomes
        return outcome[3]

    def stands(self, service: str = "model-a") -> str:
        """The file of a service on the remote."""
        return gitops.show(self.bare, MODEL_A.replace("model-a", service)) + "\n"

    def waits(self) -> bool:
        """Whether anything is kept on the remote."""
        return bool(gitops.git(self.bare, "for-each-ref", WAITING))


@pytest.fixture
def stage(bare: Path, updater: CommandLine, tmp_path: Path) -> Stage:
    return Stage(bare, updater, tmp_path)


def bumped(tag: str, service: str = "model-a") -> str:
    """The file of a service as a bump leaves it."""
    return f"{overlay(service, tag)}    digest: {digest(f'{MODELS}/{service}:{tag}')}\n"


def test_a_rollback_reverts_the_newest_deployment_and_no_event_brings_it_back(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.push("1.2.0", "2026-11-21T11:00:00Z")
    deployed = gitops.tip(stage.bare)
    ran = stage.run("rollback", "model-a", "--env", "test", "--reason", "INC-42")
    sha = gitops.tip(stage.bare)
    message = gitops.git(stage.bare, "log", "-1", "--format=%B", "main")
    assert (ran.code, stage.stands()) == (0, bumped("1.1.0"))
    assert message.startswith(f'Revert "Deploy model-a 1.2.0 to test"\n\nThis reverts commit {deployed}.\n\nINC-42\n')
    assert f"undo: git revert {sha[:12]}" in ran.out
    assert stage.push("1.2.0", "2026-11-21T11:00:00Z") == "held"
    assert stage.push("1.1.5", "2026-11-21T10:30:00Z") == "held"
    assert stage.push("1.3.0", "2026-11-21T10:30:00Z") == "committed"


@pytest.mark.parametrize(
    "command",
    [
        ["rollback", "model-a"],
        ["hold", "model-b", "model-[a-z]", "--reason", "x", "--image", f"{MODELS}/model-b"],
        ["release", "model-a"],
    ],
)
def test_what_a_command_says_to_undo_it_undoes_it(stage: Stage, command: list[str]) -> None:
    stage.push("1.1.0")
    if command[0] == "release":
        stage.run("rollback", "model-a", "--env", "test")
    before = gitops.git(stage.bare, "rev-parse", "main^{tree}")
    (undo,) = stage.run(*command, "--env", "test", "--output", "json").json["undo"]
    assert gitops.git(stage.bare, "rev-parse", "main^{tree}") != before
    stage.alice.revert(undo.removeprefix("git revert "))
    assert gitops.git(stage.bare, "rev-parse", "main^{tree}") == before, undo


def test_a_rollback_tells_what_is_held_and_the_command_that_lets_it_in_again(stage: Stage) -> None:
    stage.push("1.1.0")
    assert "held: " not in stage.run("rollback", "model-*", "--env", "test", "--dry-run").out
    told = stage.run("rollback", "model-*", "--env", "test").out.splitlines()
    (held,) = (line for line in told if line.startswith("held: "))
    assert held == "held: 1.1.0 of model-a; it comes in again with: updater release model-a --env test"
    assert stage.run(*shlex.split(held.partition(": updater ")[2])).code == 0
    assert stage.push("1.1.0") == "committed"


def test_the_command_that_lets_a_version_in_again_can_be_typed_as_it_stands(stage: Stage) -> None:
    for tag in ("1.0.0", "1.1.0"):
        stage.alice.commit({MODEL_A.replace("model-a", "model a"): overlay("model-a", tag)})
    told = stage.run("rollback", "model a", "--env", "test").out
    command = told.rpartition(": updater ")[2].strip()
    assert command == "release 'model a' --env test"
    assert stage.run(*shlex.split(command)).code == 0


def test_a_reason_over_two_lines_is_told_in_one(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.run("rollback", "model-a", "--env", "test", "--reason", " INC-42\n  slow ")
    assert "\n\nINC-42 slow\n\n" in gitops.git(stage.bare, "log", "-1", "--format=%B", "main")
    stage.run("hold", "model-a", "--env", "test", "--reason", "INC-42\n  slow")
    assert gitops.show(stage.bare, SETTINGS).endswith("  - {service: model-a, reason: INC-42 slow}")


@pytest.mark.parametrize("command", ["status", "history", "rollback"])
def test_overlays_on_a_branch_of_their_own_are_seen_as_they_are_now(stage: Stage, command: str) -> None:
    gitops.git(stage.bare, "branch", "env/test", "main")
    stage.alice.commit({SETTINGS: f"branch: env/test\n{TEST}"})
    stage.push("1.1.0")
    stage.alice.commit({MODEL_A: overlay("model-a", "1.2.0")}, branch="env/test")
    if command == "rollback":
        assert stage.run("rollback", "model-a", "--env", "test", "--output", "json").outcomes == [
            ("test", "model-a", "1.1.0", "committed")
        ]
    else:
        assert "1.2.0" in stage.run(command, "model-a").out


def test_a_rollback_goes_to_a_tag_and_the_digest_line_that_was_not_there_goes(stage: Stage) -> None:
    for hour, tag in enumerate(["1.1.0", "1.2.0"]):
        stage.push(tag, f"2026-11-21T1{hour}:00:00Z")
    ran = stage.run("rollback", "model-*", "--env", "test", "--to", "1.0.0", "--output", "json")
    assert ran.outcomes == [("test", "model-a", "1.0.0", "committed"), ("test", "model-b", "1.0.0", "unchanged")]
    assert stage.stands() == overlay("model-a", "1.0.0")
    assert [commit["subject"] for commit in ran.json["commits"]] == ["Roll model-a back to 1.0.0 in test"]


def test_one_commit_for_each_service_is_one_push(stage: Stage) -> None:
    for service in ("model-a", "model-b"):
        stage.push("1.1.0", service=service)
    hooked = stage.folder / "pushes"
    gitops.hook(stage.bare, "post-receive", f"echo once >> {hooked}")
    ran = stage.run("rollback", "*", "--env", "test", "--output", "json")
    assert [commit["service"] for commit in ran.json["commits"]] == ["model-a", "model-b"]
    assert hooked.read_text() == "once\n"


@pytest.mark.parametrize(
    "command",
    [
        ["rollback", "model-a", "--env", "test"],
        ["hold", "model-a", "--env", "test", "--reason", "x"],
        ["release", "model-a", "--env", "test"],
    ],
)
def test_a_dry_run_shows_the_diff_and_writes_nothing(stage: Stage, command: list[str]) -> None:
    stage.push("1.1.0")
    if command[0] == "release":
        stage.run("rollback", "model-a", "--env", "test")
    before = gitops.tip(stage.bare)
    ran = stage.run(*command, "--dry-run", "--output", "json")
    assert (ran.code, gitops.tip(stage.bare)) == (0, before)
    assert ran.json["diff"].startswith("--- a/")
    shown = stage.run(*command, "--dry-run").out
    assert ran.json["diff"].splitlines()[-1] in shown


def test_a_hold_is_one_line_and_goes_with_the_release(stage: Stage) -> None:
    commented = TEST.replace("verify: parse", "verify: parse  # for now")
    stage.alice.commit({SETTINGS: commented})
    stage.run("hold", "model-*", "--env", "test", "--reason", 'INC-42: "slow"', "--until", "2999-12-01")
    added = '  - {service: model-*, reason: "INC-42: \\"slow\\"", until: 2999-12-01}\n'
    assert gitops.show(stage.bare, SETTINGS) + "\n" == f"{commented}hold:\n{added}"
    assert stage.push("1.1.0") == "held"
    assert stage.waits()
    ran = stage.run("release", "model-*", "--env", "test")
    assert (ran.code, gitops.show(stage.bare, SETTINGS) + "\n") == (0, commented)
    assert stage.run("reconcile", "--output", "json").outcomes == [("test", "model-a", "1.1.0", "committed")]
    assert not stage.waits()


def test_a_new_hold_takes_out_what_was_released_before(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.alice.revert("HEAD")
    stage.run("release", "model-a", "--env", "test")
    ran = stage.run("hold", "model-a", "--env", "test", "--reason", "INC-99")
    assert (ran.code, "release:" in gitops.show(stage.bare, SETTINGS)) == (0, False)
    assert stage.push("1.1.0") == "held"


def test_a_hold_without_an_end_keeps_nothing(stage: Stage) -> None:
    stage.run("hold", "model-a", "--env", "test", "--reason", "INC-42")
    assert stage.push("1.1.0") == "held"
    assert not stage.waits()
    assert stage.push("1.1.0", service="model-b") == "committed"


def test_a_release_lets_a_reverted_version_in_again_until_the_next_revert(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.alice.revert("HEAD")
    assert stage.push("1.1.0") == "held"
    ran = stage.run("release", "model-a", "--env", "test", "--reason", "fixed")
    assert (ran.code, gitops.show(stage.bare, SETTINGS).splitlines()[-1]) == (
        0,
        f"  - {{service: model-a, image: {MODELS}/model-a, version: 1.1.0, reason: fixed}}",
    )
    assert stage.push("1.1.0") == "committed"
    stage.alice.revert("HEAD")
    assert stage.push("1.1.0") == "held"


def test_what_is_pushed_in_a_freeze_waits_on_the_remote_and_lands_when_it_is_over(stage: Stage) -> None:
    stage.alice.commit({SETTINGS: f"{TEST}freeze:\n  - {{from: 2000-01-01, to: 2999-01-01, reason: long}}\n"})
    assert stage.push("1.1.0") == "waiting"
    assert stage.push("1.2.0", "2026-11-21T11:00:00Z", "model-b") == "waiting"
    assert gitops.git(stage.bare, "log", "-1", "--format=%an", "main") == "alice"
    assert stage.run("reconcile", "--output", "json").outcomes == [
        ("test", "model-a", "1.1.0", "waiting"),
        ("test", "model-b", "1.2.0", "waiting"),
    ]
    stage.alice.commit({SETTINGS: TEST})
    elsewhere = CommandLine(stage.folder / "empty disk", stage.updater.capture, stage.updater.patch)
    ran = elsewhere("reconcile", "--repo", stage.bare, "--output", "json")
    assert ran.outcomes == [("test", "model-a", "1.1.0", "committed"), ("test", "model-b", "1.2.0", "committed")]
    assert (stage.stands(), stage.waits()) == (bumped("1.1.0"), False)


def test_a_rollback_works_in_a_freeze(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.alice.commit({SETTINGS: f"{TEST}paused: nothing moves\n"})
    assert stage.run("rollback", "model-a", "--env", "test").code == 0
    assert stage.stands() == overlay("model-a", "1.0.0")


def test_a_remote_that_keeps_no_refs_of_ours_is_told_and_the_event_is_not_finished(stage: Stage) -> None:
    stage.alice.commit({SETTINGS: f"{TEST}paused: true\n"})
    gitops.hook(stage.bare, "update", 'case "$1" in refs/updater/*) echo "no such refs here" >&2; exit 1;; esac')
    events = write_records(stage.folder / "e", record("generic", plain(f"{MODELS}/model-a", "1.1.0")))
    ran = stage.run("handle", "--output", "json", events)
    assert (ran.code, ran.outcomes) == (5, [("test", "model-a", "1.1.0", "refused")])
    assert "no such refs here" in ran.err


def test_history_tells_what_landed_by_whom_and_what_was_taken_back(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.alice.revert("HEAD")
    stage.alice.commit({MODEL_A: overlay("model-a", "1.0.5")}, "By hand")
    told = stage.run("history", "model-a", "--output", "json").json["history"]
    rows: list[Any] = [(each["from"] and each["from"]["tag"], each["to"]["tag"], each["how"]) for each in told]
    assert sorted(rows, key=str) == [
        ("1.0.0", "1.0.5", "by hand"),
        ("1.0.0", "1.1.0", "event"),
        ("1.1.0", "1.0.0", "revert"),
        (None, "1.0.0", "by hand"),
    ]
    event = next(each for each in told if each["how"] == "event")
    assert (event["pushed_at"], event["event"].split("/")[0]) == ("2026-11-21T10:00:00Z", "generic")
    assert {each["author"] for each in told if each["how"] != "event"} == {"alice"}
    assert len(stage.run("history", "--limit", "1", "--output", "json").json["history"]) == 1


def test_history_tells_where_the_images_were_built_from(stage: Stage) -> None:
    image, old, new = f"{MODELS}/model-a", "8b2d4f0" + "0" * 33, "3fa9c1e" + "0" * 33
    for number, commit in ((1, old), (2, new)):
        event = f"Updater-Event: generic/{number} 2026-11-20T10:00:00Z"
        source = f"Updater-Source: https://github.com/acme/model-a {commit} 1.{number} 2026-11-20T09:00:00Z"
        trailers = f"Updater-Image: {image}:1.{number}.0\nUpdater-Previous: {image}\n{event}\n{source}"
        stage.alice.commit({MODEL_A: overlay("model-a", f"1.{number}.0")}, f"Deploy\n\n{trailers}")
    newest, _, first = (each["source"] for each in stage.run("history", "model-a", "--output", "json").json["history"])
    assert (newest, first) == (
        {
            "url": "https://github.com/acme/model-a",
            "revision": new,
            "version": "1.2",
            "created": "2026-11-20T09:00:00Z",
            "link": f"https://github.com/acme/model-a/commit/{new}",
            "compare": f"https://github.com/acme/model-a/compare/{old}...{new}",
        },
        None,
    )
    shown = stage.run("history", "model-a").out
    assert "SOURCE" in shown
    assert "3fa9c1e" in shown


def test_status_tells_what_is_held_and_what_waits(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.alice.revert("HEAD")
    sha = gitops.tip(stage.bare)
    stage.run("hold", "model-b", "--env", "test", "--reason", "INC-1", "--until", "2999-12-01")
    stage.push("2.0.0", service="model-b")
    told = stage.run("status", "--output", "json").json
    holds = {each["service"]: [hold["version"]["tag"] for hold in each["holds"]] for each in told["services"]}
    assert holds == {"model-a": ["1.1.0"], "model-b": []}
    assert [each["version"]["tag"] for each in told["waiting"]] == ["2.0.0"]
    text = stage.run("status").out
    assert f"1.1.0 was reverted in {sha[:7]} by alice on 20" in text
    assert "held until 2999-12-01: INC-1" in text


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["rollback", "model-c", "--env", "test"], 2, "test has no service model-c"),
        (["rollback", "model-a", "--env", "tset"], 2, "there is no environment 'tset'"),
        (["rollback", "model-a", "--env", "test", "--to", "9.9.9"], 2, "9.9.9 never stood there"),
        (["release", "model-a", "--env", "test"], 2, "nothing of model-a is held in test"),
        (["release", "model-b", "--env", "test", "--version", "1.0.1"], 2, "1.0.1 of model-b is not held in test"),
        (["hold", "model-a", "--env", "test", "--reason", "x", "--until", "2026-02-30"], 2, "no day of the calendar"),
        (
            ["hold", "model-a", "--env", "test", "--reason", "x", "--until", "2000-01-01"],
            2,
            "--until 2000-01-01 is over",
        ),
        (["hold", "model-a", "--env", "test", "--reason", " "], 2, "reason` must not be empty"),
        (["hold", "model-a", "--env", "test", "--reason", "x", "--image", "a b"], 2, "no entry of these services"),
        (["hold", "model-a", "modle-b", "--env", "test", "--reason", "x"], 2, "test has no service modle-b"),
        (["history", "nothing"], 2, "no environment has a service nothing"),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(stage: Stage, arguments: list[str], code: int, told: str) -> None:
    before = gitops.tip(stage.bare)
    ran = stage.run(*arguments)
    assert (ran.code, gitops.tip(stage.bare)) == (code, before)
    assert told in ran.err


def test_a_rollback_with_nothing_before_says_so(stage: Stage) -> None:
    ran = stage.run("rollback", "model-a", "--env", "test", "--output", "json")
    assert (ran.code, ran.outcomes) == (0, [("test", "model-a", "1.0.0", "unchanged")])


def test_the_files_of_the_first_commit_are_the_start(stage: Stage) -> None:
    assert stage.stands() == FILES[MODEL_A]


# Where pull requests deliver


STAGING = """\
overlays: overlays/staging/{service}
promote: {from: test}
deliver: pull-request
verify: parse
"""
STAGED = "overlays/staging/model-a/kustomization.yaml"
HEAD = "updater/staging/model-a"


@pytest.fixture
def staged(stage: Stage) -> Stage:
    """The same with a staging environment that promotes from test by pull request; 1.1.0 runs in test."""
    stage.alice.commit({"environments/staging.yaml": STAGING, STAGED: overlay("model-a", "1.0.0")})
    assert stage.push("1.1.0") == "committed"
    return stage


def pulls(ran: Ran) -> list[tuple[int, str, str, str]]:
    return [(each["number"], each["state"], each["head"], each["title"]) for each in ran.json["pull_requests"]]


def reconciled(stage: Stage) -> str:
    """What becomes of the service in staging."""
    (outcome,) = (each for each in stage.run("reconcile", "--output", "json").outcomes if each[0] == "staging")
    assert outcome[:3] == ("staging", "model-a", "1.1.0")
    return outcome[3]


def test_a_promotion_is_a_pull_request_that_closing_takes_back(staged: Stage) -> None:
    before = gitops.tip(staged.bare)
    ran = staged.run("promote", "model-*", "--to", "staging", "--output", "json")
    assert (ran.code, ran.outcomes) == (0, [("staging", "model-a", "1.1.0", "proposed")])
    assert pulls(ran) == [(1, "open", HEAD, "Deploy model-a 1.1.0 to staging")]
    assert (ran.json["commits"], ran.json["undo"]) == ([], ["updater pr close 1"])
    assert gitops.tip(staged.bare) == before
    assert gitops.show(staged.bare, STAGED, HEAD).endswith(digest(f"{MODELS}/model-a:1.1.0"))
    again = staged.run("promote", "model-a", "--to", "staging")
    assert "#1 open: Deploy model-a 1.1.0 to staging  (it proposes that already)" in again.out
    assert "undo: updater pr close 1, or git revert once it is merged\n" in again.out
    assert staged.run(*shlex.split(ran.json["undo"][0])[1:]).code == 0
    assert reconciled(staged) == "rejected"


def test_a_promotion_may_be_a_commit_where_pull_requests_deliver(staged: Stage) -> None:
    ran = staged.run("promote", "model-a", "--to", "staging", "--deliver", "commit", "--reason", "demo")
    assert (ran.code, "undo: git revert" in ran.out) == (0, True)
    assert gitops.show(staged.bare, STAGED).endswith(digest(f"{MODELS}/model-a:1.1.0"))
    assert gitops.git(staged.bare, "log", "-1", "--format=%B", "main").rstrip().endswith("\nUpdater-By-Hand: demo")


def test_what_has_to_wait_is_told_with_the_way_around_it(staged: Stage) -> None:
    staged.alice.commit({"environments/staging.yaml": f"{STAGING}paused: INC-1\n"})
    ran = staged.run("promote", "model-a", "--to", "staging", "--output", "json")
    assert (ran.code, ran.outcomes) == (2, [("staging", "model-a", "1.1.0", "waiting")])
    assert 'hint: --force --reason "..." does not wait' in ran.err
    assert staged.run("promote", "model-a", "--to", "staging", "--force").code == 2
    ran = staged.run("promote", "model-a", "--to", "staging", "--force", "--reason", "INC-42", "--output", "json")
    assert (ran.code, ran.outcomes) == (0, [("staging", "model-a", "1.1.0", "proposed")])
    assert "\n\nINC-42\n\n--force: paused: INC-1 " in gitops.git(staged.bare, "log", "-1", "--format=%B", HEAD)
    assert staged.run("reconcile").code == 0
    assert pulls(staged.run("pr", "list", "--output", "json"))[0][:2] == (1, "open")


def test_a_version_that_is_not_offered_is_told_with_those_that_are(staged: Stage) -> None:
    ran = staged.run("promote", "model-a", "--to", "staging", "--version", "9.9.9")
    assert (ran.code, "9.9.9 is not offered to model-a" in ran.err) == (2, True)
    assert "offered are: 1.1.0" in ran.err


def test_a_rollback_is_a_pull_request_and_holds_once_it_is_merged(staged: Stage) -> None:
    staged.run("promote", "model-a", "--to", "staging", "--deliver", "commit")
    ran = staged.run("rollback", "model-a", "--env", "staging", "--reason", "INC-42")
    assert "#1 open: Roll model-a back to 1.0.0 in staging" in ran.out
    assert "held: 1.1.0 of model-a, once #1 is merged; it comes in again with: updater release model-a" in ran.out
    assert staged.run("pr", "merge", "1").code == 0
    assert gitops.show(staged.bare, STAGED) + "\n" == overlay("model-a", "1.0.0")
    assert reconciled(staged) == "held"


def test_a_hold_is_a_pull_request_and_works_once_it_is_merged(staged: Stage) -> None:
    ran = staged.run("hold", "model-a", "--env", "staging", "--reason", "INC-42", "--output", "json")
    assert pulls(ran) == [(1, "open", "updater/staging/@settings", "Hold model-a in staging")]
    assert "hold" not in gitops.show(staged.bare, "environments/staging.yaml")
    second = staged.run("hold", "model-*", "--env", "staging", "--reason", "x")
    assert (second.code, "merge or close it first: updater pr merge 1" in second.err) == (6, True)
    assert staged.run("pr", "merge", "1").code == 0
    assert reconciled(staged) == "held"


def test_a_release_lifts_what_somebody_refused_by_closing_it(staged: Stage) -> None:
    staged.run("reconcile")
    staged.run("pr", "close", "1")
    assert reconciled(staged) == "rejected"
    ran = staged.run("release", "model-a", "--env", "staging", "--version", "1.1.0", "--output", "json")
    assert pulls(ran) == [(2, "open", "updater/staging/@settings", "Release model-a 1.1.0 in staging")]
    staged.run("pr", "merge", "2")
    assert reconciled(staged) == "proposed"


@pytest.mark.parametrize(
    "command",
    [["promote", "model-a", "--to", "staging"], ["hold", "model-a", "--env", "staging", "--reason", "x"]],
)
def test_a_dry_run_opens_nothing(staged: Stage, command: list[str]) -> None:
    before = gitops.git(staged.bare, "for-each-ref")
    ran = staged.run(*command, "--dry-run", "--output", "json")
    assert (ran.code, gitops.git(staged.bare, "for-each-ref")) == (0, before)
    assert {each["outcome"] for each in ran.json["decisions"]} <= {"proposed"}
    assert ran.json["diff"].startswith("--- a/")


def test_commits_of_others_on_our_branch_are_not_overwritten(staged: Stage) -> None:
    staged.run("reconcile")
    staged.alice.commit({"README": "mine"}, branch=HEAD)
    theirs = gitops.tip(staged.bare, HEAD)
    ran = staged.run("promote", "model-a", "--to", "staging", "--force", "--reason", "x")
    assert (ran.code, gitops.tip(staged.bare, HEAD)) == (6, theirs)
    assert "#1 carries commits of alice" in ran.err


def test_an_order_takes_the_place_of_what_was_approved_and_nobody_has_approved_it(staged: Stage) -> None:
    staged.run("reconcile")
    assert staged.run("pr", "approve", "1").code == 0
    approved = gitops.tip(staged.bare, HEAD)
    ran = staged.run("promote", "model-a", "--to", "staging", "--force", "--reason", "INC-42", "--output", "json")
    assert [each[:2] for each in pulls(ran)] == [(1, "closed"), (2, "open")]
    assert (ran.code, ran.json["undo"]) == (0, ["updater pr close 2"])
    assert gitops.tip(staged.bare, HEAD) != approved
    assert staged.run("pr", "merge", "2").code == 0
    assert gitops.show(staged.bare, STAGED).endswith(digest(f"{MODELS}/model-a:1.1.0"))
