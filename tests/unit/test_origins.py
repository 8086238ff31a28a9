"""Where images say that they were built from: what of it is believed, and which pages it leads to."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.markdowns import hostile
from updater.core.origins import checked, compare, from_labels, link, revision
from updater.model import Origin

OLD, NEW = "8b2d4f0" + "0" * 33, "3fa9c1e" + "0" * 33
TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
PLAIN_URL = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~%-]+)*")


def source(text: str) -> str | None:
    found = checked(text, None, None, None)
    return None if found is None else found.source


def built(where: str, commit: str = NEW) -> Origin:
    found = checked(where, commit, None, None)
    assert found is not None
    return found


# Labels


def test_an_image_tells_in_four_labels_where_it_comes_from() -> None:
    labels = {
        "org.opencontainers.image.source": "https://github.com/acme/model-a",
        "org.opencontainers.image.revision": NEW,
        "org.opencontainers.image.version": "1.4.0",
        "org.opencontainers.image.created": "2026-11-20T11:00:00+01:00",
        "source": "https://github.com/acme/other",
    }
    assert from_labels(labels) == Origin("https://github.com/acme/model-a", NEW, "1.4.0", TEN)


def test_an_image_without_such_labels_tells_nothing() -> None:
    assert from_labels({"maintainer": "alice"}) is None


def test_what_cannot_be_believed_takes_nothing_else_along() -> None:
    assert checked("javascript:alert(1)", "`rm`", "1.4.0", "yesterday") == Origin(version="1.4.0")
    assert checked("", "", "", "") is None


# Sources


@pytest.mark.parametrize(
    ("label", "page"),
    [
        ("https://github.com/acme/model-a", "https://github.com/acme/model-a"),
        ("https://github.com/acme/model-a.git", "https://github.com/acme/model-a"),
        ("https://github.com/acme/model-a.git/", "https://github.com/acme/model-a"),
        ("HTTPS://GitHub.com/Acme/Model-A/", "https://github.com/Acme/Model-A"),
        ("http://gitea.acme.example:3000/acme/x?tab=1#readme", "http://gitea.acme.example:3000/acme/x"),
        ("https://github.com/acme/x.git#main:folder", "https://github.com/acme/x"),
        ("https://github.com/acme/x/tree/main/folder", "https://github.com/acme/x/tree/main/folder"),
        ("https://dev.example/acme/My%20Project/", "https://dev.example/acme/My%20Project"),
        ("https://git.example/~alice/x", "https://git.example/~alice/x"),
        ("https://git.example/ünder/x", "https://git.example/%C3%BCnder/x"),
        ("https://git.example", "https://git.example"),
        ("git@github.com:acme/model-a.git", "https://github.com/acme/model-a"),
        ("ssh://git@github.com/acme/model-a.git", "https://github.com/acme/model-a"),
    ],
)
def test_a_source_is_the_web_page_of_a_repository(label: str, page: str) -> None:
    assert source(label) == page


@pytest.mark.parametrize(
    "label",
    [
        "",
        "model-a",
        "//github.com/acme/x",
        "ftp://github.com/acme/x",
        "javascript:alert(1)",
        "data:text/html,x",
        "git+https://github.com/acme/x",
        "ssh://git@github.com:22/acme/x",
        "ssh://alice@github.com/acme/x",
        "https://alice@github.com/acme/x",
        "https://alice:secret@github.com/acme/x",
        "https://good.example\\@evil.example/acme/x",
        "https://[::1]/acme/x",
        "https://-a.example/acme/x",
        "https://gïthub.com/acme/x",
        "https://github.com:999999/acme/x",
        "https://github.com/acme//x",
        "https://github.com/acme/../x",
        "https://github.com/acme/%2e%2E/x",
        "https://github.com/acme/x%0Ay",
        "https://github.com/acme/x\n",
        "https://github.com/acme/x\u202ey",
        "https://github.com/acme/a b",
        "https://github.com/acme/x:y",
        "https://github.com/acme/@alice",
        "https://github.com/acme/a\\b",
        "https://github.com/acme/.git",
        "https://github.com/acme/" + "x" * 500,
        "https://github.com/acme/" + "ü" * 100,
    ],
)
def test_what_is_no_plain_web_page_is_no_source(label: str) -> None:
    assert source(label) is None


# Revisions, versions and times


@pytest.mark.parametrize(
    ("label", "told", "short"),
    [
        (NEW, NEW, "3fa9c1e"),
        (NEW.upper(), NEW, "3fa9c1e"),
        ("3fa9c1e", "3fa9c1e", "3fa9c1e"),
        ("a" * 64, "a" * 64, "aaaaaaa"),
        ("3fa9c1", "3fa9c1", "3fa9c1"),
        ("3fa9c1e-dirty", "3fa9c1e-dirty", "3fa9c1e-dirty"),
        ("refs/tags/v1.4.0", "refs/tags/v1.4.0", "refs/tags/v1.4.0"),
    ],
)
def test_a_revision_is_a_commit_or_the_name_of_a_ref(label: str, told: str, short: str) -> None:
    found = checked(None, label, None, None)
    assert found is not None
    assert (found.revision, revision(found)) == (told, short)


@pytest.mark.parametrize("label", ["", "-", "--all", "a..b", "a b", "a\n", "$x", "a/", "é", "@", "x" * 129, "a@{1}"])
def test_what_could_mean_something_else_is_no_revision_and_no_version(label: str) -> None:
    assert checked(None, label, label, None) is None
    assert revision(Origin(version="1")) is None


@pytest.mark.parametrize("label", ["1.4.0", "v1.4.0-rc.1+build.7", "main", "22.04", "gh-12"])
def test_a_version_is_what_tags_look_like(label: str) -> None:
    assert checked(None, None, label, None) == Origin(version=label)


@pytest.mark.parametrize("label", ["2026-11-20", "2026-11-20T10:00:00", "0001-01-01T00:00:00Z", "now"])
def test_a_time_that_says_too_little_or_cannot_be_is_none(label: str) -> None:
    assert checked(None, None, None, label) is None


# Pages


@pytest.mark.parametrize(
    ("where", "commit", "changes"),
    [
        *(
            (f"https://{host}/acme/x{more}", f"https://{host}/acme/x/commit/{NEW}", f"/acme/x/compare/{OLD}...{NEW}")
            for host in ("github.com", "codeberg.org", "gitea.com", "github.acme.example", "forgejo.acme.example:3000")
            for more in ("", "/tree/main/folder")
        ),
        *(
            (
                f"https://{host}/acme/group/x{more}",
                f"https://{host}/acme/group/x/-/commit/{NEW}",
                f"/acme/group/x/-/compare/{OLD}...{NEW}",
            )
            for host in ("gitlab.com", "gitlab.acme.example")
            for more in ("", "/-/tree/main/folder")
        ),
        (
            "https://bitbucket.org/acme/x",
            f"https://bitbucket.org/acme/x/commits/{NEW}",
            f"/acme/x/branches/compare/{NEW}..{OLD}",
        ),
    ],
)
def test_pages_are_named_as_the_forge_names_them(where: str, commit: str, changes: str) -> None:
    new, compared = built(where), compare(built(where, OLD), built(where))
    assert link(new) == commit
    assert compared is not None
    assert compared.endswith(changes)
    assert compared.startswith(where.partition("/acme")[0])


@pytest.mark.parametrize(
    "origin",
    [
        Origin(revision=NEW),
        Origin("https://github.com/acme/x"),
        Origin("https://github.com/acme/x", "main"),
        Origin("https://github.com/acme", NEW),
        Origin("https://github.com", NEW),
        Origin("https://gitlab.com/-/x/y", NEW),
        Origin("https://evil.example/acme/x", NEW),
        Origin("https://github.com.evil.example/acme/x", NEW),
        Origin("https://mygithub.com/acme/x", NEW),
        Origin("https://bitbucket.acme.example/projects/ACME/repos/x", NEW),
    ],
)
def test_there_is_no_page_without_a_commit_in_a_repository_of_a_forge_that_is_known(origin: Origin) -> None:
    assert link(origin) is None
    assert compare(built("https://github.com/acme/x", OLD), origin) is None
    assert compare(origin, built("https://github.com/acme/x", OLD)) is None


def test_only_different_commits_of_one_repository_are_compared() -> None:
    new = built("https://github.com/acme/x")
    assert compare(new, new) is None
    assert compare(built("https://github.com/acme/y", OLD), new) is None
    assert compare(built("http://github.com/acme/x", OLD), new) is None


# Whatever is written into a label


@given(*[hostile | st.sampled_from(["https://github.com/a/b", NEW, "1.4.0"])] * 3)
@example("https://github.com/a/b?`x`#<b>", NEW, "1.4.0")
@example("https://github.com/%3Cb%3E/%60b%60", NEW, "1.4.0")
@example("https://github.com/acme/x.git.git", NEW, "1.4.0")
@example("https://github.com/acme/%2541", NEW, "1.4.0")
@example("https://github.com/acme/x%2Egit", NEW, "1.4.0")
@example("https://github.com/acme/x?\x1b[2J", NEW, "1.4.0")
def test_what_is_believed_is_plain_and_stays_the_same_when_it_is_checked_again(
    source: str, revision: str, version: str
) -> None:
    for label in (source, f"https://github.com/{source}/{version}", f"git@github.com:a/{source}"):
        found = checked(label, revision, version, None)
        if found is None:
            continue
        assert checked(found.source, found.revision, found.version, None) == found
        assert found.source is None or PLAIN_URL.fullmatch(found.source)
        assert re.fullmatch(r"[A-Za-z0-9._/+-]*", f"{found.revision or ''}{found.version or ''}")
        page = link(found)
        assert page is None or (PLAIN_URL.fullmatch(page) and page.startswith("https://github.com/"))
