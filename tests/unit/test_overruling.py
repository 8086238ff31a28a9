"""`hold:` and `release:` by hand: which bytes of the environment's file change, and what lands then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, at, delivery
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, images, overlay, sight
from updater import config, pipeline
from updater.by_hand.overruling import Holding, Releasing, make_hold, make_release
from updater.by_hand.rollback import Wish, make_rollback
from updater.core.environment import Configuration
from updater.decoders import generic
from updater.errors import UsageError
from updater.model import Decision, Delivery, Outcome
from updater.pipeline import Parts, Report
from updater.planning import Plan
from updater.protocols import Tree

FILE = "environments/test.yaml"
PATH = "overlays/test/model-a/kustomization.yaml"
OTHER = "reg.example/models/model-b"
BARE = environment_file(order="numerical")[FILE]
FILES = {FILE: BARE, **overlay("1"), **overlay("1", service="model-b")}
INCIDENT = "hold:\n- service: model-a\n  reason: INC-42\n"
COMMITTED, HELD = Outcome.COMMITTED, Outcome.HELD


class Story:
    """A repository in which things happen, one minute after the other, beginning an hour after noon."""

    def __init__(self, file: str = BARE, **branches: dict[str, str]) -> None:
        self.repository = FakeRepository({"main": {**FILES, FILE: file}, **branches}, since=-9)
        self.clock = StoppedClock(at(60))

    @property
    def parts(self) -> Parts:
        self.clock.time += at(1) - at(0)
        made = sight(self.repository, clock=self.clock)
        return Parts(made, {"generic": generic.decode}, lambda _tries: None)

    def push(self, delivery: Delivery) -> Decision:
        (decision,) = pipeline.handle(self.parts, [delivery]).decisions
        return decision

    def push_all(self, delivery: Delivery) -> dict[str, Outcome]:
        """What becomes of a push in each service."""
        decisions = pipeline.handle(self.parts, [delivery]).decisions
        return {each.target.service: each.outcome for each in decisions if each.target}

    def back(self, service: str = "model-a") -> None:
        parts = self.parts
        pipeline.perform(parts, lambda: make_rollback(parts.sight, Wish("test", (service,))))

    def commit(self, files: dict[str, str]) -> None:
        self.clock.time += at(1) - at(0)
        self.repository.commit("main", files, minutes=(self.clock.time - at(0)).total_seconds() / 60)
        self.repository.refresh()

    def hold(self, *globs: str, image: str | None = None, until: str | None = None) -> Report:
        parts, wish = self.parts, Holding("test", globs or ("model-a",), "INC-42", image, until)
        return pipeline.perform(parts, lambda: make_hold(parts.sight, wish))

    def release(self, *globs: str, image: str | None = None, version: str | None = None) -> Report:
        parts, wish = self.parts, Releasing("test", globs or ("model-a",), None, image, version)
        return pipeline.perform(parts, lambda: make_release(parts.sight, wish))

    @property
    def file(self) -> str:
        return self.repository.on_remote("main", FILE)

    @property
    def message(self) -> str:
        return self.repository.commits[self.repository.remote["main"]].message


# hold


def test_a_hold_is_one_item_more_and_no_other_byte() -> None:
    odd = BARE.replace("follow:", "# what may land\r\nfollow:").rstrip() + "   # the end"
    ours = Story(odd)
    report = ours.hold()
    assert ours.file == f"{odd}\nhold:\n- {{service: model-a, reason: INC-42}}"
    assert (report.decisions, report.exit_code, len(report.commits)) == ((), 0, 1)


def test_a_hold_joins_those_that_are_there_in_their_style() -> None:
    ours = Story(BARE + INCIDENT)
    ours.hold("model-b")
    assert ours.file == BARE + INCIDENT + "- service: model-b\n  reason: INC-42\n"


def test_the_commit_of_a_hold_tells_what_and_why() -> None:
    ours = Story()
    ours.hold()
    assert ours.message == ("Hold model-a in test\n\nINC-42\n\nUpdater-Environment: test\nUpdater-Service: model-a\n")


def test_a_held_service_takes_nothing_new_and_others_do() -> None:
    ours = Story()
    ours.hold()
    assert ours.push(delivery("2")).outcome is HELD
    assert ours.push(delivery("2", image=OTHER)).outcome is COMMITTED


def test_a_glob_is_written_as_it_is_and_holds_what_it_matches() -> None:
    ours = Story(BARE + INCIDENT)
    report = ours.hold("model-*")
    assert ours.file == BARE + INCIDENT + "- service: model-*\n  reason: INC-42\n"
    assert report.commits[0].subject == "Hold model-* in test"
    assert {ours.push(delivery("2")).outcome, ours.push(delivery("2", image=OTHER)).outcome} == {HELD}


def test_several_names_are_an_item_each_in_one_commit() -> None:
    ours = Story(BARE + INCIDENT.replace("model-a", "model-x"))
    report = ours.hold("model-a", "model-b")
    assert ours.file.endswith("- service: model-a\n  reason: INC-42\n- service: model-b\n  reason: INC-42\n")
    assert [commit.subject for commit in report.commits] == ["Hold model-a and model-b in test"]


def test_a_hold_may_end_and_keeps_what_comes_until_then() -> None:
    ours = Story(BARE + INCIDENT.replace("model-a", "model-x"))
    report = ours.hold(until="2026-12-01")
    assert ours.file.endswith("- service: model-a\n  reason: INC-42\n  until: 2026-12-01\n")
    assert report.commits[0].subject == "Hold model-a in test until 2026-12-01"
    held = ours.push(delivery("2"))
    assert (held.outcome, held.keeps) == (HELD, True)
    ours.clock.time = at(60 * 24 * 11)
    assert [each.outcome for each in pipeline.reconcile(ours.parts).decisions] == [COMMITTED]


def test_one_image_of_a_service_may_be_held() -> None:
    ours = Story()
    ours.commit({PATH: images((IMAGE, "1", None), (OTHER, "1", None))})
    ours.hold(image=OTHER)
    assert ours.push(delivery("2")).outcome is COMMITTED
    assert ours.push_all(delivery("2", image=OTHER)) == {"model-a": HELD, "model-b": COMMITTED}


def test_the_same_hold_twice_is_an_error_that_says_where_it_stands() -> None:
    ours = Story()
    ours.hold()
    with pytest.raises(UsageError) as caught:
        ours.hold()
    line = ours.file.splitlines().index("hold:") + 1
    assert str(caught.value) == f"{FILE}:{line}: model-a is held already, with these words"


def test_another_reason_or_end_is_another_hold() -> None:
    ours = Story()
    ours.hold()
    ours.hold(until="2026-12-01")
    assert ours.file.count("model-a") == 2


def test_a_service_that_is_named_twice_at_once_is_held_once() -> None:
    ours = Story(BARE + INCIDENT)
    ours.hold("model-b", "model-b")
    assert ours.file.count("service: model-b") == 1


@pytest.mark.parametrize("wish", [Holding("test", ("none",), "x"), Holding("none", ("model-a",), "x")])
def test_what_is_not_there_cannot_be_held(wish: Holding) -> None:
    with pytest.raises(UsageError):
        make_hold(Story().parts.sight, wish)


def test_a_hold_is_written_on_the_default_branch_although_the_overlays_are_elsewhere() -> None:
    ours = Story(environment_file("test", "branch: env/test", order="numerical")[FILE], **{"env/test": overlay("1")})
    report = ours.hold()
    assert [commit.branch for commit in report.commits] == ["main"]
    assert ours.push(delivery("2")).outcome is HELD


def test_a_hold_is_planned_again_where_somebody_was_faster() -> None:
    ours = Story()
    ours.repository.rivals = [lambda: ours.repository.commit("main", {FILE: "# theirs\n" + BARE}, minutes=63)]
    ours.hold()
    assert ours.file.startswith("# theirs\n" + BARE)
    assert "model-a" in ours.file


def test_a_hold_takes_out_what_was_released_of_the_same_image_alone() -> None:
    release = f'release:\n- {{service: model-a, image: {IMAGE}, version: "2"}}\n'
    other = f'- {{service: model-a, image: {OTHER}, version: "2"}}\n'
    ours = Story(BARE + release + other)
    ours.hold(image=IMAGE)
    assert ours.file.startswith(f"{BARE}release:\n{other}hold:\n")


def test_an_entry_without_a_repository_has_nothing_to_release() -> None:
    ours = taken_back()
    ours.commit({PATH: images((IMAGE, "1", None), ("PLACE HOLDER", "1", None))})
    assert ours.release().commits[0].subject == "Release model-a 2 in test"


# release


def taken_back() -> Story:
    """Version 2 came to model A and was taken back."""
    ours = Story()
    ours.push(delivery("2"))
    ours.back()
    return ours


def test_a_hold_by_hand_goes_with_its_lines_and_nothing_else() -> None:
    ours = Story(f"# ours\n{BARE}{INCIDENT}- service: model-b\n  reason: other\n")
    report = ours.release()
    assert ours.file == f"# ours\n{BARE}hold:\n- service: model-b\n  reason: other\n"
    assert report.commits[0].subject == "Release model-a in test"
    assert ours.push(delivery("2")).outcome is COMMITTED


def test_holding_and_releasing_again_leaves_the_file_as_it_was() -> None:
    ours = Story(BARE + INCIDENT.replace("model-a", "model-x"))
    before = ours.file
    ours.hold()
    ours.release()
    assert ours.file == before


def test_a_version_that_was_taken_back_is_released_by_name_and_lands_again() -> None:
    ours = taken_back()
    assert ours.push(delivery("2")).outcome is HELD
    report = ours.release()
    assert report.commits[0].subject == "Release model-a 2 in test"
    assert ours.file == f'{BARE}release:\n- {{service: model-a, image: {IMAGE}, version: "2"}}\n'
    assert ours.push(delivery("2")).outcome is COMMITTED


def test_the_reason_of_a_release_stands_in_the_file_and_in_the_text() -> None:
    ours = taken_back()
    plan = make_release(ours.parts.sight, Releasing("test", ("model-a",), "fixed upstream"))
    (change,) = plan.changes
    assert b"fixed upstream" in change.files[FILE].after
    assert "\n\nfixed upstream\n\n" in change.message
    assert list(change.files) == [FILE]


def test_a_release_lifts_no_later_revert_of_the_same_version() -> None:
    ours = taken_back()
    ours.release()
    ours.push(delivery("2"))
    ours.back()
    assert ours.push(delivery("2")).outcome is HELD


def test_a_version_that_was_released_and_taken_back_again_can_be_released_again() -> None:
    ours = taken_back()
    ours.release()
    ours.push(delivery("2"))
    ours.back()
    assert ours.release().exit_code == 0
    assert ours.push(delivery("2")).outcome is COMMITTED


def test_a_version_that_was_released_already_is_nothing_to_release() -> None:
    ours = taken_back()
    ours.release()
    with pytest.raises(UsageError, match="nothing of model-a is held in test"):
        ours.release()


def test_a_hold_by_hand_and_one_from_history_are_lifted_together() -> None:
    ours = taken_back()
    ours.hold()
    ours.release()
    assert "hold" not in ours.file
    assert ours.push(delivery("2")).outcome is COMMITTED


def test_one_version_among_those_held_may_be_released_alone() -> None:
    ours = Story()
    ours.push(delivery("2"))
    ours.push(delivery("3"))
    for _ in range(2):
        ours.back()
    report = ours.release(version="2")
    assert report.commits[0].subject == "Release model-a 2 in test"
    assert ours.push(delivery("3")).outcome is HELD
    assert ours.push(delivery("2")).outcome is COMMITTED


def test_a_version_that_came_before_one_that_was_taken_back_may_be_released() -> None:
    ours = Story()
    ours.push(delivery("3"))
    ours.back()
    assert ours.push(delivery("2")).outcome is HELD
    ours.release(version="2")
    assert ours.push(delivery("2")).outcome is COMMITTED
    assert ours.push(delivery("3")).outcome is HELD


def test_a_release_of_one_version_leaves_holds_by_hand() -> None:
    ours = taken_back()
    ours.commit({FILE: BARE + INCIDENT})
    ours.release(version="2")
    assert ours.file.startswith(BARE + INCIDENT)
    assert (ours.push(delivery("3")).outcome, ours.push(delivery("2")).outcome) == (HELD, COMMITTED)


def test_what_is_held_is_known_by_the_order_of_the_environment() -> None:
    ours = Story()
    ours.commit(overlay("10"))
    ours.commit(overlay("9"))
    assert ours.release().commits[0].subject == "Release model-a 10 in test"


def test_a_version_that_was_let_through_before_is_nothing_to_release() -> None:
    ours = Story()
    ours.push(delivery("3"))
    ours.back()
    ours.release(version="2")
    with pytest.raises(UsageError, match="2 of model-a is not held in test"):
        ours.release(version="2")


def test_one_version_is_let_past_a_hold_by_hand_which_stays() -> None:
    ours = Story(BARE + INCIDENT)
    ours.release(version="2")
    assert ours.file.startswith(BARE + INCIDENT)
    assert ours.push(delivery("3")).outcome is HELD
    assert ours.push(delivery("2")).outcome is COMMITTED


def test_a_glob_releases_everything_held_of_the_services_that_it_matches() -> None:
    ours = taken_back()
    ours.push(delivery("7", image=OTHER))
    ours.back("model-b")
    report = ours.release("model-*")
    assert report.commits[0].subject == "Release model-a 2 and model-b 7 in test"
    assert {ours.push(delivery("2")).outcome, ours.push(delivery("7", image=OTHER)).outcome} == {COMMITTED}


def test_one_image_alone_may_be_released() -> None:
    ours = Story()
    ours.commit({PATH: images((IMAGE, "1", None), (OTHER, "1", None))})
    ours.commit({PATH: images((IMAGE, "2", None), (OTHER, "2", None))})
    ours.commit({PATH: images((IMAGE, "1", None), (OTHER, "1", None))})
    ours.release(image=OTHER)
    assert ours.push(delivery("2")).outcome is HELD
    assert ours.push_all(delivery("2", image=OTHER)) == {"model-a": COMMITTED, "model-b": COMMITTED}


@pytest.mark.parametrize(("held", "is_left"), [(OTHER, True), (IMAGE, False), (IMAGE.replace("reg", "REG"), False)])
def test_for_one_image_only_holds_of_that_image_are_taken_out(held: str, is_left: bool) -> None:
    item = f"- service: model-a\n  reason: x\n  image: {held}\n"
    ours = taken_back()
    ours.commit({FILE: f"{BARE}hold:\n{item}"})
    ours.release(image=IMAGE)
    assert (item in ours.file) is is_left


def test_a_hold_of_all_images_is_not_taken_out_for_one() -> None:
    ours = Story(BARE + INCIDENT)
    with pytest.raises(UsageError) as caught:
        ours.release(image=IMAGE)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"{FILE}:5 holds 'model-a', which is more")


def test_overlays_of_a_service_are_released_once() -> None:
    where = BARE.replace("overlays/test/{service}", "clusters/*/{service}")
    paths = [f"clusters/{name}/model-a/kustomization.yaml" for name in "ab"]
    ours = Story(where)
    for tag in "121":
        ours.commit({path: images((IMAGE, tag, None)) for path in paths})
    ours.release()
    assert ours.file.count("2") == 1
    assert ours.push_all(delivery("2")) == {"model-a": COMMITTED}


def test_a_wider_hold_is_named_and_left_alone() -> None:
    wide = INCIDENT.replace("model-a", '"model-*"')
    ours = Story(BARE + wide)
    with pytest.raises(UsageError) as caught:
        ours.release()
    assert str(caught.value) == "nothing of model-a is held in test"
    assert caught.value.hint == f"{FILE}:5 holds 'model-*', which is more: name that, or edit it"
    ours.release("model-*")
    assert ours.file == BARE


def test_a_narrower_hold_goes_with_a_glob() -> None:
    ours = Story(BARE + INCIDENT)
    ours.release("model-*")
    assert ours.file == BARE


def test_where_nothing_is_held_there_is_nothing_to_release() -> None:
    with pytest.raises(UsageError) as caught:
        Story().release("model-a", "model-b")
    assert (str(caught.value), caught.value.hint) == ("nothing of model-a and model-b is held in test", None)


def test_what_waits_for_a_hold_lands_after_its_release() -> None:
    ours = Story()
    ours.hold(until="2026-12-01")
    ours.push(delivery("2"))
    ours.release()
    assert [each.outcome for each in pipeline.reconcile(ours.parts).decisions] == [COMMITTED]


def test_what_was_taken_back_on_another_branch_is_released_on_the_default_one() -> None:
    ours = Story(environment_file("test", "branch: env/test", order="numerical")[FILE], **{"env/test": overlay("1")})
    ours.push(delivery("2"))
    ours.back()
    report = ours.release()
    assert [commit.branch for commit in report.commits] == ["main"]
    assert ours.push(delivery("2")).outcome is COMMITTED


def test_a_plan_of_a_hold_or_release_writes_nothing() -> None:
    ours = Story(BARE + INCIDENT)
    refs, pushes = dict(ours.repository.remote), list(ours.repository.pushes)
    plans: list[Plan] = [
        make_hold(ours.parts.sight, Holding("test", ("model-b",), "x")),
        make_release(ours.parts.sight, Releasing("test", ("model-a",))),
    ]
    assert [change.files[FILE].before.decode() for plan in plans for change in plan.changes] == [BARE + INCIDENT] * 2
    assert (ours.repository.remote, ours.repository.pushes) == (refs, pushes)


# Words that the file cannot hold


def refused(order: Callable[[], object]) -> tuple[str, str | None]:
    with pytest.raises(UsageError) as caught:
        order()
    return str(caught.value), caught.value.hint


@pytest.mark.parametrize(
    ("reason", "until", "told"),
    [
        ("", None, "`hold[0].reason` must not be empty"),
        ("x", "2026-02-30", "`hold[0].until`: '2026-02-30' is no day of the calendar"),
        ("x", "soon", "`hold[0].until`: 'soon' is no day of the calendar"),
        ("x", "2026-11-19", "--until 2026-11-19 is over"),
        ("x", "2026-11-20", "--until 2026-11-20 is over"),
    ],
)
def test_a_hold_that_the_file_cannot_hold_is_refused_in_the_words_of_the_check(
    reason: str, until: str | None, told: str
) -> None:
    ours = Story()
    wish = Holding("test", ("model-a",), reason, until=until)
    assert refused(lambda: make_hold(ours.parts.sight, wish))[0] == told


def test_a_release_without_a_word_of_reason_is_refused() -> None:
    wish = Releasing("test", ("model-a",), reason="")
    assert refused(lambda: make_release(taken_back().parts.sight, wish))[0] == "`release[0].reason` must not be empty"


def test_a_version_that_is_no_tag_is_refused_although_everything_is_held() -> None:
    ours = Story(BARE + INCIDENT)
    assert refused(lambda: ours.release(version="2 fixed"))[0] == "`release[0].version`: '2 fixed' is no tag"


@pytest.mark.parametrize("version", ["1", "0", "4", "latest", "3 fixed"])
def test_only_what_is_held_or_lies_below_it_can_be_released(version: str) -> None:
    ours = Story()
    ours.push(delivery("3"))
    ours.back()
    assert refused(lambda: ours.release(version=version)) == (
        f"{version} of model-a is not held in test",
        "held are: 3",
    )


def test_where_nothing_is_held_a_version_is_not_either() -> None:
    assert refused(lambda: Story().release(version="2")) == ("2 of model-a is not held in test", None)


def test_where_pushes_give_the_order_any_tag_may_have_come_before_what_was_taken_back() -> None:
    ours = Story(environment_file()[FILE])
    ours.push(delivery("2"))
    ours.back()
    assert ours.release(version="other").exit_code == 0


def test_a_file_that_is_read_once_for_each_content_is_read_again_with_the_edit() -> None:
    ours, known = Story(BARE + INCIDENT), dict[str, Configuration]()

    def read(tree: Tree, default: str) -> Configuration:
        folder = tree.node("environments")
        assert folder is not None
        return known.setdefault(folder.id, config.load(tree, default))

    cached = replace(ours.parts.sight, configuration=read)
    wish = Releasing("test", ("model-a",), version="2 fixed")
    assert refused(lambda: make_release(cached, wish))[0] == "`release[0].version`: '2 fixed' is no tag"
