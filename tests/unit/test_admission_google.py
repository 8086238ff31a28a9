"""Google's tokens: the good one is taken, and everything that was ever tried in its place is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.senders import (
    AUDIENCE,
    CERTS,
    EMAIL,
    NOON,
    Clock,
    Internet,
    claims,
    key,
    key_set,
    request,
    run,
    token,
)
from updater.admission.documents import Shelf
from updater.admission.google import Keys, Senders, Tokens, fault, read_keys
from updater.admission.proof import PROVED, Finding

SENDERS = Senders(frozenset({EMAIL}), frozenset({AUDIENCE, "another audience"}), CERTS)
NOW = int(NOON.timestamp())
HOUR = 3600


class Stand:
    """A proof by tokens, with Google's key `k1` on the internet, and known already unless `is_cold`."""

    def __init__(self, *, is_cold: bool = False) -> None:
        self.clock = Clock()
        self.internet = Internet({CERTS: key_set([("k1", key())])})
        shelf: Shelf[Keys] = Shelf(self.internet.fetch, read_keys, self.clock.now, pause=timedelta(seconds=10))
        self.proof = Tokens(SENDERS, shelf, self.clock.now)
        if not is_cold:
            run(shelf.renewed(CERTS))

    def early(self, shown: str) -> Finding:
        return self.proof.before_body(request("pubsub", {"Authorization": shown}))

    def late(self, shown: str) -> Finding:
        return run(self.proof.with_body(request("pubsub", {"Authorization": shown}), b""))


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_good_token_is_taken_before_the_body_is_read() -> None:
    assert Stand().early(f"Bearer {token()}") == PROVED
    assert Stand().early(f"bearer {token()}") == PROVED


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "accounts.google.com"},
        {"aud": "another audience"},
        {"iat": NOW + 60, "exp": NOW + 60 + HOUR},
        {"iat": NOW - HOUR, "exp": NOW - 59},
        {"exp": NOW + HOUR + 60},
        {"azp": "1", "nonce": [1]},
    ],
)
def test_what_google_may_send_is_taken(changes: Mapping[str, Any]) -> None:
    assert Stand().late(f"Bearer {token(claims(**changes))}") == PROVED


WRONG_CLAIMS: list[tuple[str, dict[str, Any]]] = [
    ("issued by", {"iss": "https://accounts.google.com.example.org"}),
    ("issued by", {"iss": "https://accounts.google.com/"}),
    ("issued by", {"iss": None}),
    ("issued by", {"iss": ["https://accounts.google.com"]}),
    ("audience", {"aud": "https://elsewhere.example.org/"}),
    ("audience", {"aud": AUDIENCE + "/"}),
    ("audience", {"aud": [AUDIENCE, "https://elsewhere.example.org/"]}),
    ("audience", {"aud": [AUDIENCE]}),
    ("audience", {"aud": None}),
    ("audience", {"aud": {"https": AUDIENCE}}),
    ("e-mail", {"email": "other@acme.iam.gserviceaccount.com"}),
    ("e-mail", {"email": EMAIL.upper()}),
    ("e-mail", {"email": f"{EMAIL},other@example.org"}),
    ("e-mail", {"email": None}),
    ("e-mail", {"email": [EMAIL]}),
    ("verified", {"email_verified": False}),
    ("verified", {"email_verified": None}),
    ("verified", {"email_verified": "true"}),
    ("verified", {"email_verified": 1}),
    ("expired", {"iat": NOW - HOUR, "exp": NOW - 60}),
    ("future", {"iat": NOW + 61, "exp": NOW + HOUR}),
    ("longer", {"exp": NOW + HOUR + 61}),
    ("longer", {"iat": NOW - 86400}),
    ("longer", {"iat": NOW, "exp": NOW}),
    ("how long", {"exp": None}),
    ("how long", {"iat": None}),
    ("how long", {"exp": str(NOW + HOUR)}),
    ("how long", {"exp": NOW + 0.5}),
    ("how long", {"iat": True}),
]


@pytest.mark.parametrize(("told", "changes"), WRONG_CLAIMS)
def test_a_token_of_googles_that_is_not_for_us_is_wrong(told: str, changes: Mapping[str, Any]) -> None:
    problem = fault(claims(**changes), SENDERS, NOON)
    assert problem is not None
    assert told in problem


@pytest.mark.parametrize("said", [[], "text", None, 1])
def test_claims_that_are_no_object_are_wrong(said: object) -> None:
    assert fault(said, SENDERS, NOON) is not None


