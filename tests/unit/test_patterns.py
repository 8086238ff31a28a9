"""Path patterns: what they match, what they capture, and which ones are refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from updater.core import patterns, references

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "events" / "eventarc" / "path_patterns.vectors.json"
NO_CORPUS = "the corpus folder is not there"


def vectors() -> list[dict[str, Any]]:
    return json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"] if VECTORS.exists() else []


@pytest.mark.skipif(not VECTORS.exists(), reason=NO_CORPUS)
def test_every_vector_of_eventarc_and_firebase_matches_as_documented() -> None:
    assert vectors()
    for vector in vectors():
        captures = patterns.compile(vector["pattern"]).match(vector["path"])
        assert (captures is not None) == vector["match"], vector
        assert "captures" not in vector or captures == vector["captures"]


@pytest.mark.parametrize(
    ("pattern", "path", "captures"),
    [
        ("reg.example/acme/app", "reg.example/acme/app", {}),
        ("reg.example/acme/app", "reg.example/acme/apps", None),
        ("reg.example/acme/app", "reg.example/acme", None),
        ("reg.example/acme/*", "reg.example/acme/app", {}),
        ("reg.example/acme/*", "reg.example/acme/team/app", None),
        ("reg.example/acme/*", "reg.example/acme", None),
        ("reg.example/acme/*", "reg.example/acme/", None),
        ("reg.example/acme/*", "reg.example/acme/app/", None),
        ("*/acme/*", "reg.example/acme/app", {}),
        ("reg.example/model-*", "reg.example/model-a", {}),
        ("reg.example/model-*", "reg.example/model-", {}),
        ("reg.example/model-*", "reg.example/a-model-a", None),
        ("reg.example/*-gpu", "reg.example/model-gpu", {}),
        ("reg.example/*-gpu", "reg.example/model-gpu-x", None),
        ("reg.example/a*b", "reg.example/ab", {}),
        ("reg.example/a*a", "reg.example/a", None),
        ("reg.example/a*b*c", "reg.example/a-b-c", {}),
        ("reg.example/a*b*c", "reg.example/a-c-b", None),
        ("reg.example/*ab*", "reg.example/ab", {}),
        ("reg.example/*bb*b", "reg.example/bb", None),
        ("reg.example/*ab*ab*", "reg.example/xabxabx", {}),
        ("reg.example/*ab*ab*", "reg.example/xabxax", None),
        ("overlays/test/{service}", "overlays/test/model-a", {"service": "model-a"}),
        ("overlays/test/{service}", "overlays/test/team/model-a", None),
        ("overlays/*/test/{service}", "overlays/edge-1/test/model-a", {"service": "model-a"}),
        ("{env=*}/{service=model-*}", "test/model-a", {"env": "test", "service": "model-a"}),
        ("{env=*}/{service=model-*}", "test/api", None),
        ("{env=test}/{service}", "test/api", {"env": "test", "service": "api"}),
        ("{env=test}/{service}", "staging/api", None),
    ],
)
def test_a_segment_matches_literally_but_for_its_wildcards(
    pattern: str, path: str, captures: dict[str, str] | None
) -> None:
    assert patterns.compile(pattern).match(path) == captures


@pytest.mark.parametrize(
    ("pattern", "path", "captures"),
    [
        ("teams/**/test/{service}", "teams/test/a", {"service": "a"}),
        ("teams/**/test/{service}", "teams/x/test/a", {"service": "a"}),
        ("teams/**/test/{service}", "teams/x/test/test/a", {"service": "a"}),
        ("teams/**/test/{service}", "teams/x/y/staging/a", None),
        ("teams/**/test/{service}", "test/a", None),
        ("teams/{team=**}/{service}", "teams/a", {"team": "", "service": "a"}),
        ("teams/{team=**}/{service}", "teams/x/y/a", {"team": "x/y", "service": "a"}),
        ("reg.example/**", "reg.example", {}),
        ("reg.example/**", "reg.example/a/b/c", {}),
        ("**", "a/b", {}),
        ("**/a/b/c", "b/c", None),
        ("**/a/b/c", "c", None),
        ("a/b/**/c/d", "a/b", None),
        ("a/b/**/b/c", "a/b/c", None),
        ("**/x", "a//x", None),
        ("**", "", None),
    ],
)
def test_two_stars_match_any_number_of_segments_none_included(
    pattern: str, path: str, captures: dict[str, str] | None
) -> None:
    assert patterns.compile(pattern).match(path) == captures


@pytest.mark.parametrize("pattern", ["/a/{b}", "a/{b}"])
@pytest.mark.parametrize("path", ["/a/x", "a/x"])
def test_a_leading_slash_says_nothing_on_either_side(pattern: str, path: str) -> None:
    assert patterns.compile(pattern).match(path) == {"b": "x"}


@pytest.mark.parametrize("literal", ["a.c", "a+", "[ab]", "a?", "(a)", "^a$", "a|b", "a\\d", "a@sha256:0", "a b"])
def test_everything_but_stars_and_braces_is_literal(literal: str) -> None:
    pattern = patterns.compile(f"x/{literal}")
    assert pattern.match(f"x/{literal}") == {}
    for other in ("abc", "aa", "a", "b", "a1"):
        assert pattern.match(f"x/{other}") is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "write the path in full"),
        ("/", "write the path in full"),
        ("a//b", "without doubled or trailing slashes"),
        ("a/", "without doubled or trailing slashes"),
        ("./a", "has the segment '.'"),
        ("a/../b", "has the segment '..'"),
        ("a/{b=..}", "has the segment '..'"),
        ("a/{service", "a capture is a whole segment"),
        ("a/service}", "a capture is a whole segment"),
        ("a/{}", "a capture is a whole segment"),
        ("a/{service=}", "a capture is a whole segment"),
        ("a/{1}", "a capture is a whole segment"),
        ("a/model-{service}", "{service=model-*}"),
        ("a/{b=c/*}", "a capture is a whole segment"),
        ("a/{b}{c}", "a capture is a whole segment"),
        ("{a}/{a}", "captures {a} twice"),
        ("a/b**", "`**` is a segment by itself"),
        ("a/***", "`**` is a segment by itself"),
        ("a/{b=c**}", "`**` is a segment by itself"),
        ("**/a/**", "more than one `**`"),
        ("**/a/{b=**}", "more than one `**`"),
    ],
)
def test_a_pattern_that_could_mean_two_things_is_refused_with_what_to_write(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        patterns.compile(pattern)
    assert repr(pattern) in str(raised.value)


names = st.text(alphabet="ab", min_size=1, max_size=6)


@given(st.text(alphabet="ab*", min_size=1, max_size=5).filter(lambda glob: "**" not in glob), names)
def test_a_glob_matches_exactly_what_the_same_regular_expression_does(glob: str, name: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, glob.split("*"))), name) is not None
    assert patterns.Segment(glob).fits(name) == expected


@given(
    st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=5),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=6),
)
def test_segments_match_exactly_what_trying_every_length_of_two_stars_does(globs: list[str], path: list[str]) -> None:
    assume(globs.count("**") <= 1)
    expansions = [[part for glob in globs for part in (["*"] * n if glob == "**" else [glob])] for n in range(7)]
    expected = any(
        len(expansion) == len(path) and all(glob in ("*", name) for glob, name in zip(expansion, path, strict=True))
        for expansion in expansions
    )
    assert (patterns.compile("/".join(globs)).match("/".join(path)) is not None) == expected


def test_many_wildcards_do_not_multiply_the_work() -> None:
    """A matcher that backtracks needs longer than the age of the universe for these."""
    assert patterns.compile("x/" + "a*" * 40 + "b").match("x/" + "a" * 20_000) is None
    assert patterns.compile("/".join(["*a*a*a*"] * 20 + ["**", "b"])).match("/".join(["aaaaaaaa"] * 2_000)) is None


@pytest.mark.parametrize(
    ("pattern", "image", "matches"),
    [
        ("us-docker.pkg.dev/acme/models/*", "us-docker.pkg.dev/acme/models/a", True),
        ("US-Docker.pkg.dev/acme/models/*", "us-docker.pkg.dev/acme/models/a", True),
        ("{Region=*-Docker.pkg.dev}/acme/*", "us-docker.pkg.dev/acme/a", True),
        ("*-docker.pkg.dev/acme/*", "eu-docker.pkg.dev/acme/a", True),
        ("localhost/acme/*", "localhost/acme/a", True),
        ("reg.example:5000/*", "reg.example:5000/a", True),
        ("reg:*/a", "reg:5000/a", True),
        ("nginx", "nginx", True),
        ("nginx", "acme/nginx", False),
        ("nginx*", "nginx-unit", True),
        ("{name=nginx*}", "nginx-unit", True),
        ("acme/*", "acme/app", True),
        ("acme/*", "ghcr.io/acme/app", False),
        ("acme*/app", "acme-2/app", True),
        ("acme*/app", "acme.example/app", False),
        ("docker.io/nginx", "nginx", True),
        ("docker.io/*", "nginx", True),
        ("docker.io/*", "acme/app", False),
        ("docker.io/**", "acme/app", True),
        ("index.docker.io/acme/*", "acme/app", True),
        ("*/models/app", "reg.example/models/app", True),
        ("*/models/app", "models/app", True),
        ("{host}/models/app", "reg.example/models/app", True),
        ("*/app", "reg.example/app", True),
        ("*/app", "acme/app", False),
        ("**", "nginx", True),
        ("**", "reg.example/a/b/c", True),
        ("**/app", "acme/app", True),
        ("{where=**}/app", "reg.example/a/app", True),
    ],
)
def test_an_image_pattern_is_completed_as_names_are(pattern: str, image: str, matches: bool) -> None:
    repository = references.normalise(image)
    assert repository is not None
    assert (patterns.image_pattern(pattern).match(repository) is not None) == matches


def test_an_image_pattern_keeps_its_captures_and_the_text_that_its_author_wrote() -> None:
    pattern = patterns.image_pattern("{host=*.Example}/{team}/*")
    assert pattern.text == "{host=*.Example}/{team}/*"
    assert pattern.match("reg.example/acme/app") == {"host": "reg.example", "team": "acme"}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("*", "write '*/**'"),
        ("{image}", "write '{image}/**'"),
        ("ghcr.io", "write 'ghcr.io/**'"),
        ("ghcr.io/Acme/*", "lower case"),
        ("ghcr.io/acme/app:1.*", "without tag or digest"),
        ("nginx:latest", "without tag or digest"),
        ("ghcr.io/acme/app@sha256:*", "without tag or digest"),
        ("bad_host.example/acme/*", "matches no image"),
        ("https://ghcr.io/acme/*", "doubled or trailing slashes"),
    ],
)
def test_an_image_pattern_that_no_image_can_match_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        patterns.image_pattern(pattern)


component = st.from_regex(r"[a-z0-9]+(?:[._-][a-z0-9]+)?", fullmatch=True)


@given(st.lists(component, min_size=1, max_size=4).map("/".join))
def test_a_name_as_image_pattern_follows_exactly_the_repository_that_it_names(name: str) -> None:
    repository = references.normalise(name)
    assume(repository is not None and ("/" in name or "." not in name))
    assert repository is not None
    assert patterns.image_pattern(name).match(repository) == {}
    assert patterns.image_pattern(name).match(repository + "/more") is None
