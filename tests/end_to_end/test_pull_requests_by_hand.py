"""Pull requests as a person handles them at the command line, on the forge built into a real repository."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import FILES, overlay
from tests.helpers import gitops
from tests.helpers.cli import CommandLine, Ran
from tests.helpers.gitops import Person
from tests.helpers.payloads import MODELS, plain, record, write_records

REPORT = ("report", "--service", "model-a", "--env", "test", "--context", "smoke")
SETTINGS = "environments/staging.yaml"
STAGING = """\
overlays: overlays/staging/{service}
promote:
  from: test
deliver: pull-request
verify: parse
"""


class Stage:
    """A remote with test and staging, the command line as Alice uses it, and Bob with a clone of his own."""

    def __init__(self, folder: Path, updater: CommandLine) -> None:
        both = {
            f"overlays/staging/{name}/kustomization.yaml": overlay(name, "1.0.0") for name in ("model-a", "model-b")
        }
        self.bare = gitops.remote(folder / "gitops.git", {**FILES, **both, SETTINGS: STAGING})
        self.folder = folder
        self.updater = updater
        self.bob = Person(self.bare, folder / "bob")

    def run(self, *words: object) -> Ran:
        """A command on the remote."""
        return self.updater(*words, "--repo", self.bare)

    def json(self, *words: object) -> Any:
        """What a command that succeeds tells in JSON."""
        ran = self.run(*words, "--output", "json")
        assert ran.code == 0, ran.err
        return ran.json

    def push(self, tag: str, *services: str) -> None:
        """Images are pushed, which land in test, and are promoted."""
        images = [record("generic", plain(f"{MODELS}/{service}", tag)) for service in services or ("model-a",)]
        assert self.run("handle", write_records(self.folder / "e", *images)).code == 0
        assert self.run("reconcile").code == 0

    def stands(self, service: str = "model-a") -> str:
        """The tag of a service in staging."""
        text = gitops.show(self.bare, f"overlays/staging/{service}/kustomization.yaml")
        return text.partition("newTag: ")[2].split()[0]

    def open(self, *words: object) -> list[int]:
        """The numbers of pull requests that are listed."""
        return [each["number"] for each in self.json("pr", "list", *words)["pull_requests"]]


@pytest.fixture
def stage(updater: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "alice")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "alice@example.org")
    return Stage(tmp_path, updater)


def told(out: str, beginning: str) -> list[str]:
    """What stands behind a word at the beginning of lines."""
    return [line.removeprefix(beginning) for line in out.splitlines() if line.startswith(beginning)]


def test_pull_requests_are_listed_with_what_they_are_about(stage: Stage) -> None:
    stage.push("1.1.0", "model-a", "model-b")
    assert stage.json("pr", "list", "staging/model-a")["pull_requests"] == [
        {
            "number": 1,
            "url": None,
            "state": "open",
            "environment": "staging",
            "service": "model-a",
            "title": "Deploy model-a 1.1.0 to staging",
            "head": "updater/staging/model-a",
            "base": "main",
        }
    ]
    assert (stage.open("model-b", "--env", "staging"), stage.open("--env", "test"), stage.open("x")) == ([2], [], [])
    assert "#1      open   staging/model-a  Deploy model-a 1.1.0 to staging" in stage.run("pr", "list").out


def test_an_empty_list_is_no_failure_and_said_so(stage: Stage) -> None:
    ran = stage.run("pr", "list")
    assert (ran.code, ran.out, ran.err) == (0, "", "no pull request is open\n")


def test_a_merge_lands_and_what_it_says_to_undo_it_undoes_it(stage: Stage) -> None:
    stage.push("1.1.0")
    before = gitops.git(stage.bare, "rev-parse", "main^{tree}")
    ran = stage.run("pr", "merge", "model-a")
    assert (ran.code, stage.stands(), stage.open()) == (0, "1.1.0", [])
    assert f"#1 staging/model-a merged as {gitops.tip(stage.bare)[:12]}" in ran.out
    (undo,) = told(ran.out, "undo: ")
    git, revert, *others = shlex.split(undo)
    assert (git, revert) == ("git", "revert")
    gitops.git(stage.bob.folder, "pull", "--quiet", "origin", "main")
    gitops.git(stage.bob.folder, "revert", "--no-edit", *others)
    gitops.git(stage.bob.folder, "push", "--quiet", "origin", "HEAD:main")
    assert gitops.git(stage.bare, "rev-parse", "main^{tree}") == before


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_history_tells_who_approved_and_merged_however_it_was_done(stage: Stage, method: str) -> None:
    stage.push("1.1.0")
    assert stage.run("pr", "approve", "1").code == 0
    merged = stage.json("pr", "merge", "1", "--method", method)
    assert merged["pull_requests"][0]["commit"] == gitops.tip(stage.bare)
    newest = stage.json("history", "model-a", "--env", "staging")["history"][0]
    assert [newest[key] for key in ("how", "pull_request", "approved_by", "merged_by", "after")] == [
        "merged",
        1,
        ["alice"],
        "alice",
        "test",
    ]
    assert newest["took_seconds"] >= 0
    row = next(line for line in stage.run("history").out.splitlines() if "merged" in line)
    assert "#1 alice" in row
    assert "after test" in row


def test_many_are_merged_at_once_though_one_of_them_cannot_be(stage: Stage) -> None:
    stage.push("1.1.0", "model-a", "model-b")
    stage.bob.commit({"overlays/staging/model-a/kustomization.yaml": overlay("model-a", "9.0.0")})
    ran = stage.run("pr", "merge", "staging/*", "--output", "json")
    assert (ran.code, stage.stands(), stage.stands("model-b")) == (6, "9.0.0", "1.1.0")
    assert [(each["number"], each["state"], each["error"] is None) for each in ran.json["pull_requests"]] == [
        (1, "open", False),
        (2, "merged", True),
    ]
    assert "error: #1" in ran.err
    assert "conflicts with main" in ran.err


def test_a_merge_in_a_freeze_is_a_persons_own_and_warned_of(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.bob.commit({SETTINGS: f"{STAGING}paused: an incident\n"})
    ran = stage.run("pr", "merge", "1")
    assert (ran.code, stage.stands()) == (0, "1.1.0")
    assert "warning: #1 staging/model-a is merged although it is paused: an incident" in ran.err


@pytest.mark.parametrize("way", ["pr reopen", "release", "promote"])
def test_a_closed_one_is_a_no_until_one_of_the_commands_that_it_names_lifts_it(stage: Stage, way: str) -> None:
    stage.push("1.1.0")
    ran = stage.run("pr", "close", "model-a", "--reason", "too slow\n  by far")
    assert (ran.code, stage.open()) == (0, [])
    assert "anything newer is proposed anew" in ran.out
    assert stage.run("reconcile", "--output", "json").outcomes == [("staging", "model-a", "1.1.0", "rejected")]
    assert "1.1.0 was refused by alice (#1)" in stage.run("status").out
    lift = next(each for each in told(ran.out, "lift: updater ") if each.startswith(way))
    assert stage.run(*shlex.split(lift)).code == 0
    if way == "release":
        assert stage.run("pr", "merge", "@settings").code == 0
    stage.run("reconcile")
    (number,) = stage.open()
    assert stage.json("pr", "show", number)["title"] == "Deploy model-a 1.1.0 to staging"


def test_a_newer_version_is_proposed_after_a_no(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.run("pr", "close", "1")
    stage.push("1.2.0")
    assert (stage.open(), stage.open("--all")) == ([2], [2, 1])
    states = {each["number"]: each["state"] for each in stage.json("pr", "list", "--all")["pull_requests"]}
    assert states == {1: "closed", 2: "open"}


def test_one_is_shown_with_its_state_approvals_statuses_and_text(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.run("pr", "approve", "1")
    shown = stage.json("pr", "show", "1")
    assert (shown["approved_by"], shown["labels"], shown["commit"]) == (
        ["alice"],
        [],
        gitops.tip(stage.bare, "updater/staging/model-a"),
    )
    assert [(each["context"], each["state"]) for each in shown["statuses"]] == [("updater/gates", "success")]
    assert "Updater-Image: " in shown["body"]
    text = stage.run("pr", "show", "#1").out
    assert "approved: alice" in text
    assert "success  updater/gates  all gates are green" in text
    stage.run("pr", "merge", "1")
    assert "merged by alice" in stage.run("pr", "show", "1").out


def test_what_a_title_or_text_holds_cannot_act_on_a_terminal(stage: Stage) -> None:
    stage.push("1.1.0")
    number = "refs/updater/pr/1"
    assert gitops.git(stage.bare, "for-each-ref", number)
    rewritten(stage, "\x1b[2J evil")
    for words in (("pr", "list"), ("pr", "show", "1"), ("status",)):
        ran = stage.run(*words)
        assert ran.code == 0
        assert "\x1b[2J" not in ran.out + ran.err
    assert "\\x1b[2J evil" in stage.run("pr", "show", "1").out


def rewritten(stage: Stage, text: str) -> None:
    """Somebody with other tools writes into the text of #1."""
    from updater.adapters.clock import SystemClock
    from updater.forge import Connection, Edit
    from updater.forges.local import connect

    forge = connect(Connection(str(stage.bare), gitops.AUTHOR, {}, SystemClock().now, lambda _: None))
    forge.edit(1, Edit(body=text))
    forge.close()


