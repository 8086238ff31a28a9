"""The names of our branches: any folder can be a service, and what is read back is what was written."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from updater.core import heads
from updater.core.heads import ALL, SETTINGS, Head

NAMES = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=12)
AWKWARD = ["model-a", "@all", "@", ".hidden", "a..b", "...", "a.lock", ".lock", "a.", "a/b", "a b", "a~b^:?*[\\", "ü/ñ",
           "%2F", "a@{b}", "-a", "x\x7f", "//", "a.lock.lock"]  # fmt: skip


def is_allowed(ref: str) -> bool:
    """Whether git allows a name, by the rules of git-check-ref-format(1)."""
    parts = ref.split("/")
    return not (
        any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
        or re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{", ref)
        or ref.endswith(".")
        or ref == "@"
    )


@pytest.mark.parametrize("name", ["model-a", "Model_1.0", "team+model=x,y"])
def test_a_plain_name_stays_readable(name: str) -> None:
    assert heads.head("staging", name) == f"updater/staging/{name}"


@given(NAMES, NAMES)
@example("@all", "@settings")
@example("a.lock", "..")
def test_any_name_is_a_branch_that_git_allows_and_is_read_back(environment: str, service: str) -> None:
    branch = heads.head(environment, service)
    assert is_allowed(branch)
    assert branch.count("/") == 2
    assert heads.parsed(branch) == Head(environment, service)


def test_git_itself_allows_the_names() -> None:
    branches = [f"refs/heads/{heads.head(name, name)}" for name in AWKWARD]
    for branch in branches:
        assert subprocess.run(["git", "check-ref-format", branch], check=False).returncode == 0, branch


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_two_services_never_share_a_branch(names: list[str]) -> None:
    assert heads.head("staging", names[0]) != heads.head("staging", names[1])


@pytest.mark.parametrize("what", [ALL, SETTINGS])
def test_what_is_shared_is_no_service_even_where_one_is_called_like_it(what: str) -> None:
    assert heads.parsed(heads.shared("staging", what)) == Head("staging", what, is_service=False)
    assert heads.head("staging", what) != heads.shared("staging", what)


@pytest.mark.parametrize(
    "branch",
    ["main", "updater", "updater/", "updater/staging", "updater/staging/", "updater//a", "updater/staging/a/b",
     "other/staging/a", "updater/staging/@other", "updater/staging/model%2Da", "updater/staging/%ff",
     "updater/staging/%zz", "updater/staging/a%2f"],
)  # fmt: skip
def test_a_branch_that_we_would_not_name_so_is_not_ours(branch: str) -> None:
    assert heads.parsed(branch) is None


def test_the_prefix_begins_all_branches_of_an_environment_and_of_no_other() -> None:
    assert heads.head("stag", "ing/a").startswith(heads.prefix("stag"))
    assert not heads.head("staging", "a").startswith(heads.prefix("stag"))
