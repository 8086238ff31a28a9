"""Going back by hand: which version, which bytes, which text; and that it sticks."""

from __future__ import annotations

import pytest

from tests.helpers.events import IMAGE, at, delivery, digest
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, images, overlay, sight
from updater import pipeline
from updater.by_hand.rollback import Wish, make_rollback, planner
from updater.core.environment import Follow
from updater.core.rules import compile_rule
from updater.decoders import generic
from updater.errors import BranchMissing, RenderError, UsageError
from updater.model import Delivery, Outcome
from updater.pipeline import Parts, Report
from updater.planning import Plan

PATH = "overlays/test/model-a/kustomization.yaml"
OTHER = "reg.example/models/model-b"
FILES = {**environment_file(order="numerical"), **overlay("1"), **overlay("1", service="model-b")}
CLUSTERS = {
    "environments/test.yaml": environment_file(order="numerical")["environments/test.yaml"].replace(
        "overlays/test/{service}", "clusters/*/{service}"
    )
}


def cluster(name: str, tag: str) -> dict[str, str]:
    return {f"clusters/{name}/model-a/kustomization.yaml": images((IMAGE, tag, None))}


class Story:
    """A repository in which things happen, one minute after the other, beginning an hour after noon."""

    def __init__(self, files: dict[str, str] = FILES, **branches: dict[str, str]) -> None:
        self.repository = FakeRepository({"main": files, **branches}, since=-9)
        self.clock = StoppedClock(at(60))

    @property
    def parts(self) -> Parts:
        self.clock.time += at(1) - at(0)
        made = sight(self.repository, clock=self.clock)
        return Parts(made, {"generic": generic.decode}, lambda _tries: None)

    def push(self, *deliveries: Delivery) -> str:
        """The newest commit of what these pushes bring."""
        return pipeline.handle(self.parts, deliveries).commits[-1].sha

    def commit(self, files: dict[str, str], message: str = "by hand\n") -> str:
        self.clock.time += at(1) - at(0)
        minutes = (self.clock.time - at(0)).total_seconds() / 60
        sha = self.repository.commit("main", files, message, minutes)
        self.repository.refresh()
        return sha

    def plan(self, *globs: str, to: str | None = None, image: str | None = None, reason: str | None = None) -> Plan:
        return make_rollback(self.parts.sight, Wish("test", globs or ("model-a",), to, image, reason))

    def back(self, *globs: str, to: str | None = None, image: str | None = None) -> Report:
        parts = self.parts
        make = planner(Wish("test", globs or ("model-a",), to, image))
        return pipeline.perform(parts, lambda: make(parts.sight))

    def stands(self, path: str = PATH) -> str:
        return self.repository.on_remote("main", path)

    def message(self) -> str:
        return self.repository.commits[self.repository.remote["main"]].message


def outcomes(report: Report | Plan) -> list[tuple[str | None, Outcome]]:
    return [(decision.to.tag, decision.outcome) for decision in report.decisions]


# A commit that is undone


def test_the_newest_deployment_is_reverted_as_git_would_do_it() -> None:
    ours = Story()
    made = ours.push(delivery("2", "b"))
    report = ours.back()
    assert ours.repository.log("main")[0] == 'Revert "Deploy model-a 2 to test"'
    assert ours.stands() == FILES[PATH]
    assert ours.message() == (
        'Revert "Deploy model-a 2 to test"\n\n'
        f"This reverts commit {made}.\n\n"
        f"{IMAGE}: 2 -> 1\n\n"
        "Updater-Environment: test\n"
        "Updater-Service: model-a\n"
        f"Updater-Image: {IMAGE}:1\n"
        f"Updater-Previous: {IMAGE}:2@{digest('b')}\n"
    )
    (decision,) = report.decisions
    assert (decision.outcome, decision.event, decision.commit) == (Outcome.COMMITTED, None, report.commits[0].sha)
    assert decision.reason == f"it stood there before {made[:7]}"
    assert report.exit_code == 0


def test_a_reverted_file_has_the_bytes_that_it_had_before() -> None:
    odd = f"# ours\r\nimages:\r\n- {{name: {IMAGE}, newTag: '1'}}   # pinned"
    ours = Story({**FILES, PATH: odd})
    ours.push(delivery("2", "b"))
    assert ours.stands() != odd
    ours.back()
    assert ours.stands() == odd


