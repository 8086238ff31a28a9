"""The worker: what it takes, in which batches, and what becomes of what fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.contextvars import get_contextvars

from tests.helpers.events import IMAGE, at, pushed
from tests.helpers.fake_forge import FakeForge
from tests.helpers.fake_registries import FakeRegistries
from tests.helpers.fake_repository import FakeRepository, environment_file, overlay, sight
from tests.helpers.working import MemoryFeed, QuickBell, Workplace
from updater.core.verification import PlannedEdit
from updater.errors import (
    ForgeUnavailable,
    GitError,
    PushRefused,
    RegistryUnavailable,
    RemoteUnavailable,
    RendererUnavailable,
    UpdaterError,
)
from updater.feeds import Item
from updater.forge import GATES
from updater.model import Event, Reported
from updater.pipeline import Parts
from updater.protocols import PushOutcome, Tree, Update
from updater.working import worker
from updater.working.judging import MAX_TRIES
from updater.working.looking import SOON
from updater.working.passes import GAP, PATIENCE
from updater.working.worker import DEBOUNCE

FILES = {**environment_file(order="semver"), **overlay("1.0.0"), **overlay("1.0.0", service="model-b")}
PATH = "overlays/test/model-a/kustomization.yaml"
OTHER = IMAGE.replace("model-a", "model-b")


def parts(repository: FakeRepository) -> Parts:
    return Parts(sight(repository), {}, lambda _: None)


def item(*events: Event, name: str = "1", tries: int = 0) -> Item:
    return Item(name, events, tries=tries)


def workplace(repository: FakeRepository | None = None, *items: Item, waits: int = 1) -> Workplace:
    place = Workplace(parts(repository or FakeRepository({"main": FILES})), bell=QuickBell(waits))
    place.feed.items += items
    return place


class Outage(FakeRepository):
    """A remote that is down for the first pushes."""

    down = 1

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        if self.down:
            self.down -= 1
            raise RemoteUnavailable("the remote does not answer")
        return super().push(updates)


class Refusing(FakeRepository):
    """A remote that lets nobody write."""

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        return {update.branch: PushRefused("the branch is protected") for update in updates}


class Poisoned(FakeRepository):
    """A remote on which one image makes everything fail."""

    def paths(self, branch: str, tip: str, image: str) -> Sequence[str]:
        if image == OTHER:
            raise ZeroDivisionError("a mistake of ours")
        return super().paths(branch, tip, image)


def test_what_came_in_lands_and_is_settled_with_its_commit() -> None:
    repository = FakeRepository({"main": FILES})
    place = workplace(repository, item(pushed("1.1.0")))
    place.run()
    ((name, ending),) = place.feed.ended
    assert (name, ending.state, ending.outcome) == ("1", "done", "committed")
    assert ending.commits == (repository.elsewhere().tip("main"),)
    assert 'newTag: "1.1.0"' in repository.on_remote("main", PATH)


def test_a_pass_follows_a_start_and_a_landing() -> None:
    place = workplace(None, item(pushed("1.1.0")))
    place.run()
    assert place.notebook.told == ["opened", "worked on 1", "passed"]


def test_nothing_is_waited_for_while_there_is_work() -> None:
    place = workplace(None, item(pushed("1.1.0")))
    place.run()
    assert len(place.bell.waited) == 1, "only in the end"


def test_equal_pushes_of_several_items_are_decided_on_once_and_all_settled() -> None:
    place = workplace(None, item(pushed("1.1.0")), item(pushed("1.1.0", source="quay"), name="2"))
    place.run()
    assert place.feed.outcomes() == [("1", "done", "committed"), ("2", "done", "committed")]
    assert len(place.notebook.reports[0].commits) == 1


def test_what_nobody_follows_is_done_with_a_reason() -> None:
    place = workplace(None, item(pushed("1.1.0", image="reg.example/others/x")))
    place.run()
    ((_, ending),) = place.feed.ended
    assert (ending.state, ending.outcome) == ("done", "ignored")
    assert ending.reason


# --- batches


def test_after_a_quiet_time_nothing_is_waited_for() -> None:
    place = workplace(None, item(pushed("1.1.0")))
    place.seconds = 100.0
    place.run()
    assert place.bell.waited == [pytest.approx(5.0)]


def test_what_comes_close_behind_a_batch_waits_for_more_and_is_one_batch() -> None:
    place = workplace(None, item(pushed("1.1.0")), waits=10)
    bell, feed = place.bell, place.feed
    later = [item(pushed("1.2.0"), name="2"), item(pushed("1.0.0", image=OTHER), name="3")]

    class Ringing(QuickBell):
        def wait(self, seconds: float) -> bool:
            super().wait(seconds)
            if later:
                feed.items.append(later.pop(0))
                return True
            self.stop()
            return False

    place.bell = Ringing(10)
    place.run()
    assert bell is not place.bell
    assert [told for told in place.notebook.told if told.startswith("worked")] == ["worked on 1", "worked on 2"]


def test_waiting_for_more_ends_after_a_second_at_the_most() -> None:
    place = workplace(None, item(pushed("1.1.0")), item(pushed("1.2.0"), name="2"))
    feed = place.feed
    second, feed.items = feed.items.pop(), feed.items[:1]

    class Endless(QuickBell):
        def wait(self, seconds: float) -> bool:
            place.seconds += 0.09
            if not feed.items and second is not None and len(feed.ended) == 1 and not self.waited:
                feed.items.append(second)
            self.waited.append(seconds)
            if len(feed.ended) == 2:
                self.stop()
            return True

    place.bell = Endless()
    place.run()
    quiet = [seconds for seconds in place.bell.waited if seconds == 0.1]
    assert 1 < len(quiet) <= DEBOUNCE / 0.09 + 1


def test_a_batch_has_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "BATCH", 10)
    items = [item(pushed(f"1.1.{number}"), name=str(number)) for number in range(11)]
    place = workplace(None, *items)
    place.run()
    assert [told for told in place.notebook.told if told.startswith("worked")] == ["worked on 10", "worked on 1"]


def test_what_is_logged_while_a_batch_is_worked_on_names_its_events() -> None:
    seen: list[object] = []

    class Noting(FakeRepository):
        def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
            seen.append(get_contextvars())
            return super().push(updates)

    workplace(Noting({"main": FILES}), item(pushed("1.1.0"))).run()
    assert seen == [{"event": "generic/id-1"}]


# --- failures


def test_while_the_remote_is_down_events_wait_and_the_tries_do_not_count() -> None:
    place = workplace(Outage({"main": FILES}), item(pushed("1.1.0"), tries=MAX_TRIES + 5))
    place.run()
    ((_, ending),) = place.feed.ended
    assert (ending.state, ending.counts) == ("again", False)
    assert ending.at is not None
    assert ending.at > at(60)
    assert "does not answer" in ending.reason
    assert place.bell.paused, "and nobody is asked for a while"


def test_after_the_outage_the_event_lands() -> None:
    repository = Outage({"main": FILES})
    place = workplace(repository, item(pushed("1.1.0")))
    place.run()
    place.bell, place.feed.items = QuickBell(), [item(pushed("1.1.0"))]
    place.run()
    assert place.feed.outcomes()[-1] == ("1", "done", "committed")


class Unreachable(Outage):
    """A remote that tells nothing either while it is down."""

    def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
        if self.down:
            raise RemoteUnavailable("the remote does not answer")
        return super().refresh(branches)


@pytest.mark.parametrize(
    "versions", [["1.0.0"], ["0.9.0"], ["1.1.0", "1.2.0"]], ids=["unchanged", "rejected", "superseded"]
)
def test_nothing_is_decided_for_good_on_what_was_last_heard_of_a_remote_that_is_down(versions: list[str]) -> None:
    repository = Unreachable({"main": FILES})
    repository.down = 2
    place = workplace(repository, *(item(pushed(version), name=version) for version in versions))
    place.run()
    assert place.feed.outcomes() == [(version, "again", "failed") for version in versions]
    assert not any(ending.counts for _, ending in place.feed.ended)


def test_a_hotfix_that_is_pushed_while_the_remote_is_down_lands_on_the_revert_that_we_had_not_heard_of() -> None:
    repository = Unreachable({"main": {**FILES, **overlay("1.3.2")}})
    repository.down = 0
    repository.commit("main", overlay("1.4.0"), minutes=10)
    repository.refresh()
    repository.commit("main", overlay("1.3.2"), "Revert", minutes=20)
    repository.down = 1
    place = workplace(repository, item(pushed("1.3.3", minutes=30)))
    place.run()
    repository.down = 0
    place.bell, place.feed.items = QuickBell(), [item(pushed("1.3.3", minutes=30))]
    place.run()
    assert place.feed.outcomes() == [("1", "again", "failed"), ("1", "done", "committed")]


def test_the_pause_grows_while_the_remote_is_down() -> None:
    repository = Outage({"main": FILES})
    repository.down = 4
    items = [item(pushed("1.1.0"), name=str(number)) for number in range(4)]
    place = workplace(repository, items[0], waits=5)

    class OneByOne(QuickBell):
        def pause(self, seconds: float) -> None:
            super().pause(seconds)
            place.feed.items += items[len(self.paused) : len(self.paused) + 1]

    place.bell = OneByOne(10)
    place.run()
    assert place.bell.paused == sorted(place.bell.paused)
    assert place.bell.paused[0] < place.bell.paused[2] <= 30


def test_a_push_that_is_not_let_in_is_tried_again_and_given_up_in_the_end() -> None:
    place = workplace(
        Refusing({"main": FILES}), item(pushed("1.1.0")), item(pushed("1.2.0"), name="2", tries=MAX_TRIES - 1)
    )
    place.run()
    assert place.feed.outcomes() == [("1", "done", "superseded"), ("2", "dead", "failed")]
    assert f"given up after {MAX_TRIES} tries" in place.feed.ended[1][1].reason
    assert not place.bell.paused, "the remote is not down"


def test_one_bad_item_does_not_keep_the_others_back() -> None:
    items = [item(pushed("1.1.0", image=OTHER if number == 3 else IMAGE), name=str(number)) for number in range(7)]
    place = workplace(Poisoned({"main": FILES}), *items)
    place.run()
    states = {name: ending.state for name, ending in place.feed.ended}
    assert states == {str(number): "again" if number == 3 else "done" for number in range(7)}
    assert "ZeroDivisionError" in dict(place.feed.ended)["3"].reason


def test_a_bad_item_is_given_up_in_the_end() -> None:
    place = workplace(Poisoned({"main": FILES}), item(pushed("1.1.0", image=OTHER), tries=MAX_TRIES - 1))
    place.run()
    assert place.feed.outcomes() == [("1", "dead", "failed")]


def test_what_is_pushed_while_an_environment_is_broken_waits_for_it_on_the_remote() -> None:
    repository = FakeRepository({"main": {**FILES, "environments/edge.yaml": "overlays: [\n"}})
    place = workplace(repository, item(pushed("1.1.0")), item(pushed("1", image="reg.example/others/x"), name="2"))
    place.run()
    assert place.feed.outcomes() == [("1", "done", "committed"), ("2", "done", "waiting")]
    assert "environments/edge.yaml" in place.feed.ended[1][1].reason
    assert repository.tip("refs/updater/waiting/edge")


def test_what_waited_for_a_broken_environment_lands_once_its_file_is_mended() -> None:
    edge = {"environments/edge.yaml": "overlays: [\n", **overlay("1.0.0", environment="edge")}
    repository = FakeRepository({"main": {**FILES, **edge}})
    workplace(repository, item(pushed("1.1.0")), item(pushed("1", image="reg.example/others/x"), name="2")).run()
    repository.elsewhere().commit("main", environment_file("edge", order="semver"))
    workplace(repository).run()
    assert 'newTag: "1.1.0"' in repository.on_remote("main", "overlays/edge/model-a/kustomization.yaml")
    assert repository.tip("refs/updater/waiting/edge") is None


def test_what_cannot_be_kept_for_a_broken_environment_is_tried_again() -> None:
    class Keeping(FakeRepository):
        def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
            if any(update.branch.startswith("refs/") for update in updates):
                raise RemoteUnavailable("the remote does not answer")
            return super().push(updates)

    place = workplace(Keeping({"main": {**FILES, "environments/edge.yaml": "overlays: [\n"}}), item(pushed("1.1.0")))
    place.run()
    assert [(state, outcome) for _, state, outcome in place.feed.outcomes()] == [("again", "failed")]


def test_where_no_environment_can_be_read_at_all_events_are_tried_again() -> None:
    place = workplace(FakeRepository({"main": {"README.md": "no environments yet"}}), item(pushed("1.1.0")))
    place.run()
    ((_, ending),) = place.feed.ended
    assert (ending.state, ending.counts) == ("again", True)


def test_a_rendering_that_was_broken_off_is_tried_again() -> None:
    def killed(_tree: Tree, _edit: PlannedEdit) -> None:
        raise RendererUnavailable("kustomize was ended by signal 9")

    repository = FakeRepository({"main": FILES})
    place = workplace(repository, item(pushed("1.1.0")))
    place.parts = Parts(sight(repository, killed), {}, lambda _: None)
    place.run()
    ((_, ending),) = place.feed.ended
    assert (ending.state, ending.counts) == ("again", True)
    assert "signal 9" in ending.reason


def test_an_overlay_that_cannot_be_edited_ends_its_event_with_the_reason() -> None:
    aliased = {PATH: f"tag: &tag '1.0.0'\nimages:\n- name: {IMAGE}\n  newTag: *tag\n"}
    place = workplace(FakeRepository({"main": {**FILES, **aliased}}), item(pushed("1.1.0")))
    place.run()
    ((_, ending),) = place.feed.ended
    assert (ending.state, ending.outcome) == ("done", "refused")


def test_a_repository_that_cannot_be_opened_is_tried_again_with_pauses() -> None:
    place = workplace(None, item(pushed("1.1.0")))
    place.fails_to_open = [UpdaterError("not yet", hint="wait"), RuntimeError("never heard of")]
    place.run()
    assert [told.partition(":")[0] for told in place.notebook.told] == [
        "troubled", "troubled", "opened", "worked on 1", "passed",
    ]  # fmt: skip
    assert len(place.bell.paused) == 2


class Moved(FakeRepository):
    """A repository of which what is kept here has gone."""

    def __init__(self, files: Mapping[str, Mapping[str, str]], error: Exception) -> None:
        super().__init__(files)
        self._error = error

    def paths(self, branch: str, tip: str, image: str) -> Sequence[str]:
        raise self._error

    def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
        raise self._error


@pytest.mark.parametrize(
    ("error", "openings"),
    [(FileNotFoundError("HEAD"), 3), (GitError("the local mirror is gone"), 3), (RemoteUnavailable("it is down"), 1)],
)
def test_what_is_kept_here_of_the_repository_is_made_anew_where_it_may_have_gone(
    error: Exception, openings: int
) -> None:
    place = workplace(Moved({"main": FILES}, error), item(pushed("1.1.0")))
    place.run()
    assert place.feed.outcomes() == [("1", "again", "failed")]
    assert [told for told in place.notebook.told if told != "opened"] == ["worked on 1", "passed"]
    assert place.notebook.told.count("opened") == openings, "after the batch, and after the pass"


def test_a_pass_that_fails_is_told_and_repeated_soon() -> None:
    repository = Outage({"main": FILES})

    class Silent(FakeRepository):
        def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
            raise RemoteUnavailable("the remote does not answer")

    place = workplace(Silent({"main": FILES}))
    place.run()
    assert place.notebook.told == ["opened", "passed"]
    assert "does not answer" in str(place.notebook.reports[0].problems[0])
    assert place.bell.waited == [pytest.approx(1.0)]
    assert repository.down


# --- what wakes it


def test_a_pass_that_has_waited_for_a_minute_goes_before_events() -> None:
    place = workplace(None, item(pushed("1.1.0")))
    feed = place.feed

    class Late(QuickBell):
        def news(self) -> bool:
            if not place.notebook.reports:
                place.clock.time = at(60) + PATIENCE
            return super().news()

    place.bell = Late()
    place.run()
    assert place.notebook.told == ["opened", "passed", "worked on 1"]
    assert feed.outcomes() == [("1", "done", "committed")]


def test_news_bring_a_pass() -> None:
    place = workplace(waits=2)

    class Telling(QuickBell):
        def wait(self, seconds: float) -> bool:
            if not self.waited:
                self.tell()
                place.clock.time += GAP
            return super().wait(seconds)

    place.bell = Telling(2)
    place.run()
    assert place.notebook.told == ["opened", "passed", "passed"]


def test_it_waits_until_the_next_thing_is_due_and_looks_at_its_feeds_now_and_then() -> None:
    place = workplace(waits=3)
    place.feed.at = at(60) + timedelta(seconds=2)
    place.run()
    assert place.bell.waited[0] == pytest.approx(2.0)
    other = workplace()
    other.run()
    assert other.bell.waited == [pytest.approx(5.0)]


# --- gates' results that came by Pub/Sub


def worked_with_forge(forge: FakeForge, *items: Item) -> Workplace:
    place = workplace(forge.repository, *items)
    place.parts = replace(place.parts, sight=replace(place.parts.sight, forge=lambda: forge))
    place.run()
    return place


def told(context: str, **place: str) -> Item:
    return Item("1", reported=(Reported(context, "success", **place),))


def test_a_result_is_posted_on_its_commit_before_its_item_is_done() -> None:
    forge = FakeForge(FakeRepository({"main": FILES}))
    commit = str(forge.repository.tip("main"))
    place = worked_with_forge(forge, told("smoke-test", commit=commit))
    assert place.feed.outcomes() == [("1", "done", "reported")]
    assert forge.reports[commit]["smoke-test"].state == "success"


def test_a_result_of_a_service_is_posted_where_what_stands_there_landed() -> None:
    repository = FakeRepository({"main": FILES})
    commit = repository.commit("main", overlay("1.1.0"))
    repository.refresh()
    forge = FakeForge(repository)
    worked_with_forge(forge, told("smoke-test", environment="test", service="model-a"))
    assert forge.reports[commit]["smoke-test"].state == "success"


def test_a_result_of_a_service_that_is_not_there_is_done_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    forge = FakeForge(FakeRepository({"main": FILES}))
    place = worked_with_forge(forge, told("smoke-test", environment="test", service="model-x"))
    assert place.feed.outcomes() == [("1", "done", "refused")]
    assert "model-x" in place.feed.ended[0][1].reason
    assert "model-x" in caplog.text, "nobody else hears of it"


def test_a_push_is_not_finished_because_the_result_beside_it_is_refused() -> None:
    forge = FakeForge(Outage({"main": FILES}))
    both = replace(told("smoke-test", environment="test", service="model-x"), events=(pushed("1.1.0"),))
    place = worked_with_forge(forge, both)
    assert place.feed.outcomes() == [("1", "again", "failed")]


def test_a_result_waits_while_the_forge_is_down() -> None:
    forge = FakeForge(FakeRepository({"main": FILES}))
    forge.fails["report"] = [ForgeUnavailable("the forge does not answer")]
    place = worked_with_forge(forge, told("smoke-test", commit="a" * 40))
    assert place.feed.outcomes() == [("1", "again", "failed")]
    ((_, ending),) = place.feed.ended
    assert ending.at is not None
    assert ending.at - at(60) > timedelta(seconds=20), "nobody rests for a forge, so it is not asked every second"


def test_nobody_reports_in_the_name_of_the_updater() -> None:
    forge = FakeForge(FakeRepository({"main": FILES}))
    place = worked_with_forge(forge, told(GATES, commit=str(forge.repository.tip("main"))))
    assert place.feed.outcomes() == [("1", "done", "refused")]
    assert not forge.reports


# --- the end


class Broken(FakeRepository):
    """A remote to which the push is broken off because the service ends."""

    bell: QuickBell

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        self.bell.stop()
        raise GitError("git was killed")


def test_what_is_broken_off_at_the_end_counts_as_not_tried() -> None:
    """However often the service is restarted while a push hangs, nobody's event is given up for it."""
    repository = Broken({"main": FILES})
    place = workplace(repository, item(pushed("1.1.0"), tries=MAX_TRIES - 1))
    repository.bell = place.bell
    place.run()
    assert place.feed.ended == []


