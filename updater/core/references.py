"""Image references: reading, checking and normalising what senders and manifests write.

Grammar: OCI distribution specification 1.1, "Pulling manifests" (name, tag, digest), and the Docker
reference format for hosts. Short names mean Docker Hub, as they do for every container runtime.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from updater.model import Version

DOCKER_HUB = "docker.io"
MAX_NAME = 255

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])"
    r"(?::[0-9]{1,5})?"
)
_ARTIFACT_TAG = re.compile(r"sha(?:256|512)-(?:[0-9a-f]{5,128}\.(?:sig|att|sbom)|[0-9a-f]{64})")
_DOCKER_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference in its parts; `image` is normalised."""

    image: str
    version: Version


def is_tag(text: str) -> bool:
    """Whether `text` is a tag as the distribution specification allows it."""
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether `text` is a complete SHA-256 digest. Senders' documents and tests abbreviate: those are none."""
    return _DIGEST.fullmatch(text) is not None


def is_artifact_tag(tag: str) -> bool:
    """Whether a tag names a signature, attestation, SBOM or referrers index rather than an image.

    Source: cosign's tag scheme (`sha256-<hex>.sig`), and "Referrers Tag Schema" of the distribution
    specification 1.1 (`<algorithm>-<64 characters>`).
    """
    return _ARTIFACT_TAG.fullmatch(tag) is not None


def is_host(text: str) -> bool:
    """Whether `text`, standing first in an image's name, is read as the host of a registry: it has a dot or a
    port, or is `localhost`. Anything else there is a name on Docker Hub, as every container runtime reads it.
    """
    return "." in text or ":" in text or text.lower() == "localhost"


def normalise(name: str) -> str | None:
    """The repository `name` stands for, with its host in lower case; None if it is not a repository.

    `nginx` is `docker.io/library/nginx`, `acme/app` is `docker.io/acme/app`. Normalising twice changes nothing.
    """
    first, slash, rest = name.partition("/")
    host, path = (first, rest) if slash and is_host(first) else (DOCKER_HUB, name)
    if _HOST.fullmatch(host) is None:
        return None
    host = host.lower()
    if host in _DOCKER_HUB_HOSTS:
        host, path = DOCKER_HUB, path if "/" in path else f"library/{path}"
    image = f"{host}/{path}"
    if len(image) > MAX_NAME or not all(map(_COMPONENT.fullmatch, path.split("/"))):
        return None
    return image


def split_host(image: str) -> tuple[str, str]:
    """The host of a normalised repository's registry, and its path there."""
    host, _, path = image.partition("/")
    return host, path


def parse(text: str) -> Reference | None:
    """`[host/]repository[:tag][@digest]` in its parts; None if it is not a reference.

    A digest that is not complete is dropped (never pin what cannot be checked); a tag that is not
    one makes the whole text no reference.
    """
    name, at, digest = text.partition("@")
    name, tag = split_tag(name)
    image = normalise(name)
    if image is None or (tag is not None and not is_tag(tag)):
        return None
    return Reference(image, Version(tag, digest if at and is_digest(digest) else None))


def split_tag(name: str) -> tuple[str, str | None]:
    """`repository:tag` in two; the tag is what follows the last `:` unless a `/` comes after it (a port)."""
    head, colon, tail = name.rpartition(":")
    if not colon or "/" in tail:
        return name, None
    return head, tail