def test_somebodys_commit_for_one_service_is_reverted_whole() -> None:
    settings = "overlays/test/model-a/files/settings"
    ours = Story({**FILES, settings: "[old: 1\n"})
    ours.commit({**overlay("2"), settings: "[new: 2\n"}, "Set new for 2\n\nwhy\n")
    ours.back()
    assert ours.repository.log("main")[0] == 'Revert "Set new for 2"'
    assert ours.stands(settings) == "[old: 1\n"
    assert ours.stands() == FILES[PATH]


def test_the_reason_that_a_person_gives_stands_in_the_text() -> None:
    ours = Story()
    ours.push(delivery("2"))
    (change,) = ours.plan(reason="it drops frames").changes
    assert "\n\nit drops frames\n\n" in change.message


def test_what_is_planned_is_written_nowhere() -> None:
    ours = Story()
    tip = ours.push(delivery("2"))
    ours.repository.pushes.clear()
    (change,) = ours.plan().changes
    assert change.files[PATH].after.decode() == FILES[PATH]
    assert (ours.repository.remote, ours.repository.pushes) == ({"main": tip}, [])


def test_nothing_is_rendered_on_the_way_back() -> None:
    def never(*_args: object) -> None:
        raise RenderError("the renderer is broken")

    ours = Story()
    ours.push(delivery("2"))
    broken = sight(ours.repository, never, ours.clock)
    assert outcomes(make_rollback(broken, Wish("test", ("model-a",)))) == [("1", Outcome.COMMITTED)]


# Versions that are put back alone


@pytest.mark.parametrize(
    ("more", "later"),
    [
        ({"README": "about 2\n"}, {}),
        (overlay("2", service="model-b"), {}),
        ({"overlays/test/model-a/new.yaml": "x\n"}, {}),
        ({}, {PATH: "# a comment\n" + images((IMAGE, "2", None))}),
    ],
    ids=["a file elsewhere", "another service", "a new file", "a file that changed since"],
)
def test_where_a_commit_cannot_be_undone_alone_only_versions_are_put_back(
    more: dict[str, str], later: dict[str, str]
) -> None:
    ours = Story({**FILES, "README": "about 1\n"})
    made = ours.commit({**overlay("2"), **more})
    if later:
        ours.commit(later)
    before = ours.stands()
    report = ours.back()
    assert ours.repository.log("main")[0] == "Roll model-a back to 1 in test"
    assert ours.stands() == before.replace('"2"', '"1"')
    assert "This reverts" not in ours.message()
    assert report.decisions[0].reason == f"it stood there before {made[:7]}"
    untouched = {path: text for path, text in {**FILES, "README": "about 1\n", **more}.items() if path != PATH}
    assert {path: ours.stands(path) for path in untouched} == untouched


def test_a_commit_that_mended_a_file_as_well_does_not_break_it_again() -> None:
    ours = Story()
    ours.commit({PATH: FILES[PATH] + "  newTag: [\n"})
    ours.commit({PATH: "# mended\n" + images((IMAGE, "2", None))})
    assert outcomes(ours.back()) == [("1", Outcome.COMMITTED)]
    assert ours.stands() == "# mended\n" + FILES[PATH]


def test_a_digest_goes_where_none_stood() -> None:
    ours = Story()
    ours.commit({**overlay("2", "b"), "README": "x"})
    ours.back()
    assert ours.stands() == FILES[PATH]


def test_a_commit_that_changed_another_entry_of_the_file_is_not_undone_for_one_image() -> None:
    two = images((IMAGE, "1", None), (OTHER, "1", None))
    ours = Story({**FILES, PATH: two})
    ours.push(delivery("2"), delivery("2", image=OTHER))
    assert ours.stands() == images((IMAGE, "2", None), (OTHER, "2", None))
    ours.back(image=OTHER)
    assert ours.stands() == images((IMAGE, "2", None), (OTHER, "1", None))
    assert ours.repository.log("main")[0] == "Roll model-a back to 1 in test"


@pytest.mark.parametrize("image", [None, IMAGE])
def test_an_entry_that_came_with_the_version_stays(image: str | None) -> None:
    ours = Story()
    ours.commit({PATH: images((IMAGE, "2", None), (OTHER, "1", None))})
    ours.back(image=image)
    assert ours.stands() == images((IMAGE, "1", None), (OTHER, "1", None))


