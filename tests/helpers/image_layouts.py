"""Small images as OCI image layouts, from which skopeo pushes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Image:
    """What an image of one layer is made of. `created` is what it says of itself (RFC 3339)."""

    content: bytes = b"a model"
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: tuple[str, str] = ("linux", "amd64")
    created: str = ""

    def write(self, folder: Path) -> None:
        """Writes an image layout that has it under the name `image`."""
        layer = _blob(folder, self.content, LAYER)
        config = _blob(folder, json.dumps(self._settings(layer["digest"])).encode(), CONFIG)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        made = _blob(folder, json.dumps(manifest).encode(), MANIFEST)
        named = {**made, "annotations": {"org.opencontainers.image.ref.name": "image"}}
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))

    def _settings(self, layer: object) -> dict[str, object]:
        system, architecture = self.platform
        return {
            **({"created": self.created} if self.created else {}),
            "architecture": architecture,
            "os": system,
            **({"config": {"Labels": dict(self.labels)}} if self.labels else {}),
            "rootfs": {"type": "layers", "diff_ids": [layer]},
        }


def sha256(content: bytes) -> str:
    """The digest of some bytes, as registries write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _blob(folder: Path, content: bytes, media_type: str) -> dict[str, str | int]:
    digest = sha256(content)
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest.removeprefix("sha256:")).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}
