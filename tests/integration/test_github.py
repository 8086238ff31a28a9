"""Pull requests on GitHub: what is asked of it, how often, and what comes of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.github.model import CheckRun, Protection
from tests.helpers.hub import HEAD, Hub, hub
from updater.errors import ForgeRefused, UsageError
from updater.forge import PER_HEAD, Approval, Draft, Edit, Status, StatusState
from updater.forges.github import connect
from updater.model import Identity

OTHER = "updater/staging/model-b"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path) as found:
        yield found


def reported(context: str, state: str = "success", description: str = "") -> Status:
    return Status(context, state, gitops.NOON, description)  # type: ignore[arg-type]


def run(github: Hub, commit: str, name: str, status: str, conclusion: str | None) -> None:
    """A check run, as an App posts it."""
    done = gitops.NOON if status == "completed" else None
    made = CheckRun(1, commit, name, status, conclusion, None, "Title", None, gitops.NOON, done, 7)
    github.github.repository.check_runs.append(made)


def test_connecting_asks_nothing_and_loads_the_library_only_then(github: Hub) -> None:
    connect(github.connection({"UPDATER_GITHUB_TOKEN": "x"})).close()
    assert github.asked == []
    code = "import sys, updater.forges.github; print({'github', 'requests', 'jwt'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"


def test_without_the_library_there_is_a_hint_how_to_get_it(github: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "updater.forges.github.api")
    monkeypatch.delattr("updater.forges.github.api")
    monkeypatch.setitem(sys.modules, "github", None)
    with pytest.raises(UsageError, match="a library that is missing") as caught:
        connect(github.connection({"UPDATER_GITHUB_TOKEN": "x"}))
    assert caught.value.hint == "pip install 'manifest-updater[github]'"


def test_a_pull_request_is_opened_with_labels_and_reviewers_in_three_requests(github: Hub) -> None:
    github.github.repository.teams["ml-platform"] = ["alice"]
    draft = github.draft(labels=["promotion"], reviewers=["alice", "team:ml-platform"], draft=True)
    pull = github.forge.open(draft)
    assert github.asked == ["POST /pulls", "POST /issues/1/labels", "POST /pulls/1/requested_reviewers"]
    there = github.pull()
    assert (there.title, there.body, there.head, there.base, there.draft) == (
        "Promote model-a", "Because.", HEAD, "main", True,
    )  # fmt: skip
    assert ([who.login for who in there.reviewers], there.teams) == (["alice"], ["ml-platform"])
    assert [label.name for label in there.labels] == ["promotion"]
    assert pull == replace(github.forge.opened()[0], readiness="unknown")
    assert (pull.number, pull.state, pull.commit, pull.ref) == (1, "open", draft.commit, "refs/pull/1/head")
    assert (pull.labels, pull.draft, pull.author, pull.opened_at) == ({"promotion"}, True, "robot", gitops.NOON)


def test_what_is_not_wanted_is_not_asked_for(github: Hub) -> None:
    github.forge.open(github.draft())
    assert github.asked == ["POST /pulls"]


def test_one_that_is_open_already_is_given_and_labelled(github: Hub) -> None:
    number = github.opened(labels=["old"]).number
    pull = github.forge.open(github.draft(labels=["old", "new"], reviewers=["alice"]))
    assert (pull.number, pull.labels) == (number, {"old", "new"})
    assert github.asked == ["POST /pulls", "POST /graphql", "POST /issues/1/labels"]
    assert github.github.log[-1].body == {"labels": ["new"]}
    assert len(github.github.repository.pulls) == 1


@pytest.mark.parametrize(
    ("head", "base", "reason"),
    [(HEAD, "gone", "base is invalid"), ("updater/gone/x", "main", "head is invalid"), ("main", "main", "No commits")],
)
def test_what_cannot_be_opened_is_told(github: Hub, head: str, base: str, reason: str) -> None:
    github.draft()
    with pytest.raises(ForgeRefused, match=f"^cannot open a pull request from {head} into {base}: .*{reason}"):
        github.forge.open(Draft(head, base, "0" * 40, "Title", ""))
    assert github.asked == ["POST /pulls"]


def test_a_reviewer_or_label_that_is_refused_is_a_warning_and_keeps_no_other_out(
    github: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    github.github.repository.teams["ml"] = ["alice"]
    reviewers = ["nobody", "alice", "team:none", "team:ml"]
    pull = github.forge.open(github.draft(labels=["x" * 51, "promotion"], reviewers=reviewers))
    assert (pull.number, pull.labels) == (1, {"promotion"})
    there = github.pull()
    assert ([who.login for who in there.reviewers], there.teams) == (["alice"], ["ml"])
    label, nobody, none = caplog.messages
    assert f"#1: cannot label {'x' * 51}: " in label
    assert "cannot ask for a review by nobody: " in nobody
    assert "cannot ask for a review by team:none: " in none
    assert "not a collaborator" in none


def test_an_edit_labels_then_comments_then_changes_the_rest_in_three_requests(github: Hub) -> None:
    github.opened()
    edit = Edit("New", "Text", state="closed", labels=["updater:withdrawn"], comment="Superseded.")
    github.forge.edit(1, edit)
    assert github.asked == ["POST /issues/1/labels", "POST /issues/1/comments", "PATCH /pulls/1"]
    there = github.pull()
    assert (there.title, there.body, there.is_open) == ("New", "Text", False)
    assert [comment.body for comment in there.comments] == ["Superseded."]
    assert [label.name for label in there.labels] == ["updater:withdrawn"]


def test_a_label_is_taken_off_with_one_request_whatever_it_is_called(github: Hub) -> None:
    github.opened(labels=["promotion", "updater:withdrawn", "a/b ?"])
    github.forge.edit(1, Edit(without=["updater:withdrawn", "a/b ?"]))
    assert [asked.split("/")[0] for asked in github.asked] == ["DELETE "] * 2
    assert [label.name for label in github.pull().labels] == ["promotion"]
    with pytest.raises(ForgeRefused, match="^cannot take the label x off #7: Not Found"):
        github.forge.edit(7, Edit(without=["x"]))


def test_an_edit_asks_only_for_what_changes(github: Hub) -> None:
    github.opened()
    github.forge.edit(1, Edit())
    assert github.asked == []
    github.forge.edit(1, Edit(body=""))
    assert github.asked == ["PATCH /pulls/1"]
    assert github.github.log[0].body == {"body": ""}
    assert (github.pull().title, github.pull().body) == ("Promote model-a", "")


def test_a_pull_request_may_get_another_base_and_be_reopened(github: Hub) -> None:
    github.opened()
    github.alice.push("next", {"x": "x"})
    github.forge.edit(1, Edit(base="next"))
    github.forge.edit(1, Edit(state="closed"))
    github.forge.edit(1, Edit(state="open"))
    assert (github.pull().base, github.pull().is_open) == ("next", True)


def test_a_merged_one_cannot_be_closed_and_one_without_its_branch_not_reopened(github: Hub) -> None:
    github.opened()
    github.opened(OTHER)
    github.alice.merge(1)
    with pytest.raises(ForgeRefused, match="^cannot close #1: it is merged"):
        github.forge.edit(1, Edit(state="closed"))
    github.alice.close(2)
    github.alice.delete_branch(OTHER)
    with pytest.raises(ForgeRefused, match=r"^cannot change #2: state cannot be changed.*deleted"):
        github.forge.edit(2, Edit(state="open"))


def test_what_is_open_is_found_with_one_request_and_nobody_elses(github: Hub) -> None:
    first, second = github.opened(draft=True), github.opened(OTHER, labels=["promotion"])
    github.alice.push("feature", {"y": "y"})
    github.alice.open("feature")
    github.alice.close(github.opened("updater/test/model-c").number)
    github.alice.report(second.commit, "smoke-test", "pending")
    review = github.alice.approve(2)
    found = github.forge.opened()
    assert github.asked == ["POST /graphql"]
    assert [pull.number for pull in found] == [1, 2]
    assert (found[0].head, found[0].commit, found[0].draft, found[0].readiness) == (HEAD, first.commit, True, "blocked")
    assert (found[1].labels, found[1].readiness) == ({"promotion"}, "ready")
    assert found[1].approvals == (Approval("alice", second.commit),)
    assert found[1].statuses == (reported("smoke-test", "pending"),)
    assert (found[1].title, found[1].body, found[1].base, found[1].author) == (
        "Promote model-a", "Because.", "main", "robot",
    )  # fmt: skip
    github.alice.dismiss(2, review)
    assert github.forge.opened()[1].approvals == ()


def test_only_the_latest_opinion_of_those_who_may_write_approves(github: Hub) -> None:
    pull = github.opened()
    for login, writes in (("bob", True), ("carol", True), ("stranger", False)):
        github.github.person(login, writes=writes).approve(1)
    github.github.person("carol").request_changes(1)
    assert github.forge.opened()[0].approvals == (Approval("bob", pull.commit),)
    moved = github.alice.push(HEAD, {"z": "z"})
    found = github.forge.opened()[0]
    assert (found.commit, found.approvals) == (moved, (Approval("bob", pull.commit),))


def test_whether_a_pull_request_could_be_merged_is_told(github: Hub) -> None:
    pull = github.opened()
    github.github.settings.late = 1
    assert github.forge.opened()[0].readiness == "unknown"
    github.github.settings.late = 0
    github.alice.report(pull.commit, "smoke-test", "failure")
    assert github.forge.opened()[0].readiness == "ready"
    github.github.settings.protection["main"] = Protection(approvals=1)
    assert github.forge.opened()[0].readiness == "blocked"
    github.github.settings.protection["main"] = Protection(strict=True)
    github.alice.push("main", {"unrelated": "x"})
    assert github.forge.opened()[0].readiness == "behind"
    github.alice.push("main", {"overlays/staging/model-a/kustomization.yaml": "images: [x]\n"})
    assert github.forge.opened()[0].readiness == "conflicting"


def test_what_was_settled_is_told_with_who_did_it_and_what_landed(github: Hub) -> None:
    closed, merged = github.opened(), github.opened(OTHER)
    github.opened("updater/staging/model-c")
    github.clock.at += timedelta(hours=1)
    github.alice.close(1)
    github.alice.delete_branch(HEAD)
    landed = github.alice.merge(2)
    github.github.log.clear()
    found = github.forge.settled([OTHER, HEAD, "updater/none/x", "updater/staging/model-c"])
    assert github.asked == ["POST /graphql"]
    assert [(pull.number, pull.state, pull.closed_by) for pull in found] == [
        (2, "merged", "alice"), (1, "closed", "alice"),
    ]  # fmt: skip
    assert [pull.merged_as for pull in found] == [landed, None]
    assert [pull.commit for pull in found] == [merged.commit, closed.commit]
    assert [pull.closed_at for pull in found] == [github.clock.at] * 2
    assert gitops.git(github.github.bare, "rev-parse", found[1].ref) == closed.commit


@pytest.mark.slow
def test_of_each_branch_the_newest_settled_ones_are_given(github: Hub) -> None:
    for number in range(1, PER_HEAD + 3):
        github.opened()
        github.alice.close(number)
    found = github.forge.settled([HEAD])
    assert [pull.number for pull in found] == list(range(PER_HEAD + 2, 2, -1))


def test_fifty_branches_are_asked_about_in_two_requests_and_none_in_none(github: Hub) -> None:
    assert list(github.forge.settled([])) == []
    assert github.asked == []
    assert list(github.forge.settled([f"updater/test/{number}" for number in range(50)])) == []
    assert github.asked == ["POST /graphql"] * 2


@pytest.mark.slow
def test_the_newest_report_of_each_context_is_read_of_a_hundred_commits_at_once(github: Hub) -> None:
    commits = [github.alice.push("main", {"n": str(number)}) for number in range(2)]
    github.alice.report(commits[0], "smoke-test", "failure")
    github.clock.at += timedelta(minutes=1)
    github.alice.report(commits[0], "smoke-test", "success")
    github.alice.report(commits[0], "a/b", "error")
    found = github.forge.statuses([*commits, *(f"{number:040x}" for number in range(98))])
    assert github.asked == ["POST /graphql"]
    at = github.clock.at
    assert {commit: list(reports) for commit, reports in found.items()} == {
        commits[0]: [Status("a/b", "error", at), Status("smoke-test", "success", at)]
    }


@pytest.mark.parametrize(
    ("status", "conclusion", "state"),
    [
        ("queued", None, "pending"),
        ("in_progress", None, "pending"),
        ("completed", "success", "success"),
        ("completed", "neutral", "success"),
        ("completed", "skipped", "success"),
        ("completed", "failure", "failure"),
        ("completed", "cancelled", "failure"),
        ("completed", "timed_out", "failure"),
        ("completed", "action_required", "failure"),
        ("completed", "stale", "failure"),
    ],
)
def test_check_runs_are_statuses_too(github: Hub, status: str, conclusion: str | None, state: str) -> None:
    commit = gitops.tip(github.github.bare)
    run(github, commit, "build", status, conclusion)
    assert github.forge.statuses([commit]) == {commit: (reported("build", state, "Title"),)}


def test_reports_that_the_token_may_not_read_are_left_out_with_one_warning(
    github: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    pull = github.opened()
    run(github, pull.commit, "build", "completed", "failure")
    github.alice.report(pull.commit, "smoke-test", "success")
    rights = {"contents": "write", "pull_requests": "write", "statuses": "write"}
    forge = github.connected({"UPDATER_GITHUB_TOKEN": github.github.token("bob", "fine-grained", rights).value})
    for _ in range(2):
        assert forge.opened()[0].statuses == (reported("smoke-test"),)
        assert forge.statuses([pull.commit])[pull.commit] == (reported("smoke-test"),)
    assert caplog.messages == ["not all reports on commits of acme/gitops can be read: the token lacks `checks: read`"]


def test_a_commit_with_more_than_a_hundred_reports_is_read_to_the_end(github: Hub) -> None:
    pull = github.opened()
    for number in range(101):
        github.alice.report(pull.commit, f"cluster-{number:03}", "success")
    assert len(github.forge.statuses([pull.commit])[pull.commit]) == 101
    assert github.asked == ["POST /graphql"] * 2
    assert len(github.forge.opened()[0].statuses) == 101


def test_a_report_takes_one_request(github: Hub) -> None:
    commit = gitops.tip(github.github.bare)
    github.forge.report(commit, Status("updater/gates", "pending", gitops.NOON, "x" * 200, "https://example.org/"))
    assert github.asked == [f"POST /statuses/{commit}"]
    (found,) = github.forge.statuses([commit])[commit]
    assert found == Status("updater/gates", "pending", gitops.NOON, "x" * 139 + "…", "https://example.org/")


def test_a_report_on_a_commit_that_is_not_there_is_refused(github: Hub) -> None:
    with pytest.raises(ForgeRefused, match="^cannot report x on 0000000"):
        github.forge.report("0" * 40, reported("x"))


def test_a_pull_request_is_approved_as_it_is_at_a_commit_but_not_ones_own(github: Hub) -> None:
    pull = github.opened()
    with pytest.raises(ForgeRefused, match="Can not approve your own pull request"):
        github.forge.approve(1, pull.commit)
    bob = github.connected({"UPDATER_GITHUB_TOKEN": github.github.token("bob").value})
    bob.approve(1, pull.commit)
    assert github.forge.opened()[0].approvals == (Approval("bob", pull.commit),)


def test_the_user_and_token_for_git_are_given_where_git_may_have_them(github: Hub) -> None:
    found = github.forge.credentials()
    assert found is not None
    assert (found.username, found.password) == ("x-access-token", github.token)
    over_ssh = github.connected({"UPDATER_GITHUB_TOKEN": "x"}, repository="git@github.com:acme/gitops.git")
    assert over_ssh.credentials() is None
    assert github.asked == []


def test_the_person_at_the_keyboard_is_not_asked_about(github: Hub) -> None:
    assert github.connection({}).person == Identity("Updater", "updater@example.org")
    assert github.forge.max_body == 65536


@pytest.mark.parametrize("state", ["success", "pending", "failure"])
def test_an_app_reports_by_check_runs_which_are_read_back_as_what_was_told(github: Hub, state: StatusState) -> None:
    forge = github.connected(github.app())
    pull = github.opened()
    told = Status("updater/gates", state, github.clock.now(), "waits for smoke-test", "https://ci.example/1")
    forge.report(pull.commit, told)
    assert github.asked[-1] == "POST /check-runs"
    assert forge.opened()[0].statuses == (told,)


def test_an_app_without_that_right_reports_by_commit_statuses(github: Hub) -> None:
    rights = {"contents": "write", "pull_requests": "write", "statuses": "write", "checks": "read", "metadata": "read"}
    app = github.github.app("weak", rights)
    forge = github.connected({"UPDATER_GITHUB_APP_ID": str(app.id), "UPDATER_GITHUB_APP_KEY": app.key})
    pull = github.opened()
    for _ in range(2):
        forge.report(pull.commit, Status("updater/gates", "success", github.clock.now(), "all gates are green"))
    asked = [line for line in github.asked if line.startswith("POST") and "access_tokens" not in line]
    assert asked == ["POST /check-runs", *[f"POST /statuses/{pull.commit}"] * 2]