def test_what_landed_before_the_end_is_settled() -> None:
    class Ending(FakeRepository):
        def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
            place.bell.stop()
            return super().push(updates)

    place = workplace(Ending({"main": FILES}), item(pushed("1.1.0")))
    place.run()
    assert place.feed.outcomes() == [("1", "done", "committed")]


# --- looks at registries


def looking(registries: FakeRegistries, waits: int = 1) -> Workplace:
    """A worker that looks at registries."""
    place = workplace(waits=waits)
    place.parts = replace(place.parts, sight=replace(place.parts.sight, registries=registries))
    place.looks = timedelta(hours=1)
    return place


def test_a_look_follows_the_first_pass_and_what_it_finds_lands_with_the_next() -> None:
    place = looking(FakeRegistries({"1.1.0": "a"}), waits=3)

    class Later(QuickBell):
        def wait(self, seconds: float) -> bool:
            place.clock.time += GAP
            return super().wait(seconds)

    place.bell = Later(3)
    place.run()
    assert place.notebook.told[:4] == ["opened", "passed", "passed", "looked at 2"]
    assert [each.environment for each in place.notebook.reports[1].commits] == ["test"]


def test_registries_are_looked_at_though_events_never_cease() -> None:
    place = looking(FakeRegistries({"1.1.0": "a"}))

    class Busy(MemoryFeed):
        def take(self, limit: int) -> Sequence[Item]:
            place.clock.time += PATIENCE
            place.seconds += PATIENCE.total_seconds()
            if place.clock.time > at(75):
                place.bell.stop()
            return [item(pushed("1.0.0"))]

    place.feed = Busy()
    place.run()
    assert place.bell.waited == []
    assert "looked at 2" in place.notebook.told


