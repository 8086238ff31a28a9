"""`hold`, `paused` and `freeze` keep versions out, say why, and end when they say; `release` lets one version in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core import stops
from updater.core.environment import Environment, Follow, Freeze, Hold, NamedEnvironment, Release
from updater.core.stops import Stop, delayed, held, released, stop
from updater.core.times import WEEKDAYS
from updater.model import Decision, Outcome, Version

IMAGE = "reg.example/models/model-a"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
LINES = (("hold", 4), ("paused", 8), ("freeze", 12), ("release", 20))

WEEKEND = Freeze(from_="FRI 12:00", to="MON 06:00", timezone="Europe/Berlin", reason="weekend")
HOLIDAYS = Freeze(from_="2026-11-20", to="2026-11-22", reason="holidays")
INCIDENT = Hold(service="model-a", reason="INC-42")
TRIAL = Hold(service="model-*", reason="trial", until="2026-12-01")
LONGER = replace(TRIAL, until="2027-01-01")
ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati"]
WEEKLY = st.builds(
    lambda day, hour, minute: f"{day} {hour:02}:{minute:02}",
    st.sampled_from(WEEKDAYS),
    st.integers(0, 23),
    st.sampled_from([0, 30]),
)


def staging(
    *, hold: tuple[Hold, ...] = (), paused: bool | str = False, freeze: tuple[Freeze, ...] = ()
) -> NamedEnvironment:
    settings = Environment(overlays="o", follow=(Follow(image="**"),), hold=hold, paused=paused, freeze=freeze)
    return NamedEnvironment("staging", "environments/staging.yaml", "main", settings, LINES)


def stopped(environment: NamedEnvironment, now: datetime = NOON) -> Stop:
    found = stop(environment, "model-a", IMAGE, now)
    assert found is not None
    return found


def is_held(hold: Hold, *, service: str = "model-a", image: str = IMAGE, now: datetime = NOON) -> bool:
    return stop(staging(hold=(hold,)), service, image, now) is not None


def is_frozen(freeze: Freeze, now: datetime) -> bool:
    return stop(staging(freeze=(freeze,)), "model-a", IMAGE, now) is not None


def test_nothing_stops_where_the_file_asks_for_nothing() -> None:
    assert stop(staging(), "model-a", IMAGE, NOON) is None


@pytest.mark.parametrize(
    ("environment", "outcome", "reason", "keeps", "until"),
    [
        (staging(hold=(INCIDENT,)), Outcome.HELD, "held: INC-42 (environments/staging.yaml:4)", False, None),
        (
            staging(hold=(TRIAL,)),
            Outcome.HELD,
            "held until 2026-12-01: trial (environments/staging.yaml:4)",
            True,
            "2026-12-01T00:00",
        ),
        (staging(paused=True), Outcome.WAITING, "paused (environments/staging.yaml:8)", True, None),
        (staging(paused="no power"), Outcome.WAITING, "paused: no power (environments/staging.yaml:8)", True, None),
        (
            staging(freeze=(WEEKEND,)),
            Outcome.WAITING,
            "frozen until MON 06:00 (Europe/Berlin): weekend (environments/staging.yaml:12)",
            True,
            "2026-11-23T05:00",
        ),
        (
            staging(freeze=(HOLIDAYS,)),
            Outcome.WAITING,
            "frozen until the end of 2026-11-22 (UTC): holidays (environments/staging.yaml:12)",
            True,
            "2026-11-23T00:00",
        ),
        (
            staging(freeze=(replace(HOLIDAYS, reason=None),)),
            Outcome.WAITING,
            "frozen until the end of 2026-11-22 (UTC) (environments/staging.yaml:12)",
            True,
            "2026-11-23T00:00",
        ),
    ],
)
def test_a_stop_says_what_why_until_when_and_where(
    environment: NamedEnvironment, outcome: Outcome, reason: str, keeps: bool, until: str | None
) -> None:
    end = None if until is None else utc(until)
    assert stop(environment, "model-a", IMAGE, NOON) == Stop(outcome, reason, keeps, end)


@pytest.mark.parametrize(
    "environment",
    [
        staging(hold=(replace(INCIDENT, reason="INC-42\n\n  by ops\n"),)),
        staging(paused="INC-42\nby ops"),
        staging(freeze=(replace(WEEKEND, reason=" INC-42 by\tops"),)),
    ],
)
def test_a_reason_over_several_lines_is_told_in_one(environment: NamedEnvironment) -> None:
    assert ": INC-42 by ops (" in stopped(environment).reason


def test_a_hold_is_told_before_a_pause_and_a_pause_before_a_freeze() -> None:
    assert stopped(staging(paused="no power", freeze=(WEEKEND,))).reason.startswith("paused")
    assert stopped(staging(hold=(TRIAL,), paused=True, freeze=(WEEKEND,))).reason.startswith("held until")


def test_a_hold_and_a_delay_can_be_asked_for_alone() -> None:
    both = staging(hold=(TRIAL,), paused=True)
    assert held(both, "model-a", IMAGE, NOON) == stop(both, "model-a", IMAGE, NOON)
    assert delayed(both, NOON) == Stop(Outcome.WAITING, "paused (environments/staging.yaml:8)", keeps=True)
    assert held(staging(paused=True), "model-a", IMAGE, NOON) is None
    assert delayed(staging(hold=(TRIAL,)), NOON) is None


def test_what_is_over_or_meant_for_others_hides_nothing_that_is_not() -> None:
    over, others = replace(TRIAL, until="2026-11-01"), replace(INCIDENT, service="model-b")
    assert stopped(staging(hold=(over, others), paused=True)).reason.startswith("paused")
    assert stopped(staging(hold=(over, TRIAL))).reason.startswith("held until 2026-12-01: trial (")
    assert stopped(staging(freeze=(replace(HOLIDAYS, to="2026-11-20", from_="2026-11-20"), WEEKEND))).keeps


@pytest.mark.parametrize("holds", [(INCIDENT, TRIAL), (TRIAL, INCIDENT)])
def test_a_hold_without_an_end_turns_versions_away_whatever_else_would_keep_them(holds: tuple[Hold, ...]) -> None:
    found = stopped(staging(hold=holds, paused=True, freeze=(WEEKEND,)))
    assert (found.outcome, found.keeps) == (Outcome.HELD, False)


def test_all_that_apply_are_named_so_that_nobody_waits_for_the_wrong_one() -> None:
    assert stopped(staging(freeze=(WEEKEND, HOLIDAYS))).reason == (
        "frozen until MON 06:00 (Europe/Berlin): weekend; "
        "frozen until the end of 2026-11-22 (UTC): holidays; "
        "in all until 2026-11-23 06:00 Europe/Berlin (environments/staging.yaml:12)"
    )
    assert stopped(staging(hold=(TRIAL, INCIDENT))).reason == (
        "held until 2026-12-01: trial; held: INC-42 (environments/staging.yaml:4)"
    )


def test_what_would_land_is_stopped_with_the_reason_and_lands_where_nothing_stops_it() -> None:
    lands = Decision(IMAGE, Version("2"), Outcome.COMMITTED, "newer")
    by = stopped(staging(freeze=(WEEKEND,)))
    assert stops.stopped(lands, by) == replace(
        lands, outcome=by.outcome, reason=by.reason, keeps=True, due=by.until, is_stopped=True
    )
    assert stops.stopped(lands, None) == lands


@pytest.mark.parametrize("holds", [(TRIAL, LONGER), (LONGER, TRIAL)])
def test_of_several_holds_the_latest_end_counts(holds: tuple[Hold, ...]) -> None:
    assert stopped(staging(hold=holds)).until == utc("2027-01-01T00:00")
    assert stopped(staging(hold=(*holds, INCIDENT))).until is None
    assert stopped(staging(hold=(*holds, replace(LONGER, service="model-b", until="2028-01-01")))).until == utc(
        "2027-01-01T00:00"
    )


@pytest.mark.parametrize(
    ("freezes", "until", "told"),
    [
        # touching: the weekend ends on a Monday that is frozen itself
        (
            (WEEKEND, Freeze(from_="2026-11-23", to="2026-11-24", timezone="America/New_York")),
            "2026-11-25T05:00",
            "in all until 2026-11-25 00:00 America/New_York",
        ),
        # the days end within a weekend, and what ends last is told in its own time zone
        (
            (Freeze(from_="2026-11-20", to="2026-11-27"), WEEKEND),
            "2026-11-30T05:00",
            "in all until 2026-11-30 06:00 Europe/Berlin",
        ),
        # a chain through three that do not apply yet
        (
            (
                WEEKEND,
                Freeze(from_="MON 06:00", to="MON 09:00", timezone="Europe/Berlin"),
                Freeze(from_="MON 07:30", to="MON 08:30"),
                Freeze(from_="MON 08:30", to="MON 08:45"),
            ),
            "2026-11-23T08:45",
            "in all until 2026-11-23 08:45 UTC",
        ),
        # the same one twice is one
        ((WEEKEND, WEEKEND), "2026-11-23T05:00", None),
        # two halves of the week never end
        ((Freeze(from_="FRI 00:00", to="MON 00:00"), Freeze(from_="MON 00:00", to="FRI 00:00")), None, None),
        ((Freeze(from_="2026-01-01", to="9999-12-31"), WEEKEND), None, None),
    ],
)
def test_a_freeze_ends_when_none_applies_any_more(
    freezes: tuple[Freeze, ...], until: str | None, told: str | None
) -> None:
    found = stopped(staging(freeze=freezes))
    assert found.until == (None if until is None else utc(until))
    assert ("in all until" in found.reason) is (told is not None)
    assert (told or "") in found.reason


@given(
    st.lists(
        st.one_of(
            st.builds(
                lambda day, length, zone: Freeze(
                    from_=str(NOON.date() + timedelta(days=day)),
                    to=str(NOON.date() + timedelta(days=day + length)),
                    timezone=zone,
                ),
                st.integers(-5, 5),
                st.integers(0, 5),
                st.sampled_from(ZONES),
            ),
            st.builds(
                lambda times, zone: Freeze(from_=times[0], to=times[1], timezone=zone),
                st.lists(WEEKLY, min_size=2, max_size=2, unique=True),
                st.sampled_from(ZONES),
            ),
        ),
        max_size=4,
    ),
    st.integers(-3 * 24 * 60, 3 * 24 * 60),
)
def test_nothing_is_frozen_at_the_end_and_everything_until_then(freezes: list[Freeze], minutes: int) -> None:
    now = NOON + timedelta(minutes=minutes)
    environment = staging(freeze=tuple(freezes))
    found = delayed(environment, now)
    if found is None or found.until is None:
        return
    assert now < found.until
    assert delayed(environment, found.until) is None
    span = found.until - now
    moments = [now + span * part / 50 for part in range(50)] + [found.until - timedelta(seconds=1)]
    assert all(delayed(environment, moment) for moment in moments if moment >= now)


@given(st.lists(st.sampled_from([None, *(f"2026-11-{day}" for day in range(18, 26))]), min_size=1, max_size=4))
def test_a_hold_ends_when_it_says(ends: list[str | None]) -> None:
    environment = staging(hold=tuple(Hold(service="*", reason="x", until=end) for end in ends))
    found = held(environment, "model-a", IMAGE, NOON)
    if found is None or found.until is None:
        assert (found is not None) is (None in ends)
        return
    assert held(environment, "model-a", IMAGE, found.until) is None
    assert held(environment, "model-a", IMAGE, found.until - timedelta(seconds=1)) is not None


@pytest.mark.parametrize(
    ("service", "glob", "held"),
    [
        ("model-a", "model-a", True),
        ("model-a", "model-*", True),
        ("model-a", "model-[ab]", True),
        ("model-a", "*", True),
        ("model-ab", "model-a", False),
        ("my-model-a", "model-*", False),
        ("Model-A", "model-a", False),
    ],
)
def test_a_hold_is_for_the_services_its_glob_matches(service: str, glob: str, held: bool) -> None:
    assert is_held(Hold(service=glob, reason="x"), service=service) is held


@pytest.mark.parametrize(
    ("image", "written", "held"),
    [
        (IMAGE, None, True),
        (IMAGE, IMAGE, True),
        (IMAGE, "REG.example/models/model-a", True),
        (IMAGE, "reg.example/models/model-b", False),
        (IMAGE, "reg.example/models/*", False),
        ("docker.io/library/nginx", "nginx", True),
        ("docker.io/library/nginx", "index.docker.io/nginx", True),
        ("reg.example/nginx", "nginx", False),
    ],
)
def test_a_hold_with_an_image_is_for_that_repository_alone(image: str, written: str | None, held: bool) -> None:
    assert is_held(Hold(service="*", reason="x", image=written), image=image) is held


@pytest.mark.parametrize(
    ("now", "held"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC), True),
        (datetime(2026, 12, 1, tzinfo=UTC), False),
        (datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC), False),
        (datetime(2027, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_hold_is_over_when_its_day_begins_in_utc(now: datetime, held: bool) -> None:
    assert is_held(TRIAL, now=now) is held


@pytest.mark.parametrize(
    ("zone", "begins", "over"),
    [
        ("UTC", "2026-12-20T00:00", "2027-01-04T00:00"),
        ("Europe/Berlin", "2026-12-19T23:00", "2027-01-03T23:00"),
        ("Pacific/Kiritimati", "2026-12-19T10:00", "2027-01-03T10:00"),
        ("America/Los_Angeles", "2026-12-20T08:00", "2027-01-04T08:00"),
    ],
)
def test_a_freeze_of_days_is_in_force_on_all_of_them_in_its_time_zone(zone: str, begins: str, over: str) -> None:
    freeze = Freeze(from_="2026-12-20", to="2027-01-03", timezone=zone)
    assert in_force(freeze, begins, over) == [False, True, True, False]


@pytest.mark.parametrize(
    ("freeze", "begins", "over"),
    [
        (Freeze(from_="FRI 16:00", to="MON 06:00"), "2026-11-20T16:00", "2026-11-23T06:00"),
        (replace(WEEKEND, from_="FRI 16:00"), "2026-11-20T15:00", "2026-11-23T05:00"),
        (
            replace(WEEKEND, from_="FRI 16:00"),
            "2026-03-27T15:00",
            "2026-03-30T04:00",
        ),  # the night the clock goes forward
        (replace(WEEKEND, from_="FRI 16:00"), "2026-10-23T14:00", "2026-10-26T05:00"),  # and back
    ],
)
def test_a_weekly_freeze_is_in_force_between_two_times_on_the_wall_clock(
    freeze: Freeze, begins: str, over: str
) -> None:
    assert in_force(freeze, begins, over) == [False, True, True, False]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_force(freeze: Freeze, begins: str, over: str) -> list[bool]:
    """Whether it is just before and at its first moment, and just before and at the moment at which it is over."""
    first, last = utc(begins), utc(over)
    tick = timedelta(microseconds=1)
    return [is_frozen(freeze, now) for now in (first - tick, first, last - tick, last)]


HOLDS = st.builds(
    Hold,
    service=st.sampled_from(["model-a", "model-*", "model-b"]),
    reason=st.just("x"),
    image=st.sampled_from([None, IMAGE, "nginx"]),
    until=st.sampled_from([None, "2026-11-20", "2026-11-21"]),
)
FREEZES = st.sampled_from([WEEKEND, HOLIDAYS, replace(WEEKEND, from_="FRI 17:00"), replace(HOLIDAYS, to="2026-11-19")])


@given(st.lists(HOLDS, max_size=3), st.sampled_from([False, True, "x"]), st.lists(FREEZES, max_size=2))
def test_a_stop_is_never_weaker_than_any_of_its_causes_alone(
    holds: list[Hold], paused: bool | str, freezes: list[Freeze]
) -> None:
    together = stop(staging(hold=tuple(holds), paused=paused, freeze=tuple(freezes)), "model-a", IMAGE, NOON)
    parts = [*(staging(hold=(each,)) for each in holds), staging(paused=paused)]
    parts += [staging(freeze=(each,)) for each in freezes]
    alone = [found for each in parts if (found := stop(each, "model-a", IMAGE, NOON)) is not None]
    assert (together is not None) is bool(alone)
    if together is not None:
        assert together.keeps is all(each.keeps for each in alone)
        assert (together.outcome is Outcome.HELD) is any(each.outcome is Outcome.HELD for each in alone)


@pytest.mark.parametrize(
    ("service", "image", "tag", "lifted"),
    [
        ("model-a", "docker.io/acme/model-a", "1.4.0", True),
        ("model-b", "docker.io/acme/model-a", "1.4.0", False),
        ("model-a", "docker.io/acme/model-b", "1.4.0", False),
        ("model-a", "docker.io/acme/model-a", "1.4.1", False),
        ("model-a", "docker.io/acme/model-a", None, False),
        ("model-*", "docker.io/acme/other", "2", True),
        ("model-a", "docker.io/acme/other", "2", False),
    ],
)
def test_a_release_lifts_exactly_what_it_names(service: str, image: str, tag: str | None, lifted: bool) -> None:
    releases = (
        Release(service="model-a", image="acme/model-a", version="1.4.0"),
        Release(service="model-*", image="acme/other", version="2"),
    )
    settings = Environment(overlays="o", release=releases)
    environment = NamedEnvironment("staging", "environments/staging.yaml", "main", settings, LINES)
    assert released(environment, service, image, tag) is lifted
