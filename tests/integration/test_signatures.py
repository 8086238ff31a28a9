"""Signed and unsigned images in a real registry, asked by the real client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.helpers import cosign
from tests.helpers.cosign import Seal, Signer
from tests.helpers.registry import Registry, running_registry
from updater.errors import RegistryUnavailable
from updater.registries.answers import Kept
from updater.registries.client import Client
from updater.registries.settings import Place
from updater.registries.signatures import MAX_SIGNATURES, objection

TEAM, NEXT, STRANGER = Signer(), Signer(), Signer()
REPOSITORY = "models/model-a"


class Nothing:
    """A memory that forgets at once."""

    def known(self, key: str) -> Kept | None:
        return None

    def keep(self, key: str, kept: Kept) -> None:
        """Forgets it."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry"), notifies=False) as running:
        yield running


@pytest.fixture
def client(registry: Registry) -> Iterator[Client]:
    opened = Client(
        Place(registry.host, registry.url), lambda: datetime.now(UTC), time.monotonic, time.sleep, Nothing()
    )
    yield opened
    opened.close()


@pytest.fixture
def digest(registry: Registry, request: pytest.FixtureRequest) -> str:
    """An image of its own for each test."""
    return registry.push(REPOSITORY, "1.0.0", request.node.name.encode())


def said(client: Client, digest: str, *signers: Signer) -> str | None:
    return objection(client, REPOSITORY, digest, [each.pem for each in signers or (TEAM,)])


def test_a_signed_and_an_unsigned_image_are_told_apart(registry: Registry, client: Client) -> None:
    signed, unsigned = (registry.push(REPOSITORY, tag, tag.encode()) for tag in ("signed", "unsigned"))
    cosign.sign(registry, REPOSITORY, signed, TEAM.seal(signed))
    assert (said(client, signed), said(client, unsigned)) == (None, "is not signed")


def test_a_later_signature_lets_in_at_the_next_look(registry: Registry, client: Client, digest: str) -> None:
    assert said(client, digest) == "is not signed"
    cosign.sign(registry, REPOSITORY, digest, STRANGER.seal(digest))
    assert said(client, digest) == "has no signature that counts: 1 by no key of `signed-by`"
    cosign.sign(registry, REPOSITORY, digest, STRANGER.seal(digest), TEAM.seal(digest))
    assert said(client, digest) is None


def test_either_of_two_keys_lets_in_while_one_follows_the_other(
    registry: Registry, client: Client, digest: str
) -> None:
    cosign.sign(registry, REPOSITORY, digest, TEAM.seal(digest))
    assert said(client, digest, NEXT, TEAM) is None
    assert said(client, digest, NEXT) is not None


def test_a_signature_that_refers_to_the_image_counts(registry: Registry, client: Client, digest: str) -> None:
    cosign.refer(registry, REPOSITORY, digest, TEAM.seal(digest))
    assert said(client, digest) is None
    assert said(client, digest, STRANGER) == "has no signature that counts: 1 by no key of `signed-by`"


def test_an_image_with_a_bundle_alone_is_refused_with_what_to_do(
    registry: Registry, client: Client, digest: str
) -> None:
    cosign.bundle(registry, REPOSITORY, digest)
    assert "--new-bundle-format=false" in (said(client, digest) or "")


def test_the_signature_of_an_index_is_no_signature_of_its_images(
    registry: Registry, client: Client, digest: str
) -> None:
    index = registry.push_index(REPOSITORY, "all", [(digest, ("linux", "amd64"))])
    cosign.sign(registry, REPOSITORY, index, TEAM.seal(index))
    assert (said(client, index), said(client, digest)) == (None, "is not signed")


def test_a_signature_that_was_made_for_another_image_does_not_count(
    registry: Registry, client: Client, digest: str
) -> None:
    other = registry.push(REPOSITORY, "other", b"another model")
    cosign.sign(registry, REPOSITORY, digest, TEAM.seal(other))
    assert said(client, digest) == f"has no signature that counts: 1 of another image, {other}"


def test_an_index_at_the_tag_of_signatures_is_none(registry: Registry, client: Client, digest: str) -> None:
    registry.push_index(REPOSITORY, cosign.tag(digest), [(digest, ("linux", "amd64"))])
    assert said(client, digest) == (
        "has no signature that counts: 1 that cannot be read: the manifest lists manifests, not signatures"
    )


def test_of_very_many_signatures_the_newest_are_asked_for(registry: Registry, client: Client, digest: str) -> None:
    junk = [STRANGER.sign(b"%d" % number) for number in range(MAX_SIGNATURES + 10)]
    cosign.sign(registry, REPOSITORY, digest, TEAM.seal(digest), *junk)
    before = len(registry.requests)
    assert said(client, digest) == f"has no signature that counts: {MAX_SIGNATURES} by no key of `signed-by`"
    assert len(registry.requests) - before <= MAX_SIGNATURES + 5


def test_a_forged_document_is_not_let_in(registry: Registry, client: Client, digest: str) -> None:
    other = TEAM.seal(f"sha256:{'0' * 64}")
    cosign.sign(registry, REPOSITORY, digest, Seal(cosign.document(digest), other.signature))
    assert said(client, digest) == "has no signature that counts: 1 by no key of `signed-by`"


def test_a_registry_that_is_down_is_never_taken_for_an_image_without_signature(tmp_path: Path) -> None:
    with running_registry(tmp_path, notifies=False) as registry:
        digest = registry.push(REPOSITORY, "1.0.0")
        place = Place(registry.host, registry.url)
    down = Client(place, lambda: datetime.now(UTC), time.monotonic, lambda _: None, Nothing())
    with pytest.raises(RegistryUnavailable, match=place.host):
        said(down, digest)
    down.close()
