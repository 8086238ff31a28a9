"""What a registry lists that may be newer than what stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, digest, rule
from updater.core.environment import SignedBy
from updater.core.offers import MOST, MOST_SIGNED, SOURCE, offers
from updater.core.sightings import Sighting
from updater.model import Event, Version

NOW = at(60)
OLD = Version("1.0.0", digest("a"))


def listed(*tags: str, **seen: Sighting) -> dict[str, Sighting]:
    return {**{tag: Sighting() for tag in tags}, **seen}


def found(listing: Mapping[str, Sighting], *standing: Version, order: Any = "semver", **more: Any) -> list[str | None]:
    return [event.version.tag for event in offered(listing, *standing, order=order, **more)]


def offered(
    listing: Mapping[str, Sighting], *standing: Version, order: Any = "semver", **more: Any
) -> tuple[Event, ...]:
    return offers(rule(order, **more), IMAGE, listing, standing or (OLD,), NOW)


def test_tags_that_are_newer_than_what_stands_are_offered_best_first() -> None:
    assert found(listed("0.9.0", "1.0.0", "1.10.0", "1.9.0", "2.0.0")) == ["2.0.0", "1.10.0", "1.9.0"]


def test_what_the_rule_does_not_let_in_is_not_offered() -> None:
    assert found(listed("1.1.0", "2.0.0", "1.2.0-rc.1", "latest"), range="<2") == ["1.1.0"]


def test_signatures_are_no_images() -> None:
    assert found(listed("sha256-" + "0" * 64 + ".sig"), order="alphabetical") == []


def test_what_is_newer_than_one_of_the_entries_is_offered() -> None:
    assert found(listed("1.1.0"), Version("2.0.0"), Version("1.0.0")) == ["1.1.0"]


def test_a_standing_tag_without_a_place_in_the_order_is_older_than_all_that_have_one() -> None:
    assert found(listed("0.1.0"), Version("initial")) == ["0.1.0"]
    assert found(listed("0.1.0"), Version()) == ["0.1.0"]


def test_a_tag_that_names_another_digest_by_now_is_offered_with_it() -> None:
    (event,) = offered(listed(**{"1.0.0": Sighting(digest("b"))}))
    assert (event.version, event.time) == (Version("1.0.0", digest("b")), NOW)


@pytest.mark.parametrize("names", [digest("a"), None])
def test_a_tag_that_names_what_stands_is_not_offered(names: str | None) -> None:
    assert found(listed(**{"1.0.0": Sighting(names)})) == []


def test_the_digest_of_a_tag_that_stands_without_one_is_offered() -> None:
    assert found(listed(**{"1.0.0": Sighting(digest("a"))}), Version("1.0.0")) == ["1.0.0"]


def test_where_tags_alone_are_written_digests_count_for_nothing() -> None:
    assert found(listed(**{"1.0.0": Sighting(digest("b"))}), pin="tag") == []


# --- order: pushed


def test_by_push_time_nothing_is_offered_of_what_was_there_at_the_first_look() -> None:
    assert found(listed("main-1", "main-2"), Version("main-1", digest("a")), order="pushed") == []


def test_by_push_time_what_was_found_later_or_told_is_offered_newest_first() -> None:
    listing = listed("main-1", **{"main-2": Sighting(None, at(2), at(1)), "main-3": Sighting(None, at(3), at(3))})
    assert found(listing, Version("main-0"), order="pushed") == ["main-3", "main-2"]


def test_of_what_was_found_in_one_look_the_last_in_natural_order_is_the_newest() -> None:
    seen = {f"main-{number}": Sighting(None, at(2), at(1)) for number in (10, 9, 100)}
    events = offered(listed(**seen), Version("main-1"), order="pushed")
    assert [event.version.tag for event in events] == ["main-100", "main-10", "main-9"]
    assert events[0].time == at(2)
    assert at(2) - events[-1].time < timedelta(milliseconds=1)


def test_a_version_with_equal_keys_and_no_known_time_is_not_offered() -> None:
    assert found(listed("v1.0.0")) == []
    assert found(listed(**{"v1.0.0": Sighting(None, at(5), at(4))})) == ["v1.0.0"]


# --- what is known of their times


def test_nobody_knows_how_early_a_tag_of_the_first_look_was_pushed() -> None:
    (event,) = offered(listed("1.1.0"))
    assert (event.time, event.surely_at.year) == (NOW, 1)
    assert (event.source, event.pushed_at) == (SOURCE, None)


def test_what_was_found_later_was_pushed_after_the_look_before() -> None:
    (event,) = offered(listed(**{"1.1.0": Sighting(None, at(5), at(4))}))
    assert (event.time, event.surely_at) == (at(5), at(4))


def test_no_more_than_the_best_are_offered() -> None:
    tags = [f"1.0.{number}" for number in range(1, MOST + 20)]
    assert found(listed(*tags)) == list(reversed(tags))[:MOST]


def test_of_images_that_have_to_be_signed_a_few_are_offered_each_costs_some_requests() -> None:
    tags = [f"1.0.{number}" for number in range(1, 20)]
    assert found(listed(*tags), signed_by=SignedBy("cosign.pub")) == list(reversed(tags))[:MOST_SIGNED]


TAGS = st.text("0123456789abv-.", min_size=1, max_size=8)


@given(
    st.dictionaries(
        TAGS, st.sampled_from([Sighting(), Sighting(None, at(1), at(0)), Sighting(digest("b"), at(2), at(2))])
    )
)
def test_the_order_in_which_a_registry_lists_does_not_matter(tags: dict[str, Sighting]) -> None:
    backwards = dict(reversed(tags.items()))
    for order in ("pushed", "semver", "numerical", "alphabetical"):
        assert offered(tags, Version("1", digest("a")), order=order) == offered(
            backwards, Version("1", digest("a")), order=order
        )
