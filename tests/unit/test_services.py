"""The services that a person names, or a word about what there is instead."""

from __future__ import annotations

import pytest

from tests.helpers.events import IMAGE
from tests.helpers.fake_repository import FakeRepository, environment_file, images, overlay, sight
from updater.by_hand.services import Services, environments, known_names, matches, services
from updater.errors import BranchMissing, ConfigurationError, Location, UsageError

OTHER = "reg.example/models/model-b"
BROKEN = {"environments/edge.yaml": "overlay: overlays/edge/*\n"}


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


def test_several_names_of_which_none_is_there_are_all_told() -> None:
    with pytest.raises(UsageError, match="test has no service x or y"):
        named("x", "y")


def test_an_environment_without_services_is_no_error_where_all_are_asked_for() -> None:
    assert tags(services(sight(repository(environment_file("empty"))), "empty", ())) == []


def test_an_environment_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError) as caught:
        named("model-a", environment="tset")
    assert (str(caught.value), caught.value.hint) == ("there is no environment 'tset'", "there are: production, test")


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


def test_a_file_of_an_overlay_that_cannot_be_read_is_a_problem_and_stops_no_other() -> None:
    found = named(
        "model-*", more={"overlays/test/broken/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [\n"}
    )
    assert [service for service, _ in tags(found)] == ["model-a", "model-b"]
    assert [error.at for error in found.problems] == [Location("overlays/test/broken/kustomization.yaml", 4)]


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
    [((), {"production", "test"}), (("model-c",), {"production"}), (("model-*",), {"production", "test"})],
)
def test_environments_are_found_by_the_services_that_they_have(globs: tuple[str, ...], expected: set[str]) -> None:
    assert set(known_names(sight(repository()), globs)) == expected


def test_a_service_that_no_environment_has_is_told_so() -> None:
    with pytest.raises(UsageError) as caught:
        known_names(sight(repository()), ("x", "y"))
    assert (str(caught.value), caught.value.hint) == (
        "no environment has a service x or y",
        "`updater status` shows them all",
    )
