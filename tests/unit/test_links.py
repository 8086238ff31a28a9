"""Where answers send us: the next page, another address, and what is never gone to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.links import next_page, origin, query_of_page, redirected
from updater.core.urls import is_safe

LIST = "https://reg.example/v2/acme/a/tags/list"
HERE = "http://127.0.0.1:5000/v2/"


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('</v2/a/tags/list?last=x&n=2>; rel="next"', "/v2/a/tags/list?last=x&n=2"),
        ("<?n=1>;rel=next", "?n=1"),
        ('<a>; rel="prev", <b>; title="c, <d>; rel=next"; REL="start Next"', "b"),
        ('<a>; rel="next", <b>; rel="next"', "a"),
        ('<a>; rel="prev"; rel="next"', None),
        ('<a>; rel="nextish"', None),
        ("<a>; rel", None),
        ("<a>", None),
        ("a; rel=next", None),
        ("<a; rel=next", None),
        ("", None),
        (f"<{'a' * 20_000}>; rel=next", None),
    ],
)
def test_the_first_link_to_a_next_page_is_found(header: str, target: str | None) -> None:
    assert next_page(header) == target


@given(st.text(max_size=200))
def test_no_header_is_too_bad_to_be_read(header: str) -> None:
    target = next_page(header)
    assert target is None or f"<{target}>" in header


@pytest.mark.parametrize(
    ("target", "query"),
    [
        ("?last=x", "last=x"),
        ("list?last=x", "last=x"),
        ("/v2/acme/a/tags/list?last=x#there", "last=x"),
        ("https://reg.example/v2/acme/a/tags/list?last=x", "last=x"),
        ("http://REG.example/v2/acme/a/tags/list?last=x", "last=x"),
        ("/v2/acme/a/tags/list", ""),
        ("/v2/acme/b/tags/list?last=x", None),
        ("/v2/acme/a/tags/../tags/list/?last=x", None),
        ("https://reg.example:8443/v2/acme/a/tags/list?last=x", None),
        ("https://other.example/v2/acme/a/tags/list?last=x", None),
        ("//other.example/v2/acme/a/tags/list?last=x", None),
        ("https://reg.example:x/v2/acme/a/tags/list", None),
        ("https://[/v2/acme/a/tags/list", None),
        ("?last=x y", None),
        ("?last=é", None),
        ("?last=\x7f", None),
    ],
)
def test_a_page_is_a_page_of_the_same_list(target: str, query: str | None) -> None:
    assert query_of_page(LIST, target) == query


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        (LIST, "https://store.example/x?key=1", "https://store.example/x?key=1"),
        (LIST, "/x", "https://reg.example/x"),
        (LIST, "//store.example/x", "https://store.example/x"),
        (HERE, "/x", "http://127.0.0.1:5000/x"),
        (HERE, "http://localhost:1/x", "http://localhost:1/x"),
        (HERE, "https://store.example/x", "https://store.example/x"),
        ("https://localhost:5000/", "http://127.0.0.1/x", "http://127.0.0.1/x"),
        (LIST, "http://store.example/x", None),
        (LIST, "http://127.0.0.1/x", None),
        (HERE, "http://store.example/x", None),
        (LIST, "ftp://store.example/x", None),
        (LIST, "https://alice:secret@store.example/x", None),
        (LIST, "https://store.example:0/x", None),
        (LIST, "https://store.example:99999/x", None),
        (LIST, "https://[/x", None),
        (LIST, "https:///x", "https://reg.example/x"),
        (LIST, "https://store.example/a b", None),
        (LIST, "https://störe.example/", None),
    ],
)
def test_nobody_goes_where_others_could_read_along(url: str, location: str, target: str | None) -> None:
    assert redirected(url, location) == target


@given(st.sampled_from([LIST, HERE]), st.text(max_size=60) | st.text(max_size=60).map("https://{}".format))
def test_wherever_we_go_nobody_reads_along(url: str, location: str) -> None:
    target = redirected(url, location)
    assert target is None or (is_safe(target) and "\r" not in target and "\n" not in target)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("https://reg.example/a", "https://REG.example:443/b", True),
        ("http://127.0.0.1/a", "http://127.0.0.1:80/b", True),
        ("https://reg.example/", "http://reg.example/", False),
        ("https://reg.example/", "https://reg.example:8443/", False),
        ("https://reg.example/", "https://reg.example.org/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, is_same: bool) -> None:
    assert (origin(one) == origin(other)) == is_same
