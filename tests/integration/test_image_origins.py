"""What a real registry tells of images, indexes and what is kept beside them."""

from __future__ import annotations

import json

from tests.helpers.image_layouts import MANIFEST, sha256
from tests.helpers.registry import Registry
from tests.helpers.registry_clients import Stage
from updater.model import Origin
from updater.registries.images import Looked, look

SOURCE, REVISION = "org.opencontainers.image.source", "org.opencontainers.image.revision"
HELM = "application/vnd.cncf.helm.config.v1+json"


def test_the_labels_of_an_image_that_skopeo_pushed_tell_its_source(registry: Registry, stage: Stage) -> None:
    labels = {SOURCE: "https://github.com/acme/model-a.git", REVISION: "3fa9c1e", "maintainer": "alice"}
    digest = registry.push("acme/labelled", "1.0.0", labels=labels)
    found = look(stage.client, "acme/labelled", digest)
    assert found == Looked(Origin("https://github.com/acme/model-a", "3fa9c1e"))


def test_of_an_index_the_image_for_most_machines_is_read(registry: Registry, stage: Stage) -> None:
    platforms = [("linux", "arm64"), ("linux", "amd64"), ("windows", "amd64")]
    images = [
        (registry.push("acme/many", each[1], labels={REVISION: f"{number}" * 7}, platform=each), each)
        for number, each in enumerate(platforms, 1)
    ]
    digest = registry.push_index("acme/many", "1.0.0", images)
    assert look(stage.client, "acme/many", digest) == Looked(Origin(revision="2222222"))


def test_an_index_of_nothing_but_attestations_cannot_run(registry: Registry, stage: Stage) -> None:
    attestation = registry.push("acme/attested", "only", platform=("unknown", "unknown"))
    digest = registry.push_index("acme/attested", "1.0.0", [(attestation, ("unknown", "unknown"))])
    assert look(stage.client, "acme/attested", digest) == Looked(refusal="has nothing in it that can run")


def test_a_chart_is_no_image(registry: Registry, stage: Stage) -> None:
    config = registry.upload("acme/chart", b"{}")
    layers = [{"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": config, "size": 2}]
    chart = {"schemaVersion": 2, "config": {"mediaType": HELM, "digest": config, "size": 2}, "layers": layers}
    digest = registry.put("acme/chart", "1.0.0", json.dumps(chart).encode(), MANIFEST)
    assert look(stage.client, "acme/chart", digest) == Looked(refusal="is a Helm chart, not an image")


def test_what_was_deleted_is_gone(registry: Registry, stage: Stage) -> None:
    digest = registry.push("acme/gone", "1.0.0")
    registry.delete("acme/gone", digest)
    assert look(stage.client, "acme/gone", digest) == Looked(refusal="is not in the registry any more")
    assert look(stage.client, "acme/never", sha256(b"x")).refusal == "is not in the registry any more"
