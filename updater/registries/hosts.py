"""What registries are called: hosts as images name them, and patterns for many of them."""

from __future__ import annotations

import re

from updater.core import references, urls

# What a pattern stands for may be given a password, so it has to leave the end of a domain to nobody else.
_PATTERN = re.compile(r"(?:[a-z0-9*-]+\.)*[a-z0-9*-]*\*[a-z0-9*-]*\.(?:[a-z0-9-]+\.)+[a-z0-9-]+(?::[0-9]{1,5})?")


def named(text: str) -> str | None:
    """The host as images name it, of a host as people write it; None where it is none."""
    image = references.normalise(f"{text}/x/x") if references.is_host(text) and "/" not in text else None
    return None if image is None else references.split_host(image)[0]


def is_pattern(text: str) -> bool:
    """Whether `text` is a pattern for hosts: `*` stands for a part without a dot, but in the last two parts."""
    return _PATTERN.fullmatch(text) is not None


def fits(pattern: str, host: str) -> bool:
    """Whether a pattern is for a host."""
    return re.fullmatch("[^.:]*".join(map(re.escape, pattern.split("*"))), host) is not None


def is_loopback(host: str) -> bool:
    """Whether a registry of this name is on this machine, where nobody reads along."""
    return urls.is_safe(f"http://{host}")


def is_google(host: str) -> bool:
    """Whether a registry is one of Google Cloud: Artifact Registry, or Container Registry."""
    return host == "gcr.io" or host.endswith((".gcr.io", ".pkg.dev"))
