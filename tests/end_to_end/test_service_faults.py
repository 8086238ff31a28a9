"""The running service and what can go wrong around it: afterwards the repository is the one of an undisturbed run."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import FILES, overlay
from tests.helpers import faults, gitops
from tests.helpers.git_server import FETCH, PUSH, Fault, GitServer
from tests.helpers.patience import eventually
from tests.helpers.payloads import MODELS, plain
from tests.helpers.service import PATIENCE, Service, serving, started
from updater.adapters import git, storage

pytestmark = pytest.mark.slow
LONG = "UPDATER_LONG_TESTS" in os.environ

STAGING = "overlays: overlays/staging/{service}\npromote: {from: test}\ndeliver: pull-request\nverify: parse\n"
EDGE = f"overlays: overlays/edge/{{service}}\nfollow: [{{image: {MODELS}/model-a}}]\nverify: parse\npaused: a repair\n"
EVERYTHING = {
    **FILES,
    "environments/staging.yaml": STAGING,
    "environments/edge.yaml": EDGE,
    "overlays/staging/model-a/kustomization.yaml": overlay("model-a", "1.0.0"),
    "overlays/staging/model-b/kustomization.yaml": overlay("model-b", "1.0.0"),
    "overlays/edge/model-a/kustomization.yaml": overlay("model-a", "1.0.0"),
}
SECRET = "a-secret-that-is-long-enough"
BEARER = {"Authorization": f"Bearer {SECRET}"}
PUSHES = [plain(f"{MODELS}/model-a", "1.1.0"), plain(f"{MODELS}/model-b", "1.2.0")]


@dataclass(frozen=True)
class State:
    """What is on a remote, without what differs between equal runs (times, ids, the order of services)."""

    tree: str
    commits: Sequence[str]
    proposals: Mapping[str, tuple[str, Sequence[str]]]
    pull_requests: int
    waiting: Mapping[str, Sequence[tuple[str, str, str]]]


def state(bare: Path) -> State:
    """What is on a remote now."""
    heads = gitops.refs(bare, "refs/heads/updater/")
    waiting = gitops.refs(bare, "refs/updater/waiting/")
    return State(
        tree=gitops.git(bare, "ls-tree", "-r", "main"),
        commits=subjects(bare, "main"),
        proposals={
            head: (gitops.git(bare, "diff", f"main...{head}"), subjects(bare, f"main..{head}")) for head in heads
        },
        pull_requests=len(gitops.refs(bare, "refs/updater/pr/")),
        waiting={ref: kept(bare, ref) for ref in waiting},
    )


def subjects(bare: Path, commits: str) -> list[str]:
    """The titles of commits, sorted."""
    return sorted(gitops.git(bare, "log", "--format=%s", commits).splitlines())


def kept(bare: Path, ref: str) -> list[tuple[str, str, str]]:
    """What waits for an environment."""
    lines = [json.loads(line) for line in gitops.show(bare, "waiting.ndjson", ref).splitlines()]
    return [(each["image"], each["tag"], each["digest"]) for each in lines]


def sent(service: Service, pushes: Sequence[Any]) -> list[Any]:
    """The pushes that were not answered with 202."""
    unanswered = []
    for push in pushes:
        try:
            answer = service.post("/hooks/generic", push)
        except (OSError, HTTPException):
            unanswered.append(push)
        else:
            assert answer.status == 202
    return unanswered


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> State:
    """What two pushes lead to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    bare = gitops.remote(folder / "gitops.git", EVERYTHING)
    with serving(bare, folder, faults.undisturbed()) as service:
        assert sent(service, PUSHES) == []
        service.ended(2)
        assert eventually(lambda: len(gitops.refs(bare, "refs/updater/pr/")) == 2, PATIENCE)
    return state(bare)


def test_an_undisturbed_run_lands_proposes_and_keeps_everything_once(undisturbed: State) -> None:
    assert undisturbed.commits == ["Deploy model-a 1.1.0 to test", "Deploy model-b 1.2.0 to test", "Start"]
    assert {head: titles for head, (_, titles) in undisturbed.proposals.items()} == {
        "refs/heads/updater/staging/model-a": ["Deploy model-a 1.1.0 to staging"],
        "refs/heads/updater/staging/model-b": ["Deploy model-b 1.2.0 to staging"],
    }
    assert undisturbed.pull_requests == 2
    assert [len(pushes) for pushes in undisturbed.waiting.values()] == [1]


DEATHS = [
    ("before", "the write into the inbox"),
    ("after", "the write into the inbox"),
    ("before", "the inbox's commit"),
    ("after", "the inbox's commit"),
    ("after", "the answer"),
    ("after", "taking"),
    ("before", "planning"),
    ("after", "planning"),
    ("before", "building"),
    ("after", "building"),
    ("before", "the push"),
    ("after", "starting git push"),
    ("after", "the push"),
    ("before", "keeping what waits"),
    ("after", "keeping what waits"),
    ("before", "settling"),
    ("after", "settling"),
    ("before", "the push of a pull request"),
    ("after", "the push of a pull request"),
    ("before", "opening a pull request"),
    ("after", "opening a pull request"),
]


