"""The safety net: when registries are looked at, for what, and what becomes of what they list."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tests.helpers.events import IMAGE, at, pushed
from tests.helpers.fake_registries import FakeRegistries
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, overlay, sight
from updater.core import retrying
from updater.core.offers import SOURCE
from updater.errors import GitError, RegistryError, RegistryRefused, RegistryUnavailable
from updater.model import Decision, Outcome, Version
from updater.pipeline import Report
from updater.sight import Sight
from updater.working.bell import Bell
from updater.working.looking import SOON, TOGETHER, Lookout, Looks, in_background

HOUR = timedelta(hours=1)
FILES = {**environment_file(order="semver"), **overlay("1.0.0"), **overlay("1.0.0", service="model-b")}
OTHER = IMAGE.replace("model-a", "model-b")
DOWN = RegistryUnavailable("reg.example did not answer")
EVERYTHING: Mapping[str, Collection[str]] = {IMAGE: {"1"}, OTHER: ()}


def looks(
    interval: timedelta | None = HOUR, chance: Callable[[], float] = lambda: 0.5, clock: StoppedClock | None = None
) -> tuple[Looks, StoppedClock]:
    clock = clock or StoppedClock(at(0))
    return Looks(interval, clock.now, chance), clock


# --- when


def test_the_first_look_is_due_at_once_and_is_for_everything() -> None:
    made, _ = looks()
    assert made.is_due()
    assert made.begun(EVERYTHING) == EVERYTHING


def test_the_next_one_is_due_after_the_interval() -> None:
    made, clock = looks()
    made.begun(EVERYTHING)
    made.ended(())
    clock.time = at(59)
    assert not made.is_due()
    clock.time = at(60)
    assert made.is_due()


@pytest.mark.parametrize(("chance", "minutes"), [(0.0, 54), (1.0, 66)])
def test_it_comes_a_little_earlier_or_later_by_chance(chance: float, minutes: float) -> None:
    made, _ = looks(chance=lambda: chance)
    made.begun(EVERYTHING)
    made.ended(())
    assert made.at == at(minutes)


def test_without_an_interval_there_is_none() -> None:
    made, clock = looks(None)
    clock.time = at(10_000)
    made.landed([IMAGE])
    assert made.at is None
    assert not made.is_due()


def test_what_did_not_answer_is_asked_again_soon_and_nothing_else_is() -> None:
    made, clock = looks(chance=lambda: 0.0)
    made.begun(EVERYTHING)
    made.ended([OTHER])
    assert at(0) < (made.at or at(0)) < at(1)
    clock.time = made.at or at(0)
    assert made.begun(EVERYTHING) == {OTHER: ()}


def test_the_pauses_grow_and_once_the_hour_is_over_everything_is_looked_at() -> None:
    made, clock = looks(chance=lambda: 0.5)
    wanted, pauses = made.begun(EVERYTHING), []
    while True:
        made.ended([OTHER])
        pauses.append((made.at or at(0)) - clock.time)
        clock.time = made.at or at(0)
        wanted = made.begun(EVERYTHING)
        if wanted == EVERYTHING:
            break
    assert clock.time == at(60)
    assert pauses[:-1] == sorted(pauses[:-1])
    assert 5 < len(pauses) < 20


def test_what_answers_again_is_looked_at_with_everything_else() -> None:
    made, clock = looks()
    made.begun(EVERYTHING)
    made.ended([OTHER])
    clock.time = made.at or at(0)
    made.begun(EVERYTHING)
    made.ended(())
    assert made.at == at(60)


def test_where_nobody_knows_what_is_wanted_that_is_asked_again_after_growing_pauses() -> None:
    made, clock = looks(chance=lambda: 1.0)
    made.failed()
    first = (made.at or at(0)) - clock.time
    made.failed()
    assert timedelta(0) < first < (made.at or at(0)) - clock.time


def test_a_clock_that_is_put_back_does_not_put_a_look_off() -> None:
    made, clock = looks()
    made.begun(EVERYTHING)
    made.ended(())
    clock.time = at(-10_000)
    assert made.at == at(-10_000) + 1.1 * HOUR
    made.ended([OTHER])
    clock.time = at(-20_000)
    assert made.at == at(-20_000) + retrying.LONGEST


# --- after a push has landed


def after_a_look() -> tuple[Looks, StoppedClock]:
    made, clock = looks()
    made.begun(EVERYTHING)
    made.ended(())
    return made, clock


def test_an_image_in_which_a_push_has_landed_is_looked_at_again_soon_and_no_other() -> None:
    made, clock = after_a_look()
    made.landed([OTHER])
    clock.time += SOON
    assert made.is_due()
    assert made.begun(EVERYTHING) == {OTHER: ()}
    assert made.at == at(60), "once"


def test_pushes_that_land_meanwhile_neither_put_that_off_nor_cause_another_look() -> None:
    made, clock = after_a_look()
    made.landed([OTHER])
    clock.time += SOON / 2
    made.landed([OTHER, IMAGE])
    assert made.at == at(0) + SOON
    clock.time = at(0) + SOON
    assert made.begun(EVERYTHING) == {OTHER: ()}
    assert made.at == at(0) + SOON * 1.5


def test_a_push_that_lands_while_a_look_is_under_way_is_looked_at_afterwards() -> None:
    made, clock = looks()
    made.begun(EVERYTHING)
    made.landed([OTHER])
    made.ended(())
    clock.time += SOON
    assert made.begun(EVERYTHING) == {OTHER: ()}


def test_the_look_at_everything_is_for_those_as_well() -> None:
    made, clock = after_a_look()
    clock.time = at(58)
    made.landed([OTHER])
    clock.time = at(60)
    assert made.begun(EVERYTHING) == EVERYTHING
    assert made.at == at(120)


def test_what_nobody_follows_any_more_is_forgotten() -> None:
    made, clock = after_a_look()
    made.landed(["reg.example/gone"])
    clock.time += SOON
    assert made.begun(EVERYTHING) == {}
    assert made.at == at(60)


@pytest.mark.parametrize(
    ("source", "outcome", "is_looked_at"),
    [
        ("generic", Outcome.COMMITTED, True),
        ("generic", Outcome.REJECTED, False),
        (SOURCE, Outcome.COMMITTED, True),
        (None, Outcome.COMMITTED, False),
    ],
)
def test_only_pushes_that_landed_count(source: str | None, outcome: Outcome, is_looked_at: bool) -> None:
    """What was promoted stood before."""
    place = Place()
    place.looks.begun({IMAGE: ()})
    event = None if source is None else pushed("1.1.0", source=source)
    place.lookout.landed(Report((Decision(IMAGE, Version("1.1.0"), outcome, "it is", event),)))
    assert (place.lookout.at == at(0) + SOON) is is_looked_at


# --- what


@dataclass
class Place:
    """A lookout and all around it; what it has asked in the background is done when the test says so."""

    registries: FakeRegistries | None = field(default_factory=lambda: FakeRegistries({"1.1.0": "a"}))
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(at(0)))
    bell: Bell = field(default_factory=Bell)
    works: list[Callable[[], None]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=lambda: [10.0, 12.5])
    files: Mapping[str, str] = field(default_factory=lambda: FILES)

    def __post_init__(self) -> None:
        self.looks = Looks(HOUR, self.clock.now, lambda: 0.5)
        self.lookout = Lookout(self.looks, self.bell, lambda: self.seconds.pop(0), self.works.append)

    def sight(self) -> Sight:
        return replace(sight(FakeRepository({"main": self.files})), registries=self.registries)


def test_everything_that_is_followed_is_looked_at_by_somebody_else_and_the_bell_rings() -> None:
    place = Place()
    place.lookout.look(place.sight())
    assert place.lookout.found is None
    assert not place.bell.news()
    place.works.pop()()
    found = place.lookout.found
    assert found is not None
    assert set(found.listings) == {IMAGE, OTHER}
    assert found.seconds == 2.5
    assert place.bell.news()


def test_there_is_never_a_second_look_before_the_first_was_decided_on() -> None:
    place = Place()
    place.lookout.look(place.sight())
    place.clock.time = at(300)
    place.lookout.look(place.sight())
    assert place.lookout.at is None
    place.works.pop()()
    place.lookout.look(place.sight())
    assert place.works == []
    place.lookout.decided(Report())
    assert place.lookout.found is None
    assert place.lookout.at == at(60)
    place.lookout.look(place.sight())
    assert len(place.works) == 1


def test_of_much_that_was_found_some_is_decided_on_at_a_time_and_the_bell_rings_for_the_rest() -> None:
    services = [f"model-{number:02}" for number in range(TOGETHER + 5)]
    files = {path: text for service in services for path, text in overlay("1.0.0", service=service).items()}
    place = Place(files={**environment_file(order="semver"), **files})
    place.lookout.look(place.sight())
    place.works.pop()()
    assert place.bell.news()
    portions = []
    for _ in range(2):
        portions.append(len(place.lookout.portion(place.sight())))
        event = pushed(str(len(portions)), source=SOURCE)
        whole = place.lookout.decided(Report((Decision(IMAGE, event.version, Outcome.COMMITTED, "it is", event),)))
        assert (whole is None) is place.bell.news() is (len(portions) == 1)
        assert (place.lookout.found is None) is (whole is not None)
    assert portions == [TOGETHER, 5]
    assert whole is not None
    assert [each.to.tag for each in whole.decisions] == ["1", "2"]
    assert place.lookout.at == at(60)


def test_where_registries_cannot_be_asked_nothing_is_begun_and_nothing_is_due() -> None:
    place = Place(registries=None)
    place.lookout.look(place.sight())
    assert place.works == []
    assert place.lookout.at == at(60)


def test_where_nothing_is_followed_nothing_is_asked() -> None:
    place = Place(files={"environments/test.yaml": "overlays: overlays/test/*\nfollow: []\n"})
    place.lookout.look(place.sight())
    assert place.works == []
    assert place.lookout.at == at(60)


def test_a_repository_that_cannot_be_read_puts_the_look_off(caplog: pytest.LogCaptureFixture) -> None:
    class Gone(FakeRepository):
        def tip(self, branch: str) -> str | None:
            raise GitError("the mirror is gone")

    place = Place()
    place.lookout.look(replace(place.sight(), repository=Gone({"main": FILES})))
    assert place.works == []
    assert at(0) < (place.lookout.at or at(0)) < at(1)
    assert "the mirror is gone" in caplog.text


def listed(error: RegistryError) -> Place:
    """After a look that failed for `error`."""
    place = Place(registries=FakeRegistries(down=error))
    place.lookout.look(place.sight())
    place.works.pop()()
    place.lookout.portion(place.sight())
    return place


def test_a_registry_that_did_not_answer_is_asked_again_soon() -> None:
    place = listed(DOWN)
    place.lookout.decided(Report(problems=(DOWN,)))
    assert at(0) < (place.lookout.at or at(0)) < at(1)


def test_a_registry_that_lets_nobody_read_is_asked_at_the_next_look() -> None:
    place = listed(RegistryRefused("no right"))
    place.lookout.decided(Report())
    assert place.lookout.at == at(60)


@pytest.mark.parametrize(
    ("source", "outcome", "retry", "soon"),
    [
        (SOURCE, Outcome.REFUSED, True, True),
        (SOURCE, Outcome.REFUSED, False, False),
        (SOURCE, Outcome.COMMITTED, False, False),
        ("generic", Outcome.REFUSED, True, False),
    ],
)
def test_what_was_listed_is_asked_again_where_the_registry_did_not_say_what_it_is(
    source: str, outcome: Outcome, retry: bool, soon: bool
) -> None:
    place = Place()
    place.lookout.look(place.sight())
    place.works.pop()()
    event = pushed("1.1.0", source=source)
    place.lookout.decided(Report((Decision(IMAGE, event.version, outcome, "it is down", event, retry=retry),)))
    place.clock.time = at(1)
    assert place.looks.is_due() is soon
    assert place.looks.begun(EVERYTHING) == ({IMAGE: {"1"}} if soon else {})


def test_a_mistake_of_ours_is_logged_and_the_look_is_repeated(caplog: pytest.LogCaptureFixture) -> None:
    place = Place(registries=FakeRegistries())
    place.lookout.look(place.sight())
    place.registries.tags = None  # type: ignore[union-attr,assignment]
    place.works.pop()()
    assert "failed unexpectedly" in caplog.text
    place.lookout.decided(Report())
    assert at(0) < (place.lookout.at or at(0)) < at(1)


def test_what_breaks_because_the_service_ends_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    place = Place(registries=FakeRegistries())
    place.lookout.look(place.sight())
    place.registries.tags = None  # type: ignore[union-attr,assignment]
    place.bell.stop()
    with caplog.at_level(logging.DEBUG):
        place.works.pop()()
    assert caplog.records == []
    assert place.lookout.found is None


def test_the_end_of_the_process_does_not_wait_for_a_look() -> None:

    ran = threading.Event()
    seen: list[bool] = []

    def work() -> None:
        seen.append(threading.current_thread().daemon)
        ran.set()

    in_background(work)
    assert ran.wait(30)
    assert seen == [True]
