"""Who may send, from variables: what is read, and errors that name the variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.helpers.senders import AUDIENCE, CERTS, EMAIL, TOPIC
from updater.admission import settings
from updater.admission.google import Senders
from updater.errors import UsageError

SOURCES = ("docker-hub", "ghcr", "github", "harbor")
LONG = "a secret of a good length"


def read(environ: Mapping[str, str], *, is_loopback: bool = True) -> settings.Settings:
    return settings.read(environ, SOURCES, is_loopback=is_loopback)


def refusal(environ: Mapping[str, str], *, is_loopback: bool = True) -> tuple[str, str | None]:
    with pytest.raises(UsageError) as caught:
        read(environ, is_loopback=is_loopback)
    return str(caught.value), caught.value.hint


def test_without_variables_everything_is_closed() -> None:
    assert read({}) == settings.Settings({}, None, frozenset(), False)


def test_secrets_are_read_by_source(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{LONG}\n")
    found = read({"UPDATER_HOOK_SECRET_DOCKER_HUB": LONG, "UPDATER_HOOK_SECRET_GHCR_FILE": str(file)})
    assert found.secrets == {"docker-hub": (LONG.encode(),), "ghcr": (LONG.encode(),)}


def test_two_secrets_are_taken_at_a_time() -> None:
    found = read({"UPDATER_HOOK_SECRET_GHCR": f"{LONG}, another {LONG}"})
    assert found.secrets == {"ghcr": (LONG.encode(), f"another {LONG}".encode())}


@pytest.mark.parametrize("text", ["a,b,c", ",a", "a,", ",", " "])
def test_more_than_two_and_empty_secrets_are_refused(text: str) -> None:
    told, _ = refusal({"UPDATER_HOOK_SECRET_GHCR": text})
    assert told.startswith("UPDATER_HOOK_SECRET_GHCR ")


@pytest.mark.parametrize("name", ["UPDATER_HOOK_SECRET_GHCR", "UPDATER_HOOK_SECRET_GHCR_FILE"])
def test_an_empty_variable_is_no_secret(name: str) -> None:
    assert read({name: ""}).secrets == {}


def test_an_empty_secret_file_is_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("\n")
    assert read({"UPDATER_HOOK_SECRET_GHCR_FILE": str(file)}).secrets == {}


def test_short_secrets_are_taken_with_a_warning() -> None:
    found = read({"UPDATER_HOOK_SECRET_GHCR": f"{LONG},short", "UPDATER_HOOK_SECRET_HARBOR": "x" * 16})
    assert found.warnings == ("UPDATER_HOOK_SECRET_GHCR is shorter than 16 characters",)


@pytest.mark.parametrize("suffix", ["", "_FILE"])
def test_a_secret_for_no_source_is_refused_with_a_near_miss(suffix: str) -> None:
    told, hint = refusal({f"UPDATER_HOOK_SECRET_DOCKERHUB{suffix}": LONG})
    assert told == "UPDATER_HOOK_SECRET_DOCKERHUB: there is no such source"
    assert hint == "did you mean UPDATER_HOOK_SECRET_DOCKER_HUB?"


def test_a_secret_for_nothing_like_a_source_is_refused_with_the_sources() -> None:
    assert refusal({"UPDATER_HOOK_SECRET_X": LONG})[1] == "there are: docker-hub, ghcr, github, harbor"


def test_a_refusal_does_not_tell_the_secret() -> None:
    told, hint = refusal({"UPDATER_HOOK_SECRET_GHCR": f"{LONG},{LONG},{LONG}"})
    assert LONG not in f"{told}{hint}"


def test_settings_do_not_show_their_secrets_when_they_are_printed() -> None:
    assert LONG not in repr(read({"UPDATER_HOOK_SECRET_GHCR": LONG}))


def test_senders_on_google_are_read_with_several_audiences_and_accounts() -> None:
    found = read({"UPDATER_PUBSUB_AUDIENCE": f"{AUDIENCE}, b", "UPDATER_PUBSUB_SENDER": f"{EMAIL},c@d,"})
    assert found.senders == Senders(frozenset({EMAIL, "c@d"}), frozenset({AUDIENCE, "b"}), CERTS)


@pytest.mark.parametrize(
    ("given", "missing"),
    [("UPDATER_PUBSUB_AUDIENCE", "UPDATER_PUBSUB_SENDER"), ("UPDATER_PUBSUB_SENDER", "UPDATER_PUBSUB_AUDIENCE")],
)
def test_half_of_what_a_token_is_checked_with_is_refused(given: str, missing: str) -> None:
    assert refusal({given: "x"})[0] == f"{missing} is not set, but {given} is"


GOOGLE = {"UPDATER_PUBSUB_AUDIENCE": AUDIENCE, "UPDATER_PUBSUB_SENDER": EMAIL}


@pytest.mark.parametrize("url", ["https://keys.example.org/x", "http://127.0.0.1:8088/x", "http://[::1]:1/x"])
def test_keys_may_be_elsewhere(url: str) -> None:
    senders = read({**GOOGLE, "UPDATER_PUBSUB_CERTS_URL": url}).senders
    assert senders is not None
    assert senders.certs_url == url


@pytest.mark.parametrize(
    "url", ["http://keys.example.org", "ftp://127.0.0.1", "https://", "keys", "https://[", "file:///x"]
)
def test_keys_are_asked_for_by_https_only_but_on_this_machine(url: str) -> None:
    assert refusal({**GOOGLE, "UPDATER_PUBSUB_CERTS_URL": url})[0] == "UPDATER_PUBSUB_CERTS_URL is no https:// URL"


def test_topics_of_sns_are_read() -> None:
    fifo = "arn:aws-cn:sns:cn-north-1:123456789012:pushes.fifo"
    assert read({"UPDATER_SNS_TOPICS": f"{TOPIC}, {fifo}"}).topics == {TOPIC, fifo}


@pytest.mark.parametrize("topic", ["pushes", f"{TOPIC}*", "arn:aws:sqs:eu-central-1:123456789012:pushes", TOPIC + ":1"])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    assert refusal({"UPDATER_SNS_TOPICS": topic})[0] == f"UPDATER_SNS_TOPICS: {topic!r} is no topic"


@pytest.mark.parametrize(("text", "is_open"), [("1", True), ("0", False), ("", False)])
def test_everything_is_admitted_on_loopback_where_that_is_said(text: str, is_open: bool) -> None:
    assert read({"UPDATER_HOOKS_OPEN": text}).is_open is is_open


def test_everything_is_never_admitted_from_outside() -> None:
    assert "loopback" in refusal({"UPDATER_HOOKS_OPEN": "1"}, is_loopback=False)[0]
    assert not read({"UPDATER_HOOKS_OPEN": "0"}, is_loopback=False).is_open


@pytest.mark.parametrize("text", ["true", "yes", "2", " 1"])
def test_another_word_for_open_is_refused(text: str) -> None:
    assert refusal({"UPDATER_HOOKS_OPEN": text})[0] == f"UPDATER_HOOKS_OPEN is {text!r}"