DISKS = ("the same disk", "an empty disk")
# Each step once; with `UPDATER_LONG_TESTS` each on both disks.
CASES = [(*death, disk) for number, death in enumerate(DEATHS) for disk in (DISKS if LONG else [DISKS[number % 2]])]


@pytest.mark.parametrize(("when", "step", "disk"), CASES, ids=[f"{when} {step}, {disk}" for when, step, disk in CASES])
def test_after_a_kill_everything_is_there_once(
    tmp_path: Path, undisturbed: State, when: str, step: str, disk: str
) -> None:
    """On an empty disk senders repeat everything: what was accepted and is not finished went with the disk."""
    bare = gitops.remote(tmp_path / "gitops.git", EVERYTHING)
    with serving(bare, tmp_path / "one", faults.killed(when, step)) as service:
        unanswered = sent(service, PUSHES)
        assert service.wait() == -9
    is_same = disk == "the same disk"
    with serving(bare, tmp_path / ("one" if is_same else "two"), faults.undisturbed()) as service:
        assert sent(service, unanswered if is_same else PUSHES) == []
        events = service.ended(2)
        assert [each["state"] for each in events] == ["done", "done"]
        assert eventually(lambda: state(bare) == undisturbed, PATIENCE), service.text()
    assert state(bare) == undisturbed


# --- the remote


SERVICES = 250
MANY = [f"model-{number}" for number in range(SERVICES)]


@pytest.mark.parametrize(
    "fault", ["unavailable", pytest.param("hang", marks=pytest.mark.skipif(not LONG, reason="long"))]
)
def test_an_outage_of_the_remote_loses_nothing_and_ends_in_few_pushes(tmp_path: Path, fault: Fault) -> None:
    overlays = {f"overlays/test/{name}/kustomization.yaml": overlay(name, "1.0.0") for name in MANY}
    bare = gitops.remote(
        tmp_path / "served" / "gitops.git", {"environments/test.yaml": FILES["environments/test.yaml"], **overlays}
    )
    launch = faults.undisturbed()
    with GitServer(bare.parent) as server, serving(server.url(), tmp_path / "one", launch, GIT_TIMEOUT=2) as service:
        assert service.tells("the repository is open")
        server.faults = {PUSH: fault, FETCH: fault}
        pushes = [plain(f"{MODELS}/{name}", tag) for tag in ("1.2.0", "1.1.0") for name in MANY]
        with ThreadPoolExecutor(8) as senders:
            for some in (pushes[:SERVICES], pushes[SERVICES:]):
                answers = senders.map(lambda push: service.post("/hooks/generic", push).status, some)
                assert set(answers) == {202}
                assert eventually(lambda: service.get("/readyz").told["doubts"] != {}, PATIENCE), service.text()
        assert service.get("/readyz").status == 200, "events are taken all the time"
        before = pushes_of(server)
        server.faults = {}
        assert eventually(lambda: all(each["state"] == "done" for each in service.events()), PATIENCE), service.text()
        assert len(service.ended(2 * SERVICES)) == 2 * SERVICES
        assert 1 <= pushes_of(server) - before <= 3
    assert subjects(bare, "main") == sorted(["Start", *(f"Deploy {name} 1.2.0 to test" for name in MANY)])
    for name in (MANY[0], MANY[-1]):
        assert "newTag: 1.2.0  # keep me" in gitops.show(bare, f"overlays/test/{name}/kustomization.yaml")


def pushes_of(server: GitServer) -> int:
    """How many pushes a server has seen, beside questions about what there is."""
    return sum((each.method, each.service) == ("POST", PUSH) for each in server.requests)


# --- the disk


