"""All registries together: what they answer, what one of them keeps from the others, and what is not asked twice."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.helpers.events import at, digest, pushed
from tests.helpers.fake_repository import StoppedClock
from tests.helpers.faulty_registry import Answer, faulty_registry
from tests.helpers.patience import eventually
from updater.adapters.clock import SystemClock
from updater.core.oci import Descriptor
from updater.errors import RegistryError, RegistryRefused, RegistryUnavailable, UsageError
from updater.model import Version
from updater.registries import connect
from updater.registries.answers import Served
from updater.registries.memory import Memory
from updater.registries.silence import GIVEN_UP
from updater.registries.together import LISTERS, REUSED, Registries
from updater.registry import Listing, Question, Tagged, Word

IMAGE = "reg.example/models/model-a"
DOWN = RegistryUnavailable("reg.example did not answer")
LIES = RegistryRefused("reg.example lies")


def hashed(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


CONFIG = json.dumps(
    {"architecture": "amd64", "os": "linux", "config": {"Labels": {"org.opencontainers.image.version": "1.0"}}}
).encode()
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": hashed(CONFIG),
            "size": len(CONFIG),
        },
        "layers": [],
    }
).encode()
CHART = MANIFEST.replace(b"vnd.oci.image.config.v1+json", b"vnd.cncf.helm.config.v1+json")
RUNS, HELM = hashed(MANIFEST), hashed(CHART)


@dataclass
class Registry:
    """A `together.Store` in memory. `fails` are failures by what is asked."""

    named: dict[str, str] = field(default_factory=dict)
    listed: Mapping[str, Tagged] | None = None
    fails: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_closed: bool = False

    def digest(self, repository: str, reference: str) -> str | None:
        self._asked("digest", repository, reference)
        return self.named.get(reference)

    def manifest(self, repository: str, reference: str) -> Served | None:
        self._asked("manifest", repository, reference)
        content = {RUNS: MANIFEST, HELM: CHART}.get(reference)
        media_type = "application/vnd.oci.image.manifest.v1+json"
        return None if content is None else Served(reference, media_type, content)

    def blob(self, repository: str, digest: str, max_bytes: int) -> bytes:
        self._asked("blob", repository, digest)
        return CONFIG

    def tags(self, repository: str) -> Mapping[str, Tagged] | None:
        self._asked("tags", repository)
        return dict.fromkeys(self.named, Tagged()) if self.listed is None else self.listed

    def referrers(self, repository: str, digest: str) -> Sequence[Descriptor]:
        self._asked("referrers", repository, digest)
        return ()

    def close(self) -> None:
        self.is_closed = True

    def _asked(self, what: str, *about: str) -> None:
        self.asked.append(" ".join((what, *about)))
        for key in (what, " ".join((what, *about))):
            if key in self.fails:
                raise self.fails[key]


@dataclass
class Place:
    """Registries by their hosts, and the time."""

    folder: Path
    stores: dict[str, Registry] = field(default_factory=lambda: {"reg.example": Registry()})
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(at(0)))
    seconds: float = 0.0
    connected: list[str] = field(default_factory=list)

    @property
    def one(self) -> Registry:
        return self.stores["reg.example"]

    @contextmanager
    def open(self) -> Iterator[Registries]:
        def connect(host: str) -> Registry:
            self.connected.append(host)
            return self.stores[host]

        made = Registries(
            lambda host: host == "reg.example", connect, Memory(self.folder / "registries.sqlite"), self.clock.now,
            lambda: self.seconds, lambda: None,
        )  # fmt: skip
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def key() -> bytes:
    """A public key (P-256) that has signed nothing."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    made = ec.generate_private_key(ec.SECP256R1()).public_key()
    return made.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def word(place: Place, tag: str = "1", keys: tuple[bytes, ...] = ()) -> Word:
    question = Question(IMAGE, tag, keys)
    with place.open() as registries:
        return registries.words([question])[question]


# --- words


def test_a_tag_names_an_image_that_tells_where_it_is_from(place: Place) -> None:
    place.one.named = {"1": RUNS}
    found = word(place)
    assert (found.digest, found.refusal, found.failure) == (RUNS, None, None)
    assert found.origin is not None
    assert found.origin.version == "1.0"
    assert place.one.asked[0] == "digest models/model-a 1"


def test_a_tag_that_is_gone_names_nothing(place: Place) -> None:
    assert word(place) == Word()