def test_status_tells_what_is_open_and_what_waits_for_it(stage: Stage) -> None:
    stage.push("1.1.0")
    stage.run("pr", "approve", "1")
    stage.push("1.2.0")
    found = stage.json("status")
    (pull,) = found["pull_requests"]
    assert (pull["number"], pull["approved_by"], pull["waits_for"]) == (1, ["alice"], None)
    assert [each["version"]["tag"] for each in pull["proposes"]] == ["1.1.0"]
    (promotion,) = found["promotions"]
    assert (promotion["to"]["tag"], promotion["outcome"], promotion["due"]) == ("1.2.0", "waiting", None)
    text = stage.run("status").out
    assert "#1 staging/model-a 1.1.0: approved by alice" in text
    assert "staging/model-a 1.2.0 waiting: #1 was approved by alice" in text


def test_status_tells_what_a_promotion_waits_for_and_until_when(stage: Stage) -> None:
    stage.bob.commit({SETTINGS: STAGING.replace("from: test", "from: test\n  soak: 30m\n  statuses: [smoke]")})
    stage.push("1.1.0")
    (promotion,) = stage.json("status")["promotions"]
    assert promotion["reason"].startswith("1.1.0 has to stand in test until 20")
    assert promotion["due"].rstrip("Z") in promotion["reason"]
    stage.bob.commit({SETTINGS: STAGING.replace("from: test", "from: test\n  statuses: [smoke]")})
    assert "staging/model-a 1.1.0 waiting: 1.1.0 waits for smoke" in stage.run("status").out
    ran = stage.run("report", "--service", "model-a", "--env", "test", "--context", "smoke", "--state", "success")
    assert (ran.code, "smoke: success, which landed test/model-a 1.1.0" in ran.out) == (0, True)
    assert stage.json("status")["promotions"] == []
    stage.run("reconcile")
    assert stage.open() == [1]


