"""Manifests, indexes and configs, as registries serve them and as somebody may forge them."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.events import digest
from updater.core.oci import (
    ACCEPT,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MAX_LISTED,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    Platform,
    labels,
    objection,
    read,
    representative,
    runnable,
)

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "events" / "oci"
"""The corpus folder, where there is one."""

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
HELM = "application/vnd.cncf.helm.config.v1+json"
A, B, C = (digest(letter) for letter in "abc")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def descriptor(digest: str = A, media_type: str = LAYER, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": 7, **more}


def manifest(config: str = OCI_CONFIG, *layers: str, **more: Any) -> dict[str, Any]:
    named = [descriptor(B, each) for each in layers or (LAYER,)]
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(A, config), "layers": named, **more}


def index(*children: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(children), **more}


def child(digest: str, platform: str | None = None, **more: Any) -> dict[str, Any]:
    """A manifest in an index, for a platform like `linux/amd64`."""
    system, _, architecture = (platform or "").partition("/")
    told = {} if platform is None else {"platform": {"os": system, "architecture": architecture}}
    return descriptor(digest, **{"media_type": OCI_MANIFEST, **told, **more})


def found(document: Any) -> Any:
    return read(json.dumps(document).encode())


# What can be read


def test_an_image_is_read_with_its_config_its_layers_and_its_annotations() -> None:
    layer = descriptor(B, annotations={"key": "value"})
    assert found(manifest(annotations={"a": "b"}) | {"layers": [layer]}) == Manifest(
        Descriptor(A, OCI_CONFIG, 7), (Descriptor(B, LAYER, 7, None, {"key": "value"}),), None, {"a": "b"}
    )


def test_an_index_is_read_with_platforms_kinds_and_annotations() -> None:
    told = index(child(A, "linux/arm64"), child(B, artifactType="x/y"), annotations={"a": "b"})
    first, second = Platform("linux", "arm64"), Descriptor(B, OCI_MANIFEST, 7, "x/y")
    assert found(told) == Index((Descriptor(A, OCI_MANIFEST, 7, platform=first), second), {"a": "b"})


def test_what_refers_to_an_image_names_it() -> None:
    told = found(manifest(subject=descriptor(C, OCI_INDEX), artifactType="application/x"))
    assert (told.subject, told.artifact_type) == (Descriptor(C, OCI_INDEX, 7), "application/x")


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST, None])
def test_an_image_need_not_say_what_it_is(media_type: str | None) -> None:
    assert isinstance(found({**manifest(), "mediaType": media_type}), Manifest)


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST, None])
def test_an_index_need_not_say_what_it_is(media_type: str | None) -> None:
    assert isinstance(found({**index(child(A)), "mediaType": media_type}), Index)


def test_what_is_empty_as_go_writes_it_is_as_if_it_were_not_there() -> None:
    told = manifest(annotations=None, artifactType="", subject=None, platform=None)
    assert found(told) == found(manifest())


def test_all_four_kinds_are_asked_for() -> None:
    assert set(ACCEPT.split(", ")) == {OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST}


# What cannot be read


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "is no JSON object"),
        ({"schemaVersion": 1, "fsLayers": []}, "old format"),
        ({"schemaVersion": 2}, "neither layers nor manifests, or both"),
        ({**manifest(), "manifests": []}, "neither layers nor manifests, or both"),
        ({"manifests": [], "config": None}, "neither layers nor manifests, or both"),
        ({**manifest(), "mediaType": OCI_INDEX}, "another media type"),
        ({**index(), "mediaType": OCI_MANIFEST}, "another media type"),
        ({**manifest(), "mediaType": "text/html"}, "another media type"),
        ({**manifest(), "layers": {}}, "no list"),
        ({**manifest(), "layers": None}, "no list"),
        ({**manifest(), "config": None}, "something that the manifest names is no JSON object"),
        ({**manifest(), "layers": ["x"]}, "something that the manifest names is no JSON object"),
        ({**manifest(), "annotations": ["x"]}, "annotations that are no text"),
        ({**manifest(), "annotations": {"a": 1}}, "annotations that are no text"),
        (manifest(artifactType=1), "`artifactType`"),
        (manifest(artifactType="x" * 256), "`artifactType`"),
        (index(descriptor(platform=1)), "a platform is no JSON object"),
    ],
)
def test_what_is_no_manifest_is_refused_in_words(document: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        found(document)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        *(({"digest": each}, "digest") for each in (None, 1, "sha256:abc", "sha512:" + "a" * 128, f"{A}\n")),
        *(({"media_type": each}, "media type") for each in (None, 1, "", "x" * 256)),
        *(({"size": each}, "size") for each in (None, -1, 1.5, True, "7", 2**63)),
    ],
)
def test_what_a_manifest_names_has_digest_media_type_and_size(bad: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=f"no .*{reason}"):
        found(index(descriptor(**bad)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schemaVersion": ' + b"9" * 5000 + b"}", "no JSON"),
    ],
)
def test_what_is_no_json_is_refused(content: bytes, reason: str) -> None:
    for reader in (read, labels):
        with pytest.raises(ValueError, match=reason):
            reader(content)


def test_a_list_without_end_is_refused() -> None:
    many = [child(A)] * MAX_LISTED
    assert len(found(index(*many)).manifests) == MAX_LISTED
    with pytest.raises(ValueError, match=f"at most {MAX_LISTED}"):
        found(index(*many, child(A)))


@given(st.dictionaries(st.sampled_from(sorted({*manifest(), *index(), "artifactType", "annotations"})), JSON))
@example({"config": {"digest": A, "mediaType": "x", "size": 0, "annotations": 0}, "layers": []})
def test_nothing_but_a_value_error_comes_of_any_json(document: dict[str, Any]) -> None:
    with suppress(ValueError):
        assert isinstance(found(document), Manifest | Index)


# What can run


@pytest.mark.parametrize("config", [OCI_CONFIG, DOCKER_CONFIG])
@pytest.mark.parametrize(
    "layers", [(), (LAYER,), ("application/vnd.docker.image.rootfs.diff.tar.gzip",), ("application/x-weights", LAYER)]
)
def test_an_image_has_the_config_of_one_and_its_layers(config: str, layers: tuple[str, ...]) -> None:
    told = {**manifest(config), "layers": [descriptor(B, each) for each in layers]}
    assert objection(found(told)) is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (manifest(HELM), "is a Helm chart, not an image"),
        (manifest("application/vnd.oci.empty.v1+json", artifactType="a/b"), "is an artifact (a/b), not an image"),
        (manifest("application/x"), "is an artifact (application/x), not an image"),
        (manifest(artifactType="a/b"), "is an artifact (a/b), not an image"),
        (manifest("a\n\u202eb"), r"is an artifact (a\n\u202eb), not an image"),
        (
            manifest(OCI_CONFIG, "application/vnd.dev.cosign.simplesigning.v1+json"),
            "holds application/vnd.dev.cosign.simplesigning.v1+json, not the layers of an image",
        ),
        (manifest(OCI_CONFIG, "\x1b[2J"), r"holds \x1b[2J, not the layers of an image"),
    ],
)
def test_what_is_kept_like_an_image_and_is_none_is_told(document: dict[str, Any], reason: str) -> None:
    assert objection(found(document)) == reason


ATTESTED = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}


@pytest.mark.parametrize(
    "beside",
    [
        child(A, "unknown/unknown"),
        child(A, "linux/amd64", **ATTESTED),
        child(A, "linux/amd64", artifactType="application/x"),
        child(A, "linux/amd64", media_type="application/x"),
    ],
)
def test_what_stands_beside_images_in_an_index_is_none(beside: dict[str, Any]) -> None:
    assert [each.digest for each in runnable(found(index(beside, child(B, "linux/s390x"))))] == [B]
    assert representative(found(index(beside))) is None


@pytest.mark.parametrize(
    ("children", "chosen"),
    [
        ([child(A, "linux/arm64"), child(B, "linux/amd64"), child(C, "linux/amd64")], B),
        ([child(A, "windows/amd64"), child(B, "linux/s390x"), child(C, "linux/arm64")], C),
        ([child(A, "windows/amd64"), child(B, "linux/s390x")], A),
        ([child(A), child(B)], A),
        ([child(A, media_type=OCI_INDEX), child(B, media_type=DOCKER_MANIFEST)], A),
        ([], None),
    ],
)
def test_one_image_speaks_for_all_of_an_index(children: list[dict[str, Any]], chosen: str | None) -> None:
    told = representative(found(index(*children)))
    assert (None if told is None else told.digest) == chosen


# Labels


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"config": {"Labels": {"a": "b", "c": 1}}}, {"a": "b"}),
        ({"config": {"Labels": None}}, {}),
        ({"config": {"Labels": ["a"]}}, {}),
        ({"config": {}}, {}),
        ({"config": None}, {}),
        ({}, {}),
    ],
)
def test_labels_are_texts_in_the_config(config: Any, told: dict[str, str]) -> None:
    assert labels(json.dumps(config).encode()) == told


def test_a_config_that_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match="config is no JSON object"):
        labels(b"[]")


# Documents of others


@pytest.mark.skipif(not CORPUS.is_dir(), reason="there is no corpus folder")
def test_the_documents_of_the_corpus_are_what_they_are_said_to_be() -> None:
    seen = []
    for path in sorted(CORPUS.glob("*.meta.json")):
        expected = json.loads(path.read_text())["expected_event"]
        document = read(path.with_name(path.name.replace(".meta", "")).read_bytes())
        seen.append(expected["class"])
        if isinstance(document, Index):
            platforms = [each.platform for each in runnable(document) if each.platform is not None]
            assert [f"{each.os}/{each.architecture}" for each in platforms] == expected["runnable_platforms"]
        else:
            assert objection(document) is not None
    assert set(seen) == {"index", "helm-chart", "signature", "referrer"}
