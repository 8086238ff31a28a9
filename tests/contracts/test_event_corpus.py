"""Payloads that others recorded or documented, decoded as their descriptions say.

They are not part of the project: the corpus folder, where there is one, stands beside the project's root. A case is a
body and a `.meta.json` with the headers it came with and the pushes it tells of; a push without a tag is none for us.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from updater.core import references
from updater.decoders import artifact_registry, cloud_build, distribution, docker_hub
from updater.decoders.envelopes import unwrap
from updater.errors import EventError
from updater.model import Decoded, Delivery

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "events"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SOURCES = {
    "gar_pubsub": ("artifact-registry", artifact_registry.decode),
    "gcr_pubsub": ("artifact-registry", artifact_registry.decode),
    "pubsub_push": ("artifact-registry", artifact_registry.decode),
    "eventarc": ("artifact-registry", artifact_registry.decode),
    "cloud_build": ("cloud-build", cloud_build.decode),
    "distribution": ("distribution", distribution.decode),
    "gitlab": ("distribution", distribution.decode),
    "dockerhub": ("docker-hub", docker_hub.decode),
}
Push: TypeAlias = tuple[str, str, str | None]

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="there is no corpus folder beside the project")


def case_names() -> list[str]:
    paths = [path for folder in SOURCES for path in sorted(CORPUS.glob(f"{folder}/*.meta.json"))]
    names = [f"{path.parent.name}/{path.name.removesuffix('.meta.json')}" for path in paths]
    return [name for name in names if is_delivery(name)]


def is_delivery(name: str) -> bool:
    """Of Eventarc only what brings Pub/Sub messages is ours; the claims of a token are no body at all."""
    return name != "pubsub_push/oidc_claims" and (
        not name.startswith("eventarc/") or name.startswith("eventarc/messagepublished_")
    )


def described(name: str) -> dict[str, Any]:
    return json.loads((CORPUS / f"{name}.meta.json").read_text())  # type: ignore[no-any-return]


def decoded(name: str) -> Decoded:
    source, decode = SOURCES[name.partition("/")[0]]
    headers = {key.lower(): value for key, value in described(name).get("headers", {}).items()}
    return decode(unwrap(Delivery(source, (CORPUS / f"{name}.json").read_bytes(), NOW, headers)))


def pushes(result: Decoded) -> set[Push]:
    return {(event.image, str(event.version.tag), event.version.digest) for event in result.events}


def expected_pushes(expected: object) -> set[Push]:
    entries = expected if isinstance(expected, list) else []
    pushed = [entry for entry in entries if entry["action"] == "push" and entry["tag"] is not None]
    return {(entry["image"], entry["tag"], entry["digest"]) for entry in pushed}


def is_placeholder(name: str) -> bool:
    """Documentation writes `PROJECT_ID`, which no registry accepts in a repository."""
    return any(references.normalise(image) is None for image, _, _ in expected_pushes(described(name)["expected"]))


@pytest.mark.parametrize("name", [name for name in case_names() if not is_placeholder(name)])
def test_a_recorded_payload_gives_the_pushes_it_is_described_with(name: str) -> None:
    expected = expected_pushes(described(name)["expected"])
    result = decoded(name)
    assert pushes(result) == expected
    assert len(result.events) == len(expected)
    assert expected or result.ignored


@pytest.mark.parametrize("name", [name for name in case_names() if is_placeholder(name)])
def test_a_placeholder_of_the_documentation_is_no_repository(name: str) -> None:
    with pytest.raises(EventError, match="is not an image repository"):
        decoded(name)


def test_the_time_of_a_recorded_push_is_known_where_its_payload_tells_it() -> None:
    for name in ("cloud_build/success", "dockerhub/push_official", "distribution/push_manifest_with_tag"):
        assert decoded(name).events[0].pushed_at is not None


def sequences() -> list[dict[str, Any]]:
    path = CORPUS / "sequences.json"
    every = json.loads(path.read_text())["sequences"] if path.exists() else []
    known = set(case_names())
    return [sequence for sequence in every if known.issuperset(sequence["cases"])]


@pytest.mark.parametrize("sequence", [pytest.param(sequence, id=sequence["name"]) for sequence in sequences()])
def test_a_recorded_sequence_has_its_net_effect(sequence: dict[str, Any]) -> None:
    effects: set[Push] = set().union(*(pushes(decoded(name)) for name in sequence["cases"]))
    assert effects == expected_pushes(sequence["net"])


# --- notifications recorded from a real registry ---

RECORDED = sorted(CORPUS.glob("distribution_real/*/*.json"))


def recorded(path: Path) -> Decoded:
    """The body with the headers that the registry sent along, as recorded beside it."""
    headers = json.loads(path.with_name(f"{path.name}.headers").read_text())["headers"]
    lower = {name.lower(): value for name, value in headers.items()}
    return distribution.decode(unwrap(Delivery("distribution", path.read_bytes(), NOW, lower)))


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
