"""Several updaters and a person push at once: everything lands once, nothing is lost or forced."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import pytest

from tests.end_to_end.conftest import TEST, overlay
from tests.helpers import cli, gitops
from tests.helpers.git_server import GitServer
from tests.helpers.payloads import MODELS, plain, record, write_records

WRITERS = 4
SERVICES = 8


@pytest.mark.slow
@pytest.mark.parametrize("shared_state", [False, True], ids=["machines of their own", "one machine"])
def test_four_updaters_and_a_person_lose_nothing(tmp_path: Path, shared_state: bool) -> None:
    names = [f"model-{number}" for number in range(SERVICES)]
    files = {f"overlays/test/{name}/kustomization.yaml": overlay(name, "1.0.0") for name in names}
    bare = gitops.remote(tmp_path / "served" / "gitops.git", {"environments/test.yaml": TEST, **files})
    # Every version of a service goes to another updater, and each updater gets two of the others' events as well.
    shares = [
        [record("generic", plain(f"{MODELS}/{name}", f"1.{1 + (index + number) % WRITERS}.0"))
         for index, name in enumerate(names)]
        for number in range(WRITERS)
    ]  # fmt: skip
    with GitServer(bare.parent) as server:
        started = []
        for number in range(WRITERS):
            events = write_records(tmp_path / f"events-{number}", *shares[number], *shares[number - 1][:2])
            state = tmp_path / ("state" if shared_state else f"state-{number}")
            environment = {**os.environ, "UPDATER_STATE_DIR": str(state)}
            started.append(
                cli.start("handle", "--repo", server.url(), "--output", "json", events, environment=environment)
            )
        person = gitops.Person(bare, tmp_path / "person")
        by_hand = threading.Thread(target=push_by_hand, args=(person,))
        by_hand.start()
        ran = [cli.finish(process) for process in started]
        by_hand.join()
    assert [each.code for each in ran] == [0] * WRITERS, [each.err for each in ran]
    for name in names:
        assert f"newTag: 1.{WRITERS}.0  # keep me" in gitops.show(bare, f"overlays/test/{name}/kustomization.yaml")
    commits = [commit for each in ran for commit in each.json["commits"]]
    history = gitops.git(bare, "log", "--format=%H", "main").splitlines()
    assert {commit["sha"] for commit in commits} <= set(history)
    assert len(history) == 1 + 5 + len(commits), "each commit is there once, those of the person too"
    assert gitops.git(bare, "rev-list", "--merges", "main") == ""
    subjects = gitops.git(bare, "log", "--format=%s", "--author=Manifest", "-i", "main").splitlines()
    assert len(subjects) == len(set(subjects)), "no version landed twice"
    assert gitops.show(bare, "notes.txt") == "4"


def push_by_hand(person: gitops.Person) -> None:
    """A person's five pushes; she, too, has to fetch and try again when an updater was faster."""
    number = 0
    while number < 5:
        with contextlib.suppress(AssertionError):
            person.commit({"notes.txt": f"{number}\n"}, f"Note {number}")
            number += 1
