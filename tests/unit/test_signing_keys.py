"""Key files that rules name: where they are looked for, and what is none."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.cosign import Signer
from tests.helpers.trees import File, Link, MemoryTree, Submodule
from updater.core.environment import Configuration, Environment, Follow, NamedEnvironment, SignedBy
from updater.core.signing_keys import MAX_BYTES, check, keys, problems
from updater.errors import ConfigurationError, Location
from updater.registries.keys import verifier

ONE, OTHER = Signer(), Signer()
ENVIRONMENT = NamedEnvironment(
    "test", "environments/test.yaml", "main", Environment("overlays/*"), (("overlays", 1), ("follow", 2))
)
DER = ONE.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
BLOCK = b"-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----"
PRIVATE = ONE.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def found(files: dict[str, File], *names: str) -> tuple[bytes, ...]:
    return keys(MemoryTree(files), ENVIRONMENT, Follow("x/*", signed_by=SignedBy(names)))


def refused(files: dict[str, File], *names: str) -> str:
    """What is said of a key that is refused."""
    with pytest.raises(ConfigurationError) as caught:
        found(files, *names)
    assert caught.value.at == Location("environments/test.yaml", 2)
    assert "cosign.pub" in (caught.value.hint or "")
    return caught.value.message


def public(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_rule_without_signed_by_asks_for_no_key() -> None:
    assert keys(MemoryTree({}), ENVIRONMENT, Follow("x/*")) == ()


def test_a_key_is_named_from_the_root_of_the_repository() -> None:
    assert found({"keys/cosign.pub": ONE.pem}, "keys/cosign.pub") == (ONE.pem,)


def test_a_key_is_found_beside_the_environments_file_where_the_root_has_none() -> None:
    assert found({"environments/cosign.pub": ONE.pem}, "cosign.pub") == (ONE.pem,)
    assert found({"environments/cosign.pub": ONE.pem, "cosign.pub": OTHER.pem}, "cosign.pub") == (OTHER.pem,)


def test_several_keys_come_in_the_order_in_which_they_are_named() -> None:
    files: dict[str, File] = {"a.pub": ONE.pem, "b.pub": OTHER.pem}
    assert found(files, "b.pub", "a.pub") == (OTHER.pem, ONE.pem)
    assert keys(MemoryTree(files), ENVIRONMENT, Follow("x/*", signed_by=SignedBy("a.pub"))) == (ONE.pem,)


def test_one_key_that_is_not_there_is_an_error_though_another_one_is() -> None:
    assert refused({"a.pub": ONE.pem}, "a.pub", "b.pub") == "the key 'b.pub' is not in the repository"


@pytest.mark.parametrize(
    "path",
    ["/cosign.pub", "../cosign.pub", "keys/../cosign.pub", "./cosign.pub", "keys//cosign.pub", "keys/", "..", "."],
)
def test_a_path_that_could_lead_out_of_the_repository_is_refused_unread(path: str) -> None:
    files: dict[str, File] = {path: ONE.pem, "cosign.pub": ONE.pem, f"environments/{path}": ONE.pem}
    assert refused(files, path) == f"the key '{path}' is no plain path inside the repository"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"x": Link("cosign.pub"), "environments/x": ONE.pem}, "link"),
        ({"environments/x": Link("../cosign.pub")}, "link"),
        ({"x/cosign.pub": ONE.pem}, "folder"),
        ({"x": Submodule()}, "submodule"),
    ],
)
def test_only_a_file_is_read_and_no_link_is_followed(files: dict[str, File], kind: str) -> None:
    assert refused({**files, "cosign.pub": ONE.pem}, "x") == f"the key 'x' is a {kind}, where a file has to be"


def test_a_name_that_a_terminal_would_obey_is_shown_escaped_and_cut() -> None:
    assert refused({}, "\x1b[2J" + "x" * 200) == f"the key '\\x1b[2J{'x' * 76}' is not in the repository"


@pytest.mark.parametrize(
    "pem",
    [ONE.pem.replace(b"\n", b"\r\n"), ONE.pem.rstrip(), b"# our key\n" + ONE.pem + b"\n\n"],
    ids=["lines end as on Windows", "no line at the end", "a comment"],
)
def test_a_key_is_read_however_its_file_was_edited(pem: bytes) -> None:
    assert found({"k": pem}, "k") == (pem,)
    assert verifier(pem)(ONE.sign(b"x").value, b"x")


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (b"", "holds no public key in PEM (-----BEGIN PUBLIC KEY-----)"),
        (b"\x00\xff" * 50, "holds no public key in PEM (-----BEGIN PUBLIC KEY-----)"),
        (ONE.pem[:-30], "holds no public key in PEM (-----BEGIN PUBLIC KEY-----)"),
        (ONE.pem.replace(b"PUBLIC KEY", b"CERTIFICATE"), "holds no public key in PEM (-----BEGIN PUBLIC KEY-----)"),
        (ONE.pem + OTHER.pem, "holds 2 keys: give each a file of its own, and list them"),
        (ONE.pem.replace(b"MFkw", b"MFk!"), "holds no public key in PEM (-----BEGIN PUBLIC KEY-----)"),
        (ONE.pem.replace(b"MFkw", b"MFk"), "holds another key than one of ECDSA on the curve P-256"),
        (ONE.pem.replace(b"MFkwE", b"MFkwM"), "holds another key than one of ECDSA on the curve P-256"),
        (BLOCK % base64.b64encode(DER + b"x"), "holds another key than one of ECDSA on the curve P-256"),
        (public(ec.generate_private_key(ec.SECP384R1()).public_key()), "holds another key than one of ECDSA on "),
        (public(ed25519.Ed25519PrivateKey.generate().public_key()), "holds another key than one of ECDSA on the curve"),
        (public(rsa.generate_private_key(65537, 1024).public_key()), "holds another key than one of ECDSA on the"),
        (ONE.pem + b"#" * MAX_BYTES, f"bytes; up to {MAX_BYTES} are read"),
    ],
    ids=[
        "empty",
        "binary",
        "cut",
        "certificate",
        "two keys",
        "no base64",
        "cut base64",
        "other DER",
        "more than DER",
        "P-384",
        "Ed25519",
        "RSA",
        "too long",
    ],
)
def test_what_is_no_key_of_cosigns_is_refused_with_what_it_is(pem: bytes, said: str) -> None:
    assert said in refused({"k": pem}, "k")


@pytest.mark.parametrize(
    "pem",
    [
        PRIVATE,
        ONE.pem + PRIVATE,
        PRIVATE.replace(b"PRIVATE KEY", b"ENCRYPTED COSIGN PRIVATE KEY"),
        ONE.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    ],
    ids=["PKCS 8", "beside the public one", "cosign's", "SEC 1"],
)
def test_a_private_key_is_refused_and_never_shown(pem: bytes) -> None:
    said = refused({"k": pem}, "k")
    assert said.startswith("the key 'k' holds a private key: make a new pair")
    assert not any(line.decode() in said for line in pem.split() if len(line) > 20)


def test_the_problems_of_all_rules_are_told_the_first_one_of_each() -> None:
    follow = (
        Follow("a", signed_by=SignedBy(("none.pub", "nor.pub"))),
        Follow("b", signed_by=SignedBy("one.pub")),
        Follow("c"),
        Follow("d", signed_by=SignedBy("bad.pub")),
    )
    environments = tuple(
        NamedEnvironment(name, f"environments/{name}.yaml", "main", Environment("overlays/*", follow=rules))
        for name, rules in (("edge", follow), ("test", follow[2:]))
    )
    tree = MemoryTree({"one.pub": ONE.pem, "bad.pub": "x"})
    told = [(each.at, each.message.split()[2]) for each in problems(tree, Configuration(environments))]
    edge, test = Location("environments/edge.yaml"), Location("environments/test.yaml")
    assert told == [(edge, "'none.pub'"), (edge, "'bad.pub'"), (test, "'bad.pub'")]


@given(
    st.binary() | st.binary().map(lambda inner: b"-----BEGIN PUBLIC KEY-----\n" + inner + b"\n-----END PUBLIC KEY-----")
)
def test_no_content_makes_more_trouble_than_a_reason(content: bytes) -> None:
    with pytest.raises(ValueError, match="^(holds|has) "):
        check(content)
