"""The one path of an event, from a payload to a commit on the remote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, delivery, digest, pushed
from tests.helpers.fake_repository import FakeRepository, StoppedClock, agree, environment_file, images, overlay, sight
from updater import pipeline
from updater.core.changes import Verify
from updater.core.environment import Follow, OrderName
from updater.core.kustomization import entries
from updater.core.rules import Rule, compile_rule
from updater.decoders import generic
from updater.decoding import decode
from updater.errors import PushContended, RemoteUnavailable
from updater.model import Delivery, Event, Outcome, Version
from updater.pipeline import Parts, Report
from updater.protocols import PushOutcome, Update

PATH = "overlays/test/model-a/kustomization.yaml"
OTHER = "reg.example/models/model-b"
FILES = {**environment_file(), **overlay("1")}


def parts(repository: FakeRepository, verify: Verify = agree, pauses: list[int] | None = None) -> Parts:
    pause = ([] if pauses is None else pauses).append
    return Parts(sight(repository, verify), {"generic": generic.decode}, pause)


def handle(repository: FakeRepository, *deliveries: Delivery) -> Report:
    return pipeline.handle(parts(repository), deliveries)


def outcomes(report: Report) -> list[tuple[str, str | None, Outcome]]:
    """Environment, tag and outcome of each decision."""
    return [
        ("-" if decision.target is None else decision.target.environment, decision.to.tag, decision.outcome)
        for decision in report.decisions
    ]


# Decoding


def test_what_one_delivery_has_wrong_stops_no_other() -> None:
    bad = replace(delivery("1"), body=b"{")
    unknown = replace(delivery("1"), source="generik")
    nothing = delivery("sha256-" + "a" * 64 + ".sig")
    decoding = decode({"generic": generic.decode}, [bad, unknown, nothing, delivery("2", "b")])
    assert decoding.events == (pushed("2", "b"),)
    assert [(problem.exit_code, problem.message, problem.hint) for problem in decoding.problems] == [
        (4, decoding.problems[0].message, None),
        (2, "there is no source 'generik'", "did you mean generic?"),
    ]
    assert len(decoding.notes) == 1
    assert decoding.notes[0].startswith(f"generic: {IMAGE}:sha256-")


def test_a_source_that_is_like_none_is_told_which_there_are() -> None:
    decoders = {"generic": generic.decode, "docker-hub": generic.decode}
    (problem,) = decode(decoders, [replace(delivery("1"), source="xyz")]).problems
    assert problem.hint == "there are: docker-hub, generic"


def test_equal_pushes_of_several_deliveries_are_one_event() -> None:
    decoding = decode({"generic": generic.decode}, [delivery("1", "a", 5), delivery("1", "a", 3)])
    assert decoding.events == (pushed("1", "a", 3),)


def test_bad_deliveries_are_reported_beside_what_the_good_ones_did() -> None:
    repository = FakeRepository({"main": FILES})
    report = handle(repository, replace(delivery("3"), body=b"["), delivery("2"))
    assert outcomes(report) == [("test", "2", Outcome.COMMITTED)]
    assert report.exit_code == 4
    assert handle(repository, delivery(None)).notes == (f"generic: {IMAGE} was pushed without a tag",)


# Landing


def test_a_push_becomes_a_commit_on_the_remote() -> None:
    repository = FakeRepository({"main": FILES})
    report = handle(repository, delivery("2", "b", 5))
    (commit,) = report.commits
    assert repository.remote["main"] == commit.sha
    assert (commit.branch, commit.environment, commit.service) == ("main", "test", "model-a")
    assert commit.subject == "Deploy model-a 2 to test"
    assert repository.on_remote("main", PATH) == images((IMAGE, "2", "b"))
    made = repository.commits[commit.sha]
    assert made.time == at(60)
    assert made.message.endswith("Updater-Event: generic/id-1 2026-11-20T12:05:00Z\n")
    (decision,) = report.decisions
    assert (decision.outcome, decision.commit) == (Outcome.COMMITTED, commit.sha)
    assert report.exit_code == 0


def test_a_push_that_lands_at_once_needs_no_listing_of_refs() -> None:
    repository = FakeRepository({"main": FILES})
    handle(repository, delivery("2", "b"))
    assert (repository.pushes, repository.listings) == ([("main",)], [])


def test_several_services_of_a_batch_are_one_push_with_a_commit_each() -> None:
    repository = FakeRepository({"main": {**FILES, **overlay("1", service="model-b")}})
    report = handle(repository, delivery("2"), delivery("3", image=OTHER))
    assert repository.log("main") == ["Deploy model-b 3 to test", "Deploy model-a 2 to test", "by hand"]
    assert repository.pushes == [("main",)]
    assert [decision.commit for decision in report.decisions] == [commit.sha for commit in report.commits]
    first, second = (repository.commits[commit.sha] for commit in report.commits)
    assert first.files[PATH] == second.files[PATH] == images((IMAGE, "2", None)).encode()


def test_overlays_of_one_service_move_together_in_one_commit() -> None:
    where = environment_file()["environments/test.yaml"].replace("overlays/test/{service}", "clusters/*/{service}")
    clusters = {f"clusters/{cluster}/model-a/kustomization.yaml": images((IMAGE, "1", None)) for cluster in "ab"}
    repository = FakeRepository({"main": {"environments/test.yaml": where, **clusters}})
    report = handle(repository, delivery("2"))
    assert len(report.commits) == 1
    assert {repository.on_remote("main", path) for path in clusters} == {images((IMAGE, "2", None))}
    assert {decision.commit for decision in report.decisions} == {report.commits[0].sha}


def test_a_missing_digest_is_refused_while_the_good_event_beside_it_lands() -> None:
    repository = FakeRepository({"main": {**FILES, **overlay("1", "a"), **overlay("1", "a", service="model-b")}})
    report = handle(repository, delivery("2", None, 5), delivery("2", "b", 5, image=OTHER))
    assert outcomes(report) == [("test", "2", Outcome.REFUSED), ("test", "2", Outcome.COMMITTED)]
    assert report.exit_code == 4
    assert repository.log("main") == ["Deploy model-b 2 to test", "by hand"]


def test_an_edit_that_is_refused_is_reported_and_nothing_is_pushed() -> None:
    repository = FakeRepository({"main": {**FILES, PATH: f"images:\n- &x {{name: {IMAGE}, newTag: v1}}\n- *x\n"}})
    report = handle(repository, delivery("v2"))
    assert {outcome for _, _, outcome in outcomes(report)} == {Outcome.REFUSED}
    assert (report.exit_code, repository.pushes) == (3, [])


def test_the_first_version_of_an_entry_is_no_move_back_although_the_entry_was_written_after_its_push() -> None:
    repository = FakeRepository({"main": {**environment_file(), **overlay(None)}}, since=30)
    assert outcomes(handle(repository, delivery("main-1", None, 10))) == [("test", "main-1", Outcome.COMMITTED)]
    assert outcomes(handle(repository, delivery("main-2", None, 20))) == [("test", "main-2", Outcome.COMMITTED)]


# Planning on tips that may be old


def test_before_nothing_is_written_the_refs_are_asked_and_it_is_planned_again_if_they_moved() -> None:
    repository = FakeRepository({"main": {**FILES, **overlay("2")}})
    repository.commit("main", overlay("1"))
    report = handle(repository, delivery("2"))
    assert outcomes(report) == [("test", "2", Outcome.HELD)]
    assert repository.on_remote("main", PATH) == images((IMAGE, "1", None))


def test_nothing_is_written_where_nothing_is_to_be_done_and_one_listing_proves_it() -> None:
    repository = FakeRepository({"main": {**FILES, **overlay("2")}})
    assert outcomes(handle(repository, delivery("2"))) == [("test", "2", Outcome.UNCHANGED)]
    assert (repository.pushes, repository.listings) == ([], [frozenset({"main"})])


def test_a_branch_that_a_newer_configuration_names_is_asked_for_as_well() -> None:
    repository = FakeRepository({"main": {**FILES, **overlay("2")}, "env/test": overlay("2")})
    repository.refresh(frozenset({"env/test"}))
    repository.commit("main", environment_file("test", "branch: env/test"))
    repository.commit("env/test", overlay("1"))
    report = handle(repository, delivery("2"))
    assert outcomes(report) == [("test", "2", Outcome.HELD)]
    assert repository.on_remote("env/test", PATH) == images((IMAGE, "1", None))


def test_a_plan_is_made_on_the_newest_tips_and_writes_nothing() -> None:
    repository = FakeRepository({"main": FILES})
    repository.commit("main", overlay("3"))
    tips = dict(repository.remote)
    changes, report = pipeline.plan(parts(repository), [delivery("4"), replace(delivery("5"), body=b"")])
    (change,) = changes
    assert change.files[PATH].before.decode() == images((IMAGE, "3", None))
    assert outcomes(report) == [("test", "4", Outcome.COMMITTED)]
    assert report.decisions[0].commit is None
    assert (report.commits, report.exit_code) == ((), 4)
    assert (repository.remote, repository.pushes) == (tips, [])


# Others who push


def two_branches() -> FakeRepository:
    """test on its own branch and edge on the default one, both heard of."""
    main = {**environment_file("test", "branch: env/test"), **environment_file("edge")}
    repository = FakeRepository({"main": {**main, **overlay("1", environment="edge")}, "env/test": overlay("1")})
    repository.refresh(frozenset({"env/test"}))
    repository.listings.clear()
    return repository


def test_a_branch_that_moved_before_the_push_is_planned_again_on_its_new_tip() -> None:
    repository = FakeRepository({"main": FILES})
    repository.rivals = [lambda: repository.commit("main", {"README": "theirs"}, "their work\n")]
    pauses: list[int] = []
    report = pipeline.handle(parts(repository, pauses=pauses), [delivery("2")])
    assert repository.log("main") == ["Deploy model-a 2 to test", "their work", "by hand"]
    assert repository.on_remote("main", "README") == "theirs"
    assert [commit.sha for commit in report.commits] == [repository.remote["main"]]
    assert (pauses, repository.listings) == ([1], [frozenset({"main"})])


def test_what_a_rival_has_done_already_is_not_done_again() -> None:
    repository = FakeRepository({"main": FILES})
    repository.rivals = [lambda: repository.commit("main", overlay("3"), "newer\n", minutes=99)]
    report = handle(repository, delivery("2"))
    assert outcomes(report) == [("test", "2", Outcome.REJECTED)]
    assert (report.commits, repository.log("main")[0]) == ((), "newer")


def test_only_the_branch_that_moved_is_planned_again_and_each_commit_is_reported_once() -> None:
    repository = two_branches()
    repository.rivals = [lambda: repository.commit("env/test", {"README": "theirs"}, "their work\n")]
    report = handle(repository, delivery("2"))
    assert repository.pushes == [("main", "env/test"), ("env/test",)]
    assert repository.log("main") == ["Deploy model-a 2 to edge", "by hand"]
    assert repository.log("env/test") == ["Deploy model-a 2 to test", "their work", "by hand"]
    assert sorted(outcomes(report)) == [("edge", "2", Outcome.COMMITTED), ("test", "2", Outcome.COMMITTED)]
    assert {commit.branch: commit.sha for commit in report.commits} == repository.remote
    assert len(report.commits) == 2


def test_a_branch_that_landed_is_not_written_to_again_although_somebody_takes_it_back_meanwhile() -> None:
    repository = two_branches()
    repository.rivals = [lambda: repository.commit("env/test", {"README": "theirs"}, "their work\n")]

    def take_back(_tries: int) -> None:
        repository.commit("main", overlay("1", environment="edge"), "back\n", minutes=-99)

    report = pipeline.handle(replace(parts(repository), pause=take_back), [delivery("2")])
    assert repository.log("main") == ["back", "Deploy model-a 2 to edge", "by hand"]
    assert sorted(commit.branch for commit in report.commits) == ["env/test", "main"]


def test_a_configuration_that_a_rival_brings_is_in_force_with_the_next_try() -> None:
    repository = FakeRepository({"main": FILES})
    repository.rivals = [lambda: repository.commit("main", environment_file("test", "paused: true"))]
    report = handle(repository, delivery("2"))
    assert outcomes(report) == [("test", "2", Outcome.WAITING)]
    assert report.exit_code == 0
    assert repository.on_remote("main", PATH) == FILES[PATH]


def test_a_branch_that_was_deleted_before_the_push_becomes_a_problem() -> None:
    repository = two_branches()
    repository.rivals = [lambda: repository.remote.pop("env/test")]
    report = handle(repository, delivery("2"))
    assert outcomes(report) == [("edge", "2", Outcome.COMMITTED)]
    assert [problem.exit_code for problem in report.problems] == [5]
    assert "env/test" not in repository.remote


def test_a_default_branch_that_was_renamed_before_the_push_is_written_to_under_its_new_name() -> None:
    repository = FakeRepository({"main": FILES})

    def rename() -> None:
        repository.remote["trunk"] = repository.remote.pop("main")
        repository.remote_default = "trunk"

    repository.rivals = [rename]
    report = handle(repository, delivery("2"))
    assert [commit.branch for commit in report.commits] == ["trunk"]
    assert repository.log("trunk") == ["Deploy model-a 2 to test", "by hand"]


def test_a_push_that_the_remote_refuses_refuses_the_decisions_of_that_branch() -> None:
    repository = two_branches()
    repository.refuses = {"env/test": "protected branch"}
    report = handle(repository, delivery("2"))
    assert sorted(outcomes(report)) == [("edge", "2", Outcome.COMMITTED), ("test", "2", Outcome.REFUSED)]
    assert [decision.exit_code for decision in report.decisions if decision.outcome is Outcome.REFUSED] == [5]
    assert [decision.reason for decision in report.decisions if decision.exit_code] == ["protected branch"]
    assert [str(problem) for problem in report.problems] == ["protected branch"]
    assert [commit.branch for commit in report.commits] == ["main"]
    assert report.exit_code == 5
    assert repository.pushes == [("main", "env/test")]


def test_a_refused_push_leaves_what_nobody_wanted_to_write_as_it_was_decided() -> None:
    repository = FakeRepository({"main": {**FILES, **overlay("2", service="model-b")}})
    repository.refuses = {"main": "protected branch"}
    report = handle(repository, delivery("2"), delivery("2", image=OTHER))
    assert outcomes(report) == [("test", "2", Outcome.REFUSED), ("test", "2", Outcome.UNCHANGED)]


def test_it_gives_up_when_others_are_faster_every_time() -> None:
    repository = FakeRepository({"main": FILES})
    repository.rivals = [
        lambda number=number: repository.commit("main", {"README": str(number)})  # type: ignore[misc]
        for number in range(pipeline.TRIES)
    ]
    pauses: list[int] = []
    report = pipeline.handle(parts(repository, pauses=pauses), [delivery("2")])
    (problem,) = report.problems
    assert isinstance(problem, PushContended)
    assert "12 times in a row" in problem.message
    assert (problem.retry, report.exit_code) == (True, 5)
    assert outcomes(report) == [("test", "2", Outcome.REFUSED)]
    assert len(repository.pushes) == pipeline.TRIES
    assert pauses == list(range(1, pipeline.TRIES))
    assert outcomes(handle(repository, delivery("2"))) == [("test", "2", Outcome.COMMITTED)]


# Laws 2 and 3, over the real path

TAGS: dict[OrderName, tuple[str, ...]] = {
    "pushed": ("main-1", "main-2", "latest", "x"),
    "semver": ("1.0.0", "v1.0.0", "1.1.0", "1.10.0"),
    "numerical": ("7", "7.0", "10", "9"),
    "alphabetical": ("a", "B", "b", "10"),
}


@dataclass(frozen=True)
class Story:
    """What stands first and since when, what is pushed, and two ways of hearing of it in batches, more than once."""

    order: OrderName
    standing: Version
    since: int
    events: tuple[Event, ...]
    heard: tuple[tuple[tuple[Event, ...], ...], ...]

    def repository(self) -> FakeRepository:
        letter = self.standing.digest[-1] if self.standing.digest else None
        files = {**environment_file(order=self.order), **overlay(self.standing.tag, letter)}
        return FakeRepository({"main": files}, since=self.since)

    def rank(self, version: Version) -> object:
        """Where a version ranks, by the time of its push, or of the commit for what stood first."""
        times = {event.version: event.time for event in self.events}
        return rule_of(self.order).rank(version, times.get(version, at(self.since)))


def rule_of(order: OrderName) -> Rule:
    return compile_rule(Follow(image="reg.example/models/*", order=order))


@st.composite
def batches(draw: st.DrawFn, events: Sequence[Event]) -> tuple[tuple[Event, ...], ...]:
    """All events in any order and grouping, some of them twice."""
    heard = draw(st.permutations([*events, *draw(st.lists(st.sampled_from(events), max_size=2))]))
    cuts = sorted(draw(st.lists(st.integers(0, len(heard)), max_size=3)))
    return tuple(tuple(heard[start:end]) for start, end in zip([0, *cuts], [*cuts, len(heard)], strict=True))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Versions with one push time each, all with digests or none; what stands first is another version than those."""
    order = draw(st.sampled_from(list(TAGS)))
    whole = draw(st.booleans())
    pairs = st.tuples(st.sampled_from(TAGS[order]), st.sampled_from("abc" if whole else " "))
    versions = draw(st.lists(pairs, min_size=1, max_size=4, unique=True))
    events = tuple(
        pushed(tag, letter.strip() or None, draw(st.integers(-3, 3)), id=f"id-{number}")
        for number, (tag, letter) in enumerate(versions)
    )
    fresh = [Version(), Version("v0")] + ([Version(None, digest("f")), Version("v0", digest("f"))] if whole else [])
    since = draw(st.integers(-3, 3))
    heard = tuple(draw(batches(events)) for _ in range(2))
    return Story(order, draw(st.sampled_from(fresh)), since, events, heard)


