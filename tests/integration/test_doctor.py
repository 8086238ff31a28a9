"""`updater doctor` on real repositories, a real git, and a stand-in for GitHub."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.helpers import gitops, pubsub_stage
from tests.helpers.events import NOON, pushed
from tests.helpers.git_server import PUSH, GitServer
from tests.helpers.github.server import GitHub, serving
from tests.helpers.gitops import Person
from tests.helpers.pubsub_emulator import emulator
from updater import doctor, settings
from updater.adapters import git
from updater.adapters.inbox import Inbox
from updater.adapters.pubsub_setup import Cloud
from updater.adapters.storage import inbox_file
from updater.doctor import clock, github, machine, pubsub, service
from updater.doctor.checks import Check, exit_code
from updater.forge import Connection
from updater.model import Identity
from updater.sources.settings import Pull, Settings

OVERLAY = "images:\n  - name: docker.io/acme/model-a\n    newTag: 1.0.0\n"
TEST = "overlays: overlays/test/{service}\nfollow:\n  - {image: docker.io/acme/*, confirm: false}\nverify: parse\n"
STAGING = "overlays: overlays/test/{service}\npromote:\n  from: test\ndeliver: pull-request\nverify: parse\n"
FILES = {"environments/test.yaml": TEST, "overlays/test/model-a/kustomization.yaml": OVERLAY}
OPEN = {"UPDATER_HOOK_SECRET_HARBOR": "0123456789abcdef"}
Examine = Callable[..., list[Check]]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return gitops.remote(tmp_path / "gitops.git", FILES)


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """What a doctor finds with a repository and more variables."""

    def examined(repository: object, **more: str) -> list[Check]:
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        environ = {**os.environ, "UPDATER_REPO": str(repository), "UPDATER_STATE_DIR": str(tmp_path / "state"), **OPEN}
        return list(doctor.examine(settings.read(environ), environ))

    return examined


def named(found: list[Check], name: str) -> list[Check]:
    return [check for check in found if check.name == name]


def wrong(found: list[Check]) -> list[tuple[str, str]]:
    return [(check.name, check.state) for check in found if check.state != "ok"]


def test_nothing_is_wrong_with_a_set_up_that_works_and_nothing_is_left_behind(bare: Path, examine: Examine) -> None:
    found = examine(bare)
    assert [check for check in found if check.state != "ok"] == []
    assert {check.name for check in found} == {
        "updater", "git", "state folder", "hooks", "inbox", "repository", "branch", "configuration", "kustomize",
        "push", "forge", "registry",
    }  # fmt: skip
    assert gitops.git(bare, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_a_repository_that_is_not_there_is_the_last_thing_looked_at(tmp_path: Path, examine: Examine) -> None:
    found = examine(tmp_path / "none.git")
    assert (found[-1].name, found[-1].state, exit_code(found)) == ("repository", "fault", 5)


def test_a_remote_that_is_down_is_told_when_it_was_known_before(bare: Path, examine: Examine) -> None:
    with GitServer(bare.parent) as server:
        examine(server.url())
        server.stop()
        found = examine(server.url())
    assert named(found, "repository")[0].state == "fault"
    assert exit_code(found) == 5


def test_the_time_of_a_remote_is_compared_with_ours(bare: Path) -> None:
    with GitServer(bare.parent, ("alice", "secret")) as server:
        assert [check.state for check in clock.checks(server.url(), lambda: datetime.now(UTC))] == ["ok"]
        (late,) = clock.checks(server.url(), lambda: datetime.now(UTC) - timedelta(minutes=5))
    assert late.state == "warning"
    assert "behind the remote's" in late.told
    assert list(clock.checks(server.url(), lambda: NOON)) == []


REFUSING = 'case "$1" in {}) echo "error: not allowed here" >&2; exit 1 ;; esac'


@pytest.mark.parametrize("refs", ["refs/updater/*", "refs/heads/updater/*"])
def test_a_right_that_is_missing_is_told_with_how_to_give_it(bare: Path, examine: Examine, refs: str) -> None:
    gitops.hook(bare, "update", REFUSING.format(refs))
    found = examine(bare)
    ((told,), code) = [check for check in named(found, "push") if check.state == "fault"], exit_code(found)
    assert code == 5
    assert "not allowed here" in told.told
    assert told.hint
    assert gitops.git(bare, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_refs_that_cannot_be_taken_away_again_are_named(bare: Path, examine: Examine) -> None:
    gitops.hook(bare, "update", 'case "$3" in 0000*) echo "error: nothing is deleted here" >&2; exit 1 ;; esac')
    found = examine(bare)
    assert wrong(found) == [("push", "warning"), ("push", "warning")]
    left = set(gitops.git(bare, "for-each-ref", "--format=%(refname)").split()) - {"refs/heads/main"}
    hints = " ".join(str(check.hint) for check in named(found, "push"))
    assert len(left) == 2
    assert all(ref.removeprefix("refs/heads/") in hints for ref in left)


def test_a_branch_in_the_way_of_our_branches_is_found(bare: Path, examine: Examine) -> None:
    Person(bare, bare.parent / "person").commit({"a": "a"}, branch="updater")
    (told,) = [check for check in named(examine(bare), "push") if check.state == "fault"]
    assert "has a branch updater" in told.told


def test_who_may_only_read_is_told_so(bare: Path, examine: Examine) -> None:
    gitops.git(bare, "config", "http.receivepack", "false")
    with GitServer(bare.parent) as server:
        found = examine(server.url())
        assert server.count(PUSH) > 0
    assert [(check.state, check.exit_code) for check in named(found, "push")] == [("fault", 5)]


def test_an_environment_on_a_branch_that_is_missing_is_told(bare: Path, examine: Examine) -> None:
    Person(bare, bare.parent / "person").commit({"environments/test.yaml": f"{TEST}branch: live\n"})
    found = examine(bare)
    (told,) = named(found, "branch")
    assert (told.state, exit_code(found)) == ("fault", 5)
    assert told.told.startswith("environments/test.yaml:5: the branch 'live' of test")


def test_the_first_error_of_the_configuration_is_told_with_its_place(bare: Path, examine: Examine) -> None:
    Person(bare, bare.parent / "person").commit({"environments/test.yaml": TEST.replace("verify", "verfy")})
    found = examine(bare)
    (told,) = named(found, "configuration")
    assert (told.state, exit_code(found)) == ("fault", 3)
    assert told.told.startswith("environments/test.yaml:4: 1 errors, 0 warnings, first: ")


def test_a_warning_of_the_configuration_is_no_fault(bare: Path, examine: Examine) -> None:
    more = f"{TEST.replace('verify: parse', '')}  - image: docker.io/other/*\nverify: parse\n"
    Person(bare, bare.parent / "person").commit({"environments/test.yaml": more})
    assert wrong(examine(bare)) == [("configuration", "warning")]


def test_overlays_on_a_branch_of_their_own_are_looked_at_there(bare: Path, examine: Examine) -> None:
    person = Person(bare, bare.parent / "person")
    person.commit({"overlays/test/model-a/kustomization.yaml": "images: [\n"}, branch="live")
    assert wrong(examine(bare)) == []
    person.commit({"environments/test.yaml": f"{TEST}branch: live\n"})
    (told,) = named(examine(bare), "configuration")
    assert told.told.startswith("overlays/test/model-a/kustomization.yaml:")


@pytest.mark.parametrize(("verify", "state"), [("parse", "warning"), ("render", "fault")])
def test_kustomize_is_needed_where_overlays_are_rendered(bare: Path, examine: Examine, verify: str, state: str) -> None:
    Person(bare, bare.parent / "person").commit({"environments/test.yaml": TEST.replace("parse", verify)})
    found = examine(bare, UPDATER_KUSTOMIZE="/nowhere/kustomize")
    assert wrong(found) == [("kustomize", state)]


@pytest.mark.parametrize(
    ("told", "state"), [("git version 2.38.1", "warning"), ("git version 2.50.0 (Apple)", "ok"), ("what?", "fault")]
)
def test_an_old_git_is_told(tmp_path: Path, told: str, state: str) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\necho '{told}'\n")
    program.chmod(0o755)
    assert machine.git({"PATH": str(tmp_path)}).state == state


def test_a_machine_without_git_is_told(tmp_path: Path) -> None:
    check = machine.git({"PATH": str(tmp_path)})
    assert (check.state, check.exit_code) == ("fault", 5)


def test_a_state_folder_that_cannot_be_written_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = machine.state(tmp_path / "file" / "state")
    assert (check.state, check.exit_code) == ("fault", 2)
    assert "UPDATER_STATE_DIR" in str(check.hint)


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.state(tmp_path / "state").state == "ok"
    assert list((tmp_path / "state").iterdir()) == []
    monkeypatch.setattr(machine, "LITTLE", 1 << 60)
    assert machine.state(tmp_path / "state").state == "warning"


def test_a_wrong_setting_of_the_service_is_told(bare: Path, examine: Examine) -> None:
    found = examine(bare, UPDATER_PUBSUB_SUBSCRIPTION="nonsense")
    assert [(check.state, check.exit_code) for check in named(found, "service")] == [("fault", 2)]


def test_a_pubsub_that_does_not_answer_is_told(bare: Path, examine: Examine) -> None:
    there = {"UPDATER_PUBSUB_SUBSCRIPTION": "projects/p/subscriptions/s", "PUBSUB_EMULATOR_HOST": "127.0.0.1:9"}
    (told,) = named(examine(bare, **there), "pubsub")
    assert (told.state, told.exit_code) == ("fault", 1)
    assert told.told.startswith("Pub/Sub does not tell about projects/p/subscriptions/s: ")


def test_without_what_the_service_needs_the_rest_is_looked_at(
    bare: Path, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(doctor, "service", raising=False)
    monkeypatch.setitem(sys.modules, "updater.doctor.service", None)
    found = examine(bare)
    assert wrong(found) == [("service", "warning")]
    assert named(found, "push")


def test_what_waits_in_the_inbox_is_told(bare: Path, tmp_path: Path) -> None:
    file = inbox_file(git.remote(str(bare)), tmp_path)
    now = NOON + timedelta(minutes=5)
    assert service.inbox(file, lambda: now).state == "ok"
    assert not file.exists()
    with closing(Inbox(file, lambda: now)) as inbox:
        inbox.put([pushed("1.1.0")])
    check = service.inbox(file, lambda: now)
    assert (check.state, check.told) == ("ok", "1 waiting, 0 dead")
    assert service.inbox(file, lambda: now + timedelta(hours=2)).state == "warning"
    file.write_bytes(b"no database" * 1000)
    for rest in (f"{file}-wal", f"{file}-shm"):
        Path(rest).unlink(missing_ok=True)
    assert service.inbox(file, lambda: now).state == "fault"


def test_dead_letters_are_told(bare: Path, tmp_path: Path) -> None:
    file = inbox_file(git.remote(str(bare)), tmp_path)
    with closing(Inbox(file, lambda: NOON)) as inbox:
        inbox.put([pushed("1.1.0")])
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE item SET state = 'dead'")
    check = service.inbox(file, lambda: NOON)
    assert (check.state, check.told) == ("warning", "0 waiting, 1 dead")


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[GitHub]:
    with serving(tmp_path / "github", FILES, lambda: NOON) as github:
        yield github


def on_github(stand_in: GitHub, **login: str) -> list[Check]:
    """What GitHub tells of these credentials."""
    environ = {"UPDATER_GITHUB_API": stand_in.url, **login}
    person = Identity("robot", "robot@example.org")
    connection = Connection(stand_in.git_url, person, environ, lambda: NOON, lambda _: None)
    return list(github.checks(connection, ["main", "gone"]))


def test_a_token_with_all_rights_is_good_on_github(stand_in: GitHub) -> None:
    found = on_github(stand_in, UPDATER_GITHUB_TOKEN=stand_in.token().value)
    assert wrong(found) == []
    assert [check.told for check in found] == [
        f"the token is for {stand_in.repository.name}",
        "4999 of 5000 requests are left in this hour (core)",
        "main is not protected from our commits",
    ]


def test_a_protected_branch_that_is_committed_to_is_told(stand_in: GitHub) -> None:
    stand_in.protect("main")
    found = on_github(stand_in, UPDATER_GITHUB_TOKEN=stand_in.token().value)
    assert [check.told for check in found if check.state == "warning"] == [
        "main is protected, and environments are committed to it"
    ]


def test_a_reader_may_not_write_on_github(stand_in: GitHub) -> None:
    token = stand_in.token("carol", "fine-grained", {"contents": "read", "metadata": "read"})
    found = on_github(stand_in, UPDATER_GITHUB_TOKEN=token.value)
    assert [(check.state, check.exit_code) for check in found][0] == ("fault", 6)


def test_a_token_that_is_unknown_is_a_fault_of_the_forge(stand_in: GitHub) -> None:
    found = on_github(stand_in, UPDATER_GITHUB_TOKEN="ghp_unknown")
    assert [(check.name, check.state, check.exit_code) for check in found] == [("github", "fault", 6)]


def test_an_app_is_asked_for_its_rights(stand_in: GitHub) -> None:
    app = stand_in.app(rights={"contents": "write", "pull_requests": "read", "statuses": "write", "metadata": "read"})
    found = on_github(stand_in, UPDATER_GITHUB_APP_ID=str(app.id), UPDATER_GITHUB_APP_KEY=app.key)
    assert [check.told for check in found if check.state == "fault"] == [
        "the App lacks the right to write pull requests"
    ]
    assert len(found) == 3


def test_the_forge_is_asked_where_the_set_up_has_one(stand_in: GitHub, examine: Examine) -> None:
    login = {"UPDATER_GITHUB_API": stand_in.url, "UPDATER_GITHUB_TOKEN": stand_in.token().value}
    found = examine(stand_in.git_url, **login)
    assert wrong(found) == []
    names = [check.name for check in found]
    assert names[names.index("forge") :] == ["forge", "github", "github", "github", "registry"]


def test_a_forge_that_lets_nobody_in_is_told(stand_in: GitHub, examine: Examine) -> None:
    stand_in.person("alice").push("main", {"environments/staging.yaml": STAGING})
    login = {"UPDATER_GITHUB_API": stand_in.url, "UPDATER_GITHUB_TOKEN": stand_in.token(sees=False).value}
    found = examine(
        stand_in.git_url, UPDATER_GIT_USERNAME="robot", UPDATER_GIT_PASSWORD=stand_in.token().value, **login
    )
    assert [(check.state, check.exit_code) for check in named(found, "forge")] == [("fault", 6)]


@pytest.mark.parametrize(("deliver", "state"), [("commit", "ok"), ("pull-request", "fault")])
def test_a_forge_is_needed_for_pull_requests(bare: Path, examine: Examine, deliver: str, state: str) -> None:
    Person(bare, bare.parent / "person").commit({"environments/test.yaml": f"{TEST}deliver: {deliver}\n"})
    with GitServer(bare.parent) as server:
        found = examine(server.url())
    assert [check.state for check in named(found, "forge")] == [state]


@pytest.mark.slow
def test_subscriptions_are_looked_at_where_they_are() -> None:
    with pubsub_stage.stage(emulator()) as stage, closing(Cloud()) as cloud:
        topic = stage.topic("gcr")
        name = stage.subscription(topic, "good", ack_deadline_seconds=60, enable_message_ordering=True)
        there = Settings((Pull("pubsub", name),), dead_letters=topic)
        told = list(pubsub.checks(there, None, cloud))
        missing = list(pubsub.checks(Settings((Pull("pubsub", f"{name}-not"),)), None, cloud))
    assert [check.told for check in told] == [
        f"{name} can be pulled from; ordered, which works, more slowly",
        f"{name} has no dead-letter topic",
        f"{topic} is not known to refuse us",
    ]
    assert [(check.state, check.told) for check in missing] == [("fault", f"{name}-not does not exist")]
