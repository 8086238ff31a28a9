"""The life of a pull request with real parts: a bare repository, git, the forge built in, and people with clones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import components, gitops
from tests.helpers.cli import CommandLine
from tests.helpers.fake_repository import environment_file, images
from tests.helpers.forge_stands import connection
from tests.helpers.gitops import Person, git
from tests.helpers.promoted import HEAD, IMAGE, promoting, standing, told
from updater import bootstrap, pipeline, settings
from updater.forge import GATES, WITHDRAWN, Edit, Forge, Method, PullRequest
from updater.forges import local
from updater.model import Outcome
from updater.pipeline import Parts, Report

PROPOSED, HELD, REJECTED, COMMITTED = Outcome.PROPOSED, Outcome.HELD, Outcome.REJECTED, Outcome.COMMITTED
TEST, STAGING = (f"overlays/{name}/model-a/kustomization.yaml" for name in ("test", "staging"))
FILES = {
    **environment_file("test", "verify: parse", order="numerical"),
    **promoting("verify: parse"),
    **standing("test", "1"),
    **standing("staging", "1"),
}


class Team:
    """A repository with a person, who also acts on the forge, and replicas of the updater."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bare = gitops.remote(folder / "gitops.git", FILES)
        self.alice = Person(self.bare, folder / "alice")

    @contextmanager
    def parts(self, replica: str = "first") -> Iterator[Parts]:
        """What a replica works with."""
        state = {"UPDATER_REPO": str(self.bare), "UPDATER_STATE_DIR": str(self.folder / replica)}
        with bootstrap.opened(settings.read(state)) as workshop:
            yield workshop.parts

    def reconcile(self, replica: str = "first") -> Report:
        """A pass."""
        with self.parts(replica) as parts:
            return pipeline.reconcile(parts)

    @property
    def forge(self) -> Forge:
        """The forge as alice uses it."""
        return local.connect(connection(str(self.bare), "alice"))

    def merge(self, number: int, method: Method = "merge") -> str:
        """Alice merges on the forge; gives the commit on main."""
        self.forge.merge(number, self.pull(number).commit, method)
        return gitops.tip(self.bare)

    def stand(self, path: str, tag: str) -> str:
        """Alice writes a version."""
        return self.alice.commit({path: images((IMAGE, tag, None))})

    def pull(self, number: int = 1) -> PullRequest:
        """A pull request as it is now."""
        found = [*self.forge.opened(), *self.forge.settled([HEAD])]
        return next(each for each in found if each.number == number)

    def shown(self, branch: str = "main", path: str = STAGING) -> str:
        """What stands in a file."""
        return gitops.show(self.bare, path, branch) + "\n"

    def refs(self) -> str:
        """All that there is on the remote."""
        return git(self.bare, "for-each-ref")

    @property
    def branches(self) -> list[str]:
        return git(self.bare, "for-each-ref", "--format=%(refname:short)", "refs/heads/updater").split()


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


@pytest.fixture
def opened(team: Team) -> Team:
    """Version 2 is proposed as #1."""
    team.stand(TEST, "2")
    report = team.reconcile()
    assert [(each.outcome, each.pull_request) for each in report.decisions] == [(PROPOSED, 1)]
    return team


def test_it_is_opened_and_a_second_pass_of_any_replica_writes_nothing(opened: Team) -> None:
    pull = opened.pull()
    assert (pull.state, pull.title, pull.head, pull.base) == ("open", "Deploy model-a 2 to staging", HEAD, "main")
    assert [(status.context, status.state) for status in pull.statuses] == [(GATES, "success")]
    before = opened.refs()
    opened.reconcile()
    opened.reconcile("second")
    assert opened.refs() == before


def test_a_base_that_moved_on_writes_nothing(opened: Team) -> None:
    opened.alice.commit({"README": "news"})
    before = opened.refs()
    opened.reconcile()
    assert opened.refs() == before


def test_a_newer_version_moves_it(opened: Team) -> None:
    opened.stand(TEST, "3")
    opened.reconcile()
    assert (opened.pull().title, opened.shown(HEAD)) == ("Deploy model-a 3 to staging", images((IMAGE, "3", None)))
    assert "Takes the place of" in opened.pull().body
    assert git(opened.bare, "rev-list", "--count", f"main..{HEAD}") == "1"


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_every_way_to_merge_ends_in_the_same_facts(opened: Team, method: Method) -> None:
    landed = opened.merge(1, method)
    report = opened.reconcile()
    assert (opened.shown(), told(report), opened.branches) == (images((IMAGE, "2", None)), [], [])
    before = opened.refs()
    assert (opened.reconcile("second").decisions, opened.refs()) == ((), before)
    back = opened.alice.revert(landed, mainline=1 if method == "merge" else None)
    (held,) = opened.reconcile().decisions
    assert (held.outcome, held.reason.startswith(f"2 was reverted in {back[:7]} by ")) == (HELD, True)
    assert opened.forge.opened() == []
    opened.stand(TEST, "3")
    assert told(opened.reconcile()) == [("3", PROPOSED)]