def test_a_file_that_cannot_be_edited_is_refused_and_stops_no_other() -> None:
    ours = Story()
    shared = f'images:\n- name: {IMAGE}\n  newTag: &tag "2"\n- name: x\n  newTag: *tag\n'
    ours.commit({PATH: shared, "README": "x", **overlay("2", service="model-b")})
    report = ours.back("*")
    refused, committed = report.decisions
    assert (refused.outcome, committed.outcome, report.exit_code) == (Outcome.REFUSED, Outcome.COMMITTED, 3)
    assert refused.reason.startswith(f"{PATH}:3: ")
    assert ours.stands() == shared


# What is the newest deployment


def test_a_second_rollback_goes_one_further_back() -> None:
    ours = Story()
    ours.push(delivery("2"))
    ours.push(delivery("3"))
    ours.back()
    assert ours.stands() == images((IMAGE, "2", None))
    ours.back()
    assert ours.stands() == images((IMAGE, "1", None))
    assert ours.repository.log("main")[:2] == [
        'Revert "Deploy model-a 2 to test"',
        'Revert "Deploy model-a 3 to test"',
    ]
    report = ours.back()
    assert outcomes(report) == [("1", Outcome.UNCHANGED)]
    assert (report.decisions[0].reason, report.commits) == ("nothing stood before", ())


def test_images_of_a_service_that_came_together_go_back_together() -> None:
    two = images((IMAGE, "1", None), (OTHER, "1", None))
    ours = Story({**FILES, PATH: two})
    ours.push(delivery("2"), delivery("2", image=OTHER))
    assert sorted(outcomes(ours.back())) == [("1", Outcome.COMMITTED), ("1", Outcome.COMMITTED)]
    assert ours.stands() == two
    assert ours.repository.log("main")[0] == 'Revert "Deploy model-a 2 to test"'


def test_of_images_that_came_one_after_the_other_the_newer_goes_back() -> None:
    ours = Story({**FILES, PATH: images((IMAGE, "1", None), (OTHER, "1", None))})
    ours.push(delivery("2"))
    ours.push(delivery("5", image=OTHER))
    assert outcomes(ours.back()) == [("1", Outcome.COMMITTED)]
    assert ours.stands() == images((IMAGE, "2", None), (OTHER, "1", None))
    ours.back()
    assert ours.stands() == images((IMAGE, "1", None), (OTHER, "1", None))


def test_overlays_of_a_service_go_back_together_in_one_commit() -> None:
    ours = Story({**CLUSTERS, **cluster("a", "1"), **cluster("b", "1")})
    ours.push(delivery("2"))
    report = ours.back()
    assert len(report.commits) == 1
    assert ours.message().startswith('Revert "Deploy model-a 2 to test"\n')
    assert {ours.stands(path) for name in "ab" for path in cluster(name, "")} == {images((IMAGE, "1", None))}


def test_of_overlays_that_differed_each_goes_back_to_what_it_had() -> None:
    ours = Story({**CLUSTERS, **cluster("a", "1"), **cluster("b", "2")})
    ours.push(delivery("3"))
    assert outcomes(ours.back()) == [("1", Outcome.COMMITTED), ("2", Outcome.COMMITTED)]
    assert [ours.stands(*cluster(name, "")) for name in "ab"] == [images((IMAGE, tag, None)) for tag in "12"]


def test_globs_take_several_services_back_with_a_commit_for_each() -> None:
    ours = Story()
    ours.push(delivery("2"), delivery("7", image=OTHER))
    report = ours.back("model-*")
    assert sorted(commit.subject for commit in report.commits) == [
        'Revert "Deploy model-a 2 to test"',
        'Revert "Deploy model-b 7 to test"',
    ]
    assert ours.repository.pushes[-1] == ("main",)
    assert {ours.stands(path) == FILES[path] for path in FILES} == {True}


def test_of_several_services_each_is_told_where_one_has_nothing_before() -> None:
    ours = Story()
    ours.push(delivery("2"))
    plan = ours.plan("model-*")
    assert [(each.target and each.target.service, each.outcome) for each in plan.decisions] == [
        ("model-a", Outcome.COMMITTED),
        ("model-b", Outcome.UNCHANGED),
    ]


def test_versions_are_compared_in_the_order_of_the_environment() -> None:
    ours = Story({**FILES, **overlay("9")})
    ours.push(delivery("10"))
    ours.back()
    assert ours.stands() == images((IMAGE, "9", None))
    assert compile_rule(Follow("**", order="alphabetical")).key("9") > compile_rule(  # type: ignore[operator]
        Follow("**", order="alphabetical")
    ).key("10")