def test_an_image_in_which_a_push_has_landed_is_looked_at_again_before_the_next_look() -> None:
    registries = FakeRegistries()
    place = looking(registries)

    class Later(QuickBell):
        def wait(self, seconds: float) -> bool:
            place.clock.time += SOON / 2
            if len(self.waited) == 3:
                registries.tags["1.1.0"] = "a"
                place.feed.items.append(item(pushed("1.1.0")))
            return super().wait(seconds)

    place.bell = Later(12)
    place.run()
    looked = [told for told in place.notebook.told if told.startswith(("looked", "worked"))]
    assert looked == ["looked at 2", "worked on 1", "looked at 1"]


def test_without_an_interval_no_registry_is_looked_at() -> None:
    place = looking(FakeRegistries({"1.1.0": "a"}), waits=3)
    place.looks = None
    place.run()
    assert place.notebook.told == ["opened", "passed"]


def test_what_was_found_while_the_remote_is_down_lands_once_it_is_back() -> None:
    repository = Outage({"main": FILES})
    place = looking(FakeRegistries({"1.1.0": "a"}), waits=8)
    place.parts = replace(place.parts, sight=replace(sight(repository), registries=place.parts.sight.registries))

    class Later(QuickBell):
        def wait(self, seconds: float) -> bool:
            place.clock.time += timedelta(seconds=max(seconds, GAP.total_seconds()))
            return super().wait(seconds)

    place.bell = Later(8)
    place.run()
    assert place.notebook.told.count("looked at 2") == 1, "the pass that could not push is repeated with what was found"
    assert 'newTag: "1.1.0"' in repository.on_remote("main", PATH)


def test_a_registry_that_is_down_does_not_bring_one_pass_behind_the_other() -> None:
    place = looking(FakeRegistries(down=RegistryUnavailable("reg.example did not answer")), waits=2)

    class Later(QuickBell):
        def wait(self, seconds: float) -> bool:
            if not self.waited:
                place.clock.time += GAP
            return super().wait(seconds)

    place.bell = Later(2)
    place.run()
    assert place.notebook.told == ["opened", "passed", "passed", "looked at 2"]
    assert place.bell.waited[-1] > 0
