"""Everything that stands in all environments, and branches that are not there."""

from __future__ import annotations

from tests.helpers.events import IMAGE, environment
from tests.helpers.fake_repository import FakeRepository, images, overlay
from tests.helpers.trees import MemoryTree
from updater.core.inventory import overlays
from updater.errors import BranchMissing, Location
from updater.planning import missing_branches

OTHER = "reg.example/models/model-b"


def test_the_entries_of_an_environment_come_sorted_whatever_image_they_name() -> None:
    two = images((OTHER, "2", "a"), (IMAGE, "1", None), ("PLACEHOLDER", None, None))
    files = {**overlay("3", service="model-b"), "overlays/test/model-a/kustomization.yaml": two}
    found = overlays(environment(branch="next"), MemoryTree(dict(files)), files)
    assert [(target.service, target.entry.name, target.entry.version.tag) for target in found.targets] == [
        ("model-a", OTHER, "2"),
        ("model-a", IMAGE, "1"),
        ("model-a", "PLACEHOLDER", None),
        ("model-b", OTHER, "3"),
    ]
    assert {(target.environment, target.branch) for target in found.targets} == {("test", "next")}
    assert found.targets[0].overlay == "overlays/test/model-a"


def test_other_overlays_and_entries_are_left_out() -> None:
    files = {**overlay("1", environment="edge"), "overlays/test/x/kustomization.yaml": images((OTHER, "2", None))}
    found = overlays(environment(entries=("*-a",)), MemoryTree(dict(files)), files)
    assert (found.targets, found.problems) == ((), ())


def test_a_file_that_cannot_be_read_is_a_problem_and_stops_no_other() -> None:
    files = {"overlays/test/broken/kustomization.yaml": "images:\n  all of them\n", **overlay("1")}
    found = overlays(environment(), MemoryTree(dict(files)), files)
    assert [target.service for target in found.targets] == ["model-a"]
    assert [problem.at for problem in found.problems] == [Location("overlays/test/broken/kustomization.yaml", 2)]


def test_branches_that_were_heard_of_are_not_asked_for() -> None:
    repository = FakeRepository({"main": overlay("1")})
    assert missing_branches(repository, [environment()]) == {}
    assert repository.listings == []


def test_a_branch_that_is_new_here_is_asked_for_once_and_then_known() -> None:
    repository = FakeRepository({"main": {}, "env/test": {}})
    assert missing_branches(repository, [environment(branch="env/test"), environment("edge")]) == {}
    assert repository.listings == [frozenset({"env/test"})]
    assert repository.tip("env/test") == repository.remote["env/test"]


def test_a_branch_that_the_remote_does_not_have_is_missing_and_says_what_to_do() -> None:
    repository = FakeRepository({"main": {}})
    missing = missing_branches(repository, [environment(branch="env/test"), environment("edge")])
    assert list(missing) == ["env/test"]
    problem = missing["env/test"]
    assert isinstance(problem, BranchMissing)
    assert str(problem) == "environments/test.yaml: the branch 'env/test' of test is not on the remote"
    assert problem.hint == "push it, or correct `branch`"
