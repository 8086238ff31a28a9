"""What registries serve, read from its bytes: manifests of images, indexes of them, labels in the config of an image.

Source: the OCI image specification 1.1 ("Image Manifest", "Image Index", "Content Descriptors"), and Docker's schema 2,
which has the same shape. Both media types in a document are optional or told by the server; what is hashed is the
document, so its shape decides. Nothing here is trusted: whatever is not of that shape is a `ValueError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from updater.core.references import is_digest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = (OCI_INDEX, DOCKER_LIST)
MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)
ACCEPT = ", ".join(INDEXES + MANIFESTS)
"""The header with which all that can be read here is asked for."""
MAX_LISTED = 5_000
"""How many layers or manifests a document may list."""

_CONFIGS = frozenset({"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})
_HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
_LAYERS = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")
_MAX_SIZE = 2**63
_MAX_TYPE = 255  # as RFC 6838 has it, with its slash
_BESIDE = "vnd.docker.reference.type"
"""The annotation of what BuildKit puts beside images in an index: provenance, a list of contents."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What a manifest in an index runs on."""

    os: str
    architecture: str


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One thing that a document names by its digest: a layer, a config, a manifest."""

    digest: str
    media_type: str
    size: int
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image, or whatever else is kept in that shape. `subject` is what it refers to, where it does."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    subject: Descriptor | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """Manifests that belong together: an image for several platforms, or what refers to something."""

    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)


Document: TypeAlias = Manifest | Index


def read(content: bytes) -> Document:
    """A manifest or an index from its bytes.

    Raises `ValueError`, in words for a person, where it is neither. One that is both is refused, since others may read
    it as the other (CVE-2021-41190).
    """
    found = _object(_json(content), "the manifest")
    if found.get("schemaVersion") == 1:
        raise ValueError("the manifest has Docker's old format (schema 1), which nothing runs any more")
    is_index = "manifests" in found
    if is_index == ("config" in found or "layers" in found):
        raise ValueError("the manifest lists neither layers nor manifests, or both")
    declared = found.get("mediaType")
    if declared is not None and declared not in (INDEXES if is_index else MANIFESTS):
        raise ValueError("the manifest is of another media type than it says, or of one that is not known")
    return _index(found) if is_index else _manifest(found)


def objection(manifest: Manifest) -> str | None:
    """Why a manifest is no image that can run, in words for a person ("is a Helm chart, ..."); None if it is one."""
    kind = manifest.config.media_type
    if kind == _HELM_CONFIG:
        return "is a Helm chart, not an image"
    if kind not in _CONFIGS or manifest.artifact_type is not None:
        return f"is an artifact ({ascii(manifest.artifact_type or kind)[1:-1]}), not an image"
    if manifest.layers and not any(layer.media_type.startswith(_LAYERS) for layer in manifest.layers):
        return f"holds {ascii(manifest.layers[0].media_type)[1:-1]}, not the layers of an image"
    return None


def runnable(index: Index) -> Iterator[Descriptor]:
    """The manifests of an index that may be images: all but other artifacts and what BuildKit puts beside images.

    Source: BuildKit's documentation, "Attestation storage" (platform unknown/unknown, an annotation).
    """
    for each in index.manifests:
        is_known = each.media_type in MANIFESTS + INDEXES and each.platform != Platform("unknown", "unknown")
        if is_known and each.artifact_type is None and _BESIDE not in each.annotations:
            yield each


def representative(index: Index) -> Descriptor | None:
    """The manifest of an index whose labels speak for all: linux/amd64, else linux/arm64, else the first that can run.

    None if nothing in it can.
    """
    found = list(runnable(index))
    for wanted in (Platform("linux", "amd64"), Platform("linux", "arm64")):
        for each in found:
            if each.platform == wanted:
                return each
    return found[0] if found else None


def labels(content: bytes) -> dict[str, str]:
    """The labels in the bytes of an image's config. Raises `ValueError` where it is no config."""
    config = _object(_json(content), "the image's config").get("config")
    found = config.get("Labels") if isinstance(config, dict) else None
    return {key: value for key, value in (found if isinstance(found, dict) else {}).items() if isinstance(value, str)}


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:
        raise ValueError("it is no JSON") from error


def _manifest(found: Mapping[str, Any]) -> Manifest:
    subject = found.get("subject")
    return Manifest(
        _descriptor(found.get("config")),
        _descriptors(found.get("layers")),
        _artifact_type(found),
        _annotations(found),
        None if subject is None else _descriptor(subject),
    )


def _index(found: Mapping[str, Any]) -> Index:
    return Index(_descriptors(found["manifests"]), _annotations(found))


def _descriptors(found: object) -> tuple[Descriptor, ...]:
    if not isinstance(found, list) or len(found) > MAX_LISTED:
        raise ValueError(f"the manifest has no list of at most {MAX_LISTED} where there has to be one")
    return tuple(map(_descriptor, found))


def _descriptor(found: object) -> Descriptor:
    what = _object(found, "something that the manifest names")
    digest, media_type, size = what.get("digest"), what.get("mediaType"), what.get("size")
    if not isinstance(digest, str) or not is_digest(digest):
        raise ValueError("something that the manifest names has no SHA-256 digest")
    if not isinstance(media_type, str) or not 0 < len(media_type) <= _MAX_TYPE:
        raise ValueError("something that the manifest names has no media type")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < _MAX_SIZE:
        raise ValueError("something that the manifest names has no size")
    return Descriptor(digest, media_type, size, _artifact_type(what), _annotations(what), _platform(what))


def _artifact_type(found: Mapping[str, Any]) -> str | None:
    kind = found.get("artifactType") or None
    if kind is not None and (not isinstance(kind, str) or len(kind) > _MAX_TYPE):
        raise ValueError("the manifest has an `artifactType` that is none")
    return kind


def _annotations(found: Mapping[str, Any]) -> dict[str, str]:
    annotations = found.get("annotations") or {}
    if not isinstance(annotations, dict) or not all(isinstance(each, str) for each in annotations.values()):
        raise ValueError("the manifest has annotations that are no text")
    return annotations


def _platform(found: Mapping[str, Any]) -> Platform | None:
    platform = found.get("platform")
    if platform is None:
        return None
    parts = _object(platform, "a platform")
    return Platform(str(parts.get("os", "")), str(parts.get("architecture", "")))


def _object(found: object, what: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(f"{what} is no JSON object")
    return found
