"""Finding the entries that pushed images reach."""

from __future__ import annotations

from tests.helpers.events import IMAGE, at, environment, pushed
from tests.helpers.fake_repository import FakeRepository, images, overlay
from updater.core import matching
from updater.core.environment import Follow, NamedEnvironment
from updater.model import Event
from updater.survey import Survey, survey

OTHER = "reg.example/models/model-b"
BROKEN = f"images:\n- name: {IMAGE}\n  newTag: [\n"


def found(repository: FakeRepository, environments: list[NamedEnvironment], *events: Event) -> Survey:
    return survey(repository, repository, environments, matching.followed(environments, events))


def test_every_overlay_of_every_environment_that_follows_the_image_is_found() -> None:
    files = {**overlay("1"), **overlay("1", environment="edge"), **overlay("1", service="model-b")}
    repository = FakeRepository({"main": {**files, "base/model-a/kustomization.yaml": images((IMAGE, "1", None))}})
    result = found(repository, [environment("edge"), environment("test")], pushed("2"))
    assert [(hit.target.environment, hit.target.overlay) for hit in result.hits] == [
        ("edge", "overlays/edge/model-a"),
        ("test", "overlays/test/model-a"),
    ]
    assert [hit.claimants for hit in result.hits] == [("edge",), ("test",)]
    assert result.unreadable == ()


def test_each_environment_is_read_on_its_own_branch() -> None:
    repository = FakeRepository({"main": overlay("1"), "env/test": overlay("2")})
    repository.refresh(frozenset({"env/test"}))
    (hit,) = found(repository, [environment(branch="env/test")], pushed("3")).hits
    assert (hit.target.branch, hit.target.entry.version.tag) == ("env/test", "2")


def test_a_file_that_cannot_be_read_is_told_for_each_image_and_stops_no_other() -> None:
    path = "overlays/test/model-a/kustomization.yaml"
    repository = FakeRepository({"main": {**overlay("1", service="model-b"), path: BROKEN + f"- name: {OTHER}\n"}})
    result = found(repository, [environment()], pushed("2"), pushed("2", image=OTHER))
    assert [hit.target.service for hit in result.hits] == ["model-b"]
    assert [each.followed.image for each in result.unreadable] == [IMAGE, OTHER]
    assert {(each.error.exit_code, each.error.at and each.error.at.path) for each in result.unreadable} == {(3, path)}


def test_a_file_that_cannot_be_read_on_two_branches_is_told_for_both() -> None:
    path = "overlays/test/model-a/kustomization.yaml"
    repository = FakeRepository({"main": {path: BROKEN}, "next": {path: BROKEN}})
    repository.refresh(frozenset({"next"}))
    environments = [environment("a", overlays="overlays/test/*"), environment("b", overlays="*/*/*", branch="next")]
    assert len(found(repository, environments, pushed("2")).unreadable) == 2


def test_an_entry_that_two_environments_of_a_branch_cover_names_both() -> None:
    everywhere = environment("all", overlays="overlays/*/*")
    canary = environment("none", overlays="overlays/test/*", entries=("x",))
    elsewhere = environment("far", overlays="overlays/*/*", branch="env/far", follow=())
    silent = environment("silent", overlays="overlays/test/*", follow=(Follow(image="reg.example/web/*"),))
    repository = FakeRepository({"main": overlay("1")})
    (hit,) = found(repository, [everywhere, canary, elsewhere, silent], pushed("2")).hits
    assert hit.claimants == ("all", "silent")


def test_history_is_asked_where_the_push_time_may_decide_and_only_there() -> None:
    repository = FakeRepository({"main": overlay("1.0.0")}, since=7)
    (hit,) = found(repository, [environment()], pushed("2.0.0")).hits
    assert hit.target.since("x") == at(7)
    by_version = environment(follow=(Follow(image="reg.example/models/*", order="semver"),))
    (hit,) = found(repository, [by_version], pushed("2.0.0")).hits
    assert hit.target.standing is None
