"""The script that sets up Google Cloud, on a stand-in for `gcloud` that refuses what the real one refuses."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.helpers import components

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy/gcp/set-up.sh"
USUAL = ("--project", "acme-models", "--repository", "us/models")
PUSH = "https://updater.example.org/hooks/pubsub"
SUBSCRIPTIONS = {f"updater-{name}" for name in ("gcr", "cloud-builds", "queue", "dead-letters")}


class Cloud:
    """A Google Cloud in a folder, and the script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bash = components.require("bash")
        programs = folder / "bin"
        programs.mkdir()
        (programs / "gcloud").symlink_to(ROOT / "tests/helpers/gcloud.sh")
        (programs / "sleep").write_text("#!/bin/sh\n")
        (programs / "sleep").chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "STANDIN": str(self.folder)}
        return subprocess.run([self.bash, SCRIPT, *arguments], env=environment, capture_output=True, text=True)

    def set_up(self, *more: str) -> list[list[str]]:
        """What a run that succeeds has changed."""
        before = len(self.calls())
        done = self.run(*USUAL, *more)
        assert done.returncode == 0, done.stderr
        return [call for call in self.calls()[before:] if "describe" not in call]

    def calls(self) -> list[list[str]]:
        file = self.folder / "calls"
        return [shlex.split(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


def flags(call: list[str]) -> dict[str, str]:
    return dict(word.removeprefix("--").split("=", 1) for word in call if word.startswith("--") and "=" in word)


def made(calls: list[list[str]], kind: str) -> dict[str, dict[str, str]]:
    """What was created of a kind, by name, with its flags."""
    return {call[3]: flags(call) for call in calls if call[1] == kind and call[2] == "create"}


def rights(calls: list[list[str]]) -> dict[str, set[str]]:
    """Who was given what: role and thing."""
    found: dict[str, set[str]] = {}
    for call in calls:
        if "add-iam-policy-binding" in call:
            told = flags(call)
            member = re.sub(r"^serviceAccount:|@.*", "", told["member"])
            thing = call[3].partition("@")[0]
            found.setdefault(member, set()).add(f"{told['role'].removeprefix('roles/')} on {call[1]} {thing}")
    return found


def test_everything_is_there_afterwards(cloud: Cloud) -> None:
    calls = cloud.set_up()
    assert made(calls, "topics").keys() == {
        "gcr", "cloud-builds", "updater-dead-letters", "updater-queue", "updater-outcomes"
    }  # fmt: skip
    assert made(calls, "subscriptions").keys() == SUBSCRIPTIONS
    assert made(calls, "service-accounts").keys() == {"updater", "updater-build", "updater-clusters"}


def test_a_second_run_makes_nothing_and_brings_what_is_there_into_line(cloud: Cloud) -> None:
    first, second = cloud.set_up(), cloud.set_up()
    assert not [call for call in second if "create" in call and "identity" not in call]
    updated = {call[3]: flags(call) for call in second if call[1:3] == ["subscriptions", "update"]}
    for name, told in made(first, "subscriptions").items():
        assert updated[name] == {flag: value for flag, value in told.items() if flag != "topic"}
    assert rights(second) == rights(first)


def test_subscriptions_keep_messages_and_put_aside_what_kills_every_process(cloud: Cloud) -> None:
    subscriptions = made(cloud.set_up(), "subscriptions")
    assert {told["expiration-period"] for told in subscriptions.values()} == {"never"}
    assert {told["ack-deadline"] for told in subscriptions.values()} == {"60"}
    for name in SUBSCRIPTIONS - {"updater-dead-letters"}:
        told = subscriptions[name]
        assert (told["dead-letter-topic"], told["max-delivery-attempts"]) == ("updater-dead-letters", "100")
        assert told["message-retention-duration"] == "7d"
        assert told["topic"] == name.removeprefix("updater-") or name == "updater-queue" == told["topic"]
    assert "dead-letter-topic" not in subscriptions["updater-dead-letters"]


def test_nobody_has_more_rights_than_needed(cloud: Cloud) -> None:
    sources = ("updater-gcr", "updater-cloud-builds", "updater-queue")
    takes = {f"pubsub.subscriber on subscriptions {name}" for name in sources}
    topics = ("updater-dead-letters", "updater-queue", "updater-outcomes")
    assert rights(cloud.set_up("--workload-identity", "updater/updater")) == {
        "updater-build": {"artifactregistry.writer on repositories models"},
        "updater-clusters": {"artifactregistry.reader on repositories models"},
        "updater": {
            "artifactregistry.reader on repositories models",
            *takes,
            *(f"pubsub.publisher on topics {name}" for name in topics),
        },
        "service-123456789012": {"pubsub.publisher on topics updater-dead-letters", *takes},
        "acme-models.svc.id.goog[updater/updater]": {"iam.workloadIdentityUser on service-accounts updater"},
    }


def test_who_is_pushed_to_needs_no_right_to_pull_and_can_check_who_pushes(cloud: Cloud) -> None:
    calls = cloud.set_up("--push", PUSH)
    for name in ("updater-gcr", "updater-cloud-builds"):
        told = made(calls, "subscriptions")[name]
        assert (told["push-endpoint"], told["push-auth-token-audience"]) == (PUSH, PUSH)
        assert told["push-auth-service-account"] == "updater-push@acme-models.iam.gserviceaccount.com"
        assert f"pubsub.subscriber on subscriptions {name}" not in rights(calls)["updater"]
    assert "iam.serviceAccountTokenCreator on service-accounts updater-push" in rights(calls)["service-123456789012"]
    assert "updater-push" not in rights(calls)
    assert "push-endpoint" not in made(calls, "subscriptions")["updater-queue"]


@pytest.mark.parametrize("more", [(), ("--push", PUSH), ("--workload-identity", "updater/updater")])
def test_a_dry_run_prints_what_a_first_run_does_and_asks_nothing(cloud: Cloud, more: tuple[str, ...]) -> None:
    done = cloud.run(*USUAL, *more, "--dry-run")
    assert (done.returncode, cloud.calls()) == (0, [])
    printed = [shlex.split(line)[1:] for line in done.stdout.replace("PROJECT_NUMBER", "123456789012").splitlines()]
    assert printed == [[word for word in call if word != "--quiet"] for call in cloud.set_up(*more)]


def test_a_service_account_that_is_not_known_everywhere_yet_is_waited_for(cloud: Cloud) -> None:
    (cloud.folder / "refused").write_text("xxx")
    assert rights(cloud.set_up())["updater-build"] == {"artifactregistry.writer on repositories models"}


def test_rights_that_cannot_be_given_end_the_run(cloud: Cloud) -> None:
    (cloud.folder / "forbidden").write_text("repositories add-iam-policy-binding")
    done = cloud.run(*USUAL)
    assert done.returncode != 0
    assert "PERMISSION_DENIED" in done.stderr
    assert not [call for call in cloud.calls() if call[:2] == ["pubsub", "topics"] and "--role=" in " ".join(call)]


def test_what_cannot_be_made_ends_the_run_with_gclouds_own_words(cloud: Cloud) -> None:
    (cloud.folder / "forbidden").write_text("pubsub topics")
    done = cloud.run(*USUAL)
    assert done.returncode != 0
    assert "PERMISSION_DENIED" in done.stderr
    assert not [call for call in cloud.calls() if call[0] == "iam"]


def test_the_updater_is_told_settings_that_it_knows(cloud: Cloud) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "updater").rglob("*.py"))
    for more in ((), ("--push", PUSH)):
        told = re.findall(r"^(UPDATER_\w+)=\S", cloud.run(*USUAL, *more).stderr, re.MULTILINE)
        assert [name for name in told if name not in sources] == []
        assert ("UPDATER_PUBSUB_SUBSCRIPTION" in told) is not bool(more)
        assert ("UPDATER_PUBSUB_AUDIENCE" in told) is bool(more)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--project", "acme-models"),
        ("--project",),
        ("--project", "Acme; rm", "--repository", "us/models"),
        ("--project", "acme-models", "--repository", "models"),
        (*USUAL, "--push", "http://updater.example.org/hooks/pubsub"),
        (*USUAL, "--push", "https://updater.example.org/hooks/generic"),
        (*USUAL, "--workload-identity", "updater"),
        (*USUAL, "--force"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(cloud: Cloud, arguments: tuple[str, ...]) -> None:
    done = cloud.run(*arguments)
    assert (done.returncode, cloud.calls()) == (2, [])
    assert done.stderr.startswith("error: ")
    assert "usage: " in done.stderr
