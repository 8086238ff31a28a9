"""`updater promote`: what it takes without waiting for anybody, what waits, what may be forced, and what never may."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.events import IMAGE, delivery, digest
from tests.helpers.fake_repository import environment_file, images, overlay
from tests.helpers.orders import HEAD, STAGING, STAGING_FILE, TEST_FILE, Orders, path
from updater.by_hand.promotion import Wish, make_promotion, version_of
from updater.core.verification import PlannedEdit
from updater.errors import BranchMissing, ForgeUnavailable, RenderError, UsageError
from updater.model import Decision, Outcome, Version
from updater.pipeline import Report
from updater.protocols import Tree

OTHER = IMAGE.replace("model-a", "model-b")
COMMITS = STAGING.replace("deliver: pull-request\n", "")
FORCE = "Deploy model-a 2 to staging\n\nINC-42\n\n--force: "


def wish(*globs: str, version: str | None = None, image: str | None = None) -> Wish:
    return Wish("staging", globs or ("model-a",), version_of(version) if version else None, image)


def forced(version: str | None = None, *globs: str, to: str = "staging", image: str | None = None) -> Wish:
    wanted = version_of(version) if version else None
    return Wish(to, globs or ("model-a",), wanted, image, "INC-42", is_forced=True)


def outcomes(report: Report) -> list[tuple[str | None, Outcome]]:
    return [(each.to.tag, each.outcome) for each in report.decisions]


def only(report: Report) -> Decision:
    (decision,) = report.decisions
    return decision


def ran(*tags: str, staging: str = COMMITS) -> Orders:
    """These tags came to test, one after the other; staging delivers by commit."""
    ours = Orders(staging)
    for tag in tags or ("2",):
        ours.push(delivery(tag, tag, float(tag)))
    return ours


# The newest that may land


def test_the_newest_version_that_ran_before_lands_with_its_digest_and_its_push() -> None:
    ours = ran("2", "3")
    report = ours.perform(wish())
    assert (outcomes(report), report.exit_code) == ([("3", Outcome.COMMITTED)], 0)
    assert ours.stands() == images((IMAGE, "3", "3"))
    message = ours.message("main")
    assert message.startswith("Deploy model-a 3 to staging\n\n" + IMAGE)
    assert (
        "\nUpdater-Event: generic/id-1 2026-11-20T12:03:00Z\nUpdater-By-Hand: Deploy model-a 3 to staging\n" in message
    )


def test_the_reason_stands_in_the_text() -> None:
    ours = ran()
    ours.perform(Wish("staging", ("model-a",), reason="for the demo"))
    assert "\n\nfor the demo\n\n" in ours.message("main")
    assert ours.message("main").endswith("\nUpdater-By-Hand: for the demo\n")


def test_services_are_globs_and_each_has_a_commit() -> None:
    ours = ran()
    ours.push(delivery("5", "5", image=OTHER))
    report = ours.perform(wish("model-*"))
    assert sorted(commit.subject for commit in report.commits) == [
        "Deploy model-a 2 to staging",
        "Deploy model-b 5 to staging",
    ]
    assert (ours.stands(), ours.stands(service="model-b")) == (images((IMAGE, "2", "2")), images((OTHER, "5", "5")))


def test_one_image_of_a_service_may_go_alone() -> None:
    both = images((IMAGE, "1", "1"), (OTHER, "1", "1"))
    ours = ran()
    ours.commit({path(): both, path(environment="test"): both.replace('"1"', '"4"')})
    ours.perform(wish(image=OTHER))
    assert ours.stands() == images((IMAGE, "1", "1"), (OTHER, "4", "1"))


def test_what_stands_already_is_unchanged_and_no_error() -> None:
    report = Orders(COMMITS).perform(wish())
    assert (outcomes(report), report.exit_code) == ([("1", Outcome.UNCHANGED)], 0)
    assert only(report).reason == "1 stands already, and test offers nothing newer"


def test_a_service_that_the_source_has_not_is_told() -> None:
    ours = Orders(COMMITS, files=overlay("1", environment="staging", service="model-c"))
    report = ours.perform(wish("model-c"))
    assert only(report).reason == f"no entry of test follows {IMAGE.replace('-a', '-c')} in this service"
    assert (only(report).outcome, report.exit_code) == (Outcome.UNCHANGED, 0)


def test_an_older_version_that_may_land_goes_before_a_newer_one_that_waits() -> None:
    ours = ran("2", staging=COMMITS.replace("{from: test}", "{from: test, soak: 30m}"))
    ours.tick(40)
    ours.push(delivery("3", "3"))
    ours.tick(1)
    assert outcomes(ours.perform(wish())) == [("2", Outcome.COMMITTED)]


def test_a_source_that_disagrees_promotes_nothing() -> None:
    clusters = environment_file(order="numerical")[TEST_FILE].replace("overlays/test/{service}", "clusters/*/{service}")
    ours = Orders(COMMITS, files={TEST_FILE: clusters})
    for name, tag in ("east", "2"), ("west", "3"):
        ours.commit({f"clusters/{name}/model-a/kustomization.yaml": images((IMAGE, tag, tag))})
    report = ours.perform(wish())
    assert (only(report).outcome, report.exit_code) == (Outcome.WAITING, 2)
    assert only(report).reason.startswith("the overlays of test disagree, and promote nothing")


def test_a_file_that_several_environments_claim_is_refused() -> None:
    ours = Orders(COMMITS, files={"environments/canary.yaml": COMMITS.replace("{from: test}", "{from: [test]}")})
    ours.push(delivery("2", "2"))
    report = ours.perform(wish())
    assert (only(report).outcome, report.exit_code) == (Outcome.REFUSED, 3)
    assert "canary and staging both claim the entry" in only(report).reason


def test_an_entry_without_a_repository_is_left_alone() -> None:
    ours = Orders(COMMITS)
    ours.commit({path(): images((IMAGE, "1", "1"), ("PLACE HOLDER", "1", None))})
    assert only(ours.perform(wish())).image == IMAGE


def test_what_cannot_be_rendered_is_refused() -> None:
    def never(_tree: Tree, _edit: PlannedEdit) -> None:
        raise RenderError("the renderer is broken")

    ours = ran()
    ours.verify = never
    report = ours.perform(forced())
    assert (outcomes(report), report.exit_code) == ([("2", Outcome.REFUSED)], 7)


# A version by its tag


@pytest.mark.parametrize("version", ["2", f"2@{digest('2')}"])
def test_a_version_is_taken_by_its_tag_although_a_newer_one_is_offered(version: str) -> None:
    ours = ran("2", "3")
    assert outcomes(ours.perform(wish(version=version))) == [("2", Outcome.COMMITTED)]
    assert ours.stands() == images((IMAGE, "2", "2"))


def test_a_version_that_stands_is_unchanged() -> None:
    report = ran().perform(wish(version="1"))
    assert (only(report).outcome, only(report).reason) == (Outcome.UNCHANGED, "1 stands already")
    assert report.exit_code == 0


@pytest.mark.parametrize("is_forced", [False, True])
def test_an_older_version_is_not_promoted_and_the_way_back_is_named(is_forced: bool) -> None:
    ours = ran("2", "3")
    ours.perform(wish())
    report = ours.perform(Wish("staging", ("model-a",), Version("2"), None, "x", is_forced))
    assert (only(report).outcome, report.exit_code) == (Outcome.REJECTED, 2)
    assert only(report).reason == "2 is older than 3, which stands: `updater rollback --to 2` goes back"


@pytest.mark.parametrize("version", ["7", f"2@{digest('7')}"])
def test_a_version_that_is_not_offered_is_an_error_that_names_those_that_are(version: str) -> None:
    with pytest.raises(UsageError) as caught:
        ran("2", "3").perform(wish(version=version))
    assert str(caught.value) == f"{version.partition('@')[0]} is not offered to model-a"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("offered are: 3, 2")


def test_where_nothing_is_offered_the_error_says_so() -> None:
    with pytest.raises(UsageError) as caught:
        Orders(COMMITS).perform(wish(version="7"))
    assert caught.value.hint == "nothing is offered to it"


def test_of_several_services_those_that_were_never_offered_a_version_stay_and_are_told() -> None:
    report = ran().perform(wish("model-*", version="2"))
    assert outcomes(report) == [("2", Outcome.COMMITTED), ("1", Outcome.UNCHANGED)]
    assert report.decisions[1].reason == "2 is not offered to it"


@pytest.mark.parametrize("text", ["", "a b", "1@sha256:12", "1@", "@sha256:" + "1" * 64])
def test_what_is_no_version_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="is no version"):
        version_of(text)


def test_an_environment_that_promotes_from_none_says_what_can_be_done() -> None:
    ours = Orders(COMMITS)
    for asked in (Wish("test", ("model-a",)), Wish("test", ("model-a",), Version("2")), forced(to="test")):
        with pytest.raises(UsageError, match="test promotes from no other environment"):
            ours.perform(asked)


def test_a_source_whose_branch_is_missing_is_an_error() -> None:
    ours = Orders(COMMITS, files=environment_file("test", "branch: env/test"))
    with pytest.raises(BranchMissing):
        ours.perform(wish())


def test_the_branches_of_the_sources_are_confirmed_as_well() -> None:
    there = environment_file("test", "branch: env/test", order="numerical")
    ours = Orders(COMMITS, files=there, **{"env/test": overlay("1", "1")})
    ours.push(delivery("2", "2"))
    plan = make_promotion(ours.parts.sight, wish())
    assert sorted(plan.tips) == ["env/test", "main"]
    assert outcomes(ours.perform(wish())) == [("2", Outcome.COMMITTED)]


# What waits, and may be forced


def soaking() -> Orders:
    return ran(staging=COMMITS.replace("{from: test}", "{from: test, soak: 30m}"))


def gated() -> Orders:
    return ran(staging=COMMITS.replace("{from: test}", "{from: test, statuses: [smoke-test]}"))


def frozen() -> Orders:
    return ran(staging=f"{COMMITS}freeze: [{{from: 2026-11-20, to: 2026-11-21}}]\n")


def paused() -> Orders:
    return ran(staging=f"{COMMITS}paused: an incident\n")


WAITING = [soaking, gated, frozen, paused]


@pytest.mark.parametrize("version", [None, "2"])
@pytest.mark.parametrize("story", WAITING)
def test_what_has_to_wait_is_not_done_and_ends_in_an_error(story: Callable[[], Orders], version: str | None) -> None:
    ours = story()
    before = ours.stands()
    report = ours.perform(wish(version=version))
    assert (outcomes(report), report.exit_code, ours.stands()) == ([("2", Outcome.WAITING)], 2, before)
    assert not any(name.startswith("refs/updater/waiting") for name in ours.repository.remote)


@pytest.mark.parametrize("version", [None, "2", f"2@{digest('2')}"])
@pytest.mark.parametrize("story", WAITING)
def test_what_has_to_wait_is_forced_with_a_reason_and_the_text_says_what_was_skipped(
    story: Callable[[], Orders], version: str | None
) -> None:
    ours = story()
    report = ours.perform(forced(version))
    assert (outcomes(report), report.exit_code) == ([("2", Outcome.COMMITTED)], 0)
    assert ours.stands() == images((IMAGE, "2", "2"))
    assert (only(report).due, only(report).is_stopped) == (None, False)
    assert ours.message("main").startswith(FORCE)
    assert ours.message("main").endswith("\nUpdater-By-Hand: INC-42 (--force)\n")


def test_statuses_that_are_skipped_are_not_asked_for() -> None:
    ours = gated()
    ours.perform(forced())
    assert ours.forge.calls == []


def test_the_text_tells_for_what_it_did_not_wait() -> None:
    ours = paused()
    ours.perform(forced())
    assert "\n--force: paused: an incident (environments/staging.yaml:" in ours.message("main")


def test_a_status_that_is_green_lets_it_land() -> None:
    ours = gated()
    ours.forge.reported(ours.repository.remote["main"], "smoke-test")
    assert outcomes(ours.perform(wish())) == [("2", Outcome.COMMITTED)]


def test_a_forge_that_does_not_answer_is_told_and_nothing_lands() -> None:
    ours = gated()
    ours.forge.fails["statuses"] = [ForgeUnavailable("the forge is asleep")] * 2
    report = ours.perform(wish())
    assert (outcomes(report), report.exit_code) == ([("2", Outcome.WAITING)], 6)


def test_a_forced_promotion_is_green_on_the_forge_whatever_the_gates_say() -> None:
    ours = ran(staging=STAGING.replace("{from: test}", "{from: test, statuses: [smoke-test]}"))
    ours.forge.reported(ours.repository.remote["main"], "smoke-test", "failure")
    ours.promote(force=True, reason="INC-42")
    ours.reconcile()
    (pull,) = ours.open
    assert [(each.state, each.description) for each in pull.statuses] == [("success", "ordered by hand")]
    assert "- Ordered by hand, with --force: INC-42" in pull.body


def test_what_automation_proposes_already_is_left_as_it_is_unless_it_is_forced() -> None:
    ours = ran(staging=STAGING)
    ours.reconcile()
    before = ours.repository.remote[HEAD]
    assert [kept.told for kept in ours.promote().pulls] == ["it proposes that already"]
    assert ours.repository.remote[HEAD] == before
    assert [kept.told for kept in ours.promote(force=True, reason="INC-42").pulls] == ["moved"]
    assert ours.message().endswith("\nUpdater-By-Hand: INC-42 (--force)\n")


# What nothing skips


@pytest.mark.parametrize("is_forced", [False, True])
@pytest.mark.parametrize("version", [None, Version("2"), Version("2", digest("2"))])
def test_what_was_taken_back_here_is_held(version: Version | None, is_forced: bool) -> None:
    ours = ran()
    ours.perform(wish())
    ours.commit(overlay("1", "1", environment="staging"))
    report = ours.perform(Wish("staging", ("model-a",), version, None, "x", is_forced))
    assert (outcomes(report), report.exit_code) == ([("2", Outcome.HELD)], 2)
    assert only(report).reason.startswith("2 was reverted in ")


@pytest.mark.parametrize("soak", ["0s", "30m"])
def test_what_was_taken_back_in_the_source_is_held_even_if_it_was_not_offered_yet(soak: str) -> None:
    ours = ran(staging=COMMITS.replace("{from: test}", f"{{from: test, soak: {soak}}}"))
    ours.commit(overlay("1", "1"))
    report = ours.perform(forced(f"2@{digest('2')}"))
    assert (outcomes(report), report.exit_code) == ([("2", Outcome.HELD)], 2)
    assert only(report).reason.startswith("in test, 2 was reverted in ")


def test_what_came_before_a_version_that_was_taken_back_in_the_source_is_held_too() -> None:
    ours = ran("2", "3", staging=COMMITS.replace("{from: test}", "{from: test, soak: 30m}"))
    ours.commit(overlay("1", "1"))
    report = ours.perform(forced(f"2@{digest('2')}"))
    assert outcomes(report) == [("2", Outcome.HELD)]
    assert only(report).reason.startswith("in test, 2 came before 3, which was reverted in ")


@pytest.mark.parametrize("version", ["2", f"7@{digest('7')}"])
def test_what_is_held_by_hand_is_held_for_those_who_force_as_well(version: str) -> None:
    ours = ran(staging=f"{COMMITS}hold: [{{service: model-a, reason: INC-1}}]\n")
    report = ours.perform(forced(version))
    assert (only(report).outcome, report.exit_code) == (Outcome.HELD, 2)
    assert only(report).reason.startswith("held: INC-1 ")


# What nobody ran before


def test_a_version_that_nobody_ran_is_put_there_with_its_digest() -> None:
    ours = Orders(COMMITS)
    report = ours.perform(forced(f"7@{digest('7')}"))
    assert outcomes(report) == [("7", Outcome.COMMITTED)]
    assert ours.stands() == images((IMAGE, "7", "7"))
    assert only(report).reason == "--force: 7 was put there by hand, test did not offer it"
    assert "\n\n--force: 7 was put there by hand, test did not offer it\n\n" in ours.message("main")
    assert "Updater-Event" not in ours.message("main")


@pytest.mark.parametrize("order", ["numerical", "pushed"])
def test_a_following_environment_takes_an_emergency_bump_too(order: str) -> None:
    ours = Orders(COMMITS, files=environment_file("test", order=order))
    report = ours.perform(forced(f"7@{digest('7')}", to="test"))
    assert ours.stands(environment="test") == images((IMAGE, "7", "7"))
    assert only(report).reason == "--force: 7 was put there by hand, test promotes from no other environment"
    assert outcomes(ours.perform(forced(f"7@{digest('7')}", to="test"))) == [("7", Outcome.UNCHANGED)]


def test_a_tag_alone_is_enough_where_none_has_a_digest() -> None:
    ours = Orders(COMMITS)
    ours.commit(overlay("1", environment="staging"))
    ours.perform(forced("7"))
    assert ours.stands() == images((IMAGE, "7", None))


def test_a_tag_alone_is_not_enough_where_a_digest_stands() -> None:
    report = Orders(COMMITS).perform(forced("7"))
    assert (only(report).outcome, report.exit_code) == (Outcome.REFUSED, 2)
    assert only(report).reason == f"{path()}:4 pins a digest: give the one of 7 as well, 7@sha256:..."


def test_what_is_older_than_what_stands_is_not_put_there() -> None:
    ours = ran("2", "3")
    ours.perform(wish())
    report = ours.perform(forced(f"1@{digest('9')}"))
    assert (only(report).outcome, report.exit_code) == (Outcome.REJECTED, 2)


def test_what_stood_there_before_is_no_newer_for_being_asked_for_now() -> None:
    ours = Orders(COMMITS, files=environment_file("test", order="pushed"))
    for tag, letter in ("b", "b"), ("a", "a"):
        ours.commit(overlay(tag, letter, environment="staging"))
    report = ours.perform(forced(f"b@{digest('b')}"))
    assert only(report).outcome is Outcome.REJECTED


def test_one_version_is_not_put_into_two_images() -> None:
    with pytest.raises(UsageError) as caught:
        Orders(COMMITS).perform(forced(f"7@{digest('7')}", "model-*"))
    assert str(caught.value) == f"the version may be of {IMAGE} or {OTHER}"
    assert caught.value.hint == "name the image with --image"


def test_an_image_that_is_named_takes_it_alone() -> None:
    ours = Orders(COMMITS)
    report = ours.perform(forced(f"7@{digest('7')}", "model-*", image=OTHER))
    assert [commit.service for commit in report.commits] == ["model-b"]


def test_overlays_of_a_service_share_their_holds() -> None:
    where = COMMITS.replace("overlays/staging/{service}", "clusters/*/{service}")
    files = {f"clusters/{name}/model-a/kustomization.yaml": images((IMAGE, "1", "1")) for name in ("east", "west")}
    ours = Orders(where, files={STAGING_FILE: where, **files})
    east = "clusters/east/model-a/kustomization.yaml"
    ours.commit({east: images((IMAGE, "7", "7"))})
    ours.commit({east: images((IMAGE, "1", "1"))})
    report = ours.perform(forced(f"7@{digest('7')}"))
    assert outcomes(report) == [("7", Outcome.HELD), ("7", Outcome.HELD)]


def test_a_copy_under_another_name_is_taken_back_under_that_name() -> None:
    copied = COMMITS.replace("{from: test}", '{from: test, images: {"reg.example/models/*": "prod.example/models/*"}}')
    ours = Orders(copied)
    here = IMAGE.replace("reg.", "prod.")
    ours.commit({path(): images((here, "1", "1"))})
    ours.commit({path(environment="test"): images(("reg.example/models/x", "1", "1"), (IMAGE, "2", "2"))})
    assert outcomes(ours.perform(wish())) == [("2", Outcome.COMMITTED)]
    for tag in "72":
        ours.commit({path(environment="test"): images(("reg.example/models/x", "1", "1"), (IMAGE, tag, tag))})
    assert outcomes(ours.perform(forced(f"7@{digest('7')}"))) == [("7", Outcome.HELD)]


def test_the_digest_is_known_of_a_version_that_ran_in_one_source_only() -> None:
    ours = Orders(COMMITS.replace("{from: test}", "{from: [test, canary]}"))
    canary = environment_file("canary", order="numerical") | overlay("1", "1", environment="canary")
    ours.commit(canary)
    ours.commit(overlay("2", "2"))
    with pytest.raises(UsageError, match="2 is not offered to model-a"):
        ours.perform(wish(version="2"))
    assert (
        only(ours.perform(forced("2"))).reason == "--force: 2 was put there by hand, test and canary did not offer it"
    )
    assert ours.stands() == images((IMAGE, "2", "2"))