def test_what_cannot_run_is_refused_for_good(place: Place) -> None:
    place.one.named = {"1": HELM}
    found = word(place, keys=(key(),))
    assert found.refusal is not None
    assert "Helm" in found.refusal
    assert not found.may_change
    assert "referrers" not in " ".join(place.one.asked), "no signature makes it an image"


def test_what_nobody_signed_is_refused_until_somebody_does(place: Place) -> None:
    place.one.named = {"1": RUNS}
    found = word(place, keys=(key(),))
    assert found.refusal is not None
    assert found.may_change


@pytest.mark.parametrize("what", ["digest", "referrers"])
def test_a_registry_that_is_down_says_nothing(place: Place, what: str) -> None:
    place.one.named, place.one.fails = {"1": RUNS}, {what: DOWN}
    assert word(place, keys=(key(),)) == Word(failure=DOWN)


@pytest.mark.parametrize("what", ["manifest", "blob"])
def test_where_it_is_from_may_stay_unknown_while_the_registry_is_down(place: Place, what: str) -> None:
    place.one.named, place.one.fails = {"1": RUNS}, {what: DOWN}
    assert word(place) == Word(RUNS)


@pytest.mark.parametrize("what", ["digest", "manifest", "blob"])
def test_a_registry_that_lies_says_nothing(place: Place, what: str) -> None:
    place.one.named, place.one.fails = {"1": RUNS}, {what: LIES}
    assert word(place) == Word(failure=LIES)


def test_a_login_that_cannot_be_had_is_an_answer_and_breaks_nothing_else(place: Place) -> None:
    place.one.fails = {"digest": UsageError("a library is missing", hint="install it")}
    failure = word(place).failure
    assert isinstance(failure, RegistryRefused)
    assert (str(failure), failure.hint) == ("a library is missing", "install it")


