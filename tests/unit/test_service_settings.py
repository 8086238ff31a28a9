"""What the service is told by its variables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from updater.errors import UsageError
from updater.service.settings import read


def test_without_any_variable_it_listens_to_this_machine_alone() -> None:
    found = read({})
    assert (found.host, found.port, found.is_loopback) == ("127.0.0.1", 8080, True)
    assert (found.tokens, found.proxies) == ((), None)
    assert (found.interval, found.keep) == (timedelta(minutes=5), timedelta(days=14))
    assert found.looks == timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "host", "port", "is_loopback"),
    [
        ("127.0.0.1:0", "127.0.0.1", 0, True),
        ("127.8.8.8:80", "127.8.8.8", 80, True),
        ("localhost:80", "localhost", 80, True),
        ("[::1]:80", "::1", 80, True),
        ("[::]:80", "::", 80, False),
        ("0.0.0.0:80", "0.0.0.0", 80, False),
        (":80", "0.0.0.0", 80, False),
        ("updater.example.org:80", "updater.example.org", 80, False),
    ],
)
def test_an_address_is_read_and_known_to_be_of_this_machine_or_not(
    text: str, host: str, port: int, is_loopback: bool
) -> None:
    found = read({"UPDATER_LISTEN": text})
    assert (found.host, found.port, found.is_loopback) == (host, port, is_loopback)


def test_the_option_comes_before_the_variable() -> None:
    assert read({"UPDATER_LISTEN": "127.0.0.1:1"}, "127.0.0.1:2").port == 2


@pytest.mark.parametrize("text", ["8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "::1:\u0661"])
def test_an_address_that_is_none_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="UPDATER_LISTEN"):
        read({"UPDATER_LISTEN": text})


def test_tokens_come_from_a_file_and_two_may_be_good() -> None:
    assert read({"UPDATER_API_TOKEN": "one, two,"}).tokens == ("one", "two")


def test_a_token_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    found = read({"UPDATER_API_TOKEN_FILE": str(tmp_path / "token")})
    assert found.tokens == ("from-a-file",)
    assert "from-a-file" not in repr(found)


@pytest.mark.parametrize("text", ["\n", " , ,\n"])
def test_a_token_that_is_none_does_not_open_the_api_to_this_machine(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    with pytest.raises(UsageError, match="UPDATER_API_TOKEN holds no token"):
        read({"UPDATER_API_TOKEN_FILE": str(tmp_path / "token")})
    assert read({"UPDATER_API_TOKEN": ""}).tokens == ()


@pytest.mark.parametrize("text", ["*", "10.0.0.7", "10.0.0.7, 10.1.0.0/16,fd00::/8"])
def test_proxies_are_addresses_and_networks(text: str) -> None:
    assert read({"UPDATER_PROXIES": text}).proxies == text


@pytest.mark.parametrize("text", ["ingress.example", "10.0.0.300", "10.0.0.1/16", "10.0.0.7,", "10.0.0.7,*"])
def test_a_proxy_that_is_none_is_named_rather_than_never_believed(text: str) -> None:
    with pytest.raises(UsageError, match="UPDATER_PROXIES"):
        read({"UPDATER_PROXIES": text})


@pytest.mark.parametrize("name", ["UPDATER_RECONCILE_SECONDS", "UPDATER_INBOX_DAYS"])
@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf", "1e9"])
def test_a_time_that_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=name):
        read({name: text})


def test_times_are_in_their_units() -> None:
    found = read({"UPDATER_RECONCILE_SECONDS": "1.5", "UPDATER_INBOX_DAYS": "2"})
    assert (found.interval, found.keep) == (timedelta(seconds=1.5), timedelta(days=2))


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("1h", 3600), (" 2d ", 172_800), ("", 3600)]
)
def test_registries_are_looked_at_after_a_time_that_is_written_as_in_environments_or_in_seconds(
    text: str, seconds: float
) -> None:
    assert read({"UPDATER_REGISTRY_INTERVAL": text}).looks == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["0", "off"])
def test_registries_need_not_be_looked_at(text: str) -> None:
    assert read({"UPDATER_REGISTRY_INTERVAL": text}).looks is None


@pytest.mark.parametrize("text", ["hourly", "-1", "1.5", "0s", "1h30m", "\u0661", "none"])
def test_a_time_between_looks_that_is_none_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="UPDATER_REGISTRY_INTERVAL") as caught:
        read({"UPDATER_REGISTRY_INTERVAL": text})
    assert caught.value.hint == "give a time, as 90s, 30m or 1h, or `off`"
