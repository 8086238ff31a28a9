"""Bad input never reaches git: an exit code, one clear line, no commit, and the good events beside it still land."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import TEST, overlay
from tests.helpers import gitops
from tests.helpers.cli import CommandLine, Ran
from tests.helpers.components import require_kustomizes
from tests.helpers.payloads import MODELS, digest, plain, record, write_records

GOOD = record("generic", plain(f"{MODELS}/model-b", "7.0.0"))
MODEL_A = "overlays/test/model-a/kustomization.yaml"
OUTSIDE = "../../../../../../etc"


def errors(ran: Ran) -> list[str]:
    return [line for line in ran.err.splitlines() if line.startswith("error: ")]


def assert_only_the_good_event_landed(bare: Path, ran: Ran) -> None:
    """The good one's commit, and nothing of the bad one."""
    assert gitops.git(bare, "log", "--format=%s", "main").splitlines()[0] == "Deploy model-b 7.0.0 to test"
    changed = gitops.git(bare, "show", "--name-only", "--format=", "main").splitlines()
    assert changed == ["overlays/test/model-b/kustomization.yaml"]
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "body",
    [
        "junk \x00\x01",
        "[" * 100_000,
        '{"image": "x", "filler": "' + "x" * 10_000_000 + '"}',
        "",
        "null",
        {"image": f"{MODELS}/model-a", "tag": 'x"\n  newName: evil'},
        {"image": f"{MODELS}/model-a", "tag": "../../x"},
        {"image": f"{MODELS}/model-a", "tag": "$(id)"},
        {"image": f"{MODELS}/model-a", "tag": "x" * 129},
        {"image": f"{MODELS}/../evil:1.0.0"},
        {"image": f"{MODELS}/model-a:9.0.0\nUpdater-Image: forged"},
        {"imagee": f"{MODELS}/model-a:9.0.0"},
        {"image": f"{MODELS}/model-a:9.0.0", "pushed_at": "yesterday"},
    ],
    ids=["junk", "deep", "10 MB", "empty", "null", "quote", "dots", "shell", "129", "path", "newline", "key", "time"],
)
def test_an_unreadable_or_hostile_event_is_refused_beside_a_good_one(
    bare: Path, updater: CommandLine, tmp_path: Path, body: Any
) -> None:
    events = write_records(tmp_path / "e", record("generic", body), GOOD)
    ran = updater("handle", "--repo", bare, "--output", "json", events)
    assert ran.code == 4
    assert len(errors(ran)) == 1
    assert all(letter.isprintable() or letter == "\n" for letter in ran.err)
    assert max(map(len, ran.err.splitlines())) < 400
    assert ran.outcomes == [("test", "model-b", "7.0.0", "committed")]
    assert_only_the_good_event_landed(bare, ran)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "e:1: no record of an event"),
        ('{"body": {}}', "e:1: no record of an event"),
        ('{"source": "generic", "body": {}, "sauce": 1}', "e:1: unknown key 'sauce' in a record"),
        ('{"source": 1, "body": {}}', "e:1: `source` has to be text"),
        ('{"source": "generic", "headers": {"a": 1}, "body": {}}', "e:1: `source` has to be text"),
        ('{"source": "generic", "body": {}, "time": "12:00"}', "e:1: '12:00' is no time"),
    ],
)
def test_a_bad_record_is_told_with_its_line_and_does_not_stop_the_others(
    bare: Path, updater: CommandLine, tmp_path: Path, line: str, told: str
) -> None:
    ran = updater("handle", "--repo", bare, write_records(tmp_path / "e", line, GOOD))
    assert ran.code == 4
    assert told in errors(ran)[0]
    assert "hint: " in ran.err
    assert_only_the_good_event_landed(bare, ran)


def test_invalid_utf8_and_an_empty_file_are_refused(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b'{"image": "\xff\xfe"}')
    (tmp_path / "empty").write_bytes(b"")
    for arguments in (("--source", "generic", tmp_path / "bytes"), (tmp_path / "empty",), (tmp_path / "bytes",)):
        ran = updater("handle", "--repo", bare, *arguments)
        assert (ran.code, len(errors(ran))) == (4, 1)
    assert gitops.git(bare, "rev-list", "--count", "main") == "1"