def test_the_claims_of_a_token_are_looked_at() -> None:
    found = Stand().late(f"Bearer {token(claims(email='other@example.org'))}")
    assert found == Finding("wrong", "the e-mail of its token is not in UPDATER_PUBSUB_SENDER")


def unsigned(alg: str = "none") -> str:
    return f"{part({'alg': alg, 'kid': 'k1', 'typ': 'JWT'})}.{part(claims())}."


def signed_with_the_public_key() -> str:
    """An HMAC made with what everybody knows."""
    public = key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(claims())}"
    return f"{text}.{part(hmac.new(public, text.encode(), hashlib.sha256).digest())}"


def with_its_own_key() -> str:
    own = jwt.algorithms.RSAAlgorithm.to_jwk(key("mine").public_key(), as_dict=True)
    headers = {"kid": "k1", "jwk": own, "jku": "https://example.org/keys", "x5u": "https://example.org/cert"}
    return jwt.encode(claims(), key("mine"), algorithm="RS256", headers=headers)


def of_another_body() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{part(claims(email_verified=True, sub='2'))}.{signature}"


def by_rs(bits: int) -> Callable[[], str]:
    return lambda: jwt.encode(claims(), key(), algorithm=f"RS{bits}", headers={"kid": "k1"})


ATTACKS: list[tuple[str, Callable[[], str]]] = [
    ("no signature", unsigned),
    ("no signature, in other letters", lambda: unsigned("nOnE")),
    ("no signature, though it says so", lambda: unsigned("RS256")),
    ("an HMAC with the public key", signed_with_the_public_key),
    ("another hash", by_rs(512)),
    ("a stranger's key under Google's name", lambda: token(signer=key("stranger"))),
    ("a key that the token brings along", with_its_own_key),
    ("the signature of other claims", of_another_body),
    ("no name of a key", lambda: jwt.encode(claims(), key(), algorithm="RS256")),
    ("a name that is no text", lambda: f"{part({'alg': 'RS256', 'kid': ['k1']})}.{part(claims())}.AAAA"),
    ("critical extensions", lambda: jwt.encode(claims(), key(), "RS256", {"kid": "k1", "crit": ["exp"], "exp": 1})),
    ("a header that is no object", lambda: f"{part([])}.{part(claims())}.AAAA"),
    ("a header that is no JSON", lambda: "AAAA.AAAA.AAAA"),
    ("a header of brackets", lambda: f"{part(b'[' * 3000)}.AAAA.AAAA"),
    ("two tokens", lambda: f"{token()}, Bearer {token()}"),
    ("nothing but dots", lambda: ".."),
    ("far too long", lambda: token(claims(note="x" * 9000))),
]


@pytest.mark.parametrize("attack", [attack for _, attack in ATTACKS], ids=[name for name, _ in ATTACKS])
def test_no_attack_on_tokens_succeeds(attack: Callable[[], str]) -> None:
    stand = Stand()
    assert stand.late(f"Bearer {attack()}").state in ("wrong", "nothing")
    assert stand.early(f"Bearer {attack()}").state != "proved"


@given(where=st.integers(min_value=0), change=st.characters(codec="latin-1"))
def test_a_token_with_another_character_is_not_taken(where: int, change: str) -> None:
    good = token()
    at = where % len(good)
    other = good[:at] + change + good[at + 1 :]
    if other != good and not _is_same_signature(good, other):
        assert WARM.late(f"Bearer {other}").state in ("wrong", "nothing")


WARM = Stand()


def _is_same_signature(one: str, other: str) -> bool:
    """The last character of base64 has bits that mean nothing."""
    return one[:-1] == other[:-1]


@given(cut=st.integers(min_value=1))
def test_a_token_that_is_cut_is_not_taken(cut: int) -> None:
    good = token()
    assert WARM.late(f"Bearer {good[: -(cut % len(good)) or -1]}").state in ("wrong", "nothing")


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer a secret", "Basic YTpi", "a.b.c", "Token a.b.c"])
def test_what_is_no_token_is_left_to_other_proofs(shown: str) -> None:
    assert Stand().early(shown).state == "nothing"


def test_a_signed_token_whose_claims_are_no_json_is_wrong() -> None:
    signed = jwt.PyJWS().encode(b"[" * 3000, key(), algorithm="RS256", headers={"kid": "k1"})
    assert Stand().late(f"Bearer {signed}").state == "wrong"


