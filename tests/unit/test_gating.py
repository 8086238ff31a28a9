"""The status gates of promotions: asked of the forge for all services together, where nothing else speaks against."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.events import at
from tests.helpers.fake_forge import FakeForge
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, sight
from tests.helpers.promoted import standing
from updater import config
from updater.core.verdicts import Verdict
from updater.errors import ForgeUnavailable, UpdaterError
from updater.model import Outcome
from updater.promoting.cases import promotions
from updater.promoting.gating import judged
from updater.sight import no_forge, tip_of

SMOKE = "statuses: [smoke-test]"
SERVICE = 'statuses: ["cd/{service}-*"]'


class Gated:
    """A repository with a forge, where 1.4.0 landed in test after 1.3.0, which stands in staging."""

    def __init__(
        self, *more: str, beside: dict[str, str] | None = None, services: tuple[str, ...] = ("model-a",)
    ) -> None:
        head = ("overlays: overlays/staging/{service}", *more[1:], "promote:", "  from: test", f"  {more[0]}")
        files = {
            **environment_file(order="semver"),
            "environments/staging.yaml": "\n".join(head) + "\n",
            **(beside or {}),
        }
        for each in services:
            files |= {**standing("test", "1.3.0", each), **standing("staging", "1.3.0", each)}
        self.repository = FakeRepository({"main": files})
        self.forge = FakeForge(self.repository, StoppedClock(at(1000)).now)
        self.landed = [self.land("1.4.0", each) for each in services]
        self.is_known = True

    def land(self, tag: str, service: str = "model-a") -> str:
        return self.repository.commit("main", standing("test", tag, service), minutes=len(self.repository.commits))

    def touch(self, times: int = 1) -> str:
        """Commits that change no version; gives the newest."""
        for _ in range(times):
            self.repository.commit("main", {"README": str(len(self.repository.commits))}, minutes=500)
        return self.repository.remote["main"]

    def judged(self) -> tuple[list[tuple[Verdict, ...]], list[UpdaterError]]:
        self.repository.refresh()
        seen = replace(sight(self.repository, clock=StoppedClock(at(1000))), forge=lambda: self.forge)
        seen = seen if self.is_known else replace(seen, forge=no_forge)
        known = {
            each.name: each
            for each in config.load(seen.repository.tree(tip_of(seen.repository, "main")), "main").environments
        }
        cases = promotions(
            seen, config.load(seen.repository.tree(tip_of(seen.repository, "main")), "main"), [known["staging"]]
        )
        return judged(seen, cases.cases, known)

    def told(self) -> list[tuple[str | None, str, str]]:
        found, _ = self.judged()
        return [
            (each.decision.to.tag, str(each.decision.outcome), each.decision.reason) for mine in found for each in mine
        ]


def test_a_gate_counts_on_the_commit_that_landed_the_version() -> None:
    world = Gated(SMOKE)
    assert world.told() == [("1.4.0", "waiting", "1.4.0 waits for smoke-test: nobody has reported it")]
    world.forge.reported(world.landed[0], "smoke-test")
    assert world.told()[0][1] == "committed"


def test_a_gate_that_names_no_service_does_not_count_on_a_later_commit() -> None:
    world = Gated(SMOKE)
    world.forge.reported(world.touch(), "smoke-test")
    assert world.told()[0][1] == "waiting"


def test_a_gate_of_the_service_counts_on_later_commits_in_which_the_version_still_stands() -> None:
    world = Gated(SERVICE)
    world.forge.reported(world.touch(), "cd/model-a-east")
    assert world.told()[0][1] == "committed"
    world.forge.reported(world.touch(), "cd/model-a-east", "failure")
    assert world.told()[0][1] == "waiting"


def test_a_gate_of_the_service_does_not_count_on_commits_before_or_after_the_version_stood() -> None:
    world = Gated(SERVICE)
    before = world.repository.parent(world.landed[0])
    assert before is not None
    world.forge.reported(before, "cd/model-a-east")
    world.forge.reported(world.land("1.5.0"), "cd/model-a-east")
    world.forge.reported(world.touch(), "cd/model-a-east")
    assert [each[:2] for each in world.told()] == [("1.5.0", "committed"), ("1.4.0", "waiting")]


def test_what_stood_until_a_newer_one_came_counts_on_the_commits_between() -> None:
    world = Gated(SERVICE)
    world.forge.reported(world.touch(), "cd/model-a-east")
    world.land("1.5.0")
    assert [each[:2] for each in world.told()] == [("1.5.0", "waiting"), ("1.4.0", "committed")]


@pytest.mark.parametrize(("later", "outcome"), [(99, "committed"), (100, "waiting")])
def test_only_the_hundred_newest_commits_are_asked_about(later: int, outcome: str) -> None:
    world = Gated(SERVICE)
    world.forge.reported(world.touch(), "cd/model-a-east")
    world.touch(later)
    assert world.told()[0][1] == outcome
    world.land("1.5.0")
    world.touch(100)
    assert [each[1] for each in world.told()] == ["waiting", "waiting"]


def test_at_least_so_many_must_be_green() -> None:
    world = Gated('statuses: [{context: "cd/{service}-*", at-least: 2}]')
    world.forge.reported(world.landed[0], "cd/model-a-east")
    assert world.told()[0][2] == "1.4.0 1 of 2 cd/model-a-* so far: waits for one more"
    world.forge.reported(world.landed[0], "cd/model-a-west")
    assert world.told()[0][1] == "committed"


def test_all_services_are_asked_about_in_one_request_and_without_gates_nobody_is() -> None:
    world = Gated(SERVICE, services=("model-a", "model-b"))
    world.forge.reported(world.landed[1], "cd/model-b-x")
    assert [each[1] for each in world.told()] == ["waiting", "committed"]
    assert world.forge.counted("statuses") == 1
    free = Gated("soak: 0s")
    assert (free.told()[0][1], free.forge.calls) == ("committed", [])


def test_nothing_is_asked_of_what_has_to_wait_anyway() -> None:
    world = Gated(f"soak: 30d\n  {SMOKE}")
    assert "has to stand in test" in world.told()[0][2]
    assert world.forge.calls == []
    held = Gated(SMOKE, "hold: [{service: model-a, reason: INC-42}]")
    assert (held.told()[0][1], held.forge.calls) == ("held", [])


def test_what_meets_a_freeze_is_asked_about_since_its_gates_are_told() -> None:
    world = Gated(SMOKE, "paused: true")
    assert world.told()[0][2].startswith("1.4.0 waits for smoke-test")
    world.forge.reported(world.landed[0], "smoke-test")
    assert world.told()[0][2].startswith("paused")


def test_where_the_forge_does_not_answer_the_version_waits_and_the_problem_is_told() -> None:
    world = Gated(SMOKE)
    world.forge.reported(world.landed[0], "smoke-test")
    world.forge.fails["statuses"] = [ForgeUnavailable("the forge is down")]
    found, problems = world.judged()
    assert found[0][0].decision.outcome is Outcome.WAITING
    assert found[0][0].decision.reason == "1.4.0 waits for smoke-test: the forge is down"
    assert [str(each) for each in problems] == ["the forge is down"]
    assert world.told()[0][1] == "committed"


def test_where_no_forge_is_known_the_version_waits_too() -> None:
    world = Gated(SMOKE)
    world.is_known = False
    found, problems = world.judged()
    assert found[0][0].decision.outcome is Outcome.WAITING
    assert len(problems) == 1


def test_of_many_versions_the_newest_are_asked_about() -> None:
    world = Gated(SMOKE)
    for number in range(5, 25):
        world.land(f"1.{number}.0")
    world.forge.reported(world.landed[0], "smoke-test")
    told = world.told()
    assert len(told) == 21
    assert told[-1] == (
        "1.4.0", "waiting", "1.4.0 waits for smoke-test: no more than the 20 newest versions are asked about"
    )  # fmt: skip
    assert len(world.forge.calls[0][1]) == 20


def test_each_of_several_sources_must_be_green_and_is_named() -> None:
    world = Gated(
        "statuses: [smoke-test]",
        beside={**environment_file("perf", order="semver"), **standing("perf", "1.4.0")},
    )
    text = world.repository.on_remote("main", "environments/staging.yaml").replace("from: test", "from: [test, perf]")
    world.repository.commit("main", {"environments/staging.yaml": text})
    first = next(sha for sha, commit in world.repository.commits.items() if commit.parent is None)
    world.forge.reported(world.landed[0], "smoke-test")
    assert world.told() == [("1.4.0", "waiting", "1.4.0 perf: waits for smoke-test: nobody has reported it")]
    world.forge.reported(first, "smoke-test")
    assert world.told()[0][1] == "committed"
