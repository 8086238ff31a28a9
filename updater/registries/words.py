"""What a registry says of an image that may land."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from updater.errors import RegistryUnavailable
from updater.registries import images, signatures
from updater.registry import Word


class Store(images.Store, signatures.Store, Protocol):
    """What a registry is asked here, as `Client` answers it. All of it may raise `RegistryError`."""


def word(store: Store, path: str, digest: str, keys: Sequence[bytes]) -> Word:
    """What is behind a digest, and whether one of these keys has signed it, if there are any.

    Where an image is from may stay unknown; whether it is signed may not. Raises `RegistryError` where the registry
    does not tell that, or lies.
    """
    try:
        seen = images.look(store, path, digest)
    except RegistryUnavailable:
        seen = images.Looked()
    if seen.refusal is not None:
        return Word(digest, seen.origin, seen.refusal)
    objection = signatures.objection(store, path, digest, keys) if keys else None
    return Word(digest, seen.origin, objection, may_change=objection is not None)
