"""The services that a person names, or a word about what there is instead."""

from __future__ import annotations

import pytest

from tests.helpers.events import IMAGE
from tests.helpers.fake_repository import FakeRepository, environment_file, images, overlay, sight
from tests.helpers.trees import MemoryTree
from updater.by_hand.services import Services, environments, known_names, matches, refresh, services
from updater.errors import BranchMissing, ConfigurationError, Location, UsageError

OTHER = "reg.example/models/model-b"
BROKEN = {"environments/edge.yaml": "overlay: overlays/edge/*\n"}
UNREADABLE = {"overlays/test/broken/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [\n"}


def repository(*more: dict[str, str]) -> FakeRepository:
    """Model A and model B in test, model C in production."""
    files = {**environment_file(), **environment_file("production")}
    files |= {**overlay("1"), **overlay("2", service="model-b")}
    files |= overlay("3", environment="production", service="model-c")
    for each in more:
        files |= each
    return FakeRepository({"main": files})


def named(
    *globs: str, image: str | None = None, environment: str = "test", more: dict[str, str] | None = None
) -> Services:
    return services(sight(repository(more or {})), environment, globs, image)


def tags(found: Services) -> list[tuple[str, str | None]]:
    return [(target.service, target.entry.version.tag) for target in found.targets]


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        ((), ["model-a", "model-b"]),
        (("model-a",), ["model-a"]),
        (("model-*",), ["model-a", "model-b"]),
        (("*-b", "model-a"), ["model-a", "model-b"]),
        (("model-[b-z]",), ["model-b"]),
    ],
)
def test_services_are_found_by_their_names_and_by_globs(globs: tuple[str, ...], expected: list[str]) -> None:
    assert [service for service, _ in tags(named(*globs))] == expected


def test_names_of_services_are_told_apart_by_case() -> None:
    assert not matches("model-a", ("Model-A",))
    assert matches("anything", ())


def test_a_service_comes_with_everything_that_stands_in_it() -> None:
    two = {"overlays/test/model-a/kustomization.yaml": images((IMAGE, "1", None), (OTHER, "9", None))}
    found = named("model-*", more=two)
    assert [(name, [target.entry.version.tag for target in each]) for name, each in found.by_service()] == [
        ("model-a", ["1", "9"]),
        ("model-b", ["2"]),
    ]


@pytest.mark.parametrize("image", [OTHER, "REG.example/models/model-b"])
def test_one_image_alone_can_be_asked_for_as_people_write_it(image: str) -> None:
    two = {"overlays/test/model-a/kustomization.yaml": images((IMAGE, "1", None), (OTHER, "9", None))}
    assert tags(named("model-a", image=image, more=two)) == [("model-a", "9")]