def test_keys_are_fetched_with_the_first_token_and_then_known() -> None:
    stand = Stand(is_cold=True)
    shown = f"Bearer {token()}"
    assert stand.early(shown).state == "unread"
    assert stand.late(shown) == PROVED
    assert stand.early(shown) == PROVED
    assert stand.internet.asked == [CERTS]


@pytest.mark.parametrize(
    "shown",
    [unsigned(), signed_with_the_public_key(), by_rs(512)(), "AAAA.AAAA.AAAA"],
    ids=["none", "HS", "RS512", "junk"],
)
def test_for_what_google_never_sends_no_key_is_fetched(shown: str) -> None:
    assert Stand(is_cold=True).early(f"Bearer {shown}").state == "wrong"


def test_a_new_key_of_googles_is_fetched_and_one_that_is_gone_is_forgotten() -> None:
    stand = Stand()
    stand.internet.documents[CERTS] = key_set([("k2", key("second"))])
    stand.clock.pass_by(10)
    fresh = f"Bearer {token(kid='k2', signer=key('second'))}"
    assert stand.early(fresh).state == "unread"
    assert stand.late(fresh) == PROVED
    assert stand.late(f"Bearer {token()}").state == "wrong"


def test_a_flood_of_unknown_keys_costs_one_fetch_and_no_body() -> None:
    stand = Stand()
    stand.clock.pass_by(10)
    assert stand.late(f"Bearer {token(kid='x')}").state == "wrong"
    assert [stand.early(f"Bearer {token(kid=f'x{n}')}").state for n in range(5)] == ["wrong"] * 5
    assert [stand.late(f"Bearer {token(kid=f'x{n}')}").state for n in range(5)] == ["wrong"] * 5
    assert len(stand.internet.asked) == 2


def test_a_withdrawn_key_is_not_taken_for_longer_than_an_hour() -> None:
    stand = Stand()
    stand.internet.documents[CERTS] = key_set([("k2", key("second"))])
    stand.clock.pass_by(HOUR)
    late = int(stand.clock.now().timestamp())
    assert stand.late(f"Bearer {token(claims(iat=late, exp=late + HOUR))}").state == "wrong"


def test_while_google_cannot_be_reached_known_keys_are_good_and_unknown_ones_cannot_be_checked() -> None:
    stand = Stand()
    stand.internet.documents.clear()
    stand.clock.pass_by(2 * HOUR)
    late = int(stand.clock.now().timestamp())
    said = claims(iat=late, exp=late + HOUR)
    assert stand.late(f"Bearer {token(said)}") == PROVED
    assert stand.early(f"Bearer {token(said)}") == PROVED
    assert stand.late(f"Bearer {token(said, kid='k2')}").state == "unable"
    assert stand.early(f"Bearer {token(said, kid='k2')}").state == "unable"


def test_without_any_key_nothing_can_be_checked() -> None:
    stand = Stand(is_cold=True)
    stand.internet.documents.clear()
    assert stand.late(f"Bearer {token()}").state == "unable"


def listed(**changes: Any) -> bytes:
    good = json.loads(key_set([("k1", key())]))["keys"][0]
    return json.dumps({"keys": [{name: v for name, v in {**good, **changes}.items() if v is not None}]}).encode()


def test_keys_are_read_by_their_names() -> None:
    keys = read_keys(key_set([("k1", key()), ("k2", key("second"))]))
    assert {name: each.key.public_numbers() for name, each in keys.items()} == {
        "k1": key().public_key().public_numbers(),
        "k2": key("second").public_key().public_numbers(),
    }


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"keys": 1}',
        b'{"keys": []}',
        b'{"keys": ["text"]}',
        b'{"keys": [{"kty": "EC", "kid": "k1"}]}',
        listed(kid=None),
        listed(n=None),
        listed(n=1),
        listed(n="!"),
        listed(e="AA"),
        listed(use="enc"),
        key_set([("k1", generate_private_key(65537, 1024))]),
    ],
    ids=lambda _: "keys",  # they are others in each process
)
def test_what_is_no_set_of_keys_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match="set"):
        read_keys(document)


def test_of_a_key_only_its_public_half_is_read() -> None:
    private = json.dumps({"keys": [{**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key())), "kid": "k1"}]}).encode()
    assert read_keys(private)["k1"].key.public_numbers() == key().public_key().public_numbers()