def delivered(event: Event) -> Delivery:
    minutes = (event.time - at(0)) / timedelta(minutes=1)
    letter = event.version.digest[-1] if event.version.digest else None
    return delivery(event.version.tag, letter, minutes, id=event.id)


def stands(repository: FakeRepository) -> Version:
    (entry,) = entries(PATH, repository.on_remote("main", PATH).encode())
    return entry.version


def hear(repository: FakeRepository, batch: Sequence[Event]) -> Report:
    return handle(repository, *map(delivered, batch))


@given(stories())
def test_any_order_grouping_and_repetition_of_events_ends_in_the_same_tree(story: Story) -> None:
    ends = []
    for heard in story.heard:
        repository = story.repository()
        for batch in heard:
            hear(repository, batch)
        # But for quotes: a value keeps those it has, and gets some where a tag on its way needs them.
        ends.append(repository.on_remote("main", PATH).replace('"', ""))
    assert ends[0] == ends[1]


@given(stories())
def test_the_newest_version_stands_in_the_end(story: Story) -> None:
    repository = story.repository()
    for batch in story.heard[0]:
        hear(repository, batch)
    candidates = [event.version for event in story.events]
    if story.standing != Version():
        candidates.append(story.standing)
    assert stands(repository) == max(candidates, key=story.rank)  # type: ignore[arg-type]