def test_nothing_is_accepted_while_the_inbox_is_damaged(tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    inbox = storage.inbox_file(git.remote(str(bare)), tmp_path / "one" / "state")
    inbox.parent.mkdir(parents=True)
    inbox.write_bytes(b"this was a database once" * 1000)
    with started(bare, tmp_path / "one", faults.undisturbed(), HOOKS_OPEN="1") as service:
        service.await_port()
        refused = service.post("/hooks/generic", PUSHES[0])
        assert (refused.status, "retry-after" in refused.headers) == (503, True)
        ready = service.get("/readyz")
        assert (ready.status, "damaged" in ready.told["faults"]["intake"]) == (503, True)
        inbox.rename(inbox.with_suffix(".damaged"))
        assert eventually(lambda: service.get("/readyz").status == 200), "by itself, once the file is out of the way"
        assert sent(service, PUSHES) == []
        assert [each["outcome"] for each in service.ended(2)] == ["committed", "committed"]


# --- the clock


@pytest.mark.parametrize("order", ["semver", "pushed"])
def test_events_land_whatever_the_clock_does(tmp_path: Path, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_DATE", "2020-01-01T00:00:00Z")
    settings = FILES["environments/test.yaml"].replace("semver", order)
    bare = gitops.remote(tmp_path / "gitops.git", {**FILES, "environments/test.yaml": settings})
    clock = tmp_path / "clock"
    clock.write_text("0")
    with serving(bare, tmp_path / "one", faults.with_clock(clock)) as service:
        for count, jump in enumerate(["0", "-86400", "864000", "0"], 1):
            clock.write_text(jump)
            push = plain(f"{MODELS}/model-a", f"1.{count}.0", time=f"2020-02-01T10:0{count}:00Z")
            assert service.post("/hooks/generic", push).status == 202
            assert [each["outcome"] for each in service.ended(count)] == ["committed"] * count


def test_what_waits_for_another_try_is_not_put_off_by_a_clock_that_is_put_right(tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "served" / "gitops.git", FILES)
    clock = tmp_path / "clock"
    clock.write_text("864000")
    with GitServer(bare.parent) as server, serving(server.url(), tmp_path / "one", faults.with_clock(clock)) as service:
        assert service.tells("the repository is open")
        server.faults = {PUSH: "unavailable", FETCH: "unavailable"}
        assert sent(service, PUSHES[:1]) == []
        assert service.tells("waits for another try")
        clock.write_text("0")
        server.faults = {}
        assert [each["outcome"] for each in service.ended(1)] == ["committed"]


# --- senders who mean no good, or are slow


IDLE, SLOW = (9_000, 1_000) if LONG else (2_000, 200)
HEAD = b"POST /hooks/generic HTTP/1.1\r\nHost: updater\r\nAuthorization: Bearer " + SECRET.encode() + b"\r\n"


@pytest.fixture
def files() -> Iterator[None]:
    """As many open files as the system lets us have: each connection is one."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < IDLE + SLOW + 1_000:
        pytest.skip(f"only {limits[1]} open files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_connections_that_say_nothing_or_little_keep_nobody_out_and_are_closed(tmp_path: Path, files: None) -> None:
    """2,200 of them; 10,000 with `UPDATER_LONG_TESTS`."""
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    with serving(bare, tmp_path / "one", faults.undisturbed(), HOOK_SECRET_GENERIC=SECRET) as service:

        async def crowd() -> tuple[list[bytes], int]:
            silent = [await opened(service.port, b"") for _ in range(IDLE)]
            half = [await opened(service.port, HEAD) for _ in range(SLOW // 2)]
            slow = [await opened(service.port, HEAD + b"Content-Length: 9\r\n\r\n{") for _ in range(SLOW // 2)]
            answer = await asyncio.to_thread(service.post, "/hooks/generic", PUSHES[0], BEARER)
            assert answer.status == 202
            memory = service.memory()
            told = await asyncio.gather(*(rest(*each) for each in (*silent, *half, *slow)))
            return told, memory

        told, memory = asyncio.run(crowd())
        assert set(told[: -(SLOW // 2)]) == {b""}
        assert {each.partition(b"\r\n")[0] for each in told[-(SLOW // 2) :]} == {b"HTTP/1.1 400 Bad Request"}
        assert memory < 200_000_000
        assert [each["state"] for each in service.ended(1)] == ["done"]


async def opened(port: int, beginning: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which that was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(beginning)
    return reader, writer


async def rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """What is said on a connection until the other side closes it."""
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE)
    finally:
        writer.close()


def test_a_flood_of_wrong_secrets_keeps_nobody_out(tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    with serving(bare, tmp_path / "one", faults.undisturbed(), HOOK_SECRET_GENERIC=SECRET) as service:
        content = b"x" * 100_000

        async def flood() -> list[bytes]:
            request = b"POST /hooks/generic HTTP/1.1\r\nHost: u\r\nAuthorization: Bearer guessed\r\nContent-Length: "
            guesses = [await opened(service.port, b"%b%d\r\n\r\n" % (request, len(content))) for _ in range(1_000)]
            answer = await asyncio.to_thread(service.post, "/hooks/generic", PUSHES[0], BEARER)
            assert answer.status == 202
            return await asyncio.gather(*(rest(*each) for each in guesses))

        statuses = {each.split()[1] for each in asyncio.run(flood())}
        assert statuses == {b"401", b"429"}
        assert service.memory() < 200_000_000
        assert [each["state"] for each in service.ended(1)] == ["done"]
        refused = [line for line in service.lines() if "turned away" in line["message"]]
        assert 0 < len(refused) < 10, "a flood does not fill the log"
