"""What is counted and measured, as Prometheus reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isnan
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from tests.helpers.events import NOON, at
from updater import __version__
from updater.errors import RegistryUnavailable, StorageError, UpdaterError
from updater.forge import PullRequest, State
from updater.model import Decision, Entry, Outcome, Target, Version
from updater.registry import Listing
from updater.telling.metrics import AGES, HOSTS, OUTCOMES, Metrics

DOCUMENT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


@dataclass(frozen=True)
class Depth:
    waiting: int
    dead: int
    oldest: datetime | None


@dataclass(frozen=True)
class Kept:
    pull: PullRequest


@dataclass(frozen=True)
class Report:
    decisions: Sequence[Decision] = ()
    problems: Sequence[UpdaterError] = ()
    pulls: Sequence[Kept] = field(default=())


def metrics() -> Metrics:
    return Metrics(["generic", "quay"])


def read(counted: Metrics) -> dict[str, float]:
    """Every sample, by its name and labels as they are written."""
    content, kind = counted.exposed()
    assert kind.startswith("text/plain")
    return {
        "".join([each.name, *(f",{key}={value}" for key, value in sorted(each.labels.items()))]): each.value
        for family in text_string_to_metric_families(content.decode())
        for each in family.samples
        if not each.name.endswith("_created")
    }


def pull(head: str, minutes: float, state: State = "open") -> Kept:
    """A pull request opened so many minutes before noon."""
    return Kept(PullRequest(1, state, "", "", head, "main", "c", "r", "bot", at(-minutes)))


def decision(outcome: Outcome, environment: str | None = "staging") -> Decision:
    entry = Entry("p", "images", 0, "i", "i", Version("1"), 1)
    target = None if environment is None else Target(environment, "s", "main", "o", entry)
    return Decision("i", Version("2"), outcome, "", target=target)


def test_events_are_counted_by_source_and_outcome() -> None:
    counted = metrics()
    for outcome in ("committed", "committed", "unreadable"):
        counted.event("quay", outcome)
    found = read(counted)
    assert found["updater_events_total,outcome=committed,source=quay"] == 2
    assert found["updater_events_total,outcome=unreadable,source=quay"] == 1


def test_every_outcome_of_a_decision_has_a_name() -> None:
    assert {each.value for each in Outcome} < OUTCOMES


def test_strangers_make_no_new_series() -> None:
    counted = metrics()
    counted.hook("quay", 202, 0.004)
    counted.event("quay", "held")
    before = len(read(counted))
    for number in range(50):
        counted.hook(f"name-{number}", 404, 0.001)
        counted.event(f"name-{number}", f"outcome-{number}")
    found = read(counted)
    assert len(found) == before + 2
    assert found["updater_hook_requests_total,source=unknown,status=404"] == 50
    assert found["updater_events_total,outcome=unknown,source=unknown"] == 50


def test_answers_to_hooks_are_counted_and_timed() -> None:
    counted = metrics()
    counted.hook("quay", 202, 0.004)
    found = read(counted)
    assert found["updater_hook_requests_total,source=quay,status=202"] == 1
    assert found["updater_hook_seconds_bucket,le=0.005"] == 1
    assert found["updater_hook_seconds_bucket,le=0.0025"] == 0


def test_a_commit_is_timed_from_the_push_and_from_the_acceptance() -> None:
    counted = metrics()
    counted.landed(pushed_at=at(-2), received_at=at(-0.5), now=NOON)
    found = read(counted)
    assert found["updater_push_to_commit_seconds_sum"] == 120
    assert found["updater_acceptance_to_commit_seconds_sum"] == 30
    assert found["updater_push_to_commit_seconds_bucket,le=0.5"] == 0
    assert found["updater_push_to_commit_seconds_bucket,le=3600.0"] == 1


def test_a_clock_that_is_ahead_makes_no_negative_time() -> None:
    counted = metrics()
    counted.landed(pushed_at=at(5), received_at=at(5), now=NOON)
    assert read(counted)["updater_push_to_commit_seconds_sum"] == 0


def test_batches_and_retries_are_counted() -> None:
    counted = metrics()
    counted.batch(7, 1.5)
    counted.push_retried()
    found = read(counted)
    assert (found["updater_batch_events_sum"], found["updater_batch_seconds_sum"]) == (7, 1.5)
    assert found["updater_push_retries_total"] == 1


def test_the_forge_is_counted_by_class_of_answer_and_what_it_has_left() -> None:
    counted = metrics()
    assert isnan(read(counted)["updater_forge_rate_remaining"])
    for status, left in ((200, 4999), (201, 4998), (403, None), (None, None)):
        counted.forge_called(status, left)
    found = read(counted)
    assert found["updater_forge_requests_total,status=2xx"] == 2
    assert found["updater_forge_requests_total,status=4xx"] == 1
    assert found["updater_forge_requests_total,status=none"] == 1
    assert found["updater_forge_rate_remaining"] == 4998


def test_the_inbox_is_asked_once_when_somebody_reads() -> None:
    counted, asked = metrics(), []

    def depth() -> Depth:
        asked.append(1)
        return Depth(3, 2, at(-1))

    counted.watch_inbox(depth, lambda: NOON)
    assert asked == []
    found = read(counted)
    assert asked == [1]
    assert found["updater_inbox_events"] == 3
    assert found["updater_inbox_oldest_seconds"] == 60
    assert found["updater_inbox_dead_letters"] == 2


def test_an_empty_inbox_has_no_age_and_one_that_cannot_be_read_no_figures() -> None:
    empty, broken = metrics(), metrics()
    empty.watch_inbox(lambda: Depth(0, 0, None), lambda: NOON)

    def refuse() -> Depth:
        raise StorageError("the disk is full")

    broken.watch_inbox(refuse, lambda: NOON)
    assert read(empty)["updater_inbox_oldest_seconds"] == 0
    assert not [name for name in read(broken) if name.startswith("updater_inbox")]
    assert "updater_push_retries_total" in read(broken)


def test_messages_that_are_held_are_asked_for_when_somebody_reads() -> None:
    counted, held = metrics(), [4]
    counted.watch_subscriptions(lambda: held[0])
    held[0] = 5
    assert read(counted)["updater_pubsub_outstanding_messages"] == 5


def test_open_pull_requests_are_counted_by_environment_and_age() -> None:
    counted = metrics()
    pulls = [
        pull("updater/staging/a", 1),
        pull("updater/staging/b", 61),
        pull("updater/staging/c", 8 * 24 * 60),
        pull("updater/production/a", 24 * 60),
        pull("updater/staging/d", 5, "merged"),
        pull("somebody/else", 5),
    ]
    counted.passed(Report(pulls=pulls), 1.0, NOON)
    found = {name: value for name, value in read(counted).items() if name.startswith("updater_open_pull")}
    ages = {name: [found[f"updater_open_pull_requests,age={age},environment={name}"] for age in AGES] for name in
            ("staging", "production")}  # fmt: skip
    assert ages == {"staging": [3, 2, 1, 1], "production": [1, 1, 1, 0]}
    assert len(found) == 8


def test_holds_are_counted_by_environment_as_the_last_pass_met_them() -> None:
    counted = metrics()
    held = [decision(Outcome.HELD), decision(Outcome.HELD), decision(Outcome.WAITING), decision(Outcome.HELD, None)]
    counted.passed(Report(held), 1.0, NOON)
    assert read(counted)["updater_holds,environment=staging"] == 2
    counted.passed(Report(), 1.0, NOON)
    assert "updater_holds,environment=staging" not in read(counted)


@pytest.mark.parametrize(
    ("problems", "outcome", "last"), [([], "success", NOON.timestamp()), ([UpdaterError("x")], "failure", 0)]
)
def test_a_pass_is_timed_and_only_a_good_one_is_the_last_good_one(
    problems: list[UpdaterError], outcome: str, last: float
) -> None:
    counted = metrics()
    counted.passed(Report(problems=problems), 2.5, NOON)
    found = read(counted)
    assert found[f"updater_passes_total,outcome={outcome}"] == 1
    assert found["updater_pass_seconds_sum"] == 2.5
    assert found["updater_last_successful_pass_timestamp_seconds"] == last


def test_questions_to_registries_are_counted_by_host_as_long_as_there_are_not_too_many() -> None:
    counted = metrics()
    for number in range(HOSTS + 2):
        counted.registry_answered(f"reg-{number}.example", "answered")
    counted.registry_answered("reg-0.example", "unavailable")
    found = read(counted)
    name = "updater_registry_questions_total"
    assert found[f"{name},outcome=unavailable,registry=reg-0.example"] == 1
    assert found[f"{name},outcome=answered,registry=reg-{HOSTS - 1}.example"] == 1
    assert found[f"{name},outcome=answered,registry=other"] == 2


def test_a_look_at_registries_tells_how_long_it_took_and_of_what_it_learned_nothing() -> None:
    counted = metrics()
    counted.looked([Listing({}, at(0)), RegistryUnavailable("it is down")], 2.5, NOON)
    found = read(counted)
    assert found["updater_registry_look_seconds_sum"] == 2.5
    assert found["updater_registry_last_look_timestamp_seconds"] == NOON.timestamp()
    assert found["updater_registry_unanswered_images"] == 1


def test_it_tells_which_release_runs_and_two_services_share_nothing() -> None:
    one, other = metrics(), metrics()
    one.push_retried()
    assert read(one)[f"updater_build_info,version={__version__}"] == 1
    assert read(other)["updater_push_retries_total"] == 0


def test_the_document_names_every_metric_with_its_type_and_labels_and_no_other() -> None:
    counted = metrics()
    counted.watch_inbox(lambda: Depth(0, 0, None), lambda: NOON)
    counted.watch_subscriptions(lambda: 0)
    counted.passed(Report([decision(Outcome.HELD)], [], [pull("updater/staging/a", 1)]), 1.0, NOON)
    counted.hook("quay", 202, 0.1)
    counted.event("quay", "held")
    counted.forge_called(200, 1)
    counted.registry_answered("reg.example", "answered")
    found = {}
    for family in text_string_to_metric_families(counted.exposed()[0].decode()):
        if not family.name.endswith("_created"):
            name = family.name + ("_total" if family.type == "counter" else "")
            found[name] = (family.type, {label for each in family.samples for label in each.labels} - {"le"})
    rows = re.findall(r"^\| `(updater_\w+)` \| (\w+) \|([^|]*)\|", DOCUMENT, re.MULTILINE)
    assert {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows} == found


def test_alerts_of_the_document_ask_for_what_there_is() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    (group,) = YAML(typ="safe").load(block)["groups"]
    asked = {name for rule in group["rules"] for name in re.findall(r"updater_\w+", rule["expr"])}
    known = set(re.findall(r"^\| `(updater_\w+)`", DOCUMENT, re.MULTILINE))
    assert {name.removesuffix("_bucket") for name in asked} <= known
    assert len(group["rules"]) > 5


def test_the_document_names_every_outcome_and_age() -> None:
    for word in (*OUTCOMES, *AGES):
        assert f"`{word}`" in DOCUMENT
