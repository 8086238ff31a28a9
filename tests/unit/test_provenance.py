"""Which pull request brought what landed, who agreed to that, and how long each step took."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.helpers.events import delivery
from tests.helpers.promoted import World, following, promoting, standing, world
from updater.by_hand.provenance import explained
from updater.by_hand.pulls import approved_by
from updater.by_hand.services import refresh
from updater.by_hand.timeline import How, Record, history
from updater.errors import ForgeUnavailable, UpdaterError
from updater.forge import Method

TWO = {**standing("test", "2", "model-b"), **standing("staging", "1", "model-b")}
BOTH = "pull-request: {per: environment}"


def seen(made: World, environment: str = "staging", *globs: str) -> tuple[list[Record], UpdaterError | None]:
    sight = made.parts.sight
    refresh(sight)
    made.forge.calls.clear()
    return explained(sight, history(sight, environment, globs, 99)[0])


def newest(made: World, environment: str = "staging", *globs: str) -> Record:
    return seen(made, environment, *globs)[0][0]


def begun(*more: str, **others: Any) -> World:
    made = world(*more, **others)
    made.stand("test", "2")
    made.reconcile()
    return made


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
@pytest.mark.parametrize("per", ["service", "environment"])
def test_who_approved_and_merged_is_told_however_it_was_merged(method: Method, per: str) -> None:
    made = begun(f"pull-request: {{per: {per}}}", files=TWO)
    made.forge.approved(1, "bob")
    made.merge(1, by="ana", method=method)
    record = newest(made, "staging", "model-a")
    assert record.pull is not None
    assert (record.pull.number, approved_by(record.pull), record.pull.closed_by) == (1, ["bob"], "ana")
    assert (record.how, record.landing.version.tag) == (How.MERGED, "2")


def test_every_service_of_one_rebased_pull_request_is_told() -> None:
    made = begun(BOTH, files=TWO)
    made.merge(1, method="rebase")
    records, _ = seen(made)
    assert {record.target.service for record in records if record.pull is not None} == {"model-a", "model-b"}


def test_what_came_by_hand_or_before_has_no_pull_request() -> None:
    made = begun()
    made.merge(1)
    made.stand("staging", "3")
    by_hand, merged, first = seen(made)[0]
    assert [each.pull and each.pull.number for each in (by_hand, merged, first)] == [None, 1, None]
    assert [each.how for each in (by_hand, merged, first)] == [How.BY_HAND, How.MERGED, How.BY_HAND]


def test_a_pull_request_of_another_service_is_none_of_this_one() -> None:
    made = begun(files={**standing("test", "1", "model-b"), **standing("staging", "1", "model-b")})
    made.commit({**standing("staging", "2", "model-b")})
    made.merge(1)
    assert newest(made, "staging", "model-b").pull is None


def test_a_closed_pull_request_brought_nothing_even_if_its_commit_is_taken_over() -> None:
    made = begun()
    made.close(1)
    message = made.repository.commits[made.pull().commit].message
    made.repository.commit("main", standing("staging", "2"), message, minutes=99)
    assert newest(made).pull is None


def test_what_somebody_added_to_a_pull_request_came_with_it() -> None:
    made = begun(files={**standing("test", "1", "model-b"), **standing("staging", "1", "model-b")})
    made.commit(standing("staging", "7", "model-b"), branch="updater/staging/model-a")
    made.merge(1, method="squash")
    records, _ = seen(made)
    assert {each.target.service: each.pull.number for each in records if each.pull} == {"model-a": 1, "model-b": 1}


def test_a_revert_of_a_merge_is_a_revert_and_took_nothing() -> None:
    made = begun()
    made.revert(made.merge(1))
    record = newest(made)
    assert (record.how, record.pull, record.took) == (How.REVERT, None, None)


def test_a_promotion_took_as_long_as_it_was_in_the_environment_before() -> None:
    made = begun()
    made.later(30)
    made.merge(1)
    record = newest(made)
    assert (record.took, record.after) == (timedelta(minutes=32), "test")


def test_of_several_sources_the_last_to_have_it_counts() -> None:
    made = world(files={**standing("canary", "1"), **promoting("deliver: commit", name="canary")})
    two = made.repository.on_remote("main", "environments/staging.yaml").replace("from: test", "from: [test, canary]")
    made.commit({"environments/staging.yaml": two})
    made.stand("test", "2")
    made.later(10)
    made.stand("canary", "2")
    made.later(10)
    made.stand("staging", "2")
    record = newest(made)
    assert (record.took, record.after) == (timedelta(minutes=11), "canary")


def test_the_last_time_before_counts_and_no_later_one() -> None:
    made = world()
    for tag in ("2", "1", "2"):
        made.stand("test", tag)
    made.stand("staging", "2")
    made.stand("test", "1")
    made.stand("test", "2")
    assert newest(made).took == timedelta(minutes=1)


def test_an_image_that_has_another_name_there_is_followed_back() -> None:
    copied = {path: text.replace("reg.example", "prod.example") for path, text in standing("staging", "1").items()}
    made = world(files=copied)
    images = "from: test\n  images: {'reg.example/models/*': 'prod.example/models/*'}"
    settings = made.repository.on_remote("main", "environments/staging.yaml").replace("from: test", images)
    made.commit({"environments/staging.yaml": settings})
    made.stand("test", "2")
    made.commit({path: text.replace('"1"', '"2"') for path, text in copied.items()})
    record = newest(made)
    assert (record.landing.version.tag, record.took, record.after) == ("2", timedelta(minutes=1), "test")


@pytest.mark.parametrize("gone", ["service", "branch", "version"])
def test_what_is_not_known_of_the_environment_before_is_not_told(gone: str) -> None:
    made = world()
    if gone == "service":
        made.delete("overlays/test/model-a/kustomization.yaml")
    if gone == "branch":
        test = made.repository.on_remote("main", "environments/test.yaml")
        made.commit({"environments/test.yaml": f"branch: env/test\n{test}"})
    made.stand("staging", "7")
    record = newest(made)
    assert (record.landing.version.tag, record.took, record.after) == ("7", None, None)


def test_an_event_took_from_the_push_to_the_landing() -> None:
    made = world()
    made.handle(delivery("2", None, 5))
    record = newest(made, "test")
    assert (record.how, record.took, record.after) == (How.EVENT, timedelta(minutes=56), None)


def test_the_start_and_what_came_by_hand_took_nothing_that_is_known() -> None:
    made = world()
    made.stand("test", "2")
    assert [record.took for record in seen(made, "test")[0]] == [None, None]
    assert [record.took for record in seen(made)[0]] == [None]


def test_the_forge_is_asked_once_about_the_branches_that_matter() -> None:
    made = begun(files=TWO)
    seen(made, "staging", "model-a")
    assert made.forge.calls == [("settled", {"updater/staging/model-a", "updater/staging/@all"})]


def test_of_several_environments_only_those_that_deliver_by_pull_request_are_asked_about() -> None:
    made = begun()
    made.merge(1)
    sight = made.parts.sight
    refresh(sight)
    made.forge.calls.clear()
    both = [record for name in ("test", "staging") for record in history(sight, name, (), 1)[0]]
    records, _ = explained(sight, both)
    assert [record.pull and record.pull.number for record in records] == [None, 1]
    assert made.forge.calls == [("settled", {"updater/staging/model-a", "updater/staging/@all"})]


def test_where_nothing_comes_by_pull_request_the_forge_is_not_asked() -> None:
    made = begun()
    seen(made, "test")
    assert made.forge.calls == []
    made.commit(promoting("deliver: commit"))
    seen(made)
    assert made.forge.calls == []


def test_a_forge_that_cannot_be_asked_hides_nothing_else() -> None:
    made = begun()
    made.merge(1)
    made.forge.fails["settled"] = [ForgeUnavailable("down")]
    sight = made.parts.sight
    refresh(sight)
    records, error = explained(sight, history(sight, "staging", (), 99)[0])
    assert (str(error), records[0].pull, records[0].took) == ("down", None, timedelta(minutes=2))


def test_a_head_that_the_remote_has_no_more_is_known_by_its_merge() -> None:
    made = begun()
    commit = made.merge(1, method="squash")
    made.repository.bring = lambda _: frozenset()  # type: ignore[method-assign, assignment]
    record = newest(made)
    assert (record.pull and record.pull.merged_as) == commit


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_following_by_pull_request_tells_who_merged_and_the_time_since_the_push(method: Method) -> None:
    made = following()
    made.handle(delivery("2", None, 5))
    made.merge(1, by="ana", method=method)
    record = newest(made)
    assert (record.how, record.pull and record.pull.closed_by) == (How.MERGED, "ana")
    assert (record.took, record.after) == (timedelta(minutes=57), None)


def test_nothing_comes_of_nothing() -> None:
    made = world()
    refresh(made.parts.sight)
    assert explained(made.parts.sight, ()) == ([], None)


def test_a_record_is_kept_as_it_was_but_for_what_is_found() -> None:
    made = begun()
    made.merge(1)
    refresh(made.parts.sight)
    plain = history(made.parts.sight, "staging", (), 99)[0]
    told, _ = explained(made.parts.sight, plain)
    assert [replace(each, pull=None, took=None, after=None, how=How.BY_HAND) for each in told] == plain