def test_an_environment_that_promotes_goes_back_as_well() -> None:
    promoted = {"environments/staging.yaml": "overlays: overlays/staging/{service}\npromote: {from: test}\n"}
    ours = Story({**FILES, **promoted, **overlay("9", environment="staging")})
    ours.commit(overlay("10", environment="staging"))
    plan = make_rollback(ours.parts.sight, Wish("staging", ("model-a",)))
    assert outcomes(plan) == [("9", Outcome.COMMITTED)]


# To a version by its tag


def test_a_tag_that_stood_there_is_brought_back_with_its_digest() -> None:
    ours = Story({**FILES, **overlay("1", "a")})
    ours.push(delivery("2", "b"))
    ours.push(delivery("3", "c"))
    report = ours.back(to="1")
    assert ours.stands() == images((IMAGE, "1", "a"))
    assert ours.repository.log("main")[0] == "Roll model-a back to 1 in test"
    assert report.decisions[0].reason == "it stood there before"


def test_a_tag_comes_back_as_it_stood_last() -> None:
    ours = Story({**FILES, **overlay("1", "a")})
    for letter, tag in ("b", "1"), ("c", "2"):
        ours.commit(overlay(tag, letter))
    ours.back(to="1")
    assert ours.stands() == images((IMAGE, "1", "b"))


def test_a_tag_comes_back_wherever_it_stood_and_nowhere_else() -> None:
    ours = Story({**CLUSTERS, **cluster("a", "1"), **cluster("b", "2")})
    ours.push(delivery("3"))
    ours.back(to="2")
    assert [ours.stands(*cluster(name, "")) for name in "ab"] == [images((IMAGE, tag, None)) for tag in "32"]


def test_a_tag_that_stands_already_is_left_alone() -> None:
    ours = Story()
    ours.push(delivery("2"))
    report = ours.back(to="2")
    assert outcomes(report) == [("2", Outcome.UNCHANGED)]
    assert (report.decisions[0].reason, report.exit_code) == ("2 stands already", 0)


def test_a_tag_that_never_stood_there_is_an_error_that_names_those_that_did() -> None:
    ours = Story()
    ours.push(delivery("2"))
    with pytest.raises(UsageError) as caught:
        ours.plan(to="4")
    assert (str(caught.value), caught.value.hint) == ("4 never stood there", "there stood: 2, 1")


def test_of_several_services_those_that_never_had_a_tag_stay_and_are_told() -> None:
    ours = Story()
    ours.push(delivery("2"))
    ours.push(delivery("3"))
    report = ours.back("*", to="2")
    assert ours.stands() == images((IMAGE, "2", None))
    assert [(each.target and each.target.service, each.outcome, each.reason) for each in report.decisions] == [
        ("model-a", Outcome.COMMITTED, "it stood there before"),
        ("model-b", Outcome.UNCHANGED, "2 never stood there"),
    ]
    assert report.exit_code == 0


def test_a_tag_that_none_of_several_services_had_is_an_error() -> None:
    with pytest.raises(UsageError, match="4 never stood there"):
        Story().back("*", to="4")


@pytest.mark.parametrize("to", [None, "1"])
def test_a_service_of_which_nothing_can_be_read_is_told_as_a_problem(to: str | None) -> None:
    ours = Story({**FILES, PATH: f"images:\n- name: {IMAGE}\n  newTag: [\n"})
    report = ours.back(to=to)
    assert (report.decisions, report.exit_code, len(report.problems)) == ((), 3, 1)


# Stops, others, and what comes after


@pytest.mark.parametrize(
    "line",
    [
        "paused: true",
        "freeze: [{from: 2026-11-20, to: 2026-11-21}]",
        "hold: [{service: model-a, reason: INC-42}]",
        "deliver: pull-request",
    ],
)
def test_the_way_back_is_open_whatever_stops_new_versions(line: str) -> None:
    ours = Story()
    ours.push(delivery("2"))
    ours.commit(environment_file("test", line, order="numerical"))
    assert outcomes(ours.back()) == [("1", Outcome.COMMITTED)]
    assert ours.stands() == FILES[PATH]


def test_a_service_on_a_branch_of_its_own_goes_back_there() -> None:
    files = environment_file("test", "branch: env/test", order="numerical")
    ours = Story(files, **{"env/test": overlay("1")})
    ours.push(delivery("2"))
    (commit,) = ours.back().commits
    assert commit.branch == "env/test"
    assert ours.repository.on_remote("env/test", PATH) == images((IMAGE, "1", None))


