"""What may be promoted now, with what could not be read and what is contested."""

from __future__ import annotations

from tests.helpers.events import IMAGE
from tests.helpers.fake_repository import FakeRepository, environment_file, sight
from tests.helpers.promoted import promoting, standing
from updater import config
from updater.model import Outcome
from updater.promoting.offering import Offered, decisions, offered, reachable, with_sources

COMMIT = ("deliver: commit",)


def begun(*files: dict[str, str]) -> FakeRepository:
    known: dict[str, str] = {**environment_file(order="semver"), **promoting(*COMMIT)}
    for each in files:
        known = {**known, **each}
    return FakeRepository({"main": known})


def found(repository: FakeRepository, *names: str) -> Offered:
    configuration = config.load(repository.tree(repository.remote["main"]), "main")
    wanted = [each for each in configuration.environments if each.name in (names or ("staging",))]
    return offered(sight(repository), configuration, wanted)


def test_what_may_land_is_told_entry_by_entry() -> None:
    services = [standing(name, tag, each) for name, tag in (("test", "1.4.0"), ("staging", "1.3.0"))
                for each in ("model-a", "model-b")]  # fmt: skip
    made = found(begun(*services))
    told = decisions(made.verdicts)
    assert [(each.image.rpartition("/")[2], str(each.outcome)) for each in told] == [
        ("model-a", "committed"), ("model-b", "committed"),
    ]  # fmt: skip
    assert (made.others, made.problems, made.doubts) == ((), (), {})


def test_an_entry_that_two_environments_claim_is_refused() -> None:
    twin = {
        "environments/twin.yaml": environment_file("twin")["environments/twin.yaml"].replace(
            "overlays/twin", "overlays/staging"
        )
    }
    made = found(begun(standing("test", "1.4.0"), standing("staging", "1.3.0"), twin))
    (decision,) = decisions(made.verdicts)
    assert (decision.outcome, decision.exit_code) == (Outcome.REFUSED, 3)
    assert "staging and twin both claim" in decision.reason


def test_what_waits_is_no_matter_of_claims() -> None:
    paused = promoting(*COMMIT, "paused: true")
    made = found(begun(paused, standing("test", "1.4.0"), standing("staging", "1.3.0")))
    assert [each.outcome for each in decisions(made.verdicts)] == [Outcome.WAITING]


def test_overlays_of_a_source_that_disagree_leave_the_service_in_doubt() -> None:
    wide = {
        "environments/test.yaml": environment_file(order="semver")["environments/test.yaml"].replace(
            "test/", "test/**/"
        )
    }
    west = {
        "overlays/test/west/model-a/kustomization.yaml": standing("test", "1.5.0")[
            "overlays/test/model-a/kustomization.yaml"
        ]
    }
    made = found(begun(wide, west, standing("test", "1.4.0"), standing("staging", "1.3.0")))
    (decision,) = made.others
    assert decision.outcome is Outcome.WAITING
    assert "disagree" in decision.reason
    assert made.doubts == {("staging", "model-a"): decision.reason}


def test_an_overlay_that_cannot_be_read_leaves_the_environment_in_doubt() -> None:
    broken = {"overlays/test/model-b/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [1\n"}
    made = found(begun(broken, standing("test", "1.4.0"), standing("staging", "1.3.0")))
    assert len(made.problems) == 1
    assert made.doubts.keys() == {("staging", None)}
    assert [each.outcome for each in decisions(made.verdicts)] == [Outcome.COMMITTED]


def test_an_environment_is_reached_where_its_sources_are() -> None:
    files = {**environment_file("test", "branch: edge"), **promoting(), **promoting(name="prod", source="staging")}
    configuration = config.load(
        FakeRepository({"main": files}).tree(next(iter(FakeRepository({"main": files}).commits))), "main"
    )
    everyone = {each.name: each for each in configuration.environments}
    wanted = [everyone["staging"], everyone["prod"]]
    assert [each.name for each in with_sources(configuration, [everyone["staging"]])] == ["staging", "test"]
    assert [each.name for each in reachable(configuration, wanted, {"edge"})] == ["prod"]
    assert [each.name for each in reachable(configuration, wanted, set())] == ["staging", "prod"]
