"""What `updater doctor` makes of what it finds, where that needs nothing to be there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from updater.adapters.pubsub_setup import SetUp, Unseen
from updater.doctor import checks, clock, github, pubsub, service
from updater.doctor.checks import Check, exit_code, fault, ok, warning
from updater.errors import ForgeError, GitError, Location, RenderError, StorageError, UsageError
from updater.forges.github.settings import Place
from updater.sources.settings import Pull, Queue, Settings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
GOOD = SetUp("projects/p/topics/t", None, 60, "projects/p/topics/d", False, False, False)
NAME = "projects/p/subscriptions/s"
TOPIC = "projects/p/topics/t"
PULLED = Settings((Pull("pubsub", NAME),))
PLACE = Place("https://api.github.com", "acme", "gitops", True, "token")


def states(found: list[Check]) -> list[str]:
    return [check.state for check in found]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([], 0),
        ([ok("a", "good"), warning("b", "so so")], 0),
        ([fault("a", RenderError("r")), fault("b", GitError("g")), fault("c", ForgeError("f"))], 5),
        ([fault("a", ForgeError("f")), fault("b", UsageError("u"))], 2),
    ],
)
def test_the_exit_code_is_that_of_the_fault_on_which_most_depends(found: list[Check], code: int) -> None:
    assert exit_code(found) == code


def test_a_fault_says_where_and_what_to_do() -> None:
    def look() -> str:
        raise GitError("it broke", at=Location("a.yaml", 7), hint="mend it")

    assert checks.looked_at("x", look) == Check("x", "fault", "a.yaml:7: it broke", "mend it", 5)
    assert checks.looked_at("x", lambda: "fine") == ok("x", "fine")


@pytest.mark.parametrize(
    ("seconds", "state", "told"),
    [
        (0.4, "ok", "agrees with the remote's"),
        (-29.0, "ok", "agrees with the remote's"),
        (31.0, "warning", "31 s ahead of the remote's"),
        (-90.0, "warning", "90 s behind the remote's"),
    ],
)
def test_a_clock_may_be_half_a_minute_off(seconds: float, state: str, told: str) -> None:
    check = clock.skew(seconds)
    assert (check.state, check.told) == (state, told)


@pytest.mark.parametrize("url", ["/srv/gitops.git", "git@example.org:acme/gitops.git", "ssh://example.org/gitops.git"])
def test_remotes_that_tell_no_time_are_not_asked(url: str) -> None:
    assert list(clock.checks(url, lambda: NOON)) == []


@pytest.mark.parametrize(
    ("permissions", "lacking"),
    [
        ({"contents": "write", "pull_requests": "write", "statuses": "write"}, None),
        ({"contents": "write", "pull_requests": "write", "checks": "write"}, None),
        ({"contents": "read", "pull_requests": "write", "statuses": "write"}, "contents"),
        ({"contents": "write", "checks": "read"}, "pull requests, commit statuses"),
    ],
)
def test_an_app_is_told_which_rights_it_lacks(permissions: Mapping[str, str], lacking: str | None) -> None:
    check = github.granted(permissions)
    assert check.exit_code == (6 if lacking else 0)
    if lacking:
        assert check.told == f"the App lacks the right to write {lacking}"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("2026-12-20 10:00:00 UTC", ["ok"]),
        ("2026-12-01 10:00:00 UTC", ["warning"]),
        ("2026-12-01 10:00:00 +0200", ["warning"]),
        ("2026-11-19 10:00:00 UTC", ["warning"]),
        ("never", []),
        (None, []),
    ],
)
def test_a_token_that_ends_soon_is_told(header: str | None, expected: list[str]) -> None:
    headers = {} if header is None else {"github-authentication-token-expiration": header}
    found = list(github.ending(headers, NOON, PLACE))
    assert states(found) == expected
    assert all("the token ends on 2026-1" in check.told for check in found)


def test_of_githubs_limits_the_scarcer_one_is_told() -> None:
    part = {"limit": 5000, "remaining": 4900, "reset": int(NOON.timestamp()) + 600}
    assert github.left({"core": part, "graphql": part}, NOON).state == "ok"
    check = github.left({"core": part, "graphql": {**part, "remaining": 499}}, NOON)
    assert (check.state, check.told) == ("warning", "499 of 5000 requests are left in this hour (graphql)")
    assert check.hint is not None
    assert "in 600 s" in check.hint


def test_an_open_source_is_told_with_its_proof_and_closed_ones_together() -> None:
    sources = {"acr": "closed: UPDATER_HOOK_SECRET_ACR is not set", "ghcr": "a signature", "quay": "closed: no"}
    found = list(service.hooks(sources, ["UPDATER_HOOK_SECRET_GHCR is short"], is_pulling=False))
    assert states(found) == ["ok", "warning", "ok"]
    assert [check.told for check in found] == [
        "ghcr: a signature",
        "UPDATER_HOOK_SECRET_GHCR is short",
        "closed: acr, quay",
    ]


def test_a_source_that_is_open_to_everybody_is_doubtful() -> None:
    (check,) = service.hooks({"acr": "open to everybody on this machine (UPDATER_HOOKS_OPEN)"}, [], is_pulling=True)
    assert check.state == "warning"


@pytest.mark.parametrize(("is_pulling", "state"), [(False, "warning"), (True, "ok")])
def test_a_service_that_nothing_can_reach_is_doubtful(is_pulling: bool, state: str) -> None:
    (check,) = service.hooks({"acr": "closed: no"}, [], is_pulling=is_pulling)
    assert check.state == state


class Cloud:
    """A Google Cloud that says of everything the same."""

    def __init__(
        self, found: SetUp | Unseen = GOOD, may: bool | None = True, error: StorageError | None = None
    ) -> None:
        self.found = found
        self.may = may
        self.error = error

    def subscription(self, name: str) -> SetUp | Unseen:
        assert name == NAME
        if self.error is not None:
            raise self.error
        return self.found

    def may_pull(self, subscription: str) -> bool | None:
        assert subscription == NAME
        return self.may

    def may_publish(self, topic: str) -> bool | None:
        assert topic == TOPIC
        return self.may


def pulled(cloud: Cloud, settings: Settings = PULLED, topic: str | None = None) -> list[Check]:
    return list(pubsub.checks(settings, topic, cloud))


@pytest.mark.parametrize(
    ("cloud", "expected", "told"),
    [
        (Cloud(), ["ok"], "can be pulled from"),
        (Cloud(may=None), ["ok"], "can be pulled from"),
        (Cloud("hidden"), ["ok"], "not ours to see"),
        (Cloud("missing"), ["fault"], "does not exist"),
        (Cloud(may=False), ["fault"], "we may not pull"),
        (Cloud("hidden", may=False), ["fault"], "we may not pull"),
        (Cloud(replace(GOOD, push_to="https://example.org")), ["fault"], "pushes"),
        (Cloud(replace(GOOD, topic=None)), ["fault"], "was deleted"),
        (Cloud(replace(GOOD, dead_letters=None)), ["ok", "warning"], "no dead-letter topic"),
        (Cloud(replace(GOOD, expires=True)), ["ok", "warning"], "ends by itself"),
        (Cloud(replace(GOOD, ack_seconds=10)), ["ok", "warning"], "leases of 10 s"),
        (Cloud(replace(GOOD, is_ordered=True)), ["ok"], "ordered, which works, more slowly"),
        (Cloud(replace(GOOD, is_ordered=True, is_exactly_once=True)), ["ok"], "ordered and exactly once"),
        (Cloud(error=StorageError("no answer")), ["fault"], "no answer"),
    ],
)
def test_a_subscription_is_judged_by_how_it_is_set_up(cloud: Cloud, expected: list[str], told: str) -> None:
    found = pulled(cloud)
    assert states(found) == expected
    assert told in found[-1].told
    assert all(check.hint for check in found if check.state != "ok" and cloud.error is None)


@pytest.mark.parametrize(("may", "state"), [(True, "ok"), (None, "ok"), (False, "fault")])
def test_every_topic_that_is_named_has_to_take_what_is_published(may: bool | None, state: str) -> None:
    queue = Queue(TOPIC, NAME)
    for settings, topic in ((Settings(dead_letters=TOPIC), None), (Settings(), TOPIC)):
        assert states(pulled(Cloud(may=may), settings, topic)) == [state]
    assert states(pulled(Cloud(may=may), Settings(dead_letters=TOPIC, queue=queue))) == [state] * 3


def test_replicas_without_a_topic_for_dead_letters_are_doubtful() -> None:
    assert states(pulled(Cloud(), Settings(queue=Queue(TOPIC, NAME)))) == ["ok", "ok", "warning"]
