"""Images signed as `cosign sign --key` signs them (cosign's SIGNATURE_SPEC.md), with keys that are made here."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.helpers.image_layouts import INDEX, MANIFEST, sha256
from updater.core import oci
from updater.core.oci import Descriptor
from updater.registries.answers import Served

TYPE = "cosign container image signature"
BY_REFERENCE = "application/vnd.dev.cosign.artifact.sig.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


class Place(Protocol):
    """Where images are: a registry, or a `Shelf`."""

    def put(self, repository: str, reference: str, content: bytes, media_type: str = MANIFEST) -> str: ...

    def upload(self, repository: str, content: bytes) -> str: ...


@dataclass(frozen=True)
class Seal:
    """A signed document, and what stands in the annotation beside it."""

    payload: bytes
    signature: str

    @property
    def value(self) -> bytes:
        """The bytes of the signature."""
        return base64.b64decode(self.signature)

    @property
    def layer(self) -> dict[str, Any]:
        """How a manifest lists it."""
        return {
            **_descriptor(self.payload, "application/vnd.dev.cosign.simplesigning.v1+json"),
            "annotations": {"dev.cosignproject.cosign/signature": self.signature},
        }


@dataclass(frozen=True)
class Signer:
    """Somebody with a pair of keys."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def pem(self) -> bytes:
        """What is in cosign.pub."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, payload: bytes) -> Seal:
        signature = self.key.sign(payload, ec.ECDSA(SHA256()))
        return Seal(payload, base64.b64encode(signature).decode())

    def seal(self, digest: str) -> Seal:
        """What `cosign sign` makes for an image."""
        return self.sign(document(digest))


def document(digest: object, kind: object = TYPE) -> bytes:
    """What is signed."""
    identity = {"docker-reference": "reg.example/models/model-a"}
    critical = {"identity": identity, "image": {"docker-manifest-digest": digest}, "type": kind}
    return json.dumps({"critical": critical, "optional": None}).encode()


def tag(digest: str) -> str:
    """Where cosign keeps the signatures of an image."""
    return f"sha256-{digest.removeprefix('sha256:')}.sig"


def manifest(layers: Sequence[dict[str, Any]], **more: object) -> bytes:
    """A manifest of signatures."""
    config = _descriptor(b"{}", CONFIG)
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers, **more}).encode()


def sign(place: Place, repository: str, digest: str, *seals: Seal) -> None:
    """Puts signatures, and no others, at the tag for them."""
    _upload(place, repository, seals)
    place.put(repository, tag(digest), manifest([seal.layer for seal in seals]))


def refer(place: Place, repository: str, digest: str, *seals: Seal, subject: str | None = None) -> None:
    """Puts signatures into a manifest that refers to the image, and names it in the index at the tag for those.

    Source: "Referrers Tag Schema" of the distribution specification. The index names this one alone.
    """
    _upload(place, repository, seals)
    named = {"mediaType": MANIFEST, "digest": subject or digest, "size": 0}
    content = manifest([seal.layer for seal in seals], config=_descriptor(b"{}", BY_REFERENCE), subject=named)
    place.put(repository, sha256(content), content)
    list_referrers(place, repository, digest, {**_descriptor(content, MANIFEST), "artifactType": BY_REFERENCE})


def bundle(place: Place, repository: str, digest: str) -> None:
    """What newer versions of cosign put beside an image: a bundle, unread here, so that it may hold anything."""
    place.upload(repository, b"{}")
    named = {"mediaType": MANIFEST, "digest": digest, "size": 0}
    content = manifest([_descriptor(b"{}", BUNDLE)], artifactType=BUNDLE, subject=named)
    place.put(repository, sha256(content), content)
    list_referrers(place, repository, digest, {**_descriptor(content, MANIFEST), "artifactType": BUNDLE})


def list_referrers(place: Place, repository: str, digest: str, *referrers: dict[str, Any]) -> None:
    """Writes the index of what refers to an image."""
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": referrers}).encode()
    place.put(repository, digest.replace(":", "-"), index, INDEX)


def _upload(place: Place, repository: str, seals: Sequence[Seal]) -> None:
    place.upload(repository, b"{}")
    for payload in {seal.payload for seal in seals}:
        place.upload(repository, payload)


def _descriptor(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}


@dataclass
class Shelf:
    """One repository of a registry, in memory: a `Place`, and what `signatures.Store` asks."""

    manifests: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """What was asked for, in order."""

    def put(self, repository: str, reference: str, content: bytes, media_type: str = MANIFEST) -> str:
        self.manifests[reference] = self.manifests[sha256(content)] = content
        return sha256(content)

    def upload(self, repository: str, content: bytes) -> str:
        self.blobs[sha256(content)] = content
        return sha256(content)

    def manifest(self, repository: str, reference: str) -> Served | None:
        self.asked.append(reference)
        content = self.manifests.get(reference)
        return None if content is None else Served(sha256(content), MANIFEST, content)

    def blob(self, repository: str, digest: str, max_bytes: int) -> bytes:
        self.asked.append(digest)
        assert len(self.blobs[digest]) <= max_bytes
        return self.blobs[digest]

    def referrers(self, repository: str, digest: str) -> Sequence[Descriptor]:
        self.asked.append(f"referrers of {digest}")
        content = self.manifests.get(digest.replace(":", "-"))
        found = None if content is None else oci.read(content)
        return found.manifests if isinstance(found, oci.Index) else ()