def test_an_unknown_source_is_a_usage_error_with_a_near_miss(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    ran = updater("handle", "--repo", bare, write_records(tmp_path / "e", record("artefact-registry", {}), GOOD))
    assert ran.code == 2
    assert errors(ran) == ["error: there is no source 'artefact-registry'"]
    assert "did you mean artifact-registry?" in ran.err
    assert_only_the_good_event_landed(bare, ran)


def test_a_file_that_is_not_there_is_a_usage_error(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    ran = updater("handle", "--repo", bare, tmp_path / "nothing")
    assert (ran.code, len(errors(ran))) == (2, 1)


ENTRY = f"images:\n  - name: {MODELS}/model-a\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"x: &v 1.0.0\n{ENTRY}    newTag: *v\n", f"{MODEL_A}:4: "),
        (f"{ENTRY}    newTag: &v 1.0.0\nlabels: {{v: *v}}\n", f"{MODEL_A}:3: "),
        (f"x: &x {{newTag: 1.0.0}}\n{ENTRY}    <<: *x\n", f"{MODEL_A}:"),
        (f"{ENTRY}    newTag: 1.0.0\n---\n{ENTRY}", f"{MODEL_A}:"),
        (f"{ENTRY}    newTag: 1.0.0\n    newTag: 1.0.1\n", f"{MODEL_A}:4: "),
        (f"{ENTRY}    newTag: [\n", f"{MODEL_A}:"),
        (f"images: {MODELS}/model-a\nname: {MODELS}/model-a\n", f"{MODEL_A}:1: images is not a list"),
    ],
    ids=["alias", "aliased", "merge", "documents", "twice", "unparseable", "no list"],
)
def test_a_file_that_cannot_be_edited_is_refused_with_its_line(
    bare: Path, updater: CommandLine, tmp_path: Path, content: str, told: str
) -> None:
    gitops.Person(bare, tmp_path / "person").commit({MODEL_A: content})
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "7.0.0")), GOOD)
    ran = updater("handle", "--repo", bare, events)
    assert ran.code == 3
    assert told in ran.out + ran.err
    assert gitops.show(bare, MODEL_A) + "\n" == content
    assert_only_the_good_event_landed(bare, ran)


def test_an_overlay_that_is_a_link_out_of_the_tree_is_never_followed(
    bare: Path, updater: CommandLine, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kustomization.yaml").write_text(overlay("model-c", "1.0.0"))
    person = gitops.Person(bare, tmp_path / "person")
    (person.folder / "overlays/test/model-c").symlink_to(outside)
    person.commit({})
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-c", "7.0.0")), GOOD)
    ran = updater("handle", "--repo", bare, "--output", "json", events)
    assert sorted(ran.outcomes, key=str) == [
        ("test", "model-b", "7.0.0", "committed"),
        (None, None, "7.0.0", "ignored"),
    ]
    assert (outside / "kustomization.yaml").read_text() == overlay("model-c", "1.0.0")
    checked = updater("check", person.folder)
    assert (checked.code, "overlays/test/model-c: error: " in checked.out) == (3, True)


def test_an_entry_that_two_environments_claim_is_refused(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    canary = TEST.replace("overlays/test/{service}", "overlays/test/model-a")
    gitops.Person(bare, tmp_path / "person").commit({"environments/canary.yaml": canary})
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "7.0.0")), GOOD)
    ran = updater("handle", "--repo", bare, "--output", "json", events)
    assert ran.code == 3
    refused = [each for each in ran.json["decisions"] if each["outcome"] == "refused"]
    assert {each["environment"] for each in refused} == {"canary", "test"}
    assert all("canary and test both claim" in each["reason"] for each in refused)
    assert_only_the_good_event_landed(bare, ran)