@given(stories())
def test_nothing_that_ranks_lower_than_what_stands_is_ever_written(story: Story) -> None:
    repository = story.repository()
    for batch in story.heard[0]:
        before = stands(repository)
        hear(repository, batch)
        after = stands(repository)
        assert before in (after, Version()) or story.rank(after) > story.rank(before)  # type: ignore[operator]


@given(stories())
def test_handling_the_same_again_changes_nothing(story: Story) -> None:
    repository = story.repository()
    for batch in story.heard[0]:
        hear(repository, batch)
        tip, pushes = dict(repository.remote), len(repository.pushes)
        assert hear(repository, batch).commits == ()
        assert (repository.remote, len(repository.pushes)) == (tip, pushes)


@given(st.permutations(["x", "y", "z"]), st.integers(-3, 3), st.permutations([-2, 0, 2]), st.data())
def test_a_tag_that_learns_its_digest_gives_way_only_to_what_it_gave_way_to_before(
    tags: list[str], since: int, minutes: list[int], data: st.DataObject
) -> None:
    events = [pushed(tag, letter, time) for tag, letter, time in zip(tags, "abc", minutes, strict=True)]
    ends = set()
    for _ in range(2):
        repository = FakeRepository({"main": {**environment_file(), **overlay("x")}}, since=since + 0.5)
        for batch in data.draw(batches(events)):
            hear(repository, batch)
        ends.add(repository.on_remote("main", PATH))
        assert stands(repository).digest is not None
    assert len(ends) == 1