def test_a_mistake_of_ours_at_one_registry_is_no_other_ones_trouble_and_is_logged_once(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.stores["other.example"] = Registry({"1": digest("a")})
    place.one.fails = {"digest": ZeroDivisionError("hush")}
    with place.open() as registries:
        for _ in range(2):
            found = registries.digests([(IMAGE, "1"), (IMAGE, "2"), ("other.example/model", "1")])
    assert found[("other.example/model", "1")] == digest("a")
    failure = found[(IMAGE, "1")]
    assert isinstance(failure, RegistryRefused)
    assert str(failure) == "reg.example: asking it failed unexpectedly: ZeroDivisionError"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_the_same_is_not_asked_twice_for_a_while(place: Place) -> None:
    place.one.named = {"1": RUNS, "2": RUNS}
    first, second = Question(IMAGE, "1"), Question(IMAGE, "2")
    with place.open() as registries:
        registries.words([first])
        place.seconds = REUSED - 1
        assert set(registries.words([first, second])) == {first, second}
        assert [each for each in place.one.asked if each.startswith("digest")] == [
            "digest models/model-a 1", "digest models/model-a 2",
        ]  # fmt: skip
        place.seconds = REUSED + 1
        place.one.named = {}
        assert registries.words([first]) == {first: Word()}


def test_an_event_is_not_judged_by_what_its_tag_named_before(place: Place) -> None:
    question = Question(IMAGE, "1")
    with place.open() as registries:
        assert registries.words([question]) == {question: Word()}
        place.one.named = {"1": RUNS}
        registries.saw([pushed("2", image=IMAGE), pushed("1", image="reg.example/models/model-b")])
        assert registries.words([question]) == {question: Word()}
        registries.saw([pushed("1", image=IMAGE)])
        assert registries.words([question])[question].digest == RUNS


def test_what_is_remembered_of_words_has_a_bound(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("updater.registries.together._MOST_WORDS", 2)
    with place.open() as registries:
        for tag in ("1", "2", "3", "1"):
            registries.words([Question(IMAGE, tag)])
    assert place.one.asked.count("digest models/model-a 1") == 2


# --- many registries, and one of them is down


def test_each_registry_is_connected_once_and_when_it_is_needed(place: Place) -> None:
    place.stores["other.example:5000"] = Registry()
    with place.open() as registries:
        assert place.connected == []
        assert registries.knows(IMAGE)
        assert not registries.knows("other.example:5000/model")
        for _ in range(2):
            registries.digests([(IMAGE, "1"), ("other.example:5000/model", "1"), (IMAGE, "2")])
    assert sorted(place.connected) == ["other.example:5000", "reg.example"]
    assert place.one.is_closed


def test_a_registry_that_is_down_keeps_no_other_back(place: Place) -> None:
    place.stores["other.example"] = Registry({"1": digest("a")})
    place.one.fails = {"digest": DOWN}
    with place.open() as registries:
        found = registries.digests([(IMAGE, "1"), ("other.example/model", "1"), ("other.example/model", "2")])
    assert found == {
        (IMAGE, "1"): DOWN, ("other.example/model", "1"): digest("a"), ("other.example/model", "2"): None,
    }  # fmt: skip


def test_a_registry_that_did_not_answer_a_few_times_is_left_alone_and_speaks_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("updater.registries.together.THREADS", 1)
    monkeypatch.setattr("updater.registries.together.LISTERS", 1)
    place.one.fails = {
        f"tags model-{number}": RegistryUnavailable(f"no answer on model-{number}") for number in range(20)
    }
    with place.open() as registries:
        found = registries.listings({f"reg.example/model-{number}": () for number in range(20)})
    assert len(place.one.asked) == GIVEN_UP
    assert len({str(each) for each in found.values()}) < GIVEN_UP
    assert all(isinstance(each, RegistryUnavailable) for each in found.values())


def test_one_image_that_always_fails_does_not_make_the_registry_left_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("updater.registries.together.THREADS", 1)
    monkeypatch.setattr("updater.registries.together.LISTERS", 1)
    images = [f"reg.example/model-{number}" for number in range(10)]
    place.one.fails = {f"tags model-{number}": DOWN for number in range(0, 10, 2)}
    with place.open() as registries:
        found = registries.listings(dict.fromkeys(images, ()))
    assert sum(isinstance(each, Listing) for each in found.values()) == 5


def test_what_a_registry_does_not_let_us_read_keeps_nothing_else_back(place: Place) -> None:
    images = [f"reg.example/model-{number}" for number in range(10)]
    place.one.fails = {f"tags model-{number}": RegistryRefused("no right") for number in range(9)}
    with place.open() as registries:
        found = registries.listings(dict.fromkeys(images, ()))
    assert isinstance(found["reg.example/model-9"], Listing)
    assert sum(isinstance(each, RegistryError) for each in found.values()) == 9


def test_after_the_end_nothing_is_connected_and_nothing_raises(place: Place) -> None:
    with place.open() as registries:
        pass
    found = registries.digests([(IMAGE, "1")])
    assert "about to end" in str(found[(IMAGE, "1")])
    assert isinstance(found[(IMAGE, "1")], RegistryUnavailable)
    assert place.connected == []


def test_what_waits_for_its_turn_at_the_end_connects_to_nothing_more(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("updater.registries.together.THREADS", 1)
    monkeypatch.setattr("updater.registries.together.LISTERS", 1)
    asked, may_answer = threading.Event(), threading.Event()

    class Slow(Registry):
        def digest(self, repository: str, reference: str) -> str | None:
            asked.set()
            assert may_answer.wait(30)
            return None

    place.stores |= {"reg.example": Slow(), "other.example": Registry()}
    other = ("other.example/model", "1")
    with place.open() as registries, ThreadPoolExecutor(1) as caller:
        answers = caller.submit(registries.digests, [(IMAGE, "1"), other])
        assert asked.wait(30)
        registries.close()
        may_answer.set()
        assert isinstance(answers.result(30)[other], RegistryUnavailable)
    assert place.connected == ["reg.example"]
    assert place.one.is_closed


def test_several_questions_are_under_way_at_the_same_time(place: Place) -> None:
    together = threading.Barrier(4, timeout=30)

    class Slow(Registry):
        def digest(self, repository: str, reference: str) -> str | None:
            together.wait()
            return None

    place.stores["reg.example"] = Slow()
    with place.open() as registries:
        assert len(registries.digests([(IMAGE, str(number)) for number in range(4)])) == 4


# --- lists of tags


def listing(place: Place, registries: Registries, *wanted: str) -> Listing:
    found = registries.listings({IMAGE: frozenset(wanted)})[IMAGE]
    assert isinstance(found, Listing)
    return found


def test_of_the_wanted_tags_it_is_asked_what_they_name(place: Place) -> None:
    place.one.named = {"1": RUNS, "2": RUNS}
    with place.open() as registries:
        assert listing(place, registries, "1", "3").tags == {"1": Tagged(RUNS), "2": Tagged()}
    assert place.one.asked == ["tags models/model-a", "digest models/model-a 1"]


def test_what_the_list_itself_tells_is_not_asked(place: Place) -> None:
    place.one.listed = {"1": Tagged(RUNS, at(-5))}
    with place.open() as registries:
        assert listing(place, registries, "1").tags == {"1": Tagged(RUNS, at(-5))}
    assert place.one.asked == ["tags models/model-a"]


def test_a_tag_that_went_away_between_list_and_question_is_not_listed(place: Place) -> None:
    place.one.listed = {"1": Tagged(), "2": Tagged()}
    with place.open() as registries:
        assert listing(place, registries, "1").tags == {"2": Tagged()}


def test_an_image_that_is_not_there_has_no_tags(place: Place) -> None:
    class Empty(Registry):
        def tags(self, repository: str) -> None:
            return None

    place.stores["reg.example"] = Empty()
    with place.open() as registries:
        assert listing(place, registries) == Listing({}, at(0))


def test_what_comes_while_the_registry_answers_is_told_as_not_asked_for(place: Place) -> None:
    class Slow(Registry):
        def tags(self, repository: str) -> Mapping[str, Tagged]:
            place.clock.time = at(5)
            return {}

    place.stores["reg.example"] = Slow()
    with place.open() as registries:
        assert listing(place, registries).asked_at == at(0)


def test_a_list_comes_with_the_pushes_that_events_told_of(place: Place) -> None:
    place.one.listed = {"1": Tagged(digest("a"))}
    with place.open() as registries:
        registries.saw([pushed("1", "a", 20, image=IMAGE), pushed("2", None, 30, image=IMAGE)])
        registries.saw([pushed("1", "a", 20, image="reg.example/models/model-b")])
        assert listing(place, registries).pushes == {"1": [(digest("a"), at(20))], "2": [(None, at(30))]}
    with place.open() as registries:
        assert listing(place, registries).pushes.keys() == {"1", "2"}, "and is on the disk"


def test_what_was_only_found_or_has_no_tag_is_no_push_that_was_seen(place: Place) -> None:
    found_only = replace(pushed("1", "a", 20, image=IMAGE), earliest=at(0))
    tagless = replace(pushed("1", "a", 20, image=IMAGE), version=Version(None, digest("a")))
    with place.open() as registries:
        registries.saw([found_only, tagless])
        assert listing(place, registries).pushes == {}


def test_where_one_of_the_wanted_tags_gets_no_answer_there_is_no_list(place: Place) -> None:
    place.one.named, place.one.fails = {"1": RUNS}, {"digest": DOWN}
    with place.open() as registries:
        assert registries.listings({IMAGE: {"1"}}) == {IMAGE: DOWN}


def test_pushes_do_not_wait_behind_lists_however_many_hang(place: Place) -> None:
    may_list, hanging = threading.Event(), threading.Semaphore(0)

    class Slow(Registry):
        def tags(self, repository: str) -> Mapping[str, Tagged]:
            hanging.release()
            assert may_list.wait(30)
            return {}

    place.stores["reg.example"] = Slow({"1": RUNS})
    images: dict[str, tuple[str, ...]] = {f"reg.example/model-{number}": () for number in range(3 * LISTERS)}
    question = Question(IMAGE, "1")
    with place.open() as registries, ThreadPoolExecutor(2) as callers:
        lists = callers.submit(registries.listings, images)
        assert all(hanging.acquire(timeout=30) for _ in range(LISTERS)), "as many as may, and the others wait"
        try:
            assert callers.submit(registries.words, [question]).result(10)[question].digest == RUNS
        finally:
            may_list.set()
        assert set(lists.result(30)) == set(images)


# --- the end


def test_its_threads_end_with_it(place: Place) -> None:
    with place.open() as registries:
        registries.listings({IMAGE: ()})
        registries.words([Question(IMAGE, "1")])
        mine = [each for each in threading.enumerate() if each.name.startswith("registries")]
        assert {each.name.rpartition("_")[0] for each in mine} == {"registries", "registries-lists"}
    for each in mine:
        each.join(30)
        assert not each.is_alive()


def test_who_waits_for_a_turn_goes_home_when_it_ends(tmp_path: Path) -> None:
    with faulty_registry(lambda _: Answer(200, {"content-type": "application/json"}, b'{"tags": []}')) as server:
        file = tmp_path / "registries.yaml"
        file.write_text(f'"{server.host}": {{calls-per-minute: 2}}\n')
        registries = connect({"UPDATER_REGISTRIES": str(file)}, tmp_path, SystemClock())
        images: dict[str, tuple[str, ...]] = {f"{server.host}/acme/{name}": () for name in ("model-a", "model-b")}
        asking = threading.Thread(target=registries.listings, args=(images,), daemon=True)
        asking.start()
        assert eventually(lambda: len(server.requests) == 1), "the other one's turn comes half a minute later"
        registries.close()
        asking.join(5)
        assert not asking.is_alive()
