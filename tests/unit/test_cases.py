"""What each promoting environment may take over: both sides of each service, and what history says of them."""

from __future__ import annotations

from tests.helpers.events import IMAGE, at, digest
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, images, sight
from tests.helpers.promoted import standing
from updater import config
from updater.core.messages import subject
from updater.model import Outcome
from updater.promoting.cases import Promotions, promotions
from updater.sight import tip_of

TEST = environment_file(order="semver")["environments/test.yaml"]
B = "reg.example/models/model-b"


def staging(*more: str, name: str = "staging", source: str = "test") -> dict[str, str]:
    """An environment that promotes, with more lines under `promote`."""
    lines = [
        f"overlays: overlays/{name}/**/{{service}}",
        "promote:",
        f"  from: {source}",
        *(f"  {each}" for each in more),
    ]
    return {f"environments/{name}.yaml": "\n".join(lines) + "\n"}


def begun(*files: dict[str, str], default: bool = True) -> FakeRepository:
    """A repository that starts with these files."""
    known: dict[str, str] = environment_file(order="semver") | staging() if default else {}
    for each in files:
        known = {**known, **each}
    return FakeRepository({"main": known})


def found(repository: FakeRepository, name: str = "staging", *services: str, now: float = 1000) -> Promotions:
    """What may be promoted to an environment."""
    repository.refresh(frozenset({"main"}))
    seen = sight(repository, clock=StoppedClock(at(now)))
    configuration = config.load(repository.tree(tip_of(repository, "main")), "main")
    assert not configuration.errors
    wanted = [each for each in configuration.environments if each.name == name]
    return promotions(seen, configuration, wanted, services)


def offered(made: Promotions) -> list[tuple[str, list[str | None]]]:
    """The overlay of each case, and the tags that are offered to it now."""
    return [
        (each.target.overlay, [one.version.tag for one in each.offers.offers if one.due is None and not one.taken_back])
        for each in made.cases
    ]


def test_what_stands_in_the_source_is_offered_to_the_same_service_and_image() -> None:
    repository = begun(standing("test", "1.4.0"), standing("staging", "1.3.0"))
    assert offered(found(repository)) == [("overlays/staging/model-a", ["1.4.0"])]


def test_history_is_not_asked_where_the_same_version_stands_everywhere() -> None:
    repository = begun(standing("test", "1.4.0"), standing("staging", "1.4.0"))
    assert found(repository).cases == ()


def test_where_something_is_proposed_the_sources_are_asked_although_the_same_stands() -> None:
    for branch in ("updater/staging/model-a", "updater/staging/@all"):
        repository = begun(standing("test", "1.4.0"), standing("staging", "1.4.0"))
        repository.commit(branch, {})
        assert len(found(repository).cases) == 1


def test_what_is_on_one_side_alone_has_a_decision_and_a_reason_of_its_own() -> None:
    repository = begun(
        standing("test", "1.4.0"), standing("test", "2.0.0", "model-b"),
        standing("staging", "1.3.0", "model-c"),
        {"overlays/staging/model-b/kustomization.yaml": images((IMAGE, "1.0", None))},
    )  # fmt: skip
    told = {(each.image, each.reason): each.outcome for each in found(repository).others}
    c = "reg.example/models/model-c"
    assert set(told.values()) == {Outcome.IGNORED}
    assert set(told) == {
        (IMAGE, "staging has no service model-a"),
        (IMAGE, "staging/model-b: no entry of test follows reg.example/models/model-a in this service"),
        (B, "no entry of staging follows reg.example/models/model-b in the service model-b"),
        (c, "staging/model-c: no entry of test follows reg.example/models/model-c in this service"),
    }


def test_one_of_two_sources_without_the_image_is_named() -> None:
    repository = begun(
        staging(source="[test, perf]"), environment_file("perf", order="semver"),
        standing("test", "1.4.0"), standing("staging", "1.3.0"),
    )  # fmt: skip
    (decision,) = found(repository).others
    assert decision.reason == "staging/model-a: no entry of perf follows reg.example/models/model-a in this service"


def test_only_the_services_that_are_wanted_are_looked_at() -> None:
    repository = begun(
        *(
            standing(name, tag, each)
            for name, tag in (("test", "2"), ("staging", "1"))
            for each in ("model-a", "model-b")
        )
    )
    assert [each.target.service for each in found(repository, "staging", "model-b").cases] == ["model-b"]


def test_an_entry_under_another_name_is_matched_by_its_image() -> None:
    text = f"images:\n- name: placeholder\n  newName: {IMAGE}\n  newTag: 1.3.0\n"
    repository = begun(standing("test", "1.4.0"), {"overlays/staging/model-a/kustomization.yaml": text})
    assert offered(found(repository)) == [("overlays/staging/model-a", ["1.4.0"])]


def test_two_entries_of_one_image_are_paired_by_name() -> None:
    text = "images:\n" + "".join(
        f"- name: {name}\n  newName: {IMAGE}\n  newTag: {{{name}}}\n" for name in ("main", "sidecar")
    )
    repository = begun(
        {"overlays/test/model-a/kustomization.yaml": text.format(main="1.5.0", sidecar="1.4.0"),
         "overlays/staging/model-a/kustomization.yaml": text.format(main="1.3.0", sidecar="1.2.0")}
    )  # fmt: skip
    made = found(repository)
    assert {each.target.entry.name: offered(Promotions((each,)))[0][1] for each in made.cases} == {
        "main": ["1.5.0"], "sidecar": ["1.4.0"]
    }  # fmt: skip


