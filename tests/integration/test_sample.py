"""The sample as a bare repository to try things on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.helpers.gitops import git, show
from updater.adapters import sample
from updater.errors import UpdaterError

ROOT = Path(__file__).parents[2]
TIME = datetime(2026, 11, 19, 8, 30, tzinfo=UTC)
SECONDS = int(TIME.timestamp())
STAGING = "environments/staging.yaml"


def test_it_holds_the_projects_own_sample_in_one_commit_on_main(tmp_path: Path) -> None:
    bare = sample.make(tmp_path, TIME)
    assert git(bare, "rev-parse", "--is-bare-repository") == "true"
    assert git(bare, "log", "--format=%an %at %ct %s", "main") == f"alice {SECONDS} {SECONDS} Start from the sample"
    paths = git(bare, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert {path.split("/")[0] for path in paths} == set(sample.FOLDERS)
    assert {path: show(bare, path) for path in paths} == {
        path: (ROOT / path).read_text().rstrip("\n") for path in paths
    }
    assert STAGING in paths
    assert not any(path.endswith(".schema.json") for path in paths)


def test_it_is_the_same_commit_at_the_same_time_whatever_git_is_set_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git(sample.make(tmp_path / "a", TIME), "rev-parse", "main")
    settings = tmp_path / "gitconfig"
    settings.write_text("[commit]\n\tgpgSign = true\n[init]\n\tdefaultBranch = trunk\n[core]\n\tautocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert sample_tip(tmp_path / "b") == first


def sample_tip(folder: Path) -> str:
    return git(sample.make(folder, TIME), "-c", "safe.directory=*", "rev-parse", "main")


def test_additions_stand_at_the_end_of_their_files(tmp_path: Path) -> None:
    bare = sample.make(tmp_path, TIME, {STAGING: "# one more line\n"})
    assert show(bare, STAGING) == (ROOT / STAGING).read_text() + "# one more line"


def test_history_and_commits_can_be_shown(tmp_path: Path) -> None:
    bare = sample.make(tmp_path, TIME)
    short = git(bare, "rev-parse", "--short", "main")
    assert sample.log(bare) == f"{short}  {'alice':<17} Start from the sample\n"
    shown = sample.show(bare, "main")
    assert shown.startswith("Start from the sample\n")
    assert f"+++ b/{STAGING}" in shown


def test_a_package_without_its_sample_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "__file__", str(tmp_path / "updater" / "adapters" / "sample.py"))
    with pytest.raises(UpdaterError, match="not installed"):
        sample.make(tmp_path, TIME)


def test_a_commit_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UpdaterError, match="git show"):
        sample.show(sample.make(tmp_path, TIME), "nope")
