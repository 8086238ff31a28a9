"""`updater doctor` as a person and as a program runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.end_to_end import conftest
from tests.helpers import gitops
from tests.helpers.cli import CommandLine
from tests.helpers.gitops import Person

TEST = conftest.TEST.replace("order:", "confirm: false\n    order:")
"""Nothing is followed in a registry that could be asked."""
LINE = re.compile(r"(ok|warning|fault) +[a-z ]+: \S.*")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return gitops.remote(tmp_path / "gitops.git", conftest.FILES | {"environments/test.yaml": TEST})


@pytest.fixture(autouse=True)
def open_to_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPDATER_HOOK_SECRET_HARBOR", "0123456789abcdef")


def test_a_person_gets_a_line_for_each_thing_that_was_looked_at(updater: CommandLine, bare: Path) -> None:
    ran = updater("doctor", "--repo", bare)
    lines = ran.out.splitlines()
    assert ran.code == 0, ran.out
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert f"ok       repository: {bare}, main is at {gitops.tip(bare)[:12]}" in lines
    assert ran.err.splitlines()[-1] == f"{len(lines)} checks, 0 faults, 0 warnings"


def test_a_program_gets_the_same_as_json_alone(updater: CommandLine, bare: Path) -> None:
    checks = updater("doctor", "--repo", bare, "--output", "json").json["checks"]
    assert {tuple(check) for check in checks} == {("name", "state", "told", "hint")}
    assert {check["state"] for check in checks} == {"ok"}
    assert len(checks) == len(updater("doctor", "--repo", bare).out.splitlines())


def test_a_fault_is_told_with_how_to_mend_it_and_ends_with_its_exit_code(updater: CommandLine, bare: Path) -> None:
    gitops.hook(bare, "pre-receive", "echo 'error: read-only today' >&2; exit 1")
    ran = updater("doctor", "--repo", bare)
    assert ran.code == 5
    faults = [line for line in ran.out.splitlines() if line.startswith("fault")]
    assert len(faults) == 2
    assert all(re.search(r"^fault +push: .*read-only today.*  \(let this identity .*\)$", line) for line in faults)
    assert ran.err.splitlines()[-1].endswith("2 faults, 0 warnings")


def test_a_warning_is_no_failure(updater: CommandLine, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPDATER_HOOK_SECRET_HARBOR", "short")
    ran = updater("doctor", "--repo", bare)
    assert ran.code == 0
    assert [line.split(":")[0] for line in ran.out.splitlines() if not line.startswith("ok")] == ["warning  hooks"]


@pytest.mark.parametrize(
    ("files", "variables", "code"),
    [
        ({}, {"UPDATER_LISTEN": "nowhere"}, 2),
        ({"environments/test.yaml": "overlays: 7\n"}, {}, 3),
        ({"environments/test.yaml": f"{TEST}deliver: pull-request\n"}, {"UPDATER_FORGE": "github"}, 2),
        ({"environments/test.yaml": TEST.replace("confirm: false", "confirm: true")}, {}, 4),
        ({"environments/test.yaml": TEST.replace("parse", "render")}, {"UPDATER_KUSTOMIZE": "false"}, 7),
    ],
)
def test_the_exit_code_tells_what_kind_of_thing_is_wrong(
    updater: CommandLine,
    bare: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    variables: dict[str, str],
    code: int,
) -> None:
    if files:
        Person(bare, tmp_path / "person").commit(files)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert updater("doctor", "--repo", bare).code == code


def test_a_repository_that_cannot_be_told_from_a_terminals_orders_is_shown_as_text(updater: CommandLine) -> None:
    ran = updater("doctor", "--repo", "/nowhere/\x1b[31m")
    assert ran.code != 0
    assert "\x1b" not in ran.out + ran.err
