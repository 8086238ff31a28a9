"""What no event told of, and what the registry says of what an event told: on a real registry that notifies nobody."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.helpers import cosign, faults, gitops
from tests.helpers.authority import Authority
from tests.helpers.cli import CommandLine, Ran, finish, start
from tests.helpers.components import require
from tests.helpers.cosign import Signer
from tests.helpers.faulty_registry import Answer, Request, faulty_registry
from tests.helpers.gitops import Person
from tests.helpers.image_layouts import CONFIG as OF_IMAGES
from tests.helpers.image_layouts import MANIFEST, sha256
from tests.helpers.patience import eventually
from tests.helpers.registry import Registry, running_registry
from tests.helpers.registry_tokens import token_server
from tests.helpers.service import PATIENCE, Service, serving, started

pytestmark = pytest.mark.slow

SERVICES = ("model-a", "model-b", "model-c")
SETTINGS = "environments/test.yaml"
LOOKS = "refs/updater/looks/registries"
FIRST = "sha256:" + "0" * 64
"""The digest of 1.0.0, which no registry here has any more."""


@pytest.fixture(autouse=True)
def _real_parts() -> None:
    require("docker-registry")
    require("skopeo")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry", notifies=False) as running:
        yield running


def path(service: str = "model-a") -> str:
    return f"overlays/test/{service}/kustomization.yaml"


def settings(host: str, *rule: str) -> str:
    """An environment that follows all images of a registry."""
    lines = "".join(f"    {line}\n" for line in rule or ("order: semver",))
    return f"overlays: overlays/test/{{service}}\nverify: parse\nfollow:\n  - image: '{host}/acme/*'\n{lines}"


def overlay(host: str, service: str = "model-a", digest: str = FIRST) -> str:
    return f"images:\n- name: {host}/acme/{service}\n  newTag: 1.0.0  # keep me\n  digest: {digest}\n"


@dataclass
class Team:
    """A GitOps repository whose services run what a registry has, somebody who works on it, and our commands."""

    host: str
    updater: CommandLine
    alice: Person

    @property
    def bare(self) -> Path:
        return self.alice.bare

    def stands(self, service: str = "model-a") -> str:
        """Tag and digest in an overlay."""
        lines = gitops.show(self.bare, path(service)).splitlines()[1:]
        entry = dict(line.partition("  #")[0][2:].split(": ", 1) for line in lines)
        return "@".join(entry[key] for key in ("newTag", "digest") if key in entry)

    def comes_to_run(self, version: str, service: str = "model-a") -> bool:
        return eventually(lambda: self.stands(service) == version, PATIENCE)

    def look(self) -> Ran:
        """One pass that asks the registries."""
        return self.updater("reconcile", "--registry", "--repo", self.bare, "--output", "json")

    def looks(self) -> list[tuple[str | None, str | None, str | None, str]]:
        """The outcomes of one pass that asks the registries, and has nothing to complain about."""
        ran = self.look()
        assert ran.code == 0, ran.err
        return ran.outcomes

    def hear(self, tag: str, digest: str | None = None, service: str = "model-a") -> Ran:
        """A push as a script tells of it."""
        told = {"image": f"{self.host}/acme/{service}:{tag}", **({"digest": digest} if digest else {})}
        event = self.alice.folder.with_name("event.json")
        event.write_text(json.dumps(told))
        return self.updater("handle", "--repo", self.bare, "--source", "generic", "--output", "json", event)

    def on(self, disk: Path) -> Team:
        """The same team, whose commands have another disk, which may be empty."""
        return Team(self.host, CommandLine(disk, self.updater.capture, self.updater.patch), self.alice)

    def commits(self) -> int:
        return int(gitops.git(self.bare, "rev-list", "--count", "main"))


def made(folder: Path, updater: CommandLine, host: str, rule: Sequence[str] = (), services: Sequence[str] = ()) -> Team:
    """A team with one service, or these, at 1.0.0."""
    files = {path(service): overlay(host, service) for service in services or ("model-a",)}
    bare = gitops.remote(folder / "gitops.git", {SETTINGS: settings(host, *rule), **files})
    return Team(host, updater, Person(bare, folder / "alice"))


@pytest.fixture
def team(tmp_path: Path, updater: CommandLine, registry: Registry) -> Team:
    """Three services that follow a registry by the version in their tags."""
    return made(tmp_path, updater, registry.host, services=SERVICES)


@contextmanager
def watching(team: Team, folder: Path, **more: object) -> Iterator[Service]:
    """A service that looks at the registries every second."""
    with serving(team.bare, folder / "service", faults.undisturbed(), REGISTRY_INTERVAL="1s", **more) as service:
        yield service


# --- pushes that nobody told of


def test_three_pushes_that_nobody_told_of_arrive_by_one_look(registry: Registry, team: Team) -> None:
    digests = {service: registry.push(f"acme/{service}", "1.1.0", service.encode()) for service in SERVICES}
    assert sorted(team.looks()) == [("test", service, "1.1.0", "committed") for service in SERVICES]
    assert {service: team.stands(service) for service in SERVICES} == {
        service: f"1.1.0@{digest}" for service, digest in digests.items()
    }
    assert all("# keep me" in gitops.show(team.bare, path(service)) for service in SERVICES)
    assert team.commits() == 1 + len(SERVICES)


def test_a_second_look_at_the_same_changes_nothing(registry: Registry, team: Team) -> None:
    registry.push("acme/model-a", "1.1.0")
    team.looks()
    assert [outcome for *_, outcome in team.looks() if outcome != "unchanged"] == []
    assert team.commits() == 2


def test_of_three_tags_of_an_image_the_best_one_lands(registry: Registry, team: Team) -> None:
    digests = {tag: registry.push("acme/model-a", tag, tag.encode()) for tag in ("1.1.0", "1.10.0", "1.9.0")}
    outcomes = team.looks()
    assert ("test", "model-a", "1.10.0", "committed") in outcomes
    assert [outcome for *_, outcome in outcomes].count("committed") == 1
    assert team.stands() == f"1.10.0@{digests['1.10.0']}"
    assert team.commits() == 2


def test_pushes_one_after_the_other_arrive_at_a_service_that_is_told_nothing(
    registry: Registry, team: Team, tmp_path: Path
) -> None:
    with watching(team, tmp_path) as service:
        for tag in ("1.1.0", "1.2.0"):
            digests = {name: registry.push(f"acme/{name}", tag, f"{name} {tag}".encode()) for name in SERVICES}
            for name, digest in digests.items():
                assert team.comes_to_run(f"{tag}@{digest}", name), service.text()
        assert service.events() == []
        assert service.stop() == 0, service.text()
    assert team.commits() == 1 + 2 * len(SERVICES)


def test_what_was_pushed_while_the_service_was_down_lands_when_it_starts(
    registry: Registry, team: Team, tmp_path: Path
) -> None:
    digests = {service: registry.push(f"acme/{service}", "1.1.0", service.encode()) for service in SERVICES}
    with serving(team.bare, tmp_path / "service", faults.undisturbed()) as service:
        for name, digest in digests.items():
            assert team.comes_to_run(f"1.1.0@{digest}", name), service.text()


def test_an_entry_without_a_digest_gets_tag_and_digest_in_one_commit(registry: Registry, team: Team) -> None:
    team.alice.commit({path(): f"images:\n- name: {team.host}/acme/model-a\n  newTag: 1.0.0\n"})
    digest = registry.push("acme/model-a", "1.1.0")
    assert team.looks() == [("test", "model-a", "1.1.0", "committed")]
    assert team.stands() == f"1.1.0@{digest}"
    assert team.looks() == []


# --- holds


@pytest.mark.parametrize("forgets", [False, True], ids=["same disk", "empty disk"])
def test_a_version_that_was_reverted_stays_out_and_a_newer_one_lands(
    registry: Registry, team: Team, tmp_path: Path, forgets: bool
) -> None:
    registry.push("acme/model-a", "1.1.0", b"bad")
    team.looks()
    team.alice.revert(gitops.tip(team.bare))
    after = team.on(tmp_path / "new") if forgets else team
    assert ("test", "model-a", "1.1.0", "held") in after.looks()
    assert team.stands() == f"1.0.0@{FIRST}"
    digest = registry.push("acme/model-a", "1.2.0", b"good")
    assert ("test", "model-a", "1.2.0", "committed") in after.looks()
    assert team.stands() == f"1.2.0@{digest}"


# --- changes of the repository


def test_a_new_overlay_gets_what_was_pushed_before_it_was_there(registry: Registry, team: Team) -> None:
    digest = registry.push("acme/model-d", "1.1.0")
    team.looks()
    team.alice.commit({path("model-d"): overlay(team.host, "model-d")})
    assert ("test", "model-d", "1.1.0", "committed") in team.looks()
    assert team.stands("model-d") == f"1.1.0@{digest}"


def test_a_rule_that_is_widened_lets_in_what_was_pushed_before(registry: Registry, team: Team) -> None:
    team.alice.commit({SETTINGS: settings(team.host, "order: semver", 'range: "<2"')})
    digest = registry.push("acme/model-a", "2.0.0")
    team.looks()
    assert team.stands() == f"1.0.0@{FIRST}"
    team.alice.commit({SETTINGS: settings(team.host, "order: semver")})
    assert ("test", "model-a", "2.0.0", "committed") in team.looks()
    assert team.stands() == f"2.0.0@{digest}"


# --- the order of pushes


@pytest.fixture
def by_push(tmp_path: Path, updater: CommandLine, registry: Registry) -> Team:
    """A service that runs whatever was pushed last, and whose registry had more than that at the first look."""
    digest = registry.push("acme/model-a", "1.0.0", b"first")
    registry.push("acme/model-a", "main-9", b"future", created="2031-01-01T00:00:00Z")
    team = made(tmp_path, updater, registry.host, rule=("order: pushed",))
    team.alice.commit({path(): overlay(registry.host, digest=digest)})
    assert team.looks() == []
    assert team.stands() == f"1.0.0@{digest}"
    return team


@pytest.mark.parametrize("created", ["", "2001-01-01T00:00:00Z"])
def test_what_is_found_after_the_first_look_is_newer_whatever_images_say_of_their_age(
    registry: Registry, by_push: Team, created: str
) -> None:
    digest = registry.push("acme/model-a", "main-3", b"later", created=created)
    assert ("test", "model-a", "main-3", "committed") in by_push.looks()
    assert by_push.stands() == f"main-3@{digest}"
    registry.push("acme/model-a", "main-9", b"future", created="2031-01-01T00:00:00Z")
    assert by_push.looks() == []


def test_a_tag_that_is_pushed_again_is_newer_by_the_look_that_finds_it(registry: Registry, by_push: Team) -> None:
    digest = registry.push("acme/model-a", "1.0.0", b"second")
    assert ("test", "model-a", "1.0.0", "committed") in by_push.looks()
    assert by_push.stands() == f"1.0.0@{digest}"


def test_of_two_that_one_look_finds_the_last_lands_and_stays(
    tmp_path: Path, updater: CommandLine, registry: Registry
) -> None:
    registry.push("acme/model-a", "1.0.0", b"first")
    team = made(tmp_path, updater, registry.host, rule=("order: pushed", "pin: tag"))
    team.alice.commit({path(): f"images:\n- name: {team.host}/acme/model-a\n  newTag: 1.0.0\n"})
    assert team.looks() == []
    for tag in ("main-10", "main-9"):
        registry.push("acme/model-a", tag, tag.encode())
    assert ("test", "model-a", "main-10", "committed") in team.looks()
    assert team.looks() == [("test", "model-a", "main-9", "rejected")]
    assert team.stands() == "main-10"


# --- what looks found is kept on the remote


def kept(team: Team, service: str = "model-a") -> str:
    """The file about the image of a service."""
    return gitops.show(team.bare, quote(f"{team.host}/acme/{service}", safe=""), LOOKS)


def test_jobs_on_empty_disks_find_what_was_pushed_between_them(
    registry: Registry, by_push: Team, tmp_path: Path
) -> None:
    for tag in ("main-1", "main-2"):
        digest = registry.push("acme/model-a", tag, tag.encode())
        assert by_push.on(tmp_path / tag).looks() == [("test", "model-a", tag, "committed")]
        assert by_push.stands() == f"{tag}@{digest}"
    by_push.alice.revert(gitops.tip(by_push.bare))
    assert by_push.on(tmp_path / "after").looks() == [("test", "model-a", "main-2", "held")]
    assert by_push.stands().startswith("main-1@")


@pytest.mark.parametrize("is_looked_between", [True, False])
def test_what_was_lost_after_an_event_is_known_to_be_newer_by_a_look_between_them(
    registry: Registry, by_push: Team, tmp_path: Path, is_looked_between: bool
) -> None:
    told = registry.push("acme/model-a", "main-2", b"told")
    assert by_push.hear("main-2", told).outcomes == [("test", "model-a", "main-2", "committed")]
    if is_looked_between:
        assert by_push.on(tmp_path / "between").looks() == []
    lost = registry.push("acme/model-a", "main-3", b"lost")
    ran = by_push.on(tmp_path / "after").look()
    assert ran.outcomes == [("test", "model-a", "main-3", "committed" if is_looked_between else "rejected")], ran.err
    assert is_looked_between or "nobody knows" in reason(ran, "main-3")
    assert by_push.stands() == (f"main-3@{lost}" if is_looked_between else f"main-2@{told}")


@pytest.mark.parametrize("is_pushed_again", [True, False], ids=["its tag was pushed again", "it got its digest"])
def test_what_is_lost_after_a_look_that_landed_something_itself_is_known_to_be_newer_by_another_look(
    tmp_path: Path, updater: CommandLine, registry: Registry, is_pushed_again: bool
) -> None:
    first = registry.push("acme/model-a", "1.0.0", b"first")
    team = made(tmp_path, updater, registry.host, rule=("order: pushed",))
    pin = f"  digest: {first}\n" if is_pushed_again else ""
    team.alice.commit({path(): f"images:\n- name: {team.host}/acme/model-a\n  newTag: 1.0.0\n{pin}"})
    if is_pushed_again:
        assert team.looks() == []
        registry.push("acme/model-a", "1.0.0", b"second")
    assert team.looks() == [("test", "model-a", "1.0.0", "committed")]
    assert team.looks() == []
    digest = registry.push("acme/model-a", "main-3", b"lost")
    assert team.looks() == [("test", "model-a", "main-3", "committed")]
    assert team.stands() == f"main-3@{digest}"


def test_a_clock_that_was_ahead_at_a_look_lets_nothing_older_land(registry: Registry, by_push: Team) -> None:
    ahead = in_place(by_push, re.sub('"looked_at": "[0-9]{4}', '"looked_at": "2090', kept(by_push)))
    gitops.git(by_push.bare, "update-ref", LOOKS, ahead)
    registry.push("acme/model-a", "main-3", b"lost")
    newer = registry.push("acme/model-a", "main-4", b"told")
    assert by_push.hear("main-4", newer).outcomes == [("test", "model-a", "main-4", "committed")]
    ran = by_push.look()
    assert by_push.stands() == f"main-4@{newer}", ran.out


def in_place(team: Team, content: str) -> str:
    """A commit in which the file about the image has other content."""
    blob = gitops.git(team.bare, "hash-object", "-w", "--stdin", stdin=content.encode())
    name = gitops.git(team.bare, "ls-tree", "--name-only", LOOKS)
    tree = gitops.git(team.bare, "mktree", stdin=f"100644 blob {blob}\t{name}\n".encode())
    return gitops.git(team.bare, "commit-tree", tree, stdin=b"Junk")


JUNK: dict[str, Callable[[Team], str]] = {
    "a file in the ref": lambda team: gitops.git(team.bare, "rev-parse", f"main:{path()}"),
    "a broken line": lambda team: in_place(team, kept(team) + '{"tag": \n'),
    "a line that is not there": lambda team: in_place(team, "\n".join(kept(team).splitlines()[1:])),
    "times to come": lambda team: in_place(team, re.sub('"20[0-9]{2}-', '"2090-', kept(team))),
}


@pytest.mark.parametrize("junk", JUNK)
def test_over_junk_a_look_is_the_first_one_again_and_mends_it(
    registry: Registry, by_push: Team, tmp_path: Path, junk: str
) -> None:
    stood = by_push.stands()
    gitops.git(by_push.bare, "update-ref", LOOKS, JUNK[junk](by_push))
    assert by_push.on(tmp_path / "first").looks() == []
    assert by_push.stands() == stood
    assert '"tag": "main-9", "found": "20' in kept(by_push)
    assert '"2090-' not in kept(by_push)
    digest = registry.push("acme/model-a", "main-3", b"later")
    assert by_push.on(tmp_path / "next").looks() == [("test", "model-a", "main-3", "committed")]
    assert by_push.stands() == f"main-3@{digest}"


def test_a_remote_that_takes_no_such_ref_is_told_and_what_was_found_lands(registry: Registry, by_push: Team) -> None:
    digest = registry.push("acme/model-a", "main-3", b"later")
    before = kept(by_push)
    refusing = f"while read old new ref; do [ $ref != {LOOKS} ] || {{ echo branches only >&2; exit 1; }}; done"
    gitops.hook(by_push.bare, "pre-receive", refusing)
    ran = by_push.look()
    assert ran.code == 5
    assert ran.outcomes == [("test", "model-a", "main-3", "committed")]
    assert LOOKS in ran.err
    assert "branches only" in ran.err
    assert (by_push.stands(), kept(by_push)) == (f"main-3@{digest}", before)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_service_that_is_killed_between_the_landing_and_the_note_loses_and_repeats_nothing(
    registry: Registry, by_push: Team, tmp_path: Path, when: str
) -> None:
    landed = registry.push("acme/model-a", "main-3", b"found")
    commits = by_push.commits()
    dying = faults.killed(when, "keeping what looks found")
    with started(by_push.bare, tmp_path / "service", dying, HOOKS_OPEN="1") as service:
        assert service.wait() == -signal.SIGKILL, service.text()
    assert by_push.stands() == f"main-3@{landed}"
    assert ("main-3" in kept(by_push)) == (when == "after")
    assert by_push.on(tmp_path / "again").looks() == []
    assert by_push.commits() == commits + 1
    digest = registry.push("acme/model-a", "main-4", b"later")
    assert by_push.on(tmp_path / "next").looks() == [("test", "model-a", "main-4", "committed")]
    assert by_push.stands() == f"main-4@{digest}"


def test_a_look_that_finds_nothing_new_pushes_nothing(by_push: Team, tmp_path: Path) -> None:
    assert by_push.on(tmp_path / "settled").looks() == []
    gitops.hook(by_push.bare, "pre-receive", f"touch {tmp_path}/pushed")
    tip = gitops.git(by_push.bare, "rev-parse", LOOKS)
    assert by_push.on(tmp_path / "empty").looks() == []
    assert not (tmp_path / "pushed").exists()
    assert gitops.git(by_push.bare, "rev-parse", LOOKS) == tip


def test_two_who_look_for_the_first_time_at_once_both_end_well(registry: Registry, team: Team, tmp_path: Path) -> None:
    for service in SERVICES:
        registry.push(f"acme/{service}", "1.1.0", service.encode())
    both = [
        start(
            "reconcile", "--registry", "--repo", team.bare, environment={**os.environ, "UPDATER_STATE_DIR": str(disk)}
        )
        for disk in (tmp_path / "one", tmp_path / "two")
    ]
    ended = [finish(each) for each in both]
    assert [ran.code for ran in ended] == [0, 0], ended
    assert {team.stands(service).partition("@")[0] for service in SERVICES} == {"1.1.0"}
    assert team.commits() == 1 + len(SERVICES)
    assert len(gitops.git(team.bare, "ls-tree", "--name-only", LOOKS).splitlines()) == len(SERVICES)
    assert all('"found": ' in kept(team, service) for service in SERVICES)
    gitops.git(team.bare, "fsck", "--strict")
    assert team.looks() == []


# --- signatures


def test_what_is_signed_lands_what_is_not_is_refused_and_a_later_signature_lets_it_in(
    tmp_path: Path, updater: CommandLine, registry: Registry
) -> None:
    signer = Signer()
    team = made(tmp_path, updater, registry.host, rule=("order: semver", "signed-by: {key: cosign.pub}"))
    team.alice.commit({"cosign.pub": signer.pem})
    signed, unsigned = (registry.push("acme/model-a", tag, tag.encode()) for tag in ("1.1.0", "1.2.0"))
    cosign.sign(registry, "acme/model-a", signed, signer.seal(signed))
    ran = team.look()
    assert ("test", "model-a", "1.2.0", "refused") in ran.outcomes, ran.err
    assert "is not signed" in reason(ran, "1.2.0")
    assert team.stands() == f"1.1.0@{signed}"
    cosign.sign(registry, "acme/model-a", unsigned, Signer().seal(unsigned))
    assert "by no key of" in reason(team.look(), "1.2.0")
    cosign.sign(registry, "acme/model-a", unsigned, signer.seal(unsigned))
    assert ("test", "model-a", "1.2.0", "committed") in team.looks()
    assert team.stands() == f"1.2.0@{unsigned}"


def reason(ran: Ran, tag: str) -> str:
    """Why what became of a tag became of it."""
    return " ".join(each["reason"] for each in ran.json["decisions"] if each["to"]["tag"] == tag)


def test_a_service_takes_in_an_event_s_image_once_it_is_signed(
    tmp_path: Path, updater: CommandLine, registry: Registry
) -> None:
    signer = Signer()
    team = made(tmp_path, updater, registry.host, rule=("order: semver", "signed-by: {key: cosign.pub}"))
    team.alice.commit({"cosign.pub": signer.pem})
    with watching(team, tmp_path) as service:
        digest = registry.push("acme/model-a", "1.1.0")
        told = {"image": f"{team.host}/acme/model-a:1.1.0", "digest": digest}
        assert service.post("/hooks/generic", told).status == 202
        assert eventually(lambda: "is not signed" in service.text(), PATIENCE), service.text()
        assert team.stands() == f"1.0.0@{FIRST}"
        cosign.sign(registry, "acme/model-a", digest, signer.seal(digest))
        assert team.comes_to_run(f"1.1.0@{digest}"), service.text()


# --- credentials and certificates


def docker_config(folder: Path, host: str, user: str, password: str) -> Path:
    """A folder with a login as `docker login` writes it."""
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": login}}}))
    return folder


def test_a_registry_with_tokens_is_asked_with_docker_s_login_and_for_no_more_than_reading(
    tmp_path: Path, updater: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        token_server(tmp_path, {"alice": "secret"}) as tokens,
        running_registry(tmp_path / "registry", notifies=False, tokens=tokens) as registry,
    ):
        team = made(tmp_path, updater, registry.host)
        digest = registry.push("acme/model-a", "1.1.0")
        tokens.asked.clear()
        monkeypatch.setenv("DOCKER_CONFIG", str(docker_config(tmp_path / "docker", registry.host, "alice", "secret")))
        assert ("test", "model-a", "1.1.0", "committed") in team.looks()
        assert team.stands() == f"1.1.0@{digest}"
        assert {(asked.user, *asked.scopes) for asked in tokens.asked} == {("alice", "repository:acme/model-a:pull")}
        tokens.users["alice"] = "changed"
        registry.push("acme/model-a", "1.2.0", b"next")
        refused = team.look()
    assert refused.code == 4
    assert registry.host in refused.err
    assert "secret" not in refused.out + refused.err
    assert team.stands() == f"1.1.0@{digest}"


def test_a_registry_with_a_certificate_of_an_own_authority_is_trusted_where_the_settings_say_so(
    tmp_path: Path, updater: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path / "ca")
    with running_registry(tmp_path / "registry", notifies=False, authority=authority) as registry:
        team = made(tmp_path, updater, registry.host)
        digest = registry.push("acme/model-a", "1.1.0")
        assert team.look().code == 4
        file = tmp_path / "registries.yaml"
        file.write_text(f"{registry.host}:\n  url: {registry.url}\n  ca: {authority.ca}\n")
        monkeypatch.setenv("UPDATER_REGISTRIES", str(file))
        assert ("test", "model-a", "1.1.0", "committed") in team.looks()
    assert team.stands() == f"1.1.0@{digest}"


# --- what the registry says of an event


@pytest.fixture
def confirmed(tmp_path: Path, updater: CommandLine, registry: Registry) -> Team:
    """A service whose events are held against what the registry has."""
    return made(tmp_path, updater, registry.host, rule=("order: semver", "confirm: true"))


def test_a_tag_that_was_deleted_after_its_event_is_refused(registry: Registry, confirmed: Team) -> None:
    digest = registry.push("acme/model-a", "1.1.0")
    registry.delete("acme/model-a", digest)
    ran = confirmed.hear("1.1.0", digest)
    assert ran.outcomes == [("test", "model-a", "1.1.0", "refused")]
    assert "not in the registry any more" in reason(ran, "1.1.0")
    assert (confirmed.stands(), confirmed.commits()) == (f"1.0.0@{FIRST}", 1)


def test_a_tag_that_moved_on_after_its_event_waits_for_the_word_of_the_push_that_moved_it(
    registry: Registry, confirmed: Team
) -> None:
    old = registry.push("acme/model-a", "1.1.0", b"old")
    new = registry.push("acme/model-a", "1.1.0", b"new")
    assert confirmed.hear("1.1.0", old).outcomes == [("test", "model-a", "1.1.0", "superseded")]
    assert confirmed.commits() == 1
    assert confirmed.hear("1.1.0", new).outcomes == [("test", "model-a", "1.1.0", "committed")]
    assert confirmed.stands() == f"1.1.0@{new}"


def test_an_event_without_a_digest_lands_with_the_one_that_its_tag_names(registry: Registry, confirmed: Team) -> None:
    digest = registry.push("acme/model-a", "1.1.0")
    before = len(registry.requests)
    assert confirmed.hear("1.1.0").outcomes == [("test", "model-a", "1.1.0", "committed")]
    assert confirmed.stands() == f"1.1.0@{digest}"
    asked = registry.requests[before:]
    assert [each.method for each in asked if each.path.endswith("/manifests/1.1.0")] == ["HEAD"]


CONFIG = b'{"os": "linux", "architecture": "amd64"}'
IMAGE = json.dumps({
    "schemaVersion": 2,
    "mediaType": MANIFEST,
    "config": {"mediaType": OF_IMAGES, "digest": sha256(CONFIG), "size": len(CONFIG)},
    "layers": [],
}).encode()  # fmt: skip
DIGEST = sha256(IMAGE)


def down(_: Request) -> Answer:
    return Answer(503)


def up(request: Request) -> Answer:
    """One image, 1.1.0."""
    last = request.path.rpartition("/")[2]
    if last in ("1.1.0", DIGEST):
        return Answer(200, {"Docker-Content-Digest": DIGEST, "Content-Type": MANIFEST}, IMAGE)
    return Answer(200, {}, CONFIG) if last == sha256(CONFIG) else Answer(404)


def test_an_event_without_a_digest_waits_for_a_registry_that_is_down(tmp_path: Path, updater: CommandLine) -> None:
    with faulty_registry(down) as server:
        team = made(tmp_path, updater, server.host)
        with serving(team.bare, tmp_path / "service", faults.undisturbed(), REGISTRY_INTERVAL="off") as service:
            assert service.post("/hooks/generic", {"image": f"{server.host}/acme/model-a:1.1.0"}).status == 202
            assert eventually(lambda: server.count("HEAD") > 0, PATIENCE), service.text()
            assert [each["state"] for each in service.events()] == ["waiting"]
            server.answer = up
            assert team.comes_to_run(f"1.1.0@{DIGEST}"), service.text()
            assert [each["state"] for each in service.ended(1)] == ["done"]


def test_an_event_with_a_digest_goes_on_with_a_note_where_the_registry_is_down(
    tmp_path: Path, updater: CommandLine
) -> None:
    with faulty_registry(down) as server:
        team = made(tmp_path, updater, server.host, rule=("order: semver", "confirm: true"))
        ran = team.hear("1.1.0", DIGEST)
    assert ran.outcomes == [("test", "model-a", "1.1.0", "committed")]
    assert "not confirmed" in reason(ran, "1.1.0")
    assert team.stands() == f"1.1.0@{DIGEST}"
