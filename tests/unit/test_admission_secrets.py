"""The secret of a source: each sender's way of showing it, and that nothing but it opens the door."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.senders import request, run
from updater.admission.proof import Finding
from updater.admission.secrets import PATHS, Secrets

SECRET = b"a secret of a good length"
OLD = b"the secret before that one"
BODY = b'{"push": 1}'
SHARED = Path(__file__).parents[2] / ".." / "shared" / "events"
SIGNED_CASES = sorted(path for path in SHARED.glob("*/*.meta.json") if "test_signature" in path.read_text())
SOURCES = {"flux_notifications": "flux"}


def digest(name: str, body: bytes = BODY, secret: bytes = SECRET) -> str:
    return hmac.new(secret, body, name).hexdigest()


def basic(text: bytes) -> str:
    return f"Basic {base64.b64encode(text).decode()}"


def found(source: str, headers: Mapping[str, str], body: bytes = BODY, path: str | None = None) -> str:
    proof = Secrets(source, (SECRET, OLD))
    return run(proof.with_body(request(source, headers, path=path), body)).state


SIGNATURES = [
    ("github", "X-Hub-Signature-256", "sha256=", "sha256"),
    ("ghcr", "X-Hub-Signature-256", "sha256=", "sha256"),
    ("gitea", "X-Gitea-Signature", "", "sha256"),
    ("gitea", "X-Hub-Signature-256", "sha256=", "sha256"),
    ("forgejo", "X-Forgejo-Signature", "", "sha256"),
    ("forgejo", "X-Gitea-Signature", "", "sha256"),
    ("nexus", "X-Nexus-Webhook-Signature", "", "sha1"),
    ("artifactory", "X-JFrog-Event-Auth", "", "sha256"),
    ("flux", "X-Signature", "sha256=", "sha256"),
    ("flux", "X-Signature", "sha384=", "sha384"),
    ("flux", "X-Signature", "sha512=", "sha512"),
    ("generic", "X-Hub-Signature-256", "sha256=", "sha256"),
    ("status", "X-Signature", "sha256=", "sha256"),
    ("cdevents", "X-Signature", "sha256=", "sha256"),
]
of_each_signature = pytest.mark.parametrize(("source", "header", "prefix", "name"), SIGNATURES)


@of_each_signature
@pytest.mark.parametrize("secret", [SECRET, OLD])
def test_a_signature_with_either_secret_opens(source: str, header: str, prefix: str, name: str, secret: bytes) -> None:
    assert found(source, {header: prefix + digest(name, secret=secret)}) == "proved"


@of_each_signature
def test_a_signature_needs_the_body_before_it_counts(source: str, header: str, prefix: str, name: str) -> None:
    shown = request(source, {header: prefix + digest(name)})
    assert Secrets(source, (SECRET,)).before_body(shown).state == "unread"


@of_each_signature
def test_a_signature_with_another_secret_is_wrong(source: str, header: str, prefix: str, name: str) -> None:
    assert found(source, {header: prefix + digest(name, secret=b"another secret, longer")}) == "wrong"


@of_each_signature
@settings(max_examples=20)
@given(where=st.integers(0, len(BODY) - 1), change=st.integers(1, 255))
def test_a_signature_of_a_body_with_one_other_byte_is_wrong(
    source: str, header: str, prefix: str, name: str, where: int, change: int
) -> None:
    other = bytearray(BODY)
    other[where] ^= change
    assert found(source, {header: prefix + digest(name)}, bytes(other)) == "wrong"


@of_each_signature
def test_every_cut_and_every_changed_character_of_a_signature_is_wrong(
    source: str, header: str, prefix: str, name: str
) -> None:
    good = prefix + digest(name)
    cut = [good[:length] for length in range(1, len(good))]
    changed = [f"{good[:at]}{'1' if good[at] == '0' else '0'}{good[at + 1 :]}" for at in range(len(good))]
    others = [good + "0", good.upper(), f"{good}, {good}", f"{good},{good}", f" {good}", good + "\u00e9"]
    assert {found(source, {header: each}) for each in (*cut, *changed, *others)} == {"wrong"}


@of_each_signature
def test_a_garbled_signature_is_refused_before_the_body_is_read(
    source: str, header: str, prefix: str, name: str
) -> None:
    shown = request(source, {header: f"{prefix}{digest(name)}, {prefix}{digest(name)}"})
    assert Secrets(source, (SECRET,)).before_body(shown).state == "wrong"


@of_each_signature
def test_a_wrong_signature_is_not_made_good_by_a_token(source: str, header: str, prefix: str, name: str) -> None:
    wrong = prefix + digest(name, b"another body")
    assert found(source, {header: wrong, "Authorization": f"Bearer {SECRET.decode()}"}) == "wrong"


def test_all_signatures_that_are_shown_have_to_be_right() -> None:
    good = {"X-Gitea-Signature": digest("sha256"), "X-Hub-Signature-256": "sha256=" + digest("sha256")}
    bad = {**good, "X-Hub-Signature-256": "sha256=" + digest("sha256", b"another body")}
    assert (found("gitea", good), found("gitea", bad)) == ("proved", "wrong")


def test_an_empty_signature_is_none_at_all() -> None:
    shown = {"X-Gitea-Signature": "", "X-Hub-Signature-256": ""}
    assert found("gitea", shown) == "nothing"
    assert found("gitea", {**shown, "Authorization": f"token {SECRET.decode()}"}) == "proved"


@pytest.mark.parametrize("source", ["github", "ghcr", "gitea", "forgejo", "artifactory", "flux", "generic", "harbor"])
@pytest.mark.parametrize(
    ("header", "prefix"), [("X-Hub-Signature", "sha1="), ("X-Hub-Signature-256", "sha1="), ("X-Signature", "sha1=")]
)
def test_sha1_proves_nothing_to_anybody_but_nexus(source: str, header: str, prefix: str) -> None:
    assert found(source, {header: prefix + digest("sha1")}) in ("nothing", "wrong")
    assert found(source, {"X-Nexus-Webhook-Signature": digest("sha1")}) == "nothing"


def test_the_signature_header_of_another_sender_proves_nothing() -> None:
    assert found("github", {"X-Gitea-Signature": digest("sha256")}) == "nothing"


TOKENS = [
    ("harbor", "Authorization", "{}"),
    ("distribution", "Authorization", "Bearer {}"),
    ("distribution", "authorization", "bearer  {}"),
    ("gitea", "Authorization", "Token {}"),
    ("gitlab", "X-Gitlab-Token", "{}"),
    ("artifactory", "X-JFrog-Event-Auth", "{}"),
    ("ecr", "X-Api-Key", "{}"),
    ("generic", "X-Updater-Token", "{}"),
    ("docker-hub", "X-Updater-Token", "{}"),
]


@pytest.mark.parametrize(("source", "header", "form"), TOKENS)
@pytest.mark.parametrize("secret", [SECRET, OLD])
def test_a_token_with_either_secret_opens_before_the_body_is_read(
    source: str, header: str, form: str, secret: bytes
) -> None:
    shown = request(source, {header: form.format(secret.decode())})
    assert Secrets(source, (SECRET, OLD)).before_body(shown).state == "proved"


@pytest.mark.parametrize(("source", "header", "form"), TOKENS)
@settings(max_examples=20)
@given(other=st.text(st.characters(codec="latin-1"), min_size=1).filter(lambda text: text.strip() == text))
def test_any_other_token_is_wrong(source: str, header: str, form: str, other: str) -> None:
    for shown in (other, SECRET.decode() + other, f"{SECRET.decode()}, {SECRET.decode()}", SECRET.decode()[:-1]):
        assert found(source, {header: form.format(shown)}) == "wrong"


@pytest.mark.parametrize(("user", "state"), [(b"registry:", "proved"), (b":", "proved"), (b"", "wrong")])
def test_a_password_opens_whoever_the_user_is(user: bytes, state: str) -> None:
    assert found("ecr", {"Authorization": basic(user + SECRET)}) == state


@pytest.mark.parametrize(
    "shown", [basic(b"user:wrong"), basic(SECRET + b":"), "Basic !!!", "Basic", "Basic \u00e9", basic(b"\xff:\xff")]
)
def test_a_broken_or_other_password_is_wrong(shown: str) -> None:
    assert found("ecr", {"Authorization": shown}) == "wrong"


def test_a_secret_beyond_ascii_opens_as_its_bytes_are_sent() -> None:
    proof = Secrets("generic", ("gehe\u00efmnis \u2713 lang genug".encode(),))
    sent = "gehe\u00efmnis \u2713 lang genug".encode()
    assert proof.before_body(request("generic", {"X-Updater-Token": sent.decode("latin-1")})).state == "proved"
    assert proof.before_body(request("generic", {"Authorization": basic(b"u:" + sent)})).state == "proved"
    assert proof.before_body(request("generic", {"X-Updater-Token": "\u2713"})).state == "wrong"


@pytest.mark.parametrize("source", sorted(PATHS))
def test_a_sender_that_can_do_nothing_else_shows_the_secret_in_the_path(source: str) -> None:
    assert found(source, {}, path=SECRET.decode()) == "proved"
    assert found(source, {}, path=SECRET.decode() + "/") == "wrong"


@pytest.mark.parametrize("source", ["github", "harbor", "generic", "acr"])
def test_the_path_of_other_senders_proves_nothing(source: str) -> None:
    assert found(source, {}, path=SECRET.decode()) == "nothing"


def test_the_token_header_of_another_sender_proves_nothing() -> None:
    assert found("github", {"X-Gitlab-Token": SECRET.decode()}) == "nothing"


def test_nothing_shown_is_told_from_something_wrong() -> None:
    assert found("github", {"Content-Type": "application/json"}) == "nothing"


def test_a_proof_does_not_show_its_secrets_when_it_is_printed() -> None:
    assert SECRET.decode() not in repr(Secrets("github", (SECRET,)))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("github", "its secret in a header, or a signature in X-Hub-Signature-256"),
        ("quay", "its secret in the path, or in a header"),
    ],
)
def test_how_a_secret_may_be_shown_is_told(source: str, told: str) -> None:
    assert Secrets(source, (SECRET,)).told == told


@pytest.mark.skipif(not SIGNED_CASES, reason="there is no corpus folder")
def test_the_signatures_of_the_corpus_are_right() -> None:
    def finding(path: Path) -> Finding:
        shown = json.loads(path.read_text())["test_signature"]
        source = SOURCES.get(path.parent.name, path.parent.name)
        body = path.with_name(path.name.replace(".meta.json", ".json")).read_bytes()
        proof = Secrets(source, (OLD, shown["test_secret"].encode()))
        return run(proof.with_body(request(source, {shown["header"]: shown["value"]}), body))

    assert len(SIGNED_CASES) > 30
    assert {path.name for path in SIGNED_CASES if finding(path).state != "proved"} == set()


def test_the_hash_is_that_of_the_standard() -> None:
    """RFC 4231, test case 2: known by somebody else than this code."""
    proof = Secrets("gitea", (b"Jefe",))
    value = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    body = b"what do ya want for nothing?"
    assert run(proof.with_body(request("gitea", {"X-Gitea-Signature": value}), body)).state == "proved"
