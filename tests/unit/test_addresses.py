"""What a hook's address says beside the payload."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core import addresses, references
from updater.errors import EventError
from updater.model import Message


def message(address: str) -> Message:
    return Message("nexus", {}, "1", datetime(2026, 11, 20, tzinfo=UTC), address=address)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("", None),
        ("/repos/acme/app", None),
        ("?other=x", None),
        ("?name=", None),
        ("?name=x", "x"),
        ("/repos/acme/app?other=y&name=x", "x"),
        ("?name=a%2Fb+c", "a/b c"),
        ("?name=first&name=second", "first"),
        ("?name=x?y", "x?y"),
    ],
)
def test_a_value_is_read_from_the_query_and_a_missing_or_empty_one_is_none(address: str, value: str | None) -> None:
    assert addresses.query(message(address), "name") == value


@pytest.mark.parametrize(
    ("given_registry", "registry"),
    [
        ("nexus.example", "nexus.example"),
        ("Nexus.Example:5000", "nexus.example:5000"),
        ("localhost", "localhost"),
        ("[::1]:5000", "[::1]:5000"),
        ("nexus.example/docker/hosted", "nexus.example/docker/hosted"),
        ("docker.io", "docker.io"),
        ("index.docker.io/acme", "docker.io/acme"),
    ],
)
def test_a_registry_is_a_host_or_a_host_and_a_path(given_registry: str, registry: str) -> None:
    assert addresses.registry(message(f"?registry={given_registry}")) == registry


def test_hooks_that_argo_cd_image_updater_was_sent_name_their_registry_in_its_words() -> None:
    assert addresses.registry(message("?registry_url=nexus.example")) == "nexus.example"
    assert addresses.registry(message("?registry_url=old.example&registry=new.example")) == "new.example"


@pytest.mark.parametrize("address", ["", "?registry=", "/registry=nexus.example"])
def test_an_address_without_a_registry_names_none(address: str) -> None:
    assert addresses.registry(message(address)) is None


@pytest.mark.parametrize(
    "registry",
    [
        "nexus",
        "https://nexus.example",
        "nexus.example/",
        "nexus.example/Docker",
        "nexus.example/../x",
        "a b.example",
        ".",
    ],
)
def test_what_cannot_stand_before_an_image_is_refused_with_an_example(registry: str) -> None:
    with pytest.raises(EventError, match="in the hook's address cannot be a registry") as caught:
        addresses.registry(message(f"?registry={quote(registry)}"))
    assert "?registry=registry.example:5000" in (caught.value.hint or "")


@given(st.text(max_size=80))
def test_whatever_the_address_says_images_stay_normal_behind_it(value: str) -> None:
    try:
        registry = addresses.registry(message(f"?registry={quote(value, errors='replace')}"))
    except EventError:
        return
    assert registry is None or references.normalise(f"{registry}/models/model-a") == f"{registry}/models/model-a"


@given(st.text(max_size=80))
def test_any_address_can_be_asked(address: str) -> None:
    value = addresses.query(message(address), "name")
    assert value is None or value
