"""Which images count as signed. A real registry is asked in tests/integration/test_signatures.py."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import cosign
from tests.helpers.cosign import Seal, Shelf, Signer
from tests.helpers.events import digest
from updater.core.oci import Descriptor
from updater.errors import RegistryUnavailable
from updater.registries.answers import Served
from updater.registries.keys import verifier
from updater.registries.signatures import MAX_PAYLOAD, MAX_SIGNATURES, objection

REPOSITORY = "models/model-a"
DIGEST, OTHER_DIGEST = digest("a"), digest("b")
TEAM, NEXT, STRANGER = Signer(), Signer(), Signer()
SEAL = TEAM.seal(DIGEST)
SIGNATURE = SEAL.value


def said(shelf: Shelf, *signers: Signer) -> str | None:
    return objection(shelf, REPOSITORY, DIGEST, [each.pem for each in signers or (TEAM,)])


def at_tag(*seals: Seal) -> Shelf:
    shelf = Shelf()
    cosign.sign(shelf, REPOSITORY, DIGEST, *seals)
    return shelf


def test_what_the_key_signed_is_let_in() -> None:
    assert said(at_tag(SEAL)) is None


def test_what_nobody_signed_is_refused() -> None:
    assert said(Shelf()) == "is not signed"
    assert said(at_tag()) == "is not signed"


def test_what_only_another_key_signed_is_refused() -> None:
    assert said(at_tag(STRANGER.seal(DIGEST))) == "has no signature that counts: 1 by no key of `signed-by`"


def test_a_signature_counts_among_those_of_others() -> None:
    assert said(at_tag(STRANGER.seal(DIGEST), SEAL, NEXT.seal(DIGEST))) is None


@pytest.mark.parametrize("signer", [TEAM, NEXT])
def test_while_keys_are_changed_either_of_them_may_sign(signer: Signer) -> None:
    assert said(at_tag(signer.seal(DIGEST)), TEAM, NEXT) is None
    assert said(at_tag(signer.seal(DIGEST)), STRANGER) is not None


def test_no_key_lets_nothing_in() -> None:
    assert objection(at_tag(SEAL), REPOSITORY, DIGEST, []) is not None


def test_a_signature_of_another_image_does_not_count_though_the_key_made_it() -> None:
    assert said(at_tag(TEAM.seal(OTHER_DIGEST))) == (
        f"has no signature that counts: 1 of another image, {OTHER_DIGEST}"
    )


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (cosign.document(DIGEST, "something else"), "what is signed is of another type than an image's signature"),
        (b"hello", "what is signed is no JSON"),
    ],
)
def test_a_signature_of_something_else_does_not_count_though_the_key_made_it(payload: bytes, why: str) -> None:
    assert said(at_tag(TEAM.sign(payload))) == f"has no signature that counts: 1 that cannot be read: {why}"


def test_a_document_that_was_changed_is_not_what_was_signed() -> None:
    forged = Seal(cosign.document(DIGEST), TEAM.seal(OTHER_DIGEST).signature)
    assert said(at_tag(forged)) == "has no signature that counts: 1 by no key of `signed-by`"


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        ("!", "not written in base64"),
        ("", "by no key of `signed-by`"),
        (base64.b64encode(b"\x30\x80garbage").decode(), "by no key of `signed-by`"),
        (base64.b64encode(SIGNATURE + b"\x00").decode(), "by no key of `signed-by`"),
        (base64.b64encode(bytes(72)).decode(), "by no key of `signed-by`"),
    ],
    ids=["no base64", "empty", "no DER", "more than DER", "zeros"],
)
def test_what_is_no_signature_does_not_count(signature: str, why: str) -> None:
    assert said(at_tag(Seal(SEAL.payload, signature))) == f"has no signature that counts: 1 {why}"


@pytest.mark.parametrize("content", [b"<html>", b'{"schemaVersion": 2, "manifests": []}'], ids=["HTML", "an index"])
def test_what_is_no_manifest_of_signatures_does_not_count(content: bytes) -> None:
    shelf = Shelf({cosign.tag(DIGEST): content})
    assert (said(shelf) or "").startswith("has no signature that counts: 1 that cannot be read: ")


def test_a_signature_that_refers_to_the_image_counts() -> None:
    shelf = Shelf()
    cosign.refer(shelf, REPOSITORY, DIGEST, SEAL)
    assert said(shelf) is None


def test_a_signature_that_refers_to_the_image_counts_beside_one_at_the_tag_that_does_not() -> None:
    shelf = at_tag(STRANGER.seal(DIGEST))
    cosign.refer(shelf, REPOSITORY, DIGEST, SEAL)
    assert said(shelf) is None


def test_a_manifest_that_refers_to_another_image_does_not_count_though_it_is_listed() -> None:
    shelf = Shelf()
    cosign.refer(shelf, REPOSITORY, DIGEST, SEAL, subject=OTHER_DIGEST)
    assert said(shelf) == "has no signature that counts: 1 that refers to another image"


def test_a_manifest_that_refers_to_nothing_does_not_count_though_it_is_listed() -> None:
    shelf = at_tag(SEAL)
    content = shelf.manifests.pop(cosign.tag(DIGEST))
    listed = {"mediaType": cosign.MANIFEST, "digest": cosign.sha256(content), "size": 0}
    cosign.list_referrers(shelf, REPOSITORY, DIGEST, {**listed, "artifactType": cosign.BY_REFERENCE})
    assert said(shelf) == "has no signature that counts: 1 that refers to another image"


def test_a_signature_that_is_listed_and_gone_is_told() -> None:
    shelf = Shelf()
    cosign.refer(shelf, REPOSITORY, DIGEST, SEAL)
    del shelf.manifests[shelf.referrers(REPOSITORY, DIGEST)[0].digest]
    assert said(shelf) == "has no signature that counts: 1 that is listed and is not there"


def test_what_refers_to_an_image_and_is_no_signature_says_nothing_of_it() -> None:
    shelf = Shelf()
    sbom = {"mediaType": cosign.MANIFEST, "digest": OTHER_DIGEST, "size": 1, "artifactType": "application/spdx+json"}
    cosign.list_referrers(shelf, REPOSITORY, DIGEST, sbom, {**sbom, "artifactType": ""})
    assert said(shelf) == "is not signed"
    assert OTHER_DIGEST not in shelf.asked


def test_a_bundle_is_not_read_and_the_reason_tells_what_to_do() -> None:
    shelf = Shelf()
    cosign.bundle(shelf, REPOSITORY, DIGEST)
    assert said(shelf) == (
        "has no signature that counts: 1 in a bundle of sigstore's, which is not read "
        "(`cosign sign --new-bundle-format=false` makes what is)"
    )


def test_a_later_signature_lets_in_at_the_next_look() -> None:
    shelf = Shelf()
    assert said(shelf) is not None
    cosign.sign(shelf, REPOSITORY, DIGEST, SEAL)
    assert said(shelf) is None


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_cannot_be_used_lets_nothing_in_and_is_not_shown(pem: bytes) -> None:
    reason = objection(at_tag(SEAL), REPOSITORY, DIGEST, [TEAM.pem, pem])
    assert reason == "cannot be checked with a key of `signed-by`: it is no public key in PEM"


def test_a_key_of_another_curve_lets_nothing_in_though_it_signed() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = key.sign(SEAL.payload, ec.ECDSA(SHA256()))
    shelf = at_tag(Seal(SEAL.payload, base64.b64encode(signature).decode()))
    reason = objection(shelf, REPOSITORY, DIGEST, [pem])
    assert reason == "cannot be checked with a key of `signed-by`: it is no key of ECDSA on the curve P-256"


# --- what a look costs


def test_a_signature_at_the_tag_is_all_that_is_asked_for() -> None:
    shelf = at_tag(SEAL)
    assert said(shelf) is None
    assert shelf.asked == [cosign.tag(DIGEST), cosign.sha256(SEAL.payload)]


def test_the_same_document_is_asked_for_once_however_often_it_was_signed() -> None:
    shelf = at_tag(*(STRANGER.seal(DIGEST) for _ in range(5)))
    assert said(shelf) == "has no signature that counts: 5 by no key of `signed-by`"
    assert shelf.asked.count(cosign.sha256(SEAL.payload)) == 1


def test_of_very_many_signatures_the_newest_are_looked_at() -> None:
    junk = [Seal(b"%d" % number, "!") for number in range(MAX_SIGNATURES)]
    assert said(at_tag(SEAL, *junk[1:])) is None
    assert said(at_tag(*junk, SEAL)) is None
    assert said(at_tag(SEAL, *junk)) == f"has no signature that counts: {MAX_SIGNATURES} not written in base64"


def test_of_very_many_manifests_that_refer_to_an_image_a_bounded_number_is_asked_for() -> None:
    shelf = Shelf()
    empty = cosign.manifest([], subject={"mediaType": cosign.MANIFEST, "digest": DIGEST, "size": 0})
    shelf.put(REPOSITORY, "empty", empty)
    one = {"mediaType": cosign.MANIFEST, "digest": cosign.sha256(empty), "size": len(empty)}
    cosign.list_referrers(shelf, REPOSITORY, DIGEST, *([{**one, "artifactType": cosign.BY_REFERENCE}] * 1000))
    assert said(shelf) == "is not signed"
    assert shelf.asked.count(cosign.sha256(empty)) == MAX_SIGNATURES


def test_a_document_that_is_too_large_is_not_asked_for() -> None:
    shelf = at_tag(TEAM.sign(b" " * (MAX_PAYLOAD + 1)))
    assert said(shelf) == f"has no signature that counts: 1 of more than {MAX_PAYLOAD} bytes"
    assert len(shelf.asked) == 2


def test_a_reason_is_short_and_the_same_whatever_the_order() -> None:
    seals = [STRANGER.seal(DIGEST), Seal(b"", "!"), *(TEAM.seal(digest(letter)) for letter in "bcd")]
    reason = said(at_tag(*seals))
    assert reason == said(at_tag(*reversed(seals)))
    assert reason == (
        "has no signature that counts: 1 by no key of `signed-by`, 1 not written in base64, "
        f"1 of another image, {OTHER_DIGEST}, …"
    )


# --- what a registry does not answer


class Broken(Shelf):
    """A registry that does not answer a part of what it is asked."""

    broken = ""

    def manifest(self, repository: str, reference: str) -> Served | None:
        return super().manifest(repository, self._answered("manifest", reference))

    def blob(self, repository: str, digest: str, max_bytes: int) -> bytes:
        return super().blob(repository, self._answered("blob", digest), max_bytes)

    def referrers(self, repository: str, digest: str) -> Sequence[Descriptor]:
        return super().referrers(repository, self._answered("referrers", digest))

    def _answered(self, what: str, reference: str) -> str:
        if what == self.broken:
            raise RegistryUnavailable("the registry did not answer")
        return reference


@pytest.mark.parametrize("part", ["manifest", "blob", "referrers"])
def test_a_registry_that_does_not_answer_is_never_taken_for_an_image_without_signature(part: str) -> None:
    shelf = Broken()
    cosign.sign(shelf, REPOSITORY, DIGEST, STRANGER.seal(DIGEST))
    assert said(shelf) is not None
    shelf.broken = part
    with pytest.raises(RegistryUnavailable):
        said(shelf)


# --- laws


@given(st.data())
def test_no_byte_of_what_is_signed_can_be_changed(data: st.DataObject) -> None:
    place, byte = data.draw(st.integers(0, len(SEAL.payload) - 1)), data.draw(st.integers(0, 255))
    changed = SEAL.payload[:place] + bytes([byte]) + SEAL.payload[place + 1 :]
    assert (said(at_tag(Seal(changed, SEAL.signature))) is None) == (changed == SEAL.payload)


@given(st.data())
def test_no_byte_of_a_signature_can_be_changed(data: st.DataObject) -> None:
    place, byte = data.draw(st.integers(0, len(SIGNATURE) - 1)), data.draw(st.integers(0, 255))
    changed = SIGNATURE[:place] + bytes([byte]) + SIGNATURE[place + 1 :]
    seal = Seal(SEAL.payload, base64.b64encode(changed).decode())
    assert (said(at_tag(seal)) is None) == (changed == SIGNATURE)


@given(st.integers(0, len(SEAL.signature) - 1), st.characters(codec="ascii"))
def test_no_letter_of_a_signature_can_be_changed(place: int, letter: str) -> None:
    changed = SEAL.signature[:place] + letter + SEAL.signature[place + 1 :]
    assert (said(at_tag(Seal(SEAL.payload, changed))) is None) == (changed == SEAL.signature)


@given(st.integers(7, 70), st.sampled_from("0123456789abcdef"))
def test_no_letter_of_the_digest_can_be_changed(place: int, letter: str) -> None:
    changed = DIGEST[:place] + letter + DIGEST[place + 1 :]
    shelf = Shelf()
    cosign.sign(shelf, REPOSITORY, changed, SEAL)
    assert (objection(shelf, REPOSITORY, changed, [TEAM.pem]) is None) == (changed == DIGEST)


@given(st.binary())
def test_a_verifier_says_no_to_whatever_was_not_signed(content: bytes) -> None:
    made = verifier(TEAM.pem)
    assert made(TEAM.sign(content).value, content)
    assert not made(content, content)
    assert not made(TEAM.sign(content + b"x").value, content)
    assert not made(STRANGER.sign(content).value, content)