def test_a_branch_that_is_missing_is_an_error() -> None:
    ours = Story(environment_file("test", "branch: env/test"))
    with pytest.raises(BranchMissing):
        ours.plan()


def test_it_is_planned_again_where_somebody_was_faster() -> None:
    ours = Story()
    ours.push(delivery("2"))
    ours.repository.rivals = [lambda: ours.repository.commit("main", {"README": "theirs"}, minutes=63)]
    ours.back()
    assert ours.repository.log("main")[:2] == ['Revert "Deploy model-a 2 to test"', "by hand"]
    assert (ours.stands(), ours.stands("README")) == (FILES[PATH], "theirs")


def test_what_somebody_took_back_meanwhile_is_not_taken_back_twice() -> None:
    ours = Story()
    first = ours.push(delivery("2"))
    ours.repository.rivals = [lambda: ours.repository.revert("main", first, minutes=63)]
    report = ours.back()
    assert (outcomes(report), report.commits) == ([("1", Outcome.UNCHANGED)], ())


def test_of_two_who_take_the_same_version_back_at_once_one_does() -> None:
    ours = Story()
    ours.push(delivery("2"))
    last = ours.push(delivery("3"))
    ours.repository.rivals = [lambda: ours.repository.revert("main", last, minutes=63)]
    report = ours.back()
    assert ours.stands() == images((IMAGE, "2", None))
    assert (outcomes(report), report.commits) == ([("2", Outcome.UNCHANGED)], ())
    assert report.decisions[0].reason == "2 stands there meanwhile"


def test_what_lands_meanwhile_is_not_taken_back_instead_and_other_services_go_on() -> None:
    ours = Story()
    ours.push(delivery("2"), delivery("2", image=OTHER))
    ours.repository.rivals = [lambda: ours.repository.commit("main", overlay("3"), minutes=63)]
    report = ours.back("*")
    assert outcomes(report) == [("3", Outcome.UNCHANGED), ("1", Outcome.COMMITTED)]
    assert ours.stands() == images((IMAGE, "3", None))
    assert ours.stands(*overlay(service="model-b")) == FILES[next(iter(overlay(service="model-b")))]


def test_of_a_tag_that_moves_the_digest_tells_what_stands_meanwhile() -> None:
    ours = Story({**FILES, **overlay("latest", "a")})
    ours.commit(overlay("latest", "b"))
    ours.repository.rivals = [lambda: ours.repository.commit("main", overlay("latest", "c"), minutes=63)]
    (decision,) = ours.back().decisions
    assert decision.reason == f"latest@{digest('c')[:19]} stands there meanwhile"


def test_a_tag_that_is_asked_for_comes_back_whatever_lands_meanwhile() -> None:
    ours = Story()
    ours.push(delivery("2"))
    ours.repository.rivals = [lambda: ours.repository.commit("main", overlay("3"), minutes=63)]
    assert outcomes(ours.back(to="1")) == [("1", Outcome.COMMITTED)]
    assert ours.stands() == FILES[PATH]


def test_after_it_the_same_push_is_held_and_a_newer_one_lands() -> None:
    ours = Story()
    ours.push(delivery("2"))
    back = ours.back().commits[0].sha
    (held,) = pipeline.handle(ours.parts, [delivery("2")]).decisions
    assert held.outcome is Outcome.HELD
    assert held.reason == f"2 was reverted in {back[:7]} by updater on 2026-11-20"
    ours.push(delivery("3"))
    assert ours.stands() == images((IMAGE, "3", None))


def test_after_going_back_several_versions_those_between_are_held_too() -> None:
    ours = Story()
    ours.push(delivery("2"))
    ours.push(delivery("3"))
    ours.back(to="1")
    report = pipeline.handle(ours.parts, [delivery("2"), delivery("3")])
    assert {outcome for _, outcome in outcomes(report)} == {Outcome.HELD}


def test_a_revert_of_the_revert_brings_the_version_again() -> None:
    ours = Story()
    ours.push(delivery("2"))
    back = ours.back().commits[0].sha
    ours.repository.revert("main", back, minutes=90)
    ours.repository.refresh()
    (decision,) = pipeline.handle(ours.parts, [delivery("2")]).decisions
    assert decision.outcome is Outcome.UNCHANGED


def test_a_branch_that_may_not_be_written_refuses_it() -> None:
    ours = Story()
    ours.push(delivery("2"))
    ours.repository.refuses = {"main": "protected branch"}
    report = ours.back()
    assert (outcomes(report), report.exit_code) == ([("1", Outcome.REFUSED)], 5)
