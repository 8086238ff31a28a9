"""Lists, as registries write them. Nothing in them is trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from updater.core import instants, oci
from updater.core.oci import Index
from updater.core.references import is_digest, is_tag
from updater.registry import Tagged

_LONGEST_TIME = 15
"""Digits of a time in milliseconds."""


def tags(content: bytes) -> dict[str, Tagged]:
    """The tags of a page, in its order; what is no tag is left out. Raises `ValueError` where it is no such page.

    Source: "Listing Tags" of the OCI distribution specification 1.1. Google's Container Registry and Artifact Registry
    tell beside, in the map `manifest`, which digest each tag names, and when that was uploaded.
    """
    page = document(content)
    listed = page.get("tags", page)
    if not isinstance(listed, list | None):
        raise ValueError("it lists no tags")
    beside = _beside(page.get("manifest"))
    return {tag: beside.get(tag, Tagged()) for tag in listed or () if isinstance(tag, str) and is_tag(tag)}


def index(content: bytes) -> Index:
    """An index of manifests from its bytes. Raises `ValueError` where it is none."""
    found = oci.read(content)
    if not isinstance(found, Index):
        raise ValueError("it is no index")
    return found


def document(content: bytes) -> Mapping[str, Any]:
    """A JSON object from its bytes. Raises `ValueError` where it is none."""
    try:
        found = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:  # in Python's own words, about its functions and settings
        raise ValueError("it is no JSON that can be read") from error
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def _beside(manifests: object) -> Mapping[str, Tagged]:
    found: dict[str, Tagged] = {}
    for digest, told in (manifests if isinstance(manifests, dict) else {}).items():
        if not is_digest(digest) or not isinstance(told, dict) or not isinstance(told.get("tag"), list):
            continue
        tagged = Tagged(digest, _time(told.get("timeUploadedMs")))
        for tag in (each for each in told["tag"] if isinstance(each, str)):
            # A tag that names two things is one of which nothing is known.
            found[tag] = Tagged() if tag in found else tagged
    return found


def _time(milliseconds: object) -> datetime | None:
    text = str(milliseconds)
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_TIME:
        return None
    return instants.from_unix(int(text) / 1000)
