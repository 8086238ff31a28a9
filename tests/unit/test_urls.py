"""Which URLs may be asked, and given what is secret."""

from __future__ import annotations

import pytest

from updater.core.urls import is_safe


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "HTTPS://example.org:8443/x?y",
        "http://127.0.0.1:8080/",
        "http://[::1]/",
        "http://LOCALHOST",
    ],
)
def test_what_nobody_on_the_way_can_read_is_safe(url: str) -> None:
    assert is_safe(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org", "http://127.0.0.1.example.org", "http://127.0.0.1@example.org", "ftp://example.org",
        "https://", "https:///path", "file:///etc/passwd", "//example.org", "example.org", "", "https://[", "https://[x]/",
    ],
)  # fmt: skip
def test_everything_else_is_not(url: str) -> None:
    assert not is_safe(url)
