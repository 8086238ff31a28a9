"""Secrets are taken out of texts, however they are written there; other words stay."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.masking import DEEPEST, MASK, SHORTEST, Mask, in_address, mask, names

SECRETS = st.text(st.sampled_from("abcXYZ019/+=&%?\"'\\ äß€😀\t"), min_size=6, max_size=30).filter(
    lambda text: text == text.strip() and len(set(text)) > 3
)
AROUND = st.text(st.sampled_from("ab0 :/?&=\"'\\\n,é"), max_size=12)
NOTHING = mask(())


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a URL": lambda secret: quote(secret, safe=""),
    "in a path": quote,
    "in a form": quote_plus,
    "in lower-case escapes": lambda secret: re.sub("%..", lambda each: each[0].lower(), quote(secret, safe="")),
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON with letters": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "in quotes": lambda secret: repr(secret)[1:-1],
}


@given(secret=SECRETS, before=AROUND, after=AROUND)
def test_a_known_secret_survives_in_no_form(secret: str, before: str, after: str) -> None:
    known = mask([secret])
    for written in FORMS.values():
        form = written(secret)
        assert form not in known.text(f"{before}{form}{after}")


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(secret=SECRETS, before=st.binary(max_size=7), after=st.binary(max_size=4))
def test_a_known_secret_survives_in_no_base64(
    encode: Callable[[bytes], bytes], secret: str, before: bytes, after: bytes
) -> None:
    """As a password does in basic authentication, after a user of any length: what is left is what stood around it."""
    masked = mask([secret]).text(encode(before + secret.encode() + after).decode())
    assert MASK in masked
    assert len(masked.replace(MASK, "").rstrip("=")) <= (len(before) + len(after)) * 8 // 6 + 4


def leaves(value: object) -> list[str]:
    """Every text in a value, keys included."""
    match value:
        case dict():
            return [text for pair in value.items() for each in pair for text in leaves(each)]
        case list():
            return [text for each in value for text in leaves(each)]
    return [str(value)]


@given(secret=SECRETS, more=st.dictionaries(AROUND, st.integers() | AROUND | st.none() | st.booleans()))
def test_no_secret_survives_in_any_field_key_or_list(secret: str, more: dict[str, object]) -> None:
    deep: object = secret
    for _ in range(DEEPEST + 3):
        deep = {"deeper": [deep]}
    value = {**more, secret: 1, "a": f"x{secret}y", "b": [secret, (secret,), {secret}], "c": {"d": {secret: secret}}}
    value |= {"deep": deep, "exception": ValueError(secret)}
    masked = mask([secret]).value(value)
    assert not [text for text in leaves(masked) if secret in text]


def test_a_number_that_is_a_secret_is_none_any_more_and_others_stay_what_they_are() -> None:
    value = {"id": 12345678, "n": 3, "is": True, "none": None, "part": 0.5}
    assert mask(["12345678"]).value(value) == {"id": MASK, "n": 3, "is": True, "none": None, "part": 0.5}


def test_what_json_has_no_type_for_becomes_text() -> None:
    assert NOTHING.value({1: {"at": ValueError("broken")}, "set": {2}}) == {"1": {"at": "broken"}, "set": [2]}


def test_each_of_several_secrets_in_one_setting_is_one() -> None:
    assert mask(["old-hush, new-hush"]).text("new-hush and old-hush") == f"{MASK} and {MASK}"


def test_a_longer_secret_is_taken_out_whole_before_a_shorter_one_that_is_part_of_it() -> None:
    assert mask(["hush", "hush-hush-hush"]).text("a hush-hush-hush b hush") == f"a {MASK} b {MASK}"


def test_a_secret_of_too_few_letters_would_spoil_every_word_and_is_left() -> None:
    short = "abc"
    assert len(short) == SHORTEST - 1
    assert mask([short, f"{short}, {short}"[:3], ""]) == Mask()
    assert mask([short]).text("abcdef") == "abcdef"


@pytest.mark.parametrize("end", ["\n", "\\n"])
def test_a_line_of_a_key_is_a_secret_too(end: str) -> None:
    lines = ["-----BEGIN PRIVATE KEY-----", "QUJDREVGR0hJSktMTU5P", "UFFSU1RVVldYWVo", "-----END PRIVATE KEY-----"]
    masked = mask([end.join(lines)]).text("broken at QUJDREVGR0hJSktMTU5P, near UFFSU1RVVldYWVo")
    assert masked == f"broken at {MASK}, near UFFSU1RVVldYWVo"


KEY = "-----BEGIN RSA PRIVATE KEY-----\nQUJD\nREVG\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl"
LOOKS_SECRET = [
    ("Authorization: Basic YWxpY2U6aHVzaA==", f"Authorization: {MASK}"),
    ("{'authorization': 'Bearer abc', 'n': 1}", f"{{'authorization': '{MASK}', 'n': 1}}"),
    ('{"Proxy-Authorization": "x"}', f'{{"Proxy-Authorization": "{MASK}"}}'),
    ("set-cookie=a=b; c=d", f"set-cookie={MASK}"),
    ("with Bearer abc123def456 it", f"with Bearer {MASK} it"),
    ("with basic YWxpY2U6MTIz", f"with basic {MASK}"),
    ("ghp_" + "a" * 36, MASK),
    ("token ghs_" + "A1" * 18 + "!", f"token {MASK}!"),
    ("github_pat_" + "a_1" * 20, MASK),
    ("glpat-" + "a-1" * 8, MASK),
    ("ya29." + "a" * 30, MASK),
    (f"got {JWT}, refused", f"got {MASK}, refused"),
    ("fatal: https://x-access-token:hush@github.com/acme/x.git", f"fatal: https://{MASK}@github.com/acme/x.git"),
    ("https://hush@example.org/x", f"https://{MASK}@example.org/x"),
    ("ssh://git:p@ss@example.org/x", f"ssh://{MASK}@example.org/x"),
    ("X-Hub-Signature-256: sha256=" + "ab" * 32, f"X-Hub-Signature-256: sha256={MASK}"),
    ("POST /hooks/quay?secret=hush&x=1", f"POST /hooks/quay?secret={MASK}&x=1"),
    ("access_token=hush; password=hush", f"access_token={MASK}; password={MASK}"),
    (f"key {KEY} end", f"key {MASK} end"),
    (KEY[:50], MASK),
]


@pytest.mark.parametrize(("text", "masked"), LOOKS_SECRET, ids=[text[:24] for text, _ in LOOKS_SECRET])
def test_what_looks_like_a_secret_is_taken_out_although_nobody_told_it(text: str, masked: str) -> None:
    assert NOTHING.text(text) == masked


PLAIN = [
    "held: 1.4.0 was reverted in 3fa9c1e by alice on 2026-11-20",
    "reg.example/acme/app:1.4.0@sha256:" + "a" * 64,
    "ssh://git@example.org/acme/x.git and https://example.org/acme/x.git?a=b@c",
    "the token lacks `checks: read`; set a new one in UPDATER_GITHUB_TOKEN",
    "basic knowledge of the bearer authentication",
    "eyJ is how a token begins, ghp_ another",
    "authorization was refused",
]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_digests_and_addresses_stay(text: str) -> None:
    assert NOTHING.text(text) == text


@given(st.text(st.sampled_from("a-.:/@?#=eyJ \"'basicbearer authorization:-----BEGIN KEY"), max_size=300))
def test_taking_out_twice_changes_no_more(text: str) -> None:
    once = NOTHING.text(text)
    assert NOTHING.text(once) == once


def test_the_variables_that_hold_secrets_are_told_by_their_names() -> None:
    environ = [
        "UPDATER_HOOK_SECRET_GITHUB",
        "UPDATER_GITHUB_APP_KEY_FILE",
        "UPDATER_GITHUB_TOKEN",
        "UPDATER_API_TOKEN",
        "UPDATER_GIT_PASSWORD_FILE",
        "UPDATER_REPO",
        "UPDATER_LISTEN",
        "SOME_TOKEN",
    ]
    assert names(environ) == [
        "UPDATER_API_TOKEN",
        "UPDATER_GITHUB_APP_KEY",
        "UPDATER_GITHUB_TOKEN",
        "UPDATER_GIT_PASSWORD",
        "UPDATER_HOOK_SECRET_GITHUB",
    ]


@pytest.mark.parametrize(
    ("address", "secrets"),
    [
        ("https://alice:p%40ss@example.org/x", ["p%40ss", "p@ss"]),
        ("https://0123456789abcdef0123@example.org/x", ["0123456789abcdef0123"] * 2),
        ("https://alice@example.org/x", []),
        ("ssh://git@example.org/x", []),
        ("/srv/gitops.git", []),
        ("https://[", []),
    ],
)
def test_the_password_of_an_address_is_a_secret_and_a_user_is_none(address: str, secrets: list[str]) -> None:
    assert in_address(address) == secrets