def test_a_broken_environment_stops_that_environment_alone(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    gitops.Person(bare, tmp_path / "person").commit({"environments/broken.yaml": "overlays: x\nfolow: []\n"})
    ran = updater("handle", "--repo", bare, write_records(tmp_path / "e", GOOD))
    assert ran.code == 3
    assert any(line.startswith("error: environments/broken.yaml:2: ") for line in errors(ran))
    assert "`follow`" in ran.err
    assert_only_the_good_event_landed(bare, ran)


@pytest.mark.parametrize(
    ("safeguard", "outcome"),
    [("paused: incident", "waiting"), ("hold:\n  - {service: model-b, reason: INC-1}", "held")],
)
def test_a_safeguard_keeps_a_version_out_and_is_named_with_its_line(
    bare: Path, updater: CommandLine, tmp_path: Path, safeguard: str, outcome: str
) -> None:
    gitops.Person(bare, tmp_path / "person").commit({"environments/test.yaml": f"{TEST}{safeguard}\n"})
    ran = updater("handle", "--repo", bare, "--output", "json", write_records(tmp_path / "e", GOOD))
    assert ran.outcomes == [("test", "model-b", "7.0.0", outcome)]
    assert "(environments/test.yaml:6)" in ran.json["decisions"][0]["reason"]
    assert gitops.git(bare, "log", "-1", "--format=%an", "main") == "alice"


@pytest.mark.parametrize(
    ("asks", "told"), [("", "us-docker.pkg.dev did not answer"), ("    confirm: false\n", f"{MODEL_A}:2 pins a digest")]
)
def test_a_tag_without_digest_beside_a_pinned_digest_is_refused_where_no_registry_tells_it(
    bare: Path, updater: CommandLine, tmp_path: Path, asks: str, told: str
) -> None:
    pinned = f"{overlay('model-a', '1.0.0')}    digest: {digest('x')}\n"
    settings = TEST.replace("    order: semver\n", f"    order: semver\n{asks}")
    gitops.Person(bare, tmp_path / "person").commit({MODEL_A: pinned, "environments/test.yaml": settings})
    bare_tag = {"image": f"{MODELS}/model-a:7.0.0"}
    ran = updater("handle", "--repo", bare, write_records(tmp_path / "e", record("generic", bare_tag), GOOD))
    assert ran.code == 4
    assert told in ran.out
    assert_only_the_good_event_landed(bare, ran)


def test_files_are_not_read_from_outside_the_repository(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    settings = TEST.replace("overlays/test/{service}", f"{OUTSIDE}/{{service}}")
    gitops.Person(bare, tmp_path / "person").commit({"environments/test.yaml": settings})
    ran = updater("handle", "--repo", bare, write_records(tmp_path / "e", GOOD))
    assert ran.code == 3
    assert any("environments/test.yaml:1: " in line for line in errors(ran))


def test_an_unexpected_failure_is_one_line_and_a_traceback_only_with_debug(
    bare: Path, updater: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nobody")

    monkeypatch.setattr("updater.bootstrap.opened", fail)
    ran = updater("status", "--repo", bare)
    assert (ran.code, errors(ran)) == (1, ["error: unexpected: ZeroDivisionError: by nobody"])
    assert "Traceback" not in ran.err
    assert "Traceback" in updater("status", "--repo", bare, "--debug").err


def test_json_goes_to_standard_output_alone(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    ran = updater("handle", "--repo", bare, "--output", "json", write_records(tmp_path / "e", "{", GOOD))
    assert json.loads(ran.out)["decisions"][0]["outcome"] == "committed"
    assert "error: " in ran.err


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ("../../../base/nowhere", "base/nowhere"),
        ("../../../../../etc", "leads out of the repository"),
        ("https://example.org/acme//base?ref=v1", "https://example.org/acme//base?ref=v1"),
    ],
    ids=["missing", "outside", "remote"],
)
def test_an_overlay_that_cannot_be_rendered_confined_is_refused_with_its_line(
    bare: Path, updater: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resource: str, told: str
) -> None:
    monkeypatch.setenv("UPDATER_KUSTOMIZE", next(iter(require_kustomizes().values()))[0])
    rendered = TEST.replace("overlays/test/{service}", "overlays/test/model-a").replace("verify: parse\n", "")
    parsed = TEST.replace("overlays/test/{service}", "overlays/test/model-b")
    broken = f"resources:\n  - {resource}\n{overlay('model-a', '1.0.0')}"
    files = {"environments/test.yaml": rendered, "environments/other.yaml": parsed, MODEL_A: broken}
    gitops.Person(bare, tmp_path / "person").commit(files)
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "7.0.0")), GOOD)
    ran = updater("handle", "--repo", bare, "--output", "json", events)
    assert ran.code == 7
    (refused,) = [each for each in ran.json["decisions"] if each["outcome"] == "refused"]
    assert refused["reason"].startswith(f"{MODEL_A}:2: ")
    assert told in refused["reason"]
    changed = gitops.git(bare, "show", "--name-only", "--format=", "main").splitlines()
    assert changed == ["overlays/test/model-b/kustomization.yaml"]