def test_a_result_is_reported_on_the_commit_that_is_named(stage: Stage) -> None:
    first = gitops.tip(stage.bare)
    stage.push("1.1.0")
    words = ("--service", "model-a", "--env", "test", "--context", "smoke", "--state", "failure")
    (status,) = stage.json("report", *words, "--commit", first, "--url", "https://ci.example/1")["statuses"]
    assert (status["commit"], status["state"], status["url"]) == (first, "failure", "https://ci.example/1")
    (status,) = stage.json("report", *words)["statuses"]
    assert (status["commit"], [each["version"]["tag"] for each in status["landed"]]) == (
        gitops.tip(stage.bare),
        ["1.1.0"],
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["pr", "merge", "9"], 2, "no open pull request is 9"),
        (["pr", "close", "model-x"], 2, "no open pull request is model-x"),
        (["pr", "show", "9"], 2, "#9 is no pull request of ours"),
        (["pr", "reopen", "model-a"], 2, "'model-a' is no number of a pull request"),
        (["pr", "list", "--env", "stagign"], 2, "there is no environment 'stagign'"),
        (["pr", "merge"], 2, "Missing argument"),
        (["pr", "merge", "1", "--method", "fast"], 2, "'fast' is not one of"),
        (
            ["report", "--service", "x", "--env", "test", "--context", "c", "--state", "success"],
            2,
            "test has no service x",
        ),
        (
            [*REPORT, "--state", "green"],
            2,
            "'green' is not one of",
        ),
        (
            [*REPORT, "--state", "success", "--url", "javascript:x"],
            2,
            "it has to begin with https:// or http://",
        ),
        (
            [*REPORT, "--state", "success", "--commit", "nowhere"],
            5,
            "nowhere",
        ),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(stage: Stage, words: list[str], code: int, message: str) -> None:
    stage.push("1.1.0")
    before = refs(stage)
    ran = stage.run(*words)
    assert (ran.code, refs(stage)) == (code, before)
    assert message in ran.err


def refs(stage: Stage) -> Iterable[str]:
    return gitops.git(stage.bare, "for-each-ref").splitlines()


@pytest.mark.parametrize("words", [["pr", "list"], ["pr", "merge", "1"], ["pr", "show", "1"]])
def test_where_no_forge_is_known_commands_for_pull_requests_say_so(
    stage: Stage, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPDATER_FORGE", "nowhere")
    ran = stage.run(*words)
    assert (ran.code, "UPDATER_FORGE is 'nowhere'" in ran.err) == (2, True)


def test_status_and_history_tell_the_rest_where_the_forge_cannot_be_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.push("1.1.0")
    monkeypatch.setenv("UPDATER_FORGE", "nowhere")
    status = stage.run("status", "--output", "json")
    assert (status.code, len(status.json["services"]), status.json["pull_requests"]) == (6, 4, [])
    assert "UPDATER_FORGE is 'nowhere'" in status.err
    history = stage.run("history", "--output", "json")
    assert (history.code, len(history.json["history"])) == (0, 5)
    assert "warning: who approved is not known: UPDATER_FORGE is 'nowhere'" in history.err
    monkeypatch.setenv("UPDATER_FORGE", "local")
    stage.bob.commit({SETTINGS: STAGING.replace("pull-request", "commit")})
    monkeypatch.setenv("UPDATER_FORGE", "nowhere")
    assert [stage.run(command).err for command in ("status", "history")] == ["", ""]
