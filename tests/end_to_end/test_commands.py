"""`check`, `status`, `demo` and the rest of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.end_to_end.conftest import FILES, TEST, overlay
from tests.helpers import cli, gitops
from tests.helpers.cli import CommandLine
from tests.helpers.components import require_kustomizes
from tests.helpers.payloads import MODELS, plain, record, write_records
from updater.cli.main import updater as group


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


def test_check_is_content_with_a_good_repository(updater: CommandLine, tmp_path: Path) -> None:
    ran = updater("check", write(tmp_path / "r", FILES))
    assert (ran.code, ran.out, ran.err) == (0, "", "0 errors, 0 warnings\n")


def test_check_does_not_check_another_repository_than_the_one_that_is_named(
    updater: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "r", FILES)
    ran = updater("check", "--repo", folder)
    assert (ran.code, ran.out) == (2, "")
    assert "updater check DIR" in ran.err
    monkeypatch.setenv("UPDATER_REPO", "https://git.example/other.git")
    assert updater("check", folder).code == 0


def test_check_tells_every_finding_with_its_line(updater: CommandLine, tmp_path: Path) -> None:
    bad = {
        "environments/test.yaml": TEST.replace("order: semver", "ordr: semver\n    rnge: x"),
        "environments/other.yaml": "overlays: nowhere/{service}\nfollow: [{image: a/b}]\nverify: parse\n",
        "overlays/test/model-a/kustomization.yaml": overlay("model-a", "1.0.0"),
    }
    ran = updater("check", "--output", "json", write(tmp_path / "r", bad))
    places = [(each["path"], each["line"], each["severity"]) for each in ran.json["findings"]]
    assert ran.code == 3
    assert places == [
        ("environments/other.yaml", 1, "error"),
        ("environments/other.yaml", 2, "warning"),
        ("environments/test.yaml", 4, "error"),
        ("environments/test.yaml", 5, "error"),
    ]
    text = updater("check", tmp_path / "r")
    assert "environments/test.yaml:4: error: " in text.out
    assert "3 errors, 1 warnings" in text.err


def test_check_renders_overlays_and_finds_an_entry_that_matches_no_container(
    updater: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPDATER_KUSTOMIZE", next(iter(require_kustomizes().values()))[0])
    ran = updater(
        "check", write(tmp_path / "r", {**FILES, "environments/test.yaml": TEST.replace("verify: parse", "")})
    )
    assert ran.code == 7
    assert "overlays/test/model-a/kustomization.yaml:2: error: " in ran.out


def test_status_shows_what_stands_where_and_since_when(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    updater(
        "handle", "--repo", bare, write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.1.0")))
    )
    ran = updater("status", "--repo", bare, "--output", "json", "model-a")
    (service,) = ran.json["services"]
    assert (service["environment"], service["service"], service["version"]["tag"]) == ("test", "model-a", "1.1.0")
    assert service["commit"] == gitops.tip(bare)
    assert service["since"].endswith("Z")
    rows = updater("status", "--repo", bare).out.splitlines()
    assert rows[0].split() == ["SERVICE", "IMAGE", "TEST"]
    assert [row.split()[:4] for row in rows[1:]] == [
        ["model-a", f"{MODELS}/model-a", "1.1.0", "since"],
        ["model-b", f"{MODELS}/model-b", "1.0.0", "since"],
    ]


def test_status_is_a_column_for_each_environment_in_the_order_of_promotion(
    updater: CommandLine, tmp_path: Path
) -> None:
    later = "overlays: overlays/{0}/{{service}}\npromote: {{from: {1}}}\ndeliver: pull-request\n"
    files = {
        "environments/zero.yaml": TEST.replace("overlays/test", "overlays/zero"),
        "environments/one.yaml": later.format("one", "zero"),
        "environments/a-last.yaml": later.format("a-last", "one"),
        "overlays/zero/model-a/kustomization.yaml": overlay("model-a", "1.2.0"),
        "overlays/a-last/model-a/kustomization.yaml": overlay("model-a", "1.0.0"),
        "overlays/one/model-b/kustomization.yaml": overlay("model-b", "1.1.0"),
    }
    rows = updater("status", "--repo", gitops.remote(tmp_path / "r.git", files)).out.splitlines()
    assert rows[0].split() == ["SERVICE", "IMAGE", "ZERO", "ONE", "A-LAST"]
    assert [[word for word in row.split() if word == "-" or word[0].isdigit() and "." in word] for row in rows[1:]] == [
        ["1.2.0", "-", "1.0.0"],
        ["-", "1.1.0", "-"],
    ]


def test_status_knows_its_environments(bare: Path, updater: CommandLine) -> None:
    assert updater("status", "--repo", bare, "--env", "test", "model-*").out.count("\n") == 3
    ran = updater("status", "--repo", bare, "--env", "tset")
    assert (ran.code, "there is no environment 'tset'" in ran.err) == (2, True)


@pytest.mark.slow
def test_the_demo_tells_the_whole_story_and_leaves_nothing_behind(
    updater: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    ran = updater("demo")
    assert ran.code == 0
    assert "-    newTag: 1.3.2  # a comment here survives every bump" in ran.out
    assert "+    newTag: 1.4.0  # a comment here survives every bump" in ran.out
    outcomes = [
        line.split()[0]
        for line in ran.out.splitlines()
        if line.startswith(("committed", "rejected", "unchanged", "held", "proposed"))
    ]
    assert outcomes == [
        *["committed"] * 4,
        *["rejected", "unchanged"],
        *["proposed"] * 4,
        *["committed", "proposed"],
        *["held", "committed", "proposed"],
    ]
    assert "is not a tag" in ran.out
    assert not list(tmp_path.glob("updater-demo-*"))


def test_the_demo_runs_without_kustomize_and_says_so(
    updater: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").symlink_to(subprocess.check_output(["sh", "-c", "command -v git"], text=True).strip())
    monkeypatch.setenv("PATH", str(tools))
    ran = updater("demo")
    assert (ran.code, "(`verify: parse`)" in ran.out) == (0, True)
    assert ran.out.count("committed ") == 6
    steps = updater("demo", "--output", "json").json["steps"]
    assert [len(step["commits"]) for step in steps] == [1, 2, 0, 0, 1, 0, 0, 1, 0]
    models = [[pull for pull in step["pull_requests"] if pull["service"] == "model-a"] for step in steps]
    told = [(pull["number"], pull["state"], pull["title"]) for pulls in models for pull in pulls]
    first = told[0][0]
    assert told == [
        (first, "open", "Deploy model-a 1.4.0 to staging"),
        (first, "open", "Deploy model-a 1.5.0 to staging"),
        (first, "merged", "Deploy model-a 1.5.0 to staging"),
        (told[-1][0], "open", "Deploy model-a 1.5.1 to staging"),
    ]


def test_a_repository_that_needs_rendering_is_not_written_to_without_kustomize(
    bare: Path, updater: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = gitops.Person(bare, tmp_path / "person")
    person.commit({"environments/test.yaml": TEST.replace("verify: parse\n", "")})
    monkeypatch.setenv("UPDATER_KUSTOMIZE", "")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").symlink_to(subprocess.check_output(["sh", "-c", "command -v git"], text=True).strip())
    monkeypatch.setenv("PATH", str(tools))
    events = write_records(tmp_path / "e", record("generic", plain(f"{MODELS}/model-a", "1.1.0")))
    ran = updater("handle", "--repo", bare, "--output", "json", events)
    assert (ran.code, ran.outcomes) == (7, [("test", "model-a", "1.1.0", "refused")])
    assert "neither kustomize nor kubectl" in ran.json["decisions"][0]["reason"]


def test_the_schema_is_json(updater: CommandLine) -> None:
    ran = updater("schema")
    assert ran.json["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there_for_each_shell(updater: CommandLine, shell: str) -> None:
    ran = updater("completion", shell)
    assert ran.code == 0
    assert f"{shell}_complete" in ran.out


def commands() -> dict[str, click.Command]:
    """Every command by its name, those within others too."""
    found = dict(group.commands)
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            found |= {f"{name} {inner}": command for inner, command in each.commands.items()}
    return found


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_explains_itself(updater: CommandLine, name: str) -> None:
    *outer, inner = name.split()
    ran = updater(*outer, inner, "--help")
    assert (ran.code, ran.out.startswith(f"Usage: updater {name}")) == (0, True)
    shown = next(line for line in updater(*outer, "--help").out.splitlines() if line.startswith(f"  {inner} "))
    assert not shown.endswith("..."), "the map shows whole sentences"


@pytest.mark.parametrize("name", sorted(commands().keys() - {"completion", "events", "pr", "schema"}))
def test_every_command_takes_the_common_options(name: str) -> None:
    assert {"--repo", "--output", "--debug"} <= {option for each in commands()[name].params for option in each.opts}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("hande",), "No such command 'hande'"),
        (("handle",), "Missing argument 'FILE...'"),
        (("status", "--outptu", "json"), "No such option"),
        (("status", "--repo", "ext::sh -c true"), "is not a repository"),
        (("status", "--repo", "ftp://h/x"), "ftp"),
    ],
)
def test_wrong_usage_is_exit_code_2_in_one_line(updater: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    ran = updater(*arguments)
    assert ran.code == 2
    assert sum(line.startswith("error: ") for line in ran.err.splitlines()) == 1
    assert told in ran.err


def test_a_remote_that_is_not_there_is_exit_code_5(updater: CommandLine, tmp_path: Path) -> None:
    ran = updater("status", "--repo", tmp_path / "nothing.git")
    assert (ran.code, "there is no git repository at" in ran.err) == (5, True)


def test_an_interrupt_is_exit_code_130(updater: CommandLine, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("updater.bootstrap.opened", interrupt)
    ran = updater("status", "--repo", bare)
    assert (ran.code, ran.err) == (130, "error: interrupted\n")


def test_the_map_answers_without_loading_what_only_work_needs() -> None:
    script = (
        "import sys; from updater.cli.main import run; run(['--help']);"
        "print(sorted({'dulwich', 'git', 'pydantic', 'rich', 'ruamel', 'sqlite3'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=dict(os.environ))
    assert ran.stdout.splitlines()[-1] == "[]"


def test_the_module_runs_as_a_program() -> None:
    ran = cli.finish(cli.start("--version", environment=dict(os.environ)))
    assert (ran.code, ran.out.startswith("updater, version ")) == (0, True)


def test_completion_answers_a_shell_that_asks(tmp_path: Path) -> None:
    asked = {**os.environ, "_UPDATER_COMPLETE": "bash_complete", "COMP_WORDS": "updater pl", "COMP_CWORD": "1"}
    ran = cli.finish(cli.start(environment=asked))
    assert ran.out.splitlines() == ["plain,plan"]


def test_without_a_command_the_map_is_shown(updater: CommandLine) -> None:
    assert (updater().code, updater().out) == (0, updater("--help").out)


@pytest.mark.parametrize("url", ["user:s3cret@host:path", "https:/user:s3cret@host/x.git"])
def test_a_mistyped_url_does_not_give_its_password_away(updater: CommandLine, url: str) -> None:
    ran = updater("status", "--repo", url)
    assert ran.code == 2
    assert "s3cret" not in ran.out + ran.err


def test_the_help_prints_in_any_encoding(updater: CommandLine) -> None:
    for name in ("handle", "plan", "status"):
        updater(name, "--help").out.encode("latin-1")


def test_a_commit_with_an_impossible_date_stops_nothing(bare: Path, updater: CommandLine, tmp_path: Path) -> None:
    person = gitops.Person(bare, tmp_path / "person")
    for who in ("AUTHOR", "COMMITTER"):
        updater.patch.setenv(f"GIT_{who}_DATE", "@253402300801 +0000")
    person.commit({"overlays/test/model-a/kustomization.yaml": overlay("model-a", "1.0.1")})
    ran = updater("status", "--repo", bare, "model-a")
    assert (ran.code, "1.0.1 since 9999-" in ran.out) == (0, True)
