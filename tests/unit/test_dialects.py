"""Recognising whose words a carrier brings: only what cannot be mistaken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.dialects import dialect
from updater.model import Message

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROLLOUT = {"action": "Succeed", "deliverypipelineid": "model-a"}


def recognised(payload: Any, **attributes: str) -> str | None:
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    return dialect(Message("pubsub", payload, "1", NOW, attributes=named))


@pytest.mark.parametrize(
    ("payload", "source"),
    [
        ({"action": "INSERT", "tag": "registry.example/a:1"}, "artifact-registry"),
        ({"action": "DELETE", "digest": "registry.example/a@sha256:1"}, "artifact-registry"),
        ({"id": "b-1", "projectId": "acme", "status": "WORKING", "steps": []}, "cloud-build"),
        ({"protoPayload": {"methodName": "Docker-PutManifest"}, "insertId": "1"}, "eventarc"),
        ({"context": {"type": "dev.cdevents.build.finished.0.3.0"}, "subject": {}}, "cdevents"),
        ({"involvedObject": {"kind": "Kustomization"}, "severity": "info"}, "flux"),
        ({"source": "aws.ecr", "detail-type": "ECR Image Scan"}, "ecr"),
        ({"image": "registry.example/a:1"}, "generic"),
        ({"image": "a", "tag": "1", "digest": None, "pushed_at": 0, "id": "x"}, "generic"),
    ],
)
def test_a_sender_is_known_by_the_shape_of_its_data(payload: dict[str, Any], source: str) -> None:
    assert recognised(payload) == source


@pytest.mark.parametrize(
    ("type_", "source"),
    [
        ("Microsoft.ContainerRegistry.ImagePushed", "acr"),
        ("dev.cdevents.artifact.published.0.3.0", "cdevents"),
        ("google.cloud.cloudbuild.build.v1.statusChanged", "cloud-build"),
        ("harbor.artifact.pushed", "harbor"),
        ("google.cloud.pubsub.topic.v1.messagePublished", None),
        ("org.example.harbor.artifact.pushed", None),
    ],
)
def test_a_sender_is_known_by_the_type_of_its_cloudevent(type_: str, source: str | None) -> None:
    assert recognised({"anything": 1}, ce_type=type_) == source


def test_a_message_that_eventarc_wraps_is_known_by_its_data() -> None:
    data = {"action": "INSERT", "tag": "registry.example/a:1"}
    assert recognised(data, ce_type="google.cloud.pubsub.topic.v1.messagePublished") == "artifact-registry"


def test_cloud_deploy_is_known_by_its_attributes_since_it_sends_no_data() -> None:
    assert recognised(None, **ROLLOUT) == "clouddeploy"
    assert recognised({"status": "all is well"}, **ROLLOUT) is None
    assert recognised(None, action="Succeed") is None


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"action": "push", "tag": "1"},
        {"action": "INSERT"},
        {"action": "INSERT", "tag": 1},
        {"status": "SUCCESS", "id": "1"},
        {"projectId": "acme", "status": 3, "id": "1"},
        {"protoPayload": {}},
        {"context": {"type": "com.example.build"}, "subject": {}},
        {"involvedObject": {}, "type": "Normal"},
        {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"},
        {"image": {"name": "a"}},
        {"image": "registry.example/a:1", "stage": "scan"},
    ],
)
def test_what_might_be_somebody_else_s_is_nobody_s(payload: Any) -> None:
    assert recognised(payload) is None


KEYS = st.sampled_from(
    ["action", "tag", "id", "projectId", "status", "protoPayload", "methodName", "context", "type", "image", "severity"]
)


@given(st.recursive(st.none() | st.integers(), lambda inner: st.dictionaries(KEYS, inner, max_size=4)))
def test_without_a_single_text_nothing_is_recognised(payload: Any) -> None:
    assert recognised(payload) is None