def test_a_canary_of_the_same_overlays_is_a_source_like_any_other() -> None:
    text = "images:\n" + "".join(
        f"- name: {name}\n  newName: {IMAGE}\n  newTag: {tag}\n"
        for name, tag in (("app", "1.3.0"), ("app-canary", "1.4.0"))
    )
    canary = "overlays: overlays/prod/{service}\nentries: ['*-canary']\nfollow: [{image: reg.example/**}]\n"
    prod = "overlays: overlays/prod/{service}\nentries: ['!*-canary']\npromote:\n  from: canary\n"
    repository = begun(
        {"environments/canary.yaml": canary, "environments/prod.yaml": prod,
         "overlays/prod/model-a/kustomization.yaml": text}, default=False
    )  # fmt: skip
    made = found(repository, "prod")
    assert [each.target.entry.name for each in made.cases] == ["app"]
    assert offered(made)[0][1] == ["1.4.0"]


def test_a_copy_under_another_name_is_found_and_told_to_be_one() -> None:
    text = images(("prod.example/models/model-a", "1.3.0", "a"))
    repository = begun(
        staging('images: {"reg.example/models/*": "prod.example/models/*"}'), standing("test", "1.4.0", letter="b"),
        {"overlays/staging/model-a/kustomization.yaml": text},
    )  # fmt: skip
    (case,) = found(repository).cases
    assert case.has_copy
    assert [(each.version.digest, each.event.image) for each in case.offers.offers] == [
        (digest("b"), "prod.example/models/model-a")
    ]


def test_a_chain_takes_the_order_and_the_push_times_from_its_root() -> None:
    message = (
        f"{subject('staging', 'model-a', [])}\n\nUpdater-Image: {IMAGE}:1.10.0\nUpdater-Previous: {IMAGE}:1.9.0\n"
        "Updater-Event: harbor/7 2026-11-20T12:01:00Z\n"
    )
    repository = begun(
        staging(name="prod", source="staging"), standing("test", "1.10.0"), standing("staging", "1.9.0"),
        standing("prod", "1.8.0"),
    )  # fmt: skip
    repository.commit("main", standing("staging", "1.10.0"), message, minutes=30)
    (case,) = found(repository, "prod").cases
    assert [each.version.tag for each in case.offers.offers] == ["1.10.0", "1.9.0"]
    assert (case.order.follow.order, case.offers.offers[0].event.time) == ("semver", at(1))
    assert case.offers.offers[0].event.id == "7"


def test_a_soak_is_counted_from_the_commit_that_landed_the_version() -> None:
    repository = begun(staging("soak: 30m"), standing("test", "1.3.0"), standing("staging", "1.3.0"))
    repository.commit("main", standing("test", "1.4.0"), minutes=10)
    (case,) = found(repository, now=20).cases
    assert [(each.version.tag, each.due) for each in case.offers.offers] == [("1.4.0", at(40))]
    assert offered(found(repository, now=40)) == [("overlays/staging/model-a", ["1.4.0"])]


def test_what_was_reverted_in_one_overlay_here_is_held_in_all_and_a_release_lifts_it() -> None:
    east, west = "overlays/staging/east/model-a/kustomization.yaml", "overlays/staging/west/model-a/kustomization.yaml"
    old, new = images((IMAGE, "1.3.0", None)), images((IMAGE, "1.4.0", None))
    repository = begun(standing("test", "1.4.0"), {east: old, west: old})
    landed = repository.commit("main", {east: new}, minutes=5)
    repository.revert("main", landed, minutes=10)
    assert [len(each.target.past.holds) for each in found(repository).cases] == [1, 1]
    lifting = f"release:\n- {{service: model-a, image: {IMAGE}, version: 1.4.0}}\n"
    repository.commit("main", {"environments/staging.yaml": next(iter(staging().values())) + lifting}, minutes=20)
    assert [len(each.target.past.holds) for each in found(repository).cases] == [0, 0]


def test_what_was_reverted_in_the_source_is_taken_back_until_a_release_there_lifts_it() -> None:
    repository = begun(standing("test", "1.3.0"), standing("staging", "1.2.0"))
    landed = repository.commit("main", standing("test", "1.4.0"), minutes=5)
    repository.revert("main", landed, minutes=10)
    assert offered(found(repository))[0][1] == ["1.3.0"]
    lifting = f"release:\n- {{service: model-a, image: {IMAGE}, version: 1.4.0}}\n"
    repository.commit(
        "main",
        {"environments/test.yaml": TEST + lifting},
        minutes=20,
    )
    assert offered(found(repository))[0][1] == ["1.4.0", "1.3.0"]


def test_while_an_overlay_of_the_source_cannot_be_read_the_service_is_not_promoted() -> None:
    repository = begun(
        {"environments/test.yaml": TEST.replace("test/", "test/**/")},
        standing("test", "1.4.0"), standing("staging", "1.3.0"),
        standing("test", "2", "model-b"), standing("staging", "1", "model-b"),
        {"overlays/test/west/model-a/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [1\n"},
    )  # fmt: skip
    made = found(repository)
    assert len(made.problems) == 1
    nothing = [each.offers.nothing for each in made.cases]
    assert nothing[1] is None
    assert "test promotes nothing of model-a while an overlay cannot be read" in (nothing[0] or "")


def test_what_cannot_be_read_is_told_of_each_environment_alone() -> None:
    broken = {"overlays/staging/model-a/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [1\n"}
    made = found(begun(standing("test", "1.4.0"), broken))
    repository = begun(standing("test", "1.4.0"), broken)
    configuration = config.load(repository.tree(repository.remote["main"]), "main")
    unread = {each.name: len(made.unread([each])) for each in configuration.environments}
    assert unread == {"staging": 1, "test": 0}