def test_a_merge_by_git_is_a_merge(opened: Team) -> None:
    opened.alice.merge(HEAD)
    opened.reconcile()
    assert (opened.pull().state, opened.branches, opened.shown()) == ("merged", [], images((IMAGE, "2", None)))


def test_a_squash_by_git_withdraws_what_stands_by_then(opened: Team) -> None:
    opened.alice.squash(HEAD)
    opened.reconcile()
    assert (opened.pull().state, WITHDRAWN in opened.pull().labels, opened.branches) == ("closed", True, [])


def test_a_closed_one_is_a_no_and_a_newer_version_is_proposed_anew(opened: Team) -> None:
    opened.forge.edit(1, Edit(state="closed"))
    assert told(opened.reconcile()) == [("2", REJECTED)]
    git(opened.bare, "update-ref", "-d", f"refs/heads/{HEAD}")
    assert told(opened.reconcile("second")) == [("2", REJECTED)]
    opened.stand(TEST, "3")
    assert told(opened.reconcile()) == [("3", PROPOSED)]
    assert [each.number for each in opened.forge.opened()] == [2]


def test_reopening_lifts_it(opened: Team) -> None:
    opened.forge.edit(1, Edit(state="closed"))
    opened.reconcile()
    opened.forge.edit(1, Edit(state="open"))
    assert told(opened.reconcile()) == [("2", PROPOSED)]


def test_it_is_withdrawn_when_its_version_was_reverted_in_test(team: Team) -> None:
    landed = team.stand(TEST, "2")
    team.reconcile()
    team.alice.revert(landed)
    team.reconcile()
    pull = team.pull()
    assert (pull.state, WITHDRAWN in pull.labels, team.branches) == ("closed", True, [])


def test_a_branch_that_somebody_deleted_comes_back(opened: Team) -> None:
    git(opened.bare, "update-ref", "-d", f"refs/heads/{HEAD}")
    opened.reconcile()
    assert (opened.branches, opened.pull().state, opened.shown(HEAD)) == ([HEAD], "open", images((IMAGE, "2", None)))


# Other people's commits


def test_the_base_merged_into_our_branch_is_nobody_elses_work(opened: Team) -> None:
    opened.alice.commit({"README": "news"})
    merge = opened.alice.merge("main", HEAD)
    report = opened.reconcile()
    assert (told(report), gitops.tip(opened.bare, HEAD)) == ([("2", PROPOSED)], merge)
    assert [status.state for status in opened.pull().statuses] == ["success"]
    opened.stand(TEST, "3")
    opened.reconcile()
    assert (opened.shown(HEAD), opened.pull().state) == (images((IMAGE, "3", None)), "open")


def test_the_base_with_news_in_the_same_file_merged_into_our_branch_is_nobody_elses_work(team: Team) -> None:
    other = "reg.example/other"
    both = images((IMAGE, "1", None)).replace("images:\n", "images:\n- name: x\n  newTag: '0'\n# a\n# b\n# c\n# d\n")
    team.alice.commit({STAGING: both})
    team.stand(TEST, "2")
    team.reconcile()
    team.alice.commit({STAGING: both.replace("name: x\n  newTag: '0'", f"name: {other}\n  newTag: '5'")})
    team.alice.merge("main", HEAD)
    report = team.reconcile()
    assert [each.pull_request for each in report.decisions if each.outcome is PROPOSED] == [1]
    team.stand(TEST, "3")
    team.reconcile()
    assert ('newTag: "3"' in team.shown(HEAD), other in team.shown(HEAD)) == (True, True)


