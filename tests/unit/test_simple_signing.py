"""Cosign's signatures, read from what a registry keeps of them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.cosign import BUNDLE, Seal, document, manifest
from tests.helpers.cosign import tag as cosign_tag
from tests.helpers.events import digest
from updater.core import simple_signing
from updater.core.references import is_artifact_tag
from updater.core.simple_signing import Signature, read, signatures, signed_digest

OCI_CASES = Path(__file__).parents[2] / ".." / "shared" / "events" / "oci"
DIGEST = digest("a")


def found(content: bytes) -> list[bytes | None]:
    return [each.value for each in signatures(read(content))]


def seal(value: bytes) -> Seal:
    return Seal(document(DIGEST), base64.b64encode(value).decode())


def test_the_tag_of_signatures_is_made_of_the_digest_and_is_never_taken_for_an_image() -> None:
    assert simple_signing.tag(DIGEST) == f"sha256-{'a' * 64}.sig" == cosign_tag(DIGEST)
    assert is_artifact_tag(simple_signing.tag(DIGEST))


def test_a_signature_is_known_with_the_document_that_it_signs() -> None:
    (signature,) = signatures(read(manifest([seal(b"one").layer])))
    assert isinstance(signature, Signature)
    assert (signature.value, signature.payload.digest) == (b"one", seal(b"one").layer["digest"])
    assert signature.payload.size == len(document(DIGEST))


def test_signatures_come_newest_first_since_cosign_adds_at_the_end() -> None:
    assert found(manifest([seal(each).layer for each in (b"oldest", b"older", b"new")])) == [
        b"new",
        b"older",
        b"oldest",
    ]


@pytest.mark.parametrize(
    "layer",
    [
        {**seal(b"x").layer, "mediaType": BUNDLE},
        {**seal(b"x").layer, "annotations": {}},
        {**seal(b"x").layer, "annotations": {"dev.sigstore.cosign/certificate": "x"}},
    ],
    ids=["of another type", "without annotations", "without a signature"],
)
def test_layers_that_are_no_signatures_are_passed_over(layer: dict[str, object]) -> None:
    assert found(manifest([layer, seal(b"one").layer])) == [b"one"]


@pytest.mark.parametrize(
    "text",
    ["%%%", "YQ", "YQ=", "YR==", " YQ==", "YQ==YQ==", "YQ-_", "ﬀ"],
    ids=["other letters", "cut", "cut once", "bits left over", "a blank", "two", "of URLs", "not ASCII"],
)
def test_only_the_one_way_to_write_a_signature_in_base64_is_read(text: str) -> None:
    assert found(manifest([Seal(b"", text).layer, seal(b"a").layer])) == [b"a", None]


@given(st.binary(min_size=1, max_size=100), st.sampled_from(["\n", "\r\n"]))
def test_a_signature_may_be_broken_into_lines(value: bytes, end: str) -> None:
    text = base64.b64encode(value).decode()
    assert found(manifest([Seal(b"", end.join([text[:9], text[9:], ""])).layer])) == [value]


@given(st.binary(max_size=100))
def test_whatever_is_written_as_cosign_writes_it_is_read(value: bytes) -> None:
    assert found(manifest([seal(value).layer])) == [value]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>", "it is no JSON"),
        (b'{"schemaVersion": 2, "manifests": []}', "the manifest lists manifests, not signatures"),
        (b'{"schemaVersion": 2}', "the manifest lists neither layers nor manifests, or both"),
    ],
)
def test_what_is_no_manifest_of_signatures_is_said_to_be_none(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        read(content)


def test_what_is_signed_names_the_image() -> None:
    assert signed_digest(document(DIGEST)) == DIGEST


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\xff", "is no JSON"),
        (b"{", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "another type"),
        (b"{}", "another type"),
        (b'{"critical": []}', "another type"),
        (document(DIGEST, "atomic container signature"), "another type"),
        (document(DIGEST, None), "another type"),
        (document(DIGEST, ["cosign container image signature"]), "another type"),
        (document(None), "names no SHA-256 digest"),
        (document([DIGEST]), "names no SHA-256 digest"),
        (document("a" * 64), "names no SHA-256 digest"),
        (document(DIGEST.upper()), "names no SHA-256 digest"),
        (document(f"{DIGEST}\n"), "names no SHA-256 digest"),
        (document(DIGEST).replace(b'"docker-manifest-digest"', b'"digest"'), "names no SHA-256 digest"),
        (b'{"critical": {"type": "cosign container image signature"}}', "names no SHA-256 digest"),
        (b'{"critical": {"type": "cosign container image signature", "image": "x"}}', "names no SHA-256 digest"),
    ],
)
def test_a_document_about_no_image_is_said_to_be_none(payload: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        signed_digest(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["critical", "image", "type", "x"]), inner),
    max_leaves=10,
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_nothing_that_is_signed_makes_more_trouble_than_a_reason(payload: bytes) -> None:
    with pytest.raises(ValueError, match="^what is signed "):
        signed_digest(payload)


def test_the_manifest_of_the_corpus_is_read() -> None:
    case = OCI_CASES / "cosign_signature_manifest.json"
    if not case.is_file():
        pytest.skip("the corpus folder is not here")
    assert found(case.read_bytes()) == [None]  # its signature is left out
