"""What is behind a digest: an image that can run, and where it was built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from updater.core import oci, origins
from updater.core.oci import Manifest
from updater.model import Origin
from updater.registries.answers import Served

MAX_CONFIG = 1024 * 1024
"""How large a config may be that is read for its labels."""
_MAX_DEPTH = 3  # an index may list indexes; nobody makes more of them


class Store(Protocol):
    """What a registry is asked here, as `Client` answers it. All of it may raise `RegistryError`."""

    def manifest(self, repository: str, reference: str) -> Served | None: ...

    def blob(self, repository: str, digest: str, max_bytes: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen. `refusal` is why it cannot run; it goes on after the version's name ("is a Helm chart")."""

    origin: Origin | None = None
    refusal: str | None = None


def look(store: Store, repository: str, digest: str) -> Looked:
    """What is behind a digest. Of an index one image is looked at, which speaks for all.

    Labels of the image count first, then annotations of its manifest and of the index. Raises `RegistryError` where the
    registry does not answer, or lies.
    """
    annotations: dict[str, str] = {}
    for depth in range(_MAX_DEPTH):
        served = store.manifest(repository, digest)
        if served is None and depth > 0:
            return Looked(origins.from_labels(annotations))  # an index may list what was not copied along
        if served is None:
            return Looked(refusal="is not in the registry any more")
        try:
            document = oci.read(served.content)
        except ValueError as error:
            return Looked(refusal=f"cannot be read as an image: {error}")
        annotations.update(document.annotations)
        if isinstance(document, Manifest):
            return _looked(store, repository, document, annotations)
        child = oci.representative(document)
        if child is None:
            return Looked(refusal="has nothing in it that can run")
        digest = child.digest
    return Looked(refusal="lists lists of lists of images, which nobody reads")


def _looked(store: Store, repository: str, manifest: Manifest, annotations: dict[str, str]) -> Looked:
    refusal = oci.objection(manifest)
    if refusal is not None:
        return Looked(refusal=refusal)
    if manifest.config.size > MAX_CONFIG:
        return Looked(origins.from_labels(annotations))
    config = store.blob(repository, manifest.config.digest, MAX_CONFIG)
    try:
        labels = oci.labels(config)
    except ValueError as error:
        return Looked(refusal=f"cannot be read as an image: {error}")
    return Looked(origins.from_labels(annotations | labels))