# Pushes without a time of their own


@given(
    st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from("ab")), min_size=1, max_size=8),
    st.sampled_from(list(TAGS)),
)
def test_a_push_without_a_time_that_comes_again_later_never_takes_anything_back(
    heard: list[tuple[str, str]], order: OrderName
) -> None:
    repository = FakeRepository({"main": {**environment_file(order=order), **overlay("v0")}}, since=-9)
    seen: set[tuple[str, str]] = set()
    for minutes, (name, letter) in enumerate(heard):
        tag = dict(zip("uvw", TAGS[order], strict=False))[name]
        before = repository.on_remote("main", PATH)
        untimed = replace(delivery(tag, letter, None), received_at=at(minutes))
        clock = StoppedClock(at(minutes))
        ours = parts(repository)
        pipeline.handle(replace(ours, sight=replace(ours.sight, clock=clock)), [untimed])
        if (tag, letter) in seen:
            assert repository.on_remote("main", PATH) == before
        seen.add((tag, letter))


# A remote that breaks off


class Breaking(FakeRepository):
    """A remote on which pushes to some branches break off, so many times, before anything has changed there."""

    breaks: int
    dies = False

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        outcomes = super().push([update for update in updates if self.breaks == 0 or update.branch != "main"])
        if self.breaks:
            self.breaks -= 1
            outcomes |= {"main": "unfinished"} if any(update.branch == "main" for update in updates) else {}
        return outcomes

    def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
        if self.dies and self.pushes:
            raise RemoteUnavailable("nobody answers")
        return super().refresh(branches)


