"""`updater handle` and `updater plan`, from a payload to the remote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import FILES, overlay
from tests.helpers import gitops
from tests.helpers.cli import CommandLine
from tests.helpers.payloads import MODELS, digest, plain, pushed, record, write_records

MODEL_A = "overlays/test/model-a/kustomization.yaml"


def test_a_push_becomes_one_commit_that_changes_only_the_version(
    bare: Path, updater: CommandLine, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(pushed(f"{MODELS}/model-a", "1.1.0")))
    ran = updater("handle", "--repo", bare, "--source", "artifact-registry", "--output", "json", event)
    assert ran.code == 0
    assert ran.outcomes == [("test", "model-a", "1.1.0", "committed")]
    new = digest(f"{MODELS}/model-a:1.1.0")
    assert gitops.show(bare, MODEL_A) + "\n" == FILES[MODEL_A].replace("1.0.0", "1.1.0") + f"    digest: {new}\n"
    (commit,) = ran.json["commits"]
    assert commit == {
        "sha": gitops.tip(bare),
        "branch": "main",
        "environment": "test",
        "service": "model-a",
        "subject": "Deploy model-a 1.1.0 to test",
    }
    assert ran.json["decisions"][0]["commit"] == commit["sha"]
    assert gitops.git(bare, "rev-list", "--count", "main") == "2"


def test_decisions_in_json_have_the_documented_keys(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.1.0")))
    ran = updater("handle", "--repo", bare, "--output", "json", events)
    assert ran.json.keys() == {"decisions", "commits", "pull_requests"}
    assert ran.json["decisions"] == [
        {
            "environment": "test",
            "service": "model-a",
            "overlay": "overlays/test/model-a",
            "entry": f"{MODELS}/model-a",
            "image": f"{MODELS}/model-a",
            "from": {"tag": "1.0.0", "digest": None},
            "to": {"tag": "1.1.0", "digest": digest(f"{MODELS}/model-a:1.1.0")},
            "outcome": "committed",
            "reason": "1.1.0 is newer than 1.0.0 (semver)",
            "commit": gitops.tip(bare),
            "pull_request": None,
        }
    ]
    assert ran.json["pull_requests"] == []


def test_several_services_are_a_commit_each_in_one_push(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    gitops.hook(bare, "pre-receive", f"echo push >> {tmp_path}/pushes")
    events = write_records(
        tmp_path / "e", *(record("generic", plain(f"{MODELS}/{name}", "2.0.0")) for name in ("model-a", "model-b"))
    )
    assert updater("handle", "--repo", bare, events).code == 0
    assert gitops.git(bare, "log", "--format=%s", "main").splitlines() == [
        "Deploy model-b 2.0.0 to test",
        "Deploy model-a 2.0.0 to test",
        "Start",
    ]
    assert (tmp_path / "pushes").read_text() == "push\n"


def test_the_same_event_again_and_an_older_one_change_nothing(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    new, old = (record("generic", plain(f"{MODELS}/model-a", tag)) for tag in ("1.2.0", "1.1.0"))
    updater("handle", "--repo", bare, write_records(tmp_path / "new", new))
    tip = gitops.tip(bare)
    ran = updater("handle", "--repo", bare, "--output", "json", write_records(tmp_path / "both", new, old))
    assert (ran.code, gitops.tip(bare)) == (0, tip)
    assert sorted(ran.outcomes) == [
        ("test", "model-a", "1.1.0", "rejected"),
        ("test", "model-a", "1.2.0", "unchanged"),
    ]


def test_a_fresh_machine_decides_as_the_warm_one_does(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.2.0")))
    updater("handle", "--repo", bare, events)
    fresh = CommandLine(tmp_path / "another state", updater.capture, updater.patch)
    assert fresh("handle", "--repo", bare, "--output", "json", events).outcomes == [
        ("test", "model-a", "1.2.0", "unchanged")
    ]


def test_what_a_person_pushed_meanwhile_is_seen_although_nothing_would_be_written(
    bare: Path, updater: CommandLine, tmp_path: Path
) -> None:
    """The mirror is warm and stale: `unchanged` must not be said of a state that is no more."""
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.2.0")))
    updater("handle", "--repo", bare, events)
    gitops.Person(bare, tmp_path / "person").commit({MODEL_A: overlay("model-a", "1.1.0")}, "By hand")
    ran = updater("handle", "--repo", bare, "--output", "json", events)
    assert ran.outcomes == [("test", "model-a", "1.2.0", "held")]


def test_a_merged_change_of_configuration_is_in_force_with_the_next_event(
    bare: Path, updater: CommandLine, tmp_path: Path
) -> None:
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.2.0")))
    updater("status", "--repo", bare)
    settings = FILES["environments/test.yaml"].replace("order: semver", "order: semver\n    range: <1.1")
    gitops.Person(bare, tmp_path / "person").commit({"environments/test.yaml": settings})
    ran = updater("handle", "--repo", bare, "--output", "json", events)
    assert ran.outcomes == [(None, None, "1.2.0", "ignored")]
    assert "outside <1.1" in ran.json["decisions"][0]["reason"]


def test_an_image_that_nothing_follows_is_ignored_with_the_reason(
    bare: Path, updater: CommandLine, tmp_path: Path
) -> None:
    events = write_records(
        tmp_path / "e",
        record("generic", plain("other.example/x", "1")),
        record("generic", plain(f"{MODELS}/none", "1.0.0")),
    )
    ran = updater("handle", "--repo", bare, "--output", "json", events)
    assert ran.code == 0
    assert [each["reason"] for each in ran.json["decisions"]] == [
        "no environment follows other.example/x",
        f"no entry of test follows {MODELS}/none",
    ]
    assert {each["environment"] for each in ran.json["decisions"]} == {None}


def test_standard_input_and_several_files_are_read(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    file = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "3.0.0")))
    line = json.dumps(record("generic", plain(f"{MODELS}/model-b", "3.0.0")))
    ran = updater("handle", "--repo", bare, "--output", "json", file, "-", stdin=line.encode())
    assert sorted(ran.outcomes) == [("test", name, "3.0.0", "committed") for name in ("model-a", "model-b")]


def test_a_record_may_have_its_body_as_text_and_tell_when_it_came(
    bare: Path, updater: CommandLine, tmp_path: Path
) -> None:
    body = json.dumps({"image": f"{MODELS}/model-a:1.1.0"})
    events = write_records(tmp_path / "e", record("generic", body, time="2026-11-21T09:00:00+01:00", headers=None))
    assert updater("handle", "--repo", bare, events).code == 0
    assert "2026-11-21T08:00:00Z" in gitops.git(bare, "log", "-1", "--format=%b", "main")


def test_text_output_is_a_row_for_each_decision_and_the_commits(
    bare: Path, updater: CommandLine, tmp_path: Path
) -> None:
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.1.0")))
    ran = updater("handle", "--repo", bare, events)
    row = next(line for line in ran.out.splitlines() if line.startswith("committed"))
    assert row.split() == [
        "committed", "test/model-a", f"{MODELS}/model-a", "1.0.0", "->", "1.1.0",
        "1.1.0", "is", "newer", "than", "1.0.0", "(semver)",
    ]  # fmt: skip
    assert f"{gitops.tip(bare)[:12]} on main: Deploy model-a 1.1.0 to test" in ran.out


def test_plan_shows_the_diff_and_writes_nothing(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    tip = gitops.tip(bare)
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.1.0")))
    ran = updater("plan", "--repo", bare, "--output", "json", events)
    assert (ran.code, gitops.tip(bare), ran.json["commits"]) == (0, tip, [])
    assert ran.outcomes == [("test", "model-a", "1.1.0", "committed")]
    changed = [line for line in ran.json["diff"].splitlines() if line.startswith(("+", "-"))]
    assert changed == [
        f"--- a/{MODEL_A}",
        f"+++ b/{MODEL_A}",
        "-    newTag: 1.0.0  # keep me",
        "+    newTag: 1.1.0  # keep me",
        f"+    digest: {digest(f'{MODELS}/model-a:1.1.0')}",
    ]
    assert "+    newTag: 1.1.0  # keep me" in updater("plan", "--repo", bare, events).out


@pytest.mark.parametrize("ref", ["a branch", "a commit", "a folder"])
def test_plan_can_try_a_configuration_before_it_is_merged(
    bare: Path, updater: CommandLine, tmp_path: Path, ref: str
) -> None:
    person = gitops.Person(bare, tmp_path / "person")
    settings = FILES["environments/test.yaml"].replace("order: semver", "order: semver\n    range: <1.1")
    commit = person.commit({"environments/test.yaml": settings}, branch="try")
    name = {"a branch": "try", "a commit": commit, "a folder": person.folder}[ref]
    updater("plan", "--repo", bare, "--ref", "try", "/dev/null")
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.1.0")))
    planned = updater("plan", "--repo", bare, "--output", "json", events)
    tried = updater("plan", "--repo", bare, "--output", "json", "--ref", name, events)
    assert [planned.outcomes[0][-1], tried.outcomes[0][-1]] == ["committed", "ignored"]


def test_a_ref_that_is_not_there_is_said_with_what_there_is(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.1.0")))
    ran = updater("plan", "--repo", bare, "--ref", "nowhere", events)
    assert ran.code == 5
    assert "error: " in ran.err
    assert "'nowhere'" in ran.err
    assert "hint: there are: main" in ran.err


def test_the_repository_is_the_one_that_one_stands_in(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    person = gitops.Person(bare, tmp_path / "person")
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.1.0")))
    assert updater("handle", events, cwd=person.folder / "overlays").code == 0
    assert gitops.tip(bare) != gitops.git(person.folder, "rev-parse", "HEAD")
    nowhere = updater("handle", events, cwd=tmp_path)
    assert (nowhere.code, "no repository is named" in nowhere.err) == (2, True)
