"""What is on its way: open pull requests and promotions that wait, each with what for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, delivery
from tests.helpers.fake_repository import images
from tests.helpers.promoted import HEAD, OTHER, World, following, promoting, standing, world
from updater.by_hand.overview import overview
from updater.by_hand.services import refresh
from updater.by_hand.underway import Pull, Underway, underway
from updater.core.environment import NamedEnvironment
from updater.errors import ForgeError, ForgeUnavailable, UsageError
from updater.model import Outcome
from updater.sight import Sight, no_forge

TWO = {**standing("test", "2", "model-b"), **standing("staging", "1", "model-b")}
Kept = list[tuple[str, str | None, Outcome, str, int | None]]


def seen(made: World, *globs: str, only: str | None = None, sight: Sight | None = None) -> Underway:
    sight = sight or made.parts.sight
    refresh(sight)
    made.forge.calls.clear()
    return overview(sight, only, globs).underway


def kept(found: Underway) -> Kept:
    """Service, tag, outcome, reason and pull request of each promotion that is kept back."""
    return [
        (each.target.service, each.to.tag, each.outcome, each.reason, each.pull_request)
        for each in found.promotions
        if each.target is not None
    ]


def waits(found: Underway) -> dict[int, str | None]:
    return {each.pull.number: each.waits_for for each in found.pulls}


def calls(made: World) -> list[str]:
    return [call[0] for call in made.forge.calls]


def test_open_pull_requests_are_told_with_what_they_propose() -> None:
    made = world(test="2", files=TWO)
    made.reconcile()
    made.forge.approved(2, "bob")
    (one, two) = seen(made).pulls
    assert [(each.pull.number, each.proposes[0][0], each.proposes[0][1].tag) for each in (one, two)] == [
        (1, "model-a", "2"),
        (2, "model-b", "2"),
    ]
    assert ([each.by for each in two.pull.approvals], one.waits_for, two.waits_for) == (["bob"], None, None)


def test_one_for_all_services_is_told_with_each_of_them() -> None:
    made = world("pull-request: {per: environment}", test="2", files=TWO)
    made.reconcile()
    (pull,) = seen(made).pulls
    assert [(service, version.tag) for service, version in pull.proposes] == [("model-a", "2"), ("model-b", "2")]
    assert (numbers(seen(made, "model-b")), pull.pull.head) == ([1], "updater/staging/@all")


def numbers(found: Underway) -> list[int]:
    return [each.pull.number for each in found.pulls]


def test_only_what_was_asked_about_is_told() -> None:
    made = world(test="2", files={**TWO, **promoting("paused: true", name="prod"), **standing("prod", "1")})
    made.reconcile()
    assert numbers(seen(made)) == [1, 2]
    assert (numbers(seen(made, "*-b")), numbers(seen(made, only="prod"))) == ([2], [])
    assert [each[0] for each in kept(seen(made, only="prod"))] == ["model-a"]
    assert (kept(seen(made, "*-b")), seen(made, only="test")) == ([], Underway())
    assert calls(made) == []


def test_a_pull_request_waits_for_gates_that_turned_red_or_a_freeze() -> None:
    made = world(test="2")
    made.reconcile()
    made.commit(promoting("paused: an incident"))
    found = seen(made)
    told = "paused: an incident (environments/staging.yaml:2)"
    assert waits(found) == {1: told}
    assert kept(found) == [("model-a", "2", Outcome.WAITING, told, 1)]


def test_a_pull_request_that_the_next_pass_withdraws_says_why() -> None:
    made = world(test="2")
    made.reconcile()
    made.stand("test", "1")
    (told,) = waits(seen(made)).values()
    assert told is not None
    assert told.startswith("the next pass to withdraw it: in test, 2 was reverted in ")


def test_a_pull_request_that_carries_commits_of_others_says_so() -> None:
    made = world(test="2")
    made.reconcile()
    made.commit({"README": "x"}, branch=HEAD)
    assert waits(seen(made)) == {1: "#1 carries commits of alice, and is left alone"}


def test_what_the_forge_waits_for_is_told_where_nothing_of_ours_keeps_it_back() -> None:
    made = world(test="2")
    made.reconcile()
    made.forge.says[1] = "blocked"
    assert waits(seen(made)) == {1: "what the forge's rules demand (reviews, statuses)"}


def test_a_pull_request_whose_branch_somebody_deleted_is_told_all_the_same() -> None:
    made = world(test="2", files={**promoting(name="prod"), **standing("prod", "1")})
    made.reconcile()
    made.commit(promoting("paused: true"))
    del made.repository.remote[HEAD]
    assert sorted(numbers(seen(made))) == [1, 2]


def test_a_pull_request_that_was_merged_by_hand_this_moment_proposes_nothing_more() -> None:
    made = world(test="2")
    made.reconcile()
    pull = made.pull()
    made.stand("staging", "2")
    made.repository.remote["main"] = made.repository.remote[HEAD]
    made.forge.opened = lambda: [pull]  # type: ignore[method-assign]
    assert [each.proposes for each in seen(made).pulls] == [()]


def test_a_version_that_is_newer_than_an_approved_pull_request_waits_for_it() -> None:
    made = world(test="2")
    made.reconcile()
    made.forge.approved(1, "bob")
    made.stand("test", "3")
    reason = "#1 was approved by bob: this waits until it is merged or closed"
    assert kept(seen(made)) == [("model-a", "3", Outcome.WAITING, reason, 1)]


def test_a_version_for_which_too_many_are_open_waits() -> None:
    made = world("pull-request: {max-open: 1}", test="2", files=TWO)
    made.reconcile()
    reason = "1 pull requests of staging are open at a time (`max-open`)"
    assert kept(seen(made)) == [("model-b", "2", Outcome.WAITING, reason, None)]
    assert kept(seen(made, "model-a")) == []


@pytest.mark.parametrize("deliver", [(), ("deliver: commit",)])
def test_a_version_that_has_to_stand_longer_is_told_with_the_time(deliver: tuple[str, ...]) -> None:
    made = world(test="1", files={})
    made.commit(with_soak(*deliver))
    made.stand("test", "2")
    found = seen(made)
    assert kept(found) == [("model-a", "2", Outcome.WAITING, "2 has to stand in test until 2026-11-20T13:32:00Z", None)]
    assert [each.due.isoformat() for each in found.promotions if each.due] == ["2026-11-20T13:32:00+00:00"]


def with_soak(*more: str) -> dict[str, str]:
    return {path: text.replace("from: test", "from: test\n  soak: 30m") for path, text in promoting(*more).items()}


def test_what_was_refused_or_taken_back_is_told() -> None:
    made = world(test="2", files=TWO)
    made.reconcile()
    made.close(1)
    made.merge(2)
    made.stand("staging", "1", "model-b")
    made.stand("test", "2", "model-b")
    (refused, held) = kept(seen(made))
    assert (refused[:3], held[:3]) == (("model-a", "2", Outcome.REJECTED), ("model-b", "2", Outcome.HELD))
    assert refused[3].startswith("2 was refused by alice (#1)")


def test_sources_that_disagree_are_told() -> None:
    west = {path.replace("overlays/test/", "overlays/west/"): text for path, text in standing("test", "9").items()}
    made = world(files=west)
    test = made.repository.on_remote("main", "environments/test.yaml")
    both = test.replace(
        "overlays: overlays/test/{service}", "overlays: ['overlays/west/{service}', 'overlays/test/{service}']"
    )
    made.commit({"environments/test.yaml": both})
    assert ["disagree" in each[3] for each in kept(seen(made, "model-a", only="staging"))] == [True]


def test_what_a_following_environment_proposes_is_told_too() -> None:
    made = following()
    made.handle(delivery("2"))
    assert [(each.pull.number, each.proposes[0][1].tag) for each in seen(made).pulls] == [(1, "2")]
    made.commit({path: f"paused: true\n{text}" for path, text in settings(made).items()})
    found = seen(made)
    assert waits(found) == {1: "paused (environments/staging.yaml:1)"}
    assert found.promotions == ()


def settings(made: World) -> dict[str, str]:
    path = "environments/staging.yaml"
    return {path: made.repository.on_remote("main", path)}


def test_nothing_is_written_or_rendered_by_looking() -> None:
    made = world(test="2", files={**TWO, **promoting("deliver: commit", name="prod"), **standing("prod", "1")})
    made.reconcile()
    made.stand("test", "3")
    before, pushes = dict(made.repository.remote), len(made.repository.pushes)
    found = overview(replace(made.parts.sight, verify=_never), None, ()).underway
    assert (len(found.pulls), made.repository.remote, len(made.repository.pushes)) == (2, before, pushes)


def _never(*_: object) -> None:
    raise AssertionError("rendered")


def test_the_forge_is_asked_once_for_what_is_open() -> None:
    made = world(test="2", files=TWO)
    made.reconcile()
    seen(made)
    assert calls(made).count("opened") == 1
    assert set(calls(made)) <= {"opened", "settled"}


@pytest.mark.parametrize("files", [{}, TWO])
def test_where_nothing_comes_by_pull_request_the_forge_is_not_asked(files: dict[str, str]) -> None:
    made = world("deliver: commit", test="2", files=files)
    made.repository.remote["updater/gone/x"] = made.repository.remote["main"]
    sight = replace(made.parts.sight, forge=lambda: _never())  # type: ignore[arg-type, return-value]
    found = seen(made, sight=sight)
    assert (found.pulls, found.promotions, found.problem) == ((), (), None)


@pytest.mark.parametrize("error", [ForgeUnavailable("down"), UsageError("no forge is known")])
def test_a_forge_that_cannot_be_asked_is_a_failure_that_hides_nothing_else(error: Exception) -> None:
    made = world(test="2")
    made.reconcile()

    def fails() -> None:
        raise error

    refresh(made.parts.sight)
    found = overview(replace(made.parts.sight, forge=fails), None, ())  # type: ignore[arg-type]
    assert [(type(each), each.exit_code) for each in found.problems] == [
        (type(error) if isinstance(error, ForgeError) else ForgeError, 6)
    ]
    assert (str(found.problems[0]), found.doubts, len(found.entries)) == (str(error), (), 2)
    assert kept(found.underway) == [("model-a", "2", Outcome.WAITING, str(error), None)]


def test_statuses_that_cannot_be_asked_are_no_failure_where_nothing_comes_by_pull_request() -> None:
    made = world("deliver: commit", test="2")
    gated = {path: text + "  statuses: [smoke]\n" for path, text in settings(made).items()}
    made.commit(gated)
    refresh(made.parts.sight)
    found = overview(replace(made.parts.sight, forge=no_forge), None, ())
    assert (found.problems, len(found.doubts)) == ((), 1)
    (promotion,) = kept(found.underway)
    assert promotion[3].startswith("2 waits for smoke: no forge is known")


def test_a_gate_that_waits_is_told() -> None:
    made = world("deliver: commit", test="2")
    made.commit({path: text + "  statuses: [smoke]\n" for path, text in settings(made).items()})
    found = seen(made)
    assert kept(found) == [("model-a", "2", Outcome.WAITING, "2 waits for smoke: nobody has reported it", None)]
    assert calls(made) == ["statuses"]


def test_an_environment_whose_branch_is_gone_hides_nothing_else() -> None:
    far = {path: f"branch: env/far\n{text}" for path, text in promoting(name="far").items()}
    made = world(test="2", files=far)
    made.reconcile()
    assert numbers(seen(made)) == [1]


def test_entries_that_share_a_service_are_told_each() -> None:
    both = {
        f"overlays/{name}/model-a/kustomization.yaml": images((IMAGE, tag, None), (OTHER, tag, None))
        for name, tag in (("test", "2"), ("staging", "1"))
    }
    made = world("pull-request: {max-open: 1}", files=both)
    made.reconcile()
    (pull,) = seen(made).pulls
    assert pull.proposes == (("model-a", pull.proposes[0][1]),)


def test_nothing_is_looked_at_where_nothing_moves() -> None:
    made = world()
    nobody: list[NamedEnvironment] = []
    assert underway(made.parts.sight, nobody, ()) == Underway()


def test_what_is_told_is_a_value() -> None:
    made = world(test="2")
    made.reconcile()
    assert isinstance(seen(made).pulls[0], Pull)
    assert seen(made) == seen(made)