def test_a_merge_of_the_base_that_changes_more_is_somebodys_work_and_left_alone(opened: Team) -> None:
    opened.alice.commit({"README": "news"})
    opened.alice.merge("main", HEAD)
    folder = opened.alice.folder
    (folder / "SNEAKED").write_text("in\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--amend", "--no-edit")
    git(folder, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{HEAD}")
    theirs = gitops.tip(opened.bare, HEAD)
    opened.stand(TEST, "3")
    (kept,) = opened.reconcile().pulls
    assert (gitops.tip(opened.bare, HEAD), "carries commits of" in kept.told) == (theirs, True)


def test_a_commit_of_somebody_else_is_left_alone(opened: Team) -> None:
    theirs = opened.alice.commit({STAGING: images((IMAGE, "2", None)) + "# mine\n"}, branch=HEAD)
    opened.stand(TEST, "3")
    (kept,) = opened.reconcile().pulls
    assert (gitops.tip(opened.bare, HEAD), "carries commits of" in kept.told) == (theirs, True)
    assert (opened.pull().state, opened.pull().title) == ("open", "Deploy model-a 2 to staging")


def test_a_branch_of_somebody_else_merged_into_ours_is_left_alone(opened: Team) -> None:
    opened.alice.commit({"FEATURE": "x"}, branch="feature")
    theirs = opened.alice.merge("feature", HEAD)
    opened.stand(TEST, "3")
    opened.reconcile()
    assert gitops.tip(opened.bare, HEAD) == theirs


# We merge, and who looks at it


def test_it_is_merged_when_green_by_the_method_that_is_asked_for(opened: Team) -> None:
    merging = promoting("verify: parse", "pull-request: {merge: when-green, method: squash}")
    opened.alice.commit(merging)
    report = opened.reconcile()
    assert (told(report), opened.shown(), opened.branches) == ([("2", COMMITTED)], images((IMAGE, "2", None)), [])
    assert git(opened.bare, "show", "--no-patch", "--format=%s", "main") == "Deploy model-a 2 to staging (#1)"
    assert git(opened.bare, "show", "--no-patch", "--format=%P", "main").count(" ") == 0
    before = opened.refs()
    opened.reconcile()
    assert opened.refs() == before


def test_two_replicas_at_once_open_one(team: Team) -> None:
    team.stand(TEST, "2")
    with team.parts("first") as first, team.parts("second") as second:
        push = first.sight.repository.push

        def after_the_other(updates: object) -> object:
            pipeline.reconcile(second)
            return push(updates)  # type: ignore[arg-type]

        class Slow:
            """The repository of the first replica, in whose pushes the other one comes between."""

            def __getattr__(self, name: str) -> object:
                return after_the_other if name == "push" else getattr(first.sight.repository, name)

        pipeline.reconcile(replace(first, sight=replace(first.sight, repository=Slow())))  # type: ignore[arg-type]
    assert [each.number for each in team.forge.opened()] == [1]


@pytest.fixture
def updater(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(tmp_path / "by-hand", capfd, monkeypatch)


def test_a_dry_run_shows_what_would_be_proposed_and_writes_nothing(team: Team, updater: CommandLine) -> None:
    team.stand(TEST, "2")
    before = team.refs()
    ran = updater("reconcile", "--dry-run", "--repo", team.bare, "--output", "json")
    assert (ran.code, ran.outcomes) == (0, [("staging", "model-a", "2", "proposed")])
    assert f"--- a/{STAGING}\n+++ b/{STAGING}\n" in ran.json["diff"]
    assert (team.refs(), ran.json["pull_requests"]) == (before, [])
    team.reconcile()
    ran = updater("reconcile", "--dry-run", "--repo", team.bare, "--output", "json")
    assert (ran.json["diff"], [each["number"] for each in ran.json["pull_requests"]]) == ("", [1])
    assert [each["pull_request"] for each in ran.json["decisions"]] == [1]


def test_a_plan_shows_what_would_be_proposed_and_writes_nothing(team: Team, updater: CommandLine) -> None:
    follow = environment_file("staging", "deliver: pull-request", "verify: parse", order="numerical")
    team.alice.commit(follow)
    before = team.refs()
    record = json.dumps({"source": "generic", "body": {"image": IMAGE, "tag": "3"}})
    ran = updater("plan", "-", "--repo", team.bare, "--output", "json", stdin=record.encode())
    assert ran.outcomes == [("staging", "model-a", "3", "proposed"), ("test", "model-a", "3", "committed")]
    assert [line for line in ran.json["diff"].splitlines() if line.startswith("+++")] == [
        f"+++ b/{TEST}",
        f"+++ b/{STAGING}",
    ]
    assert team.refs() == before


def test_the_rendered_diff_stands_in_the_text(tmp_path: Path) -> None:
    components.require_kustomizes()
    team = Team(tmp_path)
    deployment = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: model-a}\n"
        f"spec: {{template: {{spec: {{containers: [{{name: main, image: {IMAGE}}}]}}}}}}\n"
    )
    base = {"base/kustomization.yaml": "resources: [deployment.yaml]\n", "base/deployment.yaml": deployment}
    team.alice.commit({**base, **promoting()})
    team.stand(TEST, "2")
    report = team.reconcile()
    assert told(report) == [("2", PROPOSED)]
    assert f"+      - image: {IMAGE}:2" in team.pull().body
    before = team.refs()
    team.reconcile("second")
    assert team.refs() == before
