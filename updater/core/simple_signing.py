"""Cosign's signatures of images ("simple signing"), read from what a registry keeps of them.

Source: cosign's SIGNATURE_SPEC.md. The signature of an image is a manifest at a tag made of the image's digest, or one
that refers to the image. Each of its layers is a small JSON document that names the digest, signed as it is, byte for
byte; the signature stands in an annotation of the layer. Which repository the document names does not count, as it
does not for cosign: an image may be copied together with its signatures.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from updater.core import oci
from updater.core.oci import Descriptor, Manifest
from updater.core.references import is_digest

ARTIFACT_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json"
"""What refers to an image as its signature where cosign does not use the tag (`--registry-referrers-mode=oci-1-1`)."""
BUNDLE = "application/vnd.dev.sigstore.bundle"
"""How the type of sigstore's own format begins, which newer versions of cosign write by themselves."""
PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
ANNOTATION = "dev.cosignproject.cosign/signature"
TYPE = "cosign container image signature"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, and where the document is that it signs. `value` is None where it is not written in base64."""

    payload: Descriptor
    value: bytes | None


def tag(digest: str) -> str:
    """The tag at which cosign keeps the signatures of an image."""
    return f"{digest.replace(':', '-')}.sig"


def read(content: bytes) -> Manifest:
    """The manifest of signatures from its bytes. Raises `ValueError`, in words for a person, where it is none."""
    found = oci.read(content)
    if not isinstance(found, Manifest):
        raise ValueError("the manifest lists manifests, not signatures")
    return found


def signatures(manifest: Manifest) -> Iterator[Signature]:
    """The signatures in a manifest, newest first: cosign adds at the end. What else there is, is passed over."""
    for layer in reversed(manifest.layers):
        if layer.media_type == PAYLOAD and ANNOTATION in layer.annotations:
            yield Signature(layer, _decoded(layer.annotations[ANNOTATION]))


def signed_digest(payload: bytes) -> str:
    """The digest of the image that a signed document is about. Raises `ValueError` where it is about none."""
    critical = _member(_document(payload), "critical")
    if _member(critical, "type") != TYPE:
        raise ValueError("what is signed is of another type than an image's signature")
    digest = _member(_member(critical, "image"), "docker-manifest-digest")
    if not isinstance(digest, str) or not is_digest(digest):
        raise ValueError("what is signed names no SHA-256 digest")
    return digest


def _decoded(text: str) -> bytes | None:
    """The bytes that a text means in base64; None where it is not exactly what is written for them.

    Some signers break it into lines, and cosign, in Go's way, does not mind.
    """
    line = text.replace("\r", "").replace("\n", "")
    try:
        value = base64.b64decode(line)
    except ValueError:
        return None
    return value if base64.b64encode(value).decode() == line else None


def _document(payload: bytes) -> Any:
    try:
        return json.loads(payload.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError("what is signed is no JSON") from error


def _member(found: object, key: str) -> Any:
    return found.get(key) if isinstance(found, dict) else None