def breaking(breaks: int, **branches: dict[str, str]) -> Breaking:
    repository = Breaking({"main": {**FILES, **environment_file("edge", "branch: edge")}, **branches})
    repository.breaks = breaks
    return repository


def test_a_push_that_breaks_off_once_is_made_again() -> None:
    repository = breaking(1, edge=overlay("9", environment="edge"))
    report = handle(repository, delivery("2"))
    assert (report.exit_code, repository.log("main")[0]) == (0, "Deploy model-a 2 to test")


def test_a_push_that_breaks_off_every_time_ends_soon_and_says_so() -> None:
    repository = breaking(99, edge=overlay("9", environment="edge"))
    report = handle(repository, delivery("2"))
    (problem,) = report.problems
    assert isinstance(problem, RemoteUnavailable)
    assert (problem.retry, report.exit_code, len(repository.pushes)) == (True, 5, pipeline.BREAKS)
    assert ("test", "2", Outcome.REFUSED) in outcomes(report)


def test_what_landed_and_what_was_unreadable_is_told_although_the_remote_dies_in_the_middle() -> None:
    repository = breaking(99, edge=overlay("1", environment="edge"))
    repository.dies = True
    repository.refresh(frozenset({"edge"}))
    repository.pushes.clear()
    report = handle(repository, delivery("2"), replace(delivery("3"), body=b"{"))
    assert {each.branch for each in report.commits} == {"edge"}
    assert sorted(outcomes(report)) == [("edge", "2", Outcome.COMMITTED), ("test", "2", Outcome.REFUSED)]
    assert [type(problem).__name__ for problem in report.problems] == ["EventError", "RemoteUnavailable"]


@given(st.lists(st.sampled_from([-3, -2, -1, 1, 2, 3]), min_size=2, max_size=4, unique=True), st.booleans(), st.data())
def test_a_tag_without_digest_ends_at_the_newest_of_its_digests_in_any_order(
    minutes: list[int], with_another_tag: bool, data: st.DataObject
) -> None:
    events = [pushed("main", letter, time) for letter, time in zip("abcd", minutes, strict=False)]
    if with_another_tag:
        events[0] = pushed("other", "a", minutes[0])
    ends = set()
    for _ in range(2):
        repository = FakeRepository({"main": {**environment_file(), **overlay("main")}}, since=0)
        for event in data.draw(st.permutations(events)):
            hear(repository, [event])
        ends.add(stands(repository))
    assert len(ends) == 1
    if not with_another_tag:
        assert ends == {max(events, key=lambda event: event.time).version}
