"""Finding the entries that pushed images reach, and what history says of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.helpers.events import IMAGE, at, digest, environment, pushed
from tests.helpers.fake_repository import FakeRepository, images, overlay
from updater.core import matching
from updater.core.environment import Configuration, Follow, NamedEnvironment, Release
from updater.errors import ConfigurationError, Location
from updater.model import Event, Hold, Past, Version
from updater.protocols import Question
from updater.survey import Hit, Survey, recalled, survey, unlifted

OTHER = "reg.example/models/model-b"
PATH = "overlays/test/model-a/kustomization.yaml"
BROKEN = f"images:\n- name: {IMAGE}\n  newTag: [\n"


def found(repository: FakeRepository, environments: list[NamedEnvironment], *events: Event) -> Survey:
    return survey(repository, repository, environments, matching.followed(environments, events, {}))


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
    repository = FakeRepository({"main": {**overlay("1", service="model-b"), PATH: BROKEN + f"- name: {OTHER}\n"}})
    result = found(repository, [environment()], pushed("2"), pushed("2", image=OTHER))
    assert [hit.target.service for hit in result.hits] == ["model-b"]
    assert [each.followed.image for each in result.unreadable] == [IMAGE, OTHER]
    assert {(each.error.exit_code, each.error.at and each.error.at.path) for each in result.unreadable} == {(3, PATH)}


def test_a_file_that_cannot_be_read_on_two_branches_is_told_for_both() -> None:
    repository = FakeRepository({"main": {PATH: BROKEN}, "next": {PATH: BROKEN}})
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


# What history says


class Asked(FakeRepository):
    """Remembers about which entries history was asked, on which branches."""

    def __init__(self, branches: dict[str, dict[str, str]], *, since: float = 0) -> None:
        super().__init__(branches, since=since)
        self.asked: list[tuple[str, list[str]]] = []

    def pasts(self, branch: str, tip: str, questions: Sequence[Question]) -> Sequence[Past]:
        self.asked.append((branch, [question.entry.path for question in questions]))
        return super().pasts(branch, tip, questions)


SEMVER = (Follow(image="reg.example/models/*", order="semver"),)
CLUSTERS = "clusters/*/{service}"


def hits(repository: FakeRepository, environments: list[NamedEnvironment], *events: Event) -> list[Hit]:
    known = found(repository, environments, *events).hits
    return list(recalled(repository, repository, known, lambda *_: Configuration(tuple(environments))))


def in_cluster(cluster: str, tag: str, letter: str | None = None) -> dict[str, str]:
    return {f"clusters/{cluster}/model-a/kustomization.yaml": images((IMAGE, tag, letter))}


@pytest.mark.parametrize(("tag", "asked"), [("2.0.0", True), ("v1.0.0", True), ("1.0.0", False), ("0.9.0", False)])
def test_history_is_asked_where_a_version_may_land_and_only_there(tag: str, asked: bool) -> None:
    repository = Asked({"main": overlay("1.0.0")}, since=7)
    (hit,) = hits(repository, [environment(follow=SEMVER)], pushed(tag))
    assert (hit.target.since("x") == at(7)) is asked
    assert (hit.target.past == Past()) is not asked
    assert len(repository.asked) == asked


def test_each_branch_is_asked_once_about_all_its_entries() -> None:
    both = {**overlay("1"), **overlay("1", service="model-b")}
    repository = Asked({"main": both, "next": overlay("1", environment="edge")})
    repository.refresh(frozenset({"next"}))
    environments = [environment(), environment("edge", branch="next")]
    answered = hits(repository, environments, pushed("2"), pushed("2", image=OTHER))
    assert [(hit.target.environment, hit.target.service) for hit in answered if hit.target.standing] == [
        ("test", "model-a"),
        ("test", "model-b"),
        ("edge", "model-a"),
    ]
    assert [(branch, len(paths)) for branch, paths in repository.asked] == [("main", 2), ("next", 1)]


def test_what_was_taken_back_in_one_overlay_of_a_service_is_held_in_all() -> None:
    repository = FakeRepository({"main": {**in_cluster("a", "1"), **in_cluster("b", "1"), **in_cluster("c", "2")}})
    repository.commit("main", in_cluster("b", "2"), minutes=1)
    back = repository.commit("main", in_cluster("b", "1"), minutes=2)
    repository.refresh()
    answered = hits(repository, [environment(overlays=CLUSTERS, follow=SEMVER)], pushed("2"))
    assert [[hold.commit for hold in hit.target.past.holds] for hit in answered] == [[back], [back], [back]]


def test_what_was_taken_back_in_one_service_is_not_held_in_another() -> None:
    repository = FakeRepository({"main": {**overlay("1"), "overlays/test/b/kustomization.yaml": overlay("1")[PATH]}})
    repository.commit("main", overlay("2"), minutes=1)
    repository.commit("main", overlay("1"), minutes=2)
    repository.refresh()
    answered = hits(repository, [environment(follow=SEMVER)], pushed("2"))
    assert [(hit.target.service, len(hit.target.past.holds)) for hit in answered] == [("b", 0), ("model-a", 1)]


def test_what_is_released_for_one_service_stays_held_in_another() -> None:
    second = {"overlays/test/b/kustomization.yaml": overlay("1")[PATH]}
    repository = FakeRepository({"main": {**overlay("1"), **second}})
    for minutes, tag in enumerate("21", start=1):
        text = overlay(tag)[PATH]
        repository.commit("main", {PATH: text, "overlays/test/b/kustomization.yaml": text}, minutes=minutes)
    repository.refresh()
    environments = [environment(follow=SEMVER, release=(Release("b", IMAGE, "2"),))]
    known = found(repository, environments, pushed("2")).hits
    older = Configuration((environment(follow=SEMVER),))
    answered = recalled(repository, repository, known, lambda *_: older)
    assert [(hit.target.service, len(hit.target.past.holds)) for hit in answered] == [("b", 0), ("model-a", 1)]


def test_holds_of_several_overlays_come_oldest_first_and_each_once() -> None:
    both = {**in_cluster("a", "1"), **in_cluster("b", "1")}
    repository = FakeRepository({"main": both})
    repository.commit("main", {**in_cluster("a", "3"), **in_cluster("b", "3")}, minutes=1)
    first = repository.commit("main", both, minutes=2)
    repository.commit("main", in_cluster("b", "2"), minutes=3)
    second = repository.commit("main", in_cluster("b", "1"), minutes=4)
    repository.refresh()
    answered = hits(repository, [environment(overlays=CLUSTERS, follow=SEMVER)], pushed("4"))
    expected = [(first, "3"), (second, "2")]
    assert [[(each.commit, each.version.tag) for each in hit.target.past.holds] for hit in answered] == [expected] * 2


@pytest.mark.parametrize(("again", "told"), [(9, 1), (0, 0)])
def test_a_push_that_comes_again_counts_from_when_its_version_was_first_heard_of(again: float, told: float) -> None:
    repository = FakeRepository({"main": overlay("x", "b")}, since=1)
    repository.commit("main", overlay("y", "c"), minutes=2)
    repository.refresh()
    (hit,) = hits(repository, [environment()], pushed("x", "b", again), pushed("z", "d", 8))
    assert [(event.version.tag, event.time) for event in hit.followed.events] == [("x", at(told)), ("z", at(8))]


def test_where_only_tags_are_written_a_push_is_known_again_whatever_its_digest() -> None:
    repository = FakeRepository({"main": overlay("x")}, since=1)
    repository.commit("main", overlay("y"), minutes=2)
    repository.refresh()
    tags = (Follow(image="reg.example/models/*", pin="tag"),)
    (hit,) = hits(repository, [environment(follow=tags)], pushed("x", "b", 9))
    assert [event.time for event in hit.followed.events] == [at(1)]


# What a release lifts


def release(version: str, *, service: str = "model-a", reason: str | None = None) -> Release:
    return Release(service, IMAGE, version, reason)


def held(tag: str, commit: str = "c0ffee") -> Hold:
    return Hold(Version(tag, digest("a")), at(0), commit, "alice", at(5))


def lifted(now: tuple[Release, ...], then: tuple[Release, ...] | None, *holds: Hold) -> list[Hold]:
    """The holds that are left where `release:` says `now`, and said `then` when somebody moved back."""
    others = environment("edge", release=now)
    older = Configuration((others,) if then is None else (others, environment(release=then)))
    return list(unlifted(holds, environment(release=now), "model-a", IMAGE, lambda *_: older))


def test_a_release_that_came_after_a_move_back_lifts_the_hold_on_its_version() -> None:
    assert lifted((release("2"),), (), held("2")) == []


def test_a_release_that_was_there_when_somebody_moved_back_lifts_nothing() -> None:
    assert lifted((release("2"),), (release("2"),), held("2")) == [held("2")]


def test_a_release_in_a_file_that_was_not_there_when_somebody_moved_back_is_new() -> None:
    assert lifted((release("2"),), None, held("2")) == []


@pytest.mark.parametrize("errors", [(), (ConfigurationError("broken", at=Location("environments/edge.yaml", 3)),)])
def test_a_release_in_a_file_that_was_not_there_is_new_whatever_is_wrong_with_others(
    errors: tuple[ConfigurationError, ...],
) -> None:
    left = unlifted([held("2")], environment(release=(release("2"),)), "model-a", IMAGE, lambda *_: broken(*errors))
    assert list(left) == []


def test_a_release_lifts_nothing_where_nobody_can_tell_whether_it_was_there_when_somebody_moved_back() -> None:
    now = environment(release=(release("2"),))
    then = broken(ConfigurationError("broken", at=Location(now.path, 3)))
    assert list(unlifted([held("2")], now, "model-a", IMAGE, lambda *_: then)) == [held("2")]


def broken(*errors: ConfigurationError) -> Configuration:
    return Configuration((), errors)


def test_new_words_for_an_old_release_lift_nothing() -> None:
    assert lifted((release("2", reason="fixed"),), (release("2", reason="fixt"),), held("2")) == [held("2")]


def test_the_same_release_once_more_is_a_new_one() -> None:
    old = release("2", reason="fixed")
    assert lifted((old, old), (old,), held("2")) == []
    assert lifted((old, release("2")), (old,), held("2")) == []


def test_a_release_of_another_version_spares_that_alone() -> None:
    (left,) = lifted((release("1.5"), release("9", service="model-b")), (), held("2"))
    assert (left.version.tag, set(left.spares)) == ("2", {"1.5"})


def test_each_hold_is_asked_about_at_its_own_commit() -> None:
    versions = {"old": environment(), "new": environment(release=(release("2"), release("3")))}
    left = unlifted(
        [held("2", "old"), held("3", "new")],
        environment(release=(release("2"), release("3"))),
        "model-a",
        IMAGE,
        lambda _, hold: Configuration((versions[hold.commit],)),
    )
    assert [hold.commit for hold in left] == ["new"]


def test_older_configurations_are_not_read_where_nothing_is_released() -> None:
    def never(branch: str, hold: Hold) -> Configuration:
        raise AssertionError(f"read the configuration of {branch} at {hold}")

    assert list(unlifted([held("2")], environment(), "model-a", IMAGE, never)) == [held("2")]