@pytest.mark.parametrize("image", ["reg.example/models/none", "no image"])
def test_an_image_that_the_services_do_not_have_is_named(image: str) -> None:
    two = {"overlays/test/model-a/kustomization.yaml": images((IMAGE, "1", None), ("PLACEHOLDER", "9", None))}
    with pytest.raises(UsageError) as caught:
        named("model-a", image=image, more=two)
    assert image in str(caught.value)
    assert caught.value.hint != "did you mean model-a?"


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("modle-a", "did you mean model-a?"),
        ("zzz", "there are: model-a, model-b"),
        ("x-*", "there are: model-a, model-b"),
    ],
)
def test_a_service_that_is_not_there_is_told_with_the_nearest_or_all(wanted: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        named(wanted)
    assert (str(caught.value), caught.value.hint) == (f"test has no service {wanted}", hint)


def test_of_many_services_the_first_ten_are_told() -> None:
    many = {path: text for n in range(20) for path, text in overlay("1", service=f"s{n:02}").items()}
    with pytest.raises(UsageError) as caught:
        named("zzz", more=many)
    names = ["model-a", "model-b", *(f"s{n:02}" for n in range(8))]
    assert caught.value.hint == f"there are: {', '.join(names)}"


@pytest.mark.parametrize("right", [(), ("model-a",), ("model-*",)])
def test_each_name_or_glob_that_matches_nothing_is_told_although_others_do(right: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        named(*right, "modle-b", "x-*")
    assert (str(caught.value), caught.value.hint) == ("test has no service modle-b or x-*", "did you mean model-b?")


def test_in_an_environment_without_services_there_is_none_to_name() -> None:
    with pytest.raises(UsageError) as caught:
        services(sight(repository(environment_file("empty"))), "empty", ("x",))
    assert (str(caught.value), caught.value.hint) == ("empty has no service x", None)


def test_an_environment_without_services_is_no_error_where_all_are_asked_for() -> None:
    assert tags(services(sight(repository(environment_file("empty"))), "empty", ())) == []


@pytest.mark.parametrize(("wanted", "hint"), [("tset", "did you mean test?"), ("edge", "there are: production, test")])
def test_an_environment_that_is_not_there_is_told_with_the_nearest_or_all(wanted: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        named("model-a", environment=wanted)
    assert (str(caught.value), caught.value.hint) == (f"there is no environment {wanted!r}", hint)


def test_an_environment_whose_file_is_broken_says_what_is_wrong_with_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        named("model-a", environment="edge", more=BROKEN)
    assert caught.value.at == Location("environments/edge.yaml", 1)


def test_a_broken_file_of_another_environment_stops_nobody() -> None:
    ours = sight(repository(BROKEN))
    assert tags(services(ours, "test", ("model-a",))) == [("model-a", "1")]
    known, errors = environments(ours)
    assert (set(known), [error.at and error.at.path for error in errors][:1]) == (
        {"test", "production"},
        ["environments/edge.yaml"],
    )


@pytest.mark.parametrize("globs", [(), ("*",), ("model-a", "broken")])
def test_a_file_of_an_overlay_that_cannot_be_read_is_a_problem_and_stops_no_other(globs: tuple[str, ...]) -> None:
    found = named(*globs, more=UNREADABLE)
    assert "model-a" in [service for service, _ in tags(found)]
    assert [error.at for error in found.problems] == [Location("overlays/test/broken/kustomization.yaml", 4)]


def test_a_service_of_which_nothing_can_be_read_is_there_all_the_same() -> None:
    found = named("broken", more=UNREADABLE)
    assert (found.targets, len(found.problems)) == ((), 1)


class Read(FakeRepository):
    """Remembers which files were read."""

    def __init__(self, files: dict[str, str]) -> None:
        super().__init__({"main": files})
        self.paths_read: list[str] = []

    def tree(self, commit: str) -> MemoryTree:
        read = self.paths_read

        class Told(MemoryTree):
            def read(self, path: str) -> bytes:
                read.append(path)
                return super().read(path)

        return Told(self.commits[commit].files)


def test_files_of_other_services_are_not_read_and_what_is_wrong_with_them_does_not_count() -> None:
    ours = Read({**environment_file(), **overlay("1"), **overlay("2", service="model-b"), **UNREADABLE})
    found = services(sight(ours), "test", ("model-a",))
    assert (tags(found), found.problems) == ([("model-a", "1")], ())
    assert [path for path in ours.paths_read if path.startswith("overlays/")] == list(overlay())


def test_no_overlay_is_read_to_tell_which_services_there_are() -> None:
    ours = Read({**environment_file(), **overlay("1"), **UNREADABLE})
    with pytest.raises(UsageError) as caught:
        services(sight(ours), "test", ("zzz",))
    assert caught.value.hint == "there are: broken, model-a"
    assert known_names(sight(ours), ("model-a",)) == {"test": ["model-a"]}
    assert [path for path in ours.paths_read if path.startswith("overlays/")] == []


def test_a_service_without_an_entry_of_the_environment_is_none_of_its_services() -> None:
    more = environment_file("test", "entries: ['*-a']")
    with pytest.raises(UsageError) as caught:
        named("model-b", more=more)
    assert (str(caught.value), caught.value.hint) == ("test has no service model-b", "did you mean model-a?")


def test_a_branch_that_was_not_heard_of_is_asked_for() -> None:
    files = {**environment_file("test", "branch: env/test"), **overlay("1")}
    ours = FakeRepository({"main": files, "env/test": overlay("7")})
    found = services(sight(ours), "test", ())
    assert tags(found) == [("model-a", "7")]
    assert (found.branch, found.tip, found.tips) == ("env/test", ours.remote["env/test"], ours.remote)


def test_a_branch_that_is_missing_is_an_error() -> None:
    with pytest.raises(BranchMissing, match="the branch 'env/test' of test is not on the remote"):
        named("model-a", more=environment_file("test", "branch: env/test"))


# Which environments have a service


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        ((), {"production": [], "test": []}),
        (("model-c",), {"production": ["model-c"]}),
        (("model-*",), {"production": ["model-*"], "test": ["model-*"]}),
        (("model-a", "*-c"), {"production": ["*-c"], "test": ["model-a"]}),
    ],
)
def test_environments_are_found_by_the_services_that_they_have(
    globs: tuple[str, ...], expected: dict[str, list[str]]
) -> None:
    assert known_names(sight(repository()), globs) == expected


@pytest.mark.parametrize(
    ("globs", "told", "hint"),
    [
        (("x", "y"), "x or y", "there are: model-a, model-b, model-c"),
        (("model-a", "modle-c"), "modle-c", "did you mean model-c?"),
    ],
)
def test_a_service_that_no_environment_has_is_told_so(globs: tuple[str, ...], told: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        known_names(sight(repository()), globs)
    assert (str(caught.value), caught.value.hint) == (f"no environment has a service {told}", hint)


def test_an_environment_whose_branch_is_missing_has_no_services() -> None:
    far = environment_file("far", "branch: env/far")
    assert known_names(sight(repository(far)), ("model-a",)) == {"test": ["model-a"]}


# What is asked of the remote


def test_where_all_overlays_are_on_the_default_branch_the_remote_is_asked_once() -> None:
    ours = repository()
    refresh(sight(ours))
    assert ours.listings == [frozenset()]


def test_every_branch_that_an_environment_names_is_asked_for_by_the_newest_configuration() -> None:
    ours = FakeRepository({"main": {**environment_file(), **overlay("1")}, "env/test": overlay("7")})
    for tag in "89":
        ours.commit("main", environment_file("test", "branch: env/test"))
        ours.commit("env/test", overlay(tag))
        refresh(sight(ours))
        assert tags(services(sight(ours), "test", ())) == [("model-a", tag)]


def test_a_branch_that_is_missing_is_asked_for_once() -> None:
    ours = repository(environment_file("far", "branch: env/far"))
    refresh(sight(ours))
    assert ours.listings == [frozenset(), frozenset({"main", "env/far"})]
