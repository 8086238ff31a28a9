"""What is moved back stays back: each sentence about reverts and holds, over the whole path of an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, at, delivery, digest, pushed
from tests.helpers.fake_repository import FakeRepository, StoppedClock, agree, environment_file, images, sight
from updater import pipeline
from updater.by_hand.overruling import Releasing, make_release
from updater.by_hand.rollback import Wish, make_rollback
from updater.core.environment import OrderName
from updater.core.messages import Line, commit_message
from updater.decoders import generic
from updater.errors import UsageError
from updater.model import Outcome, Version
from updater.pipeline import Parts, Report
from updater.planning import Plan, Sight

EAST, WEST = (f"overlays/test/{cluster}/model-a/kustomization.yaml" for cluster in ("east", "west"))
OTHER = "overlays/test/east/model-b/kustomization.yaml"
EDGE = "overlays/edge/east/model-a/kustomization.yaml"
OTHER_IMAGE = "reg.example/models/model-b"
HELD, COMMITTED, REJECTED = Outcome.HELD, Outcome.COMMITTED, Outcome.REJECTED


class Team:
    """A repository in which 1.3.2 has stood for ten minutes, and what happens there, a minute after another."""

    def __init__(self, order: OrderName = "semver", branch: str = "main") -> None:
        main: dict[str, str] = {}
        for name in ("test", "edge"):
            (path, text), *_ = environment_file(name, order=order).items()
            main[path] = text.replace("/{service}", "/*/{service}")
        main["environments/edge.yaml"] += f"branch: {branch}\n"
        main |= {path: images((IMAGE, "1.3.2", "2")) for path in (EAST, WEST)}
        main[OTHER] = images((OTHER_IMAGE, "1.3.2", "2"))
        edge = {EDGE: images((IMAGE, "1.3.2", "2"))}
        branches = {"main": {**main, **edge}} if branch == "main" else {"main": main, branch: edge}
        self.repository = FakeRepository(branches, since=-10)
        self.clock = StoppedClock(at(0))
        self.minute = 0

    def push(self, tag: str, letter: str | None = None, minutes: float | None = -5, *, image: str = IMAGE) -> Report:
        """An event arrives: by default of an image that was pushed before anybody did anything here."""
        self.minute += 1
        self.clock.time = at(self.minute)
        event = delivery(tag, letter or tag[-1], minutes, image=image)
        return pipeline.handle(self.parts(), [replace(event, received_at=self.clock.time)])

    def write(self, *paths: str, tag: str, letter: str | None = None, message: str = "by hand\n") -> str:
        """Somebody writes a version into overlays, in one commit."""
        self.minute += 1
        image = OTHER_IMAGE if OTHER in paths else IMAGE
        text = images((image, tag, letter or tag[-1]))
        return self.repository.commit("main", dict.fromkeys(paths, text), message, self.minute)

    def revert(self, commit: str, branch: str = "main") -> str:
        """Somebody reverts a commit with git."""
        self.minute += 1
        return self.repository.revert(branch, commit, self.minute)

    def order(self, make: Callable[[Sight], Plan]) -> Report:
        """Somebody gives an order on the command line."""
        self.minute += 1
        self.clock.time = at(self.minute)
        parts = self.parts()
        parts.sight.repository.refresh(frozenset(self.repository.remote))
        return pipeline.perform(parts, lambda: make(parts.sight))

    def release(self, version: str | None = None, environment: str = "test", reason: str | None = None) -> Report:
        wish = Releasing(environment, ["model-a"], reason, version=version)
        return self.order(lambda sight: make_release(sight, wish))

    def roll_back(self, tag: str | None = None) -> Report:
        return self.order(lambda sight: make_rollback(sight, Wish("test", ["model-a"], tag)))

    def parts(self) -> Parts:
        repository = self.repository.elsewhere()  # nothing is remembered: history says it all
        return Parts(sight(repository, agree, self.clock), {"generic": generic.decode}, lambda _tries: None)

    def stands(self, path: str = EAST, branch: str = "main") -> str:
        """The tag in an overlay."""
        return self.repository.on_remote(branch, path).split('newTag: "')[1].split('"')[0]


def tip(team: Team) -> str:
    return team.repository.remote["main"]


def after_1_4_0(team: Team) -> str:
    """1.4.0 lands in the environment test; gives its commit."""
    report = team.push("1.4.0")
    return next(commit.sha for commit in report.commits if commit.environment == "test")


def in_test(report: Report) -> list[Outcome]:
    """The outcome for each overlay of the environment test, without repetition."""
    decisions = [decision for decision in report.decisions if decision.target and decision.target.environment == "test"]
    return list(dict.fromkeys(decision.outcome for decision in decisions))


def told(report: Report) -> str:
    """The reason why the environment test holds something."""
    return next(each.reason for each in report.decisions if each.outcome is HELD)


# A hold begins when an entry is moved back, by whomever and however


def by_git_revert(team: Team, commit: str) -> None:
    team.revert(commit)


def by_a_hand_edit(team: Team, commit: str) -> None:
    team.write(EAST, WEST, tag="1.3.2")


def by_a_squash(team: Team, commit: str) -> None:
    squashed = commit_message("test", "model-a", [Line(IMAGE, Version("1.3.2"), Version("1.4.0"), pushed("1.4.0"))])
    team.write(EAST, WEST, tag="1.3.2", message=f"Several things (#12)\n\n{squashed}")


def by_a_squash_that_changes_more(team: Team, commit: str) -> None:
    files = {path: images((IMAGE, "1.3.2", "2"), ("redis", "7", None)) for path in (EAST, WEST)}
    team.repository.commit("main", {**files, "README": "x"}, "Tidy up\n", team.minute + 1)


def by_updater_rollback(team: Team, commit: str) -> None:
    team.roll_back()


def by_a_rollback_to_a_tag(team: Team, commit: str) -> None:
    team.roll_back("1.3.2")


def to_an_older_version_that_never_stood(team: Team, commit: str) -> None:
    team.write(EAST, WEST, tag="1.3.1")


MOVES = [
    by_git_revert,
    by_a_hand_edit,
    by_a_squash,
    by_a_squash_that_changes_more,
    by_updater_rollback,
    by_a_rollback_to_a_tag,
    to_an_older_version_that_never_stood,
]


@pytest.mark.parametrize("order", ["semver", "pushed", "alphabetical"])
@pytest.mark.parametrize("move", MOVES)
def test_a_hold_begins_when_an_entry_is_moved_back(move: Callable[[Team, str], None], order: OrderName) -> None:
    team = Team(order)
    move(team, after_1_4_0(team))
    before = team.stands()
    outcomes = in_test(team.push("1.4.0"))
    # By push times, a version that never stood is as new as the commit that wrote it.
    is_newer = order == "pushed" and move is to_an_older_version_that_never_stood
    assert outcomes == [REJECTED if is_newer else HELD]
    assert team.stands() == before


def test_a_revert_of_a_rebase_that_brought_several_versions_holds_the_newest() -> None:
    team = Team()
    commit = team.write(EAST, WEST, tag="1.6.0", message="Rebased\n")
    team.revert(commit)
    assert in_test(team.push("1.6.0")) == [HELD]
    assert in_test(team.push("1.5.0")) == [HELD]


@pytest.mark.parametrize("order", ["semver", "pushed"])
def test_a_move_to_a_version_that_stood_before_is_a_move_back(order: OrderName) -> None:
    team = Team(order)
    after_1_4_0(team)
    team.write(EAST, WEST, tag="1.5.0")
    team.write(EAST, WEST, tag="1.4.0")
    assert in_test(team.push("1.5.0", minutes=None)) == [HELD]
    assert team.stands() == "1.4.0"


def test_a_move_to_another_digest_of_the_same_tag_that_stood_before_is_a_move_back() -> None:
    team = Team("pushed")
    team.write(EAST, WEST, tag="main", letter="a")
    team.write(EAST, WEST, tag="main", letter="b")
    team.write(EAST, WEST, tag="main", letter="a")
    assert in_test(team.push("main", "b", None)) == [HELD]


def test_moves_forward_hold_nothing() -> None:
    team = Team()
    after_1_4_0(team)
    team.write(EAST, WEST, tag="1.5.0")
    assert in_test(team.push("1.6.0")) == [COMMITTED]
    assert in_test(team.push("1.5.0")) == [REJECTED]
    assert "stood" not in team.push("1.5.0").decisions[0].reason


def test_a_revert_of_a_revert_holds_nothing() -> None:
    team = Team()
    team.revert(team.revert(after_1_4_0(team)))
    assert team.stands() == "1.4.0"
    assert in_test(team.push("1.4.1")) == [COMMITTED]


def test_it_is_known_without_our_trailers() -> None:
    team = Team()
    team.write(EAST, WEST, tag="1.4.0", message="Squashed, and our words lost\n")
    team.write(EAST, WEST, tag="1.3.2", message="Squashed once more\n")
    assert in_test(team.push("1.4.0")) == [HELD]


def test_only_the_environment_in_which_it_was_moved_back_holds_it() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    assert team.stands(EDGE) == "1.4.0"
    assert team.push("1.4.0", image=OTHER_IMAGE).commits != ()
    assert (team.stands(), team.stands(OTHER)) == ("1.3.2", "1.4.0")


def test_all_overlays_of_a_service_hold_what_was_moved_back_in_one() -> None:
    team = Team()
    team.write(EAST, tag="1.4.0")
    team.write(EAST, tag="1.3.2")
    assert in_test(team.push("1.4.0")) == [HELD]
    assert team.stands(WEST) == "1.3.2"


def test_another_service_with_the_same_image_holds_nothing() -> None:
    team = Team()
    team.minute += 1
    team.repository.commit("main", {OTHER: images((IMAGE, "1.3.2", "2"))}, "model-b runs it, too\n", team.minute)
    team.write(EAST, WEST, tag="1.4.0")
    team.write(EAST, WEST, tag="1.3.2")
    team.push("1.4.0")
    assert (team.stands(), team.stands(OTHER)) == ("1.3.2", "1.4.0")


# What is held


def test_the_version_that_was_moved_away_from_is_held_whenever_it_is_told_to_be_pushed() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    assert [in_test(team.push("1.4.0", minutes=minutes)) for minutes in (-5, None, 99)] == [[HELD]] * 3
    assert in_test(team.push("1.4.0")) == [HELD]


def test_what_orders_between_and_was_pushed_before_the_move_is_held() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    report = team.push("1.3.3", minutes=-1)
    assert in_test(report) == [HELD]
    assert told(report).startswith("1.3.3 came before 1.4.0, which was reverted in ")
    assert team.stands() == "1.3.2"


def test_what_was_pushed_after_the_move_and_is_newer_than_what_stands_lands_a_hotfix_on_1_3_2_comes_in() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    assert in_test(team.push("1.3.3", minutes=team.minute + 1)) == [COMMITTED]
    assert (team.stands(), team.stands(WEST)) == ("1.3.3", "1.3.3")
    assert in_test(team.push("1.4.0")) == [HELD]


def test_what_was_pushed_after_the_move_but_is_older_than_what_stands_does_not_land() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    assert in_test(team.push("1.3.1", minutes=99)) == [REJECTED]


@pytest.mark.parametrize("minutes", [-5, None, 99])
def test_what_is_newer_than_the_held_version_lands_whenever_it_was_pushed(minutes: float | None) -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    assert in_test(team.push("1.4.1", minutes=minutes)) == [COMMITTED]
    assert team.stands() == "1.4.1"


def test_by_push_times_what_was_pushed_after_the_held_version_lands() -> None:
    team = Team("pushed")
    team.push("main-4", minutes=-3)
    team.write(EAST, WEST, tag="1.3.2")
    assert in_test(team.push("main-3", minutes=-4)) == [HELD]
    assert in_test(team.push("main-5", minutes=-2)) == [COMMITTED]


def test_a_hold_hides_no_better_candidate_of_the_same_batch() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    batch = [
        replace(delivery(tag, tag[-1], minutes), received_at=at(50))
        for tag, minutes in (("1.4.0", -5), ("1.3.3", 40), ("1.3.4", -1))
    ]
    team.clock.time = at(50)
    decisions = pipeline.handle(team.parts(), batch).decisions
    outcomes = {each.to.tag: each.outcome for each in decisions if each.target and each.target.overlay in EAST}
    assert outcomes == {"1.4.0": HELD, "1.3.3": COMMITTED, "1.3.4": HELD}


# A version that has stood is never written there again by an event


@pytest.mark.parametrize("minutes", [-5, None, 99])
@pytest.mark.parametrize("order", ["semver", "pushed"])
def test_a_version_that_has_stood_is_never_written_there_again_by_an_event(
    order: OrderName, minutes: float | None
) -> None:
    team = Team(order)
    team.push("1.3.3", minutes=-4)
    team.push("1.4.0", minutes=-3)
    team.write(EAST, WEST, tag="1.3.2")
    assert in_test(team.push("1.3.3", minutes=minutes)) == [HELD]
    assert in_test(team.push("1.4.0", minutes=minutes)) == [HELD]
    assert team.stands() == "1.3.2"


@pytest.mark.parametrize("minutes", [-5, None, 99])
def test_going_back_is_done_in_git_not_by_retagging(minutes: float | None) -> None:
    team = Team("pushed")
    team.push("main", "a", 0.1)
    team.push("main", "b", 0.2)
    report = team.push("main", "a", minutes)
    assert in_test(report) == [REJECTED]
    assert digest("b") in team.repository.on_remote("main", EAST)


def test_what_stood_in_another_overlay_of_the_service_was_pushed_when_it_stood_there() -> None:
    team = Team()
    team.write(EAST, tag="1.3.3")
    team.push("1.4.0")
    team.write(EAST, WEST, tag="1.3.2")
    assert in_test(team.push("1.3.3", minutes=None)) == [HELD]
    assert team.stands(WEST) == "1.3.2"


# It ends


def test_it_ends_when_anybody_puts_that_version_there() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    team.write(EAST, WEST, tag="1.4.0")
    team.write(EAST, WEST, tag="1.3.9")
    report = team.push("1.4.0")
    assert in_test(report) == [HELD]
    assert tip(team)[:7] in told(report)  # by the newer move alone


@pytest.mark.parametrize("by_hand", [True, False])
def test_it_ends_when_anybody_puts_a_newer_one_there(by_hand: bool) -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    if by_hand:
        team.write(EAST, WEST, tag="1.5.0")
    else:
        team.push("1.5.0")
    team.repository.commit("main", {EAST.replace("east", "new"): images((IMAGE, "1.3.2", "2"))}, minutes=20)
    team.push("1.4.0")
    assert team.stands(EAST.replace("east", "new")) == "1.4.0"


def test_an_older_version_that_is_put_there_ends_nothing() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    team.write(EAST, WEST, tag="1.3.5")
    assert in_test(team.push("1.4.0")) == [HELD]


@pytest.mark.parametrize("version", [None, "1.4.0"])
def test_release_lifts_it(version: str | None) -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    team.release(version)
    assert in_test(team.push("1.4.0")) == [COMMITTED]
    assert team.stands() == "1.4.0"


def test_release_of_a_version_in_between_lets_that_one_land_and_holds_the_other() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    team.release("1.3.3")
    assert in_test(team.push("1.4.0")) == [HELD]
    assert in_test(team.push("1.3.3")) == [COMMITTED]


def test_release_lifts_what_was_held_then_and_nothing_that_is_moved_back_later() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    team.release()
    (commit,) = team.push("1.4.0").commits
    team.revert(commit.sha)
    assert in_test(team.push("1.4.0")) == [HELD]


@pytest.mark.parametrize("reason", [None, "fixed upstream"])
def test_release_lifts_a_second_hold_of_a_version_that_was_released_before(reason: str | None) -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    team.release(reason=reason)
    (commit,) = team.push("1.4.0").commits
    team.revert(commit.sha)
    team.release(reason=reason)
    assert in_test(team.push("1.4.0")) == [COMMITTED]


def test_release_lifts_nothing_that_is_moved_back_later_on_a_branch_of_its_own() -> None:
    team = Team(branch="edge")
    sha = team.push("1.4.0").commits[-1].sha
    team.revert(sha, "edge")
    team.release(environment="edge")
    (commit,) = (commit for commit in team.push("1.4.0").commits if commit.environment == "edge")
    team.revert(commit.sha, "edge")
    team.push("1.4.0")
    assert team.stands(EDGE, "edge") == "1.3.2"


def test_release_of_one_version_does_not_bring_back_others_that_stood() -> None:
    team = Team()
    team.push("1.3.3", minutes=-4)
    team.push("1.4.0", minutes=-3)
    team.write(EAST, WEST, tag="1.3.2")
    team.release("1.4.0")
    assert in_test(team.push("1.3.3", minutes=-4)) == [HELD]
    assert in_test(team.push("1.4.0", minutes=-3)) == [COMMITTED]


def test_release_of_what_is_not_held_says_so() -> None:
    team = Team()
    after_1_4_0(team)
    with pytest.raises(UsageError, match="nothing of model-a is held in test"):
        team.release()


def test_a_force_push_that_erases_the_bump_erases_the_hold() -> None:
    team = Team()
    start = tip(team)
    team.revert(after_1_4_0(team))
    team.repository.remote["main"] = start
    assert in_test(team.push("1.4.0")) == [COMMITTED]


def test_a_renamed_overlay_folder_starts_anew() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    for path in (EAST, WEST):
        text = team.repository.on_remote("main", path)
        team.repository.commit("main", {path: "", path.replace("model-a", "detector"): text}, "Rename\n", 20)
    assert in_test(team.push("1.4.0")) == [COMMITTED]
    assert team.stands(EAST.replace("model-a", "detector")) == "1.4.0"


# What people are told


def test_the_reason_names_who_when_and_the_commit() -> None:
    team = Team()
    commit = team.revert(after_1_4_0(team))
    assert told(team.push("1.4.0")) == f"1.4.0 was reverted in {commit[:7]} by alice on 2026-11-20"


def test_the_newest_move_is_named_where_several_hold() -> None:
    team = Team()
    team.revert(after_1_4_0(team))
    team.write(EAST, WEST, tag="1.3.5")
    commit = team.write(EAST, WEST, tag="1.3.2")
    report = team.push("1.3.5")
    assert told(report).startswith(f"1.3.5 was reverted in {commit[:7]} by ")
