"""Payloads that others recorded or documented, read as their descriptions say.

They are not part of the project: the corpus folder, where there is one, stands beside the project's root. A case is a
body and a `.meta.json` with the headers it came with, the pushes it tells of (one without a tag is none for us), and
what else it says, of pull requests, statuses or rollouts.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.helpers.answers import DECODERS, ROOT
from updater.core import references
from updater.decoding import read
from updater.errors import EventError
from updater.model import Decoded, Delivery, Reported

CORPUS = ROOT / ".." / "shared" / "events"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REGISTRY = "registry.example:5000"
DOORS = {
    "acr": "acr",
    "aliyun_acr": "aliyun",
    "argocd_notifications": "argocd",
    "artifactory": "artifactory",
    "cdevents": "cdevents",
    "cloud_build": "cloud-build",
    "cloud_deploy": "clouddeploy",
    "distribution": "distribution",
    "dockerhub": "docker-hub",
    "ecr": "ecr",
    "eventarc": "eventarc",
    "flux_notifications": "flux",
    "gar_pubsub": "artifact-registry",
    "gcr_pubsub": "artifact-registry",
    "ghcr": "ghcr",
    "gitea": "gitea",
    "github": "github",
    "gitlab": "gitlab",
    "harbor": "harbor",
    "nexus": "nexus",
    "pubsub_push": "pubsub",
    "quay": "quay",
}
NO_DELIVERIES = {"pubsub_push/oidc_claims"}
"""The claims of a token."""
Push: TypeAlias = tuple[str, str, str | None]

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="there is no corpus folder beside the project")


def case_names() -> list[str]:
    paths = [path for folder in DOORS for path in sorted(CORPUS.glob(f"{folder}/*.meta.json"))]
    names = [f"{path.parent.name}/{path.name.removesuffix('.meta.json')}" for path in paths]
    return [name for name in names if name not in NO_DELIVERIES]


def described(name: str) -> dict[str, Any]:
    return json.loads((CORPUS / f"{name}.meta.json").read_text())  # type: ignore[no-any-return]


def address(name: str) -> str:
    """What stands behind the source in the URL: as it is told, else the registry, where only the hook can name it."""
    told = described(name)
    query = told.get("query", "")
    if "registry_url=" in query:
        return str(query)
    status = re.search(r"/repos/\S+", query) or re.search(r"/repos/\S+", told.get("transport", ""))
    if status is not None:
        return status[0].replace("{owner}/{repo}", "acme/deploy")
    return f"?registry={REGISTRY}" if "<configured-host>" in json.dumps(told["expected"]) else ""


def delivery(name: str, door: str | None = None) -> Delivery:
    headers = {key.lower(): value for key, value in described(name).get("headers", {}).items()}
    body = (CORPUS / f"{name}.json").read_bytes()
    if described(name)["transport"].startswith("Pub/Sub pull message"):
        body = json.dumps({"message": json.loads(body)}).encode()
    return Delivery(door or DOORS[name.partition("/")[0]], body, NOW, headers, address(name))


def decoded(name: str, door: str | None = None) -> Decoded:
    return read(DECODERS, delivery(name, door))


def pushes(result: Decoded) -> set[Push]:
    return {(event.image, str(event.version.tag), event.version.digest) for event in result.events}


def expected_pushes(expected: object) -> set[Push]:
    entries = expected if isinstance(expected, list) else []
    pushed = [entry for entry in entries if entry["action"] == "push" and entry["tag"] is not None]
    return {(entry["image"].replace("<configured-host>", REGISTRY), entry["tag"], entry["digest"]) for entry in pushed}


def is_placeholder(name: str) -> bool:
    """Documentation writes `PROJECT_ID`, and some registries have names that no other accepts: `namespace/repoTest`."""
    return any(references.normalise(image) is None for image, _, _ in expected_pushes(described(name)["expected"]))


def test_each_folder_of_deliveries_has_a_door() -> None:
    folders = {path.parent.name for path in CORPUS.glob("*/*.meta.json")}
    assert folders - DOORS.keys() == {"oci"}
    assert set(DOORS.values()) <= DECODERS.keys()


def needs_a_registry(name: str) -> bool:
    """Nobody but the hook can tell where the image is, and the case has no hook that does."""
    return "needs a configured" in json.dumps(described(name)["expected"])


def readable(names: list[str]) -> list[str]:
    return [name for name in names if not (is_placeholder(name) or needs_a_registry(name))]


@pytest.mark.parametrize("name", readable(case_names()))
def test_a_recorded_payload_gives_the_pushes_it_is_described_with(name: str) -> None:
    expected = expected_pushes(described(name)["expected"])
    result = decoded(name)
    assert pushes(result) == expected
    assert len(result.events) == len(expected)
    assert expected or result.ignored or result.reported or result.news


def why_not(name: str) -> str:
    try:
        return str(decoded(name).ignored)
    except EventError as error:
        return str(error.hint)


@pytest.mark.parametrize("name", [name for name in case_names() if needs_a_registry(name)])
def test_where_the_registry_is_not_known_it_is_said_how_to_name_it(name: str) -> None:
    assert "?registry=" in why_not(name)


@pytest.mark.parametrize("name", [name for name in case_names() if is_placeholder(name)])
def test_a_name_that_no_registry_accepts_is_no_repository(name: str) -> None:
    with pytest.raises(EventError, match="is not an image repository"):
        decoded(name)


def test_the_time_of_a_recorded_push_is_known_where_its_payload_tells_it() -> None:
    for name in ("cloud_build/success", "dockerhub/push_official", "distribution/push_manifest_with_tag"):
        assert decoded(name).events[0].pushed_at is not None


def sequences() -> list[dict[str, Any]]:
    path = CORPUS / "sequences.json"
    return json.loads(path.read_text())["sequences"] if path.exists() else []


@pytest.mark.parametrize("sequence", [pytest.param(sequence, id=sequence["name"]) for sequence in sequences()])
def test_a_recorded_sequence_has_its_net_effect(sequence: dict[str, Any]) -> None:
    effects: set[Push] = set().union(*(pushes(decoded(name)) for name in sequence["cases"]))
    assert effects == expected_pushes(sequence["net"])


# --- by a carrier ---

CARRIED = ("artifact-registry", "cloud-build", "clouddeploy", "cdevents", "ecr", "acr", "harbor")


def comes_carried(name: str) -> bool:
    """In a dialect that is recognised by its words alone: no list of events, no web hook of an older kind."""
    told = described(name)
    by_type = "ce-type" in {key.lower() for key in told.get("headers", {})} or "cloudevents" in name
    return DOORS[name.partition("/")[0]] in ("artifact-registry", "cloud-build", "clouddeploy", "cdevents") or (
        by_type and DOORS[name.partition("/")[0]] in CARRIED
    )


@pytest.mark.parametrize("door", ["pubsub", "eventarc"])
@pytest.mark.parametrize("name", [name for name in readable(case_names()) if comes_carried(name)])
def test_a_carrier_s_message_is_read_like_one_of_its_own_sender(name: str, door: str) -> None:
    assert decoded(name, door) == decoded(name)


# --- what is no push ---

STATES = {"progressing": "pending"}
"""A Flux word for what others call pending."""
ROLLOUTS = {
    "Required": "pending",
    "Start": "pending",
    "Approved": "success",
    "Succeed": "success",
    "Rejected": "failure",
    "Failure": "failure",
}


def told_events(kind: str) -> list[str]:
    return [name for name in case_names() if described(name).get("expected_event", {}).get("kind", "").startswith(kind)]


def only(result: Decoded) -> Reported:
    (reported,) = result.reported
    return reported


@pytest.mark.parametrize("name", told_events("gitops.status"))
def test_what_an_agent_says_of_a_commit_is_a_result_for_that_commit(name: str) -> None:
    told = described(name)["expected_event"]
    reported = only(decoded(name))
    assert reported.commit == told["revision"]
    assert reported.state == STATES.get(told["state"], told["state"])
    named = told.get("app") or told["object"].rpartition("/")[2]
    assert named in reported.context.split("/")


@pytest.mark.parametrize("name", told_events("clouddeploy"))
def test_what_cloud_deploy_says_of_a_rollout_is_a_result_in_its_target(name: str) -> None:
    told = described(name)["expected_event"]
    if "target" not in told:
        assert decoded(name).reported == ()
        assert decoded(name).ignored
        return
    reported = only(decoded(name))
    assert reported.state == ROLLOUTS[told["action"]]
    assert (reported.service, f"{told['pipeline']}-{reported.environment}".endswith(told["target"])) == (
        told["pipeline"],
        True,
    )
    assert reported.context == f"cloud-deploy/{'approval' if told['kind'] == 'clouddeploy.approval' else 'rollout'}"


@pytest.mark.parametrize(
    ("name", "news"),
    [
        ("pull_request_closed_merged", "pull request 2 was merged"),
        ("pull_request_closed_unmerged", "pull request 2: closed"),
        ("pull_request_opened", "pull request 2: opened"),
        ("push_branch_created", "the branch 'master' was pushed to"),
        ("push_tag_deleted", None),
        ("status_success", "the status 'default' is success"),
        ("check_suite_completed", "a check suite has ended: success"),
        ("ping", None),
    ],
)
def test_what_happens_in_a_repository_on_github_is_news(name: str, news: str | None) -> None:
    result = decoded(f"github/{name}")
    assert result.news == news
    assert (result.ignored is None) == (news is not None)


# --- notifications recorded from a real registry ---

RECORDED = sorted(CORPUS.glob("distribution_real/*/*.json"))


def recorded(path: Path) -> Decoded:
    """The body with the headers that the registry sent along, as recorded beside it."""
    headers = json.loads(path.with_name(f"{path.name}.headers").read_text())["headers"]
    lower = {name.lower(): value for name, value in headers.items()}
    return read(DECODERS, Delivery("distribution", path.read_bytes(), NOW, lower))


@pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in RECORDED])
def test_a_notification_of_a_real_registry_is_an_event_if_it_is_a_tagged_push_of_an_image(path: Path) -> None:
    """The file's name tells: number, action, tag (or `notag`), media type."""
    _, action, tag, _ = path.stem.split("_", 3)
    (sent,) = json.loads(path.read_bytes())["events"]
    result = recorded(path)
    if action == "push" and tag != "notag" and not tag.startswith("sha256-"):
        (event,) = result.events
        image = f"{sent['request']['host']}/{sent['target']['repository']}"
        assert (event.image, event.version.tag, event.version.digest) == (image, tag, sent["target"]["digest"])
        assert event.id == sent["id"]
        assert event.pushed_at is not None
    else:
        assert result.events == ()
        assert result.ignored


def test_a_notification_sent_again_and_again_is_one_and_the_same_event() -> None:
    folder = "retry_same_event_17_attempts"
    first = [path for path in RECORDED if path.parent.name == folder and "_push_f1_" in path.name]
    assert len(first) > 10
    assert len({recorded(path).events for path in first}) == 1
