"""Outcomes told from a real repository, by replicas that come and go, while people merge, revert, edit and push."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.events import IMAGE, delivery
from tests.helpers.fake_repository import environment_file, images
from tests.helpers.forge_stands import connection
from tests.helpers.gitops import Person, git
from tests.helpers.promoted import promoting, standing
from updater import bootstrap, pipeline, settings
from updater.bootstrap import Workshop
from updater.core.cloud_events import CloudEvent
from updater.core.outcomes import mark
from updater.forge import Method
from updater.forges import local
from updater.pipeline import Parts
from updater.telling.outcomes import Outcomes

FILES = {
    **environment_file("test", "verify: parse", order="numerical"),
    **promoting("verify: parse"),
    **standing("test", "1"),
    **standing("staging", "1"),
}
TEST = "overlays/test/model-a/kustomization.yaml"


class Team:
    """A repository, a person with a clone of it, and replicas of the updater, each with a disk of its own."""

    def __init__(self, folder: Path, files: gitops.Files) -> None:
        self.folder = folder
        self.bare = gitops.remote(folder / "gitops.git", files)
        self.alice = Person(self.bare, folder / "alice")
        self.events: list[CloudEvent] = []

    @contextmanager
    def workshop(self, replica: str = "first") -> Iterator[Workshop]:
        """A replica for as long as it lives."""
        state = {"UPDATER_REPO": str(self.bare), "UPDATER_STATE_DIR": str(self.folder / replica)}
        with bootstrap.opened(settings.read(state)) as workshop:
            yield workshop

    @contextmanager
    def parts(self, replica: str = "first") -> Iterator[Parts]:
        """What it works with."""
        with self.workshop(replica) as workshop:
            yield workshop.parts

    def catch_up(self, replica: str = "first") -> list[tuple[str, str, str]]:
        """A replica starts, tells and ends: kind, subject and tag of each event."""
        told: list[CloudEvent] = []
        with self.parts(replica) as parts:
            Outcomes(told.append).catch_up(parts.sight)
        self.events += told
        return [(each.type.rpartition(".")[2], each.subject or "", each.data["to"]["tag"]) for each in told]

    def stand(self, tag: str, service: str = "model-a", environment: str = "test") -> str:
        """Alice writes a version."""
        return self.alice.commit(standing(environment, tag, service), f"Put {service} {tag} into {environment}")

    def merge(self, number: int, method: Method) -> None:
        """Alice merges on the forge."""
        forge = local.connect(connection(str(self.bare), "alice"))
        (pull,) = [each for each in forge.opened() if each.number == number]
        forge.merge(number, pull.commit, method)

    @property
    def marked(self) -> str:
        return git(self.bare, "rev-parse", mark("main"))


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path, FILES)


def test_a_new_machine_goes_on_where_the_old_one_stopped(team: Team) -> None:
    assert team.catch_up() == []
    assert team.marked == gitops.tip(team.bare)
    with team.parts() as parts:
        pipeline.handle(parts, [delivery("2")])
    assert team.catch_up("another disk") == [("deployed", "test/model-a", "2")]
    assert team.catch_up() == []
    team.alice.revert(gitops.tip(team.bare))
    assert team.catch_up() == [("reverted", "test/model-a", "1")]
    assert team.marked == gitops.tip(team.bare)


def test_a_process_that_lives_on_knows_its_mark_after_others_have_pushed(team: Team) -> None:
    told: list[CloudEvent] = []
    teller = Outcomes(told.append)
    with team.workshop() as workshop:
        sight = workshop.parts.sight
        teller.catch_up(sight)
        for tag in ("2", "3", "4"):
            team.stand(tag)
            sight.repository.refresh()
            assert teller.catch_up(sight)
            assert git(workshop.mirror.git.folder, "rev-parse", mark("main")) == team.marked
    assert [each.data["to"]["tag"] for each in told] == ["2", "3", "4"]


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_a_merge_on_the_forge_is_an_approval_and_a_landing(team: Team, method: Method) -> None:
    team.catch_up()
    team.stand("2")
    with team.parts() as parts:
        pipeline.reconcile(parts)
    team.merge(1, method)
    assert team.catch_up() == [
        ("deployed", "test/model-a", "2"),
        ("approved", "staging/model-a", "2"),
        ("deployed", "staging/model-a", "2"),
    ]
    assert team.events[1].data["reason"] == "#1 was merged by alice"
    assert {each.data["pull_request"] for each in team.events[1:]} == {1}


def test_a_rebase_of_one_pull_request_for_many_services_approves_each_of_them(tmp_path: Path) -> None:
    more = promoting("verify: parse", "pull-request:", "  per: environment")
    services = {**standing("test", "1", "model-b"), **standing("staging", "1", "model-b")}
    team = Team(tmp_path, {**FILES, **more, **services})
    team.catch_up()
    team.alice.commit({**standing("test", "2"), **standing("test", "3", "model-b")})
    with team.parts() as parts:
        pipeline.reconcile(parts)
    team.merge(1, "rebase")
    approved = {subject: tag for kind, subject, tag in team.catch_up() if kind == "approved"}
    assert approved == {"staging/model-a": "2", "staging/model-b": "3"}


def test_a_merge_the_wrong_way_round_hides_nothing(team: Team) -> None:
    start = gitops.tip(team.bare)
    team.stand("2")
    team.catch_up()
    team.stand("3")
    other = {"overlays/staging/model-a/kustomization.yaml": images((IMAGE, "9", None))}
    team.alice.foxtrot(other, start)
    assert sorted(team.catch_up()) == [("deployed", "staging/model-a", "9"), ("deployed", "test/model-a", "3")]
    assert team.catch_up() == []


def test_a_history_that_is_rewritten_tells_what_is_new_in_it(team: Team) -> None:
    start = gitops.tip(team.bare)
    team.catch_up()
    team.stand("2")
    assert team.catch_up() == [("deployed", "test/model-a", "2")]
    team.alice.force(start)
    assert team.catch_up() == []
    team.stand("3")
    assert team.catch_up() == [("deployed", "test/model-a", "3")]


def test_two_replicas_at_once_tell_the_same_ids_and_leave_one_mark(team: Team) -> None:
    team.catch_up()
    team.stand("2")
    told: tuple[list[CloudEvent], list[CloudEvent]] = ([], [])
    with team.parts("first") as first, team.parts("second") as second:

        def meanwhile(event: CloudEvent) -> None:
            told[0].append(event)
            assert Outcomes(told[1].append).catch_up(second.sight)

        assert Outcomes(meanwhile).catch_up(first.sight)
    assert told[0] == told[1]
    assert len(told[0]) == 1
    assert team.marked == gitops.tip(team.bare)
    assert team.catch_up() == []
