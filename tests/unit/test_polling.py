"""Which images registries are asked about, and what is wanted of what they list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.helpers.events import IMAGE, at, delivery, digest
from tests.helpers.fake_registries import DOWN, KEY, FakeRegistries
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, overlay, sight
from updater import pipeline, polling
from updater.core import looks, waiting
from updater.core.sightings import Knowledge, Seen
from updater.decoders import generic
from updater.errors import RegistryError, RegistryUnavailable, RemoteUnavailable
from updater.model import Outcome, Version
from updater.pipeline import Parts, Report
from updater.polling import Listings
from updater.protocols import PushOutcome, Update
from updater.registry import Listing, Pushes, Tagged

OTHER = IMAGE.replace("model-a", "model-b")
NEWER = {"1.0.0": "a", "1.1.0": "b", "1.2.0": "c"}
PATH = "overlays/test/model-a/kustomization.yaml"


def files(*more: str) -> dict[str, str]:
    return {**environment_file("test", *more, order="semver"), **overlay("1.0.0", "a")}


def parts(repository: FakeRepository, asked: FakeRegistries | None = None, minutes: float = 60) -> Parts:
    seen = sight(repository, clock=StoppedClock(at(minutes)))
    return Parts(replace(seen, registries=asked), {}, lambda _: None)


def listed(*tags: str, pushes: Pushes | None = None) -> Listings:
    """A list that was asked for in minute 30."""
    return {IMAGE: Listing({tag: Tagged() for tag in tags}, at(30), pushes or {})}


def told(tag: str, letter: str) -> Listings:
    """The same of one tag of which it is told what it names."""
    return {IMAGE: Listing({tag: Tagged(digest(letter))}, at(30))}


def looked_before(repository: FakeRepository, minutes: float, *tags: str, digest: str | None = None) -> None:
    """Somebody has looked at that time, and kept it."""
    seen = {tag: Seen(at(minutes), digest=digest) for tag in tags}
    content = looks.written(IMAGE, Knowledge(at(minutes), seen)).decode()
    repository.commit(looks.REF, {looks.file_name(IMAGE): content})


def passed(repository: FakeRepository, listings: Listings, asked: FakeRegistries) -> Report:
    return pipeline.reconcile(parts(repository, asked), listings)


def standing(repository: FakeRepository) -> str:
    return repository.on_remote("main", PATH)


def test_every_image_that_is_followed_is_asked_about_once_with_the_tags_that_stand() -> None:
    repository = FakeRepository(
        {
            "main": {
                **files(),
                **environment_file("edge"),
                **overlay("1.1.0", environment="edge"),
                **overlay("7", service="model-b"),
                **overlay("8", service="redis"),
            }
        }
    )
    repository.commit("main", {"overlays/test/redis/kustomization.yaml": "images:\n- name: redis\n  newTag: '7'\n"})
    repository.refresh()
    assert polling.wanted(parts(repository).sight) == {
        IMAGE: frozenset({"1.0.0", "1.1.0"}),
        OTHER: frozenset({"7"}),
    }


def test_a_rule_that_writes_tags_alone_wants_no_digest() -> None:
    text = files()
    text["environments/test.yaml"] += "  pin: tag\n"
    assert polling.wanted(parts(FakeRepository({"main": text})).sight) == {IMAGE: frozenset()}


def test_a_rule_that_lets_nobody_be_asked_is_left_alone() -> None:
    text = files()
    text["environments/test.yaml"] += "  confirm: false\n"
    repository = FakeRepository({"main": text})
    assert polling.wanted(parts(repository).sight) == {}
    assert polling.offered(parts(repository).sight, listed("2.0.0")) == {}


def test_a_branch_that_is_not_there_wants_nothing() -> None:
    repository = FakeRepository({"main": environment_file("test", "branch: edge")})
    assert polling.wanted(parts(repository).sight) == {}


def test_nothing_is_wanted_of_what_nobody_can_read_or_name() -> None:
    broken = "images:\n- name: [\n"
    odd = f"images:\n- name: {IMAGE}\n  newName: $(PLACEHOLDER)\n"
    repository = FakeRepository({"main": {**files(), PATH: odd, "overlays/test/model-b/kustomization.yaml": broken}})
    assert polling.wanted(parts(repository).sight) == {}


def test_the_best_of_what_is_listed_lands() -> None:
    repository = FakeRepository({"main": files()})
    report = passed(repository, listed(*NEWER), FakeRegistries(NEWER))
    assert [(each.to, each.outcome) for each in report.decisions] == [
        (Version("1.2.0", digest("c")), Outcome.COMMITTED)
    ]
    assert "1.2.0" in standing(repository)


def test_a_second_look_changes_nothing_and_asks_nothing() -> None:
    repository = FakeRepository({"main": files()})
    passed(repository, listed(*NEWER), FakeRegistries(NEWER))
    asked = FakeRegistries(NEWER)
    assert passed(repository, listed(*NEWER), asked) == Report()
    assert asked.asked == []


def test_a_dry_run_says_what_would_land_and_writes_nothing() -> None:
    repository = FakeRepository({"main": files()})
    changes, report = pipeline.rehearse(parts(repository, FakeRegistries(NEWER)), listed(*NEWER))
    assert [each.outcome for each in report.decisions] == [Outcome.COMMITTED]
    assert [change.service for change in changes] == ["model-a"]
    assert (repository.pushes, "1.0.0" in standing(repository)) == ([], True)


def test_a_look_never_undoes_a_revert_and_says_so() -> None:
    repository = FakeRepository({"main": files()})
    repository.revert("main", repository.commit("main", overlay("1.2.0", "c"), minutes=10), minutes=20)
    report = passed(repository, listed("1.0.0", "1.2.0"), FakeRegistries(NEWER))
    assert [(each.to.tag, each.outcome) for each in report.decisions] == [("1.2.0", Outcome.HELD)]
    assert "1.0.0" in standing(repository)


def test_a_look_does_not_bring_back_a_reverted_tag_though_it_may_name_another_image_by_now() -> None:
    repository = FakeRepository({"main": files()})
    repository.revert("main", repository.commit("main", overlay("1.2.0", "c"), minutes=10), minutes=20)
    asked = FakeRegistries({**NEWER, "1.2.0": "d"})
    report = passed(repository, listed("1.0.0", "1.2.0"), asked)
    assert [(each.to.tag, each.outcome) for each in report.decisions] == [("1.2.0", Outcome.HELD)]
    assert asked.asked == []


def test_what_orders_between_is_held_unless_it_was_surely_pushed_after_the_revert() -> None:
    def outcome(before: float | None, pushes: Pushes | None = None) -> Outcome:
        repository = FakeRepository({"main": files()})
        repository.revert("main", repository.commit("main", overlay("1.2.0", "c"), minutes=10), minutes=20)
        if before is not None:
            looked_before(repository, before, "1.0.0", "1.2.0")
        report = passed(repository, listed(*NEWER, pushes=pushes), FakeRegistries(NEWER))
        return {each.to.tag: each.outcome for each in report.decisions}["1.1.0"]

    assert outcome(None) is Outcome.HELD
    assert outcome(15) is Outcome.HELD
    assert outcome(25) is Outcome.COMMITTED
    assert outcome(None, {"1.1.0": [(None, at(30))]}) is Outcome.COMMITTED


def test_a_digest_that_was_taken_back_is_not_brought_back_under_its_tag() -> None:
    repository = FakeRepository({"main": files()})
    repository.revert("main", repository.commit("main", overlay("1.0.0", "b"), minutes=10), minutes=20)
    report = passed(repository, told("1.0.0", "b"), FakeRegistries({"1.0.0": "b"}))
    assert [each.outcome for each in report.decisions] == [Outcome.HELD]


def test_what_meets_a_freeze_waits_on_the_remote_and_lands_when_it_is_over() -> None:
    repository = FakeRepository({"main": files("paused: true")})
    passed(repository, listed(*NEWER), FakeRegistries(NEWER))
    assert "refs/updater/waiting/test" in repository.remote
    repository.commit("main", files())
    passed(repository, {}, FakeRegistries(NEWER))
    assert "1.2.0" in standing(repository)
    assert "refs/updater/waiting/test" not in repository.remote


def test_of_what_waits_another_digest_of_a_tag_is_not_forgotten() -> None:
    """Only what was decided on is taken out of what waits."""
    one, other, bare = ((IMAGE, Version("1.0.0", each)) for each in (digest("a"), digest("b"), None))
    assert (waiting.among({other})(one), waiting.among({one})(one), waiting.among({bare})(one)) == (
        False,
        True,
        True,
    )
    assert waiting.among({other})(bare)
    assert not waiting.among({(OTHER, other[1])})(bare)


def test_a_version_that_is_gone_by_now_lets_the_next_one_land() -> None:
    repository = FakeRepository({"main": files()})
    passed(repository, listed(*NEWER), FakeRegistries({"1.0.0": "a", "1.1.0": "b"}))
    assert "1.1.0" in standing(repository)


def test_an_unsigned_image_that_was_refused_is_let_in_at_the_next_pass_once_it_is_signed() -> None:
    text = files()
    text["environments/test.yaml"] += "  signed-by: {key: cosign.pub}\n"
    repository = FakeRepository({"main": {**text, "cosign.pub": KEY}})
    asked = FakeRegistries(NEWER, unsigned={"b", "c"})
    passed(repository, listed(*NEWER), asked)
    assert "1.0.0" in standing(repository)
    asked.unsigned = {"b"}
    passed(repository, {}, asked)
    assert "1.2.0" in standing(repository)
    assert "refs/updater/waiting/test" not in repository.remote


def by_time(tag: str = "main-1") -> dict[str, str]:
    return {**environment_file("test"), **overlay(tag, "a")}


def test_what_a_look_has_found_is_not_taken_for_newer_than_what_came_since_the_look_before_and_is_told() -> None:
    repository = FakeRepository({"main": by_time()})
    tags = {"main-1": "a", "zz": "b", "main-2": "c"}
    seen = replace(parts(repository, FakeRegistries(tags)), decoders={"generic": generic.decode})
    pipeline.handle(seen, [delivery("main-2", "c", 20)])
    looked_before(repository, 10, "main-1")
    report = passed(repository, listed(*tags), FakeRegistries(tags))
    assert [(each.to.tag, each.outcome) for each in report.decisions] == [("zz", Outcome.REJECTED)]
    assert (
        "found at 2026-11-20T12:30:00Z, and not yet at 2026-11-20T12:10:00Z: nobody knows" in report.decisions[0].reason
    )
    assert "main-2" in standing(repository)


def test_an_event_that_comes_after_a_look_has_found_its_push_and_another_one_still_decides() -> None:
    repository = FakeRepository({"main": by_time()})
    tags = {"main-1": "a", "zz": "b", "aa": "c"}
    looked_before(repository, 10, "main-1")
    passed(repository, listed(*tags), FakeRegistries(tags))
    assert "zz" in standing(repository)
    seen = replace(parts(repository, FakeRegistries(tags)), decoders={"generic": generic.decode})
    pipeline.handle(seen, [delivery("zz", "b", 15), delivery("aa", "c", 20)])
    assert "aa" in standing(repository)


def test_what_the_tag_that_stands_names_now_is_newer_whenever_it_was_pushed() -> None:
    repository = FakeRepository({"main": by_time()}, since=20)
    looked_before(repository, 10, "main-1", digest=digest("a"))
    for _ in range(2):
        passed(repository, told("main-1", "b"), FakeRegistries({"main-1": "b"}))
        assert digest("b") in standing(repository)
    assert passed(repository, told("main-1", "b"), FakeRegistries({"main-1": "b"})) == Report()


def test_a_list_that_is_old_by_now_lands_nothing_that_its_tag_does_not_name_any_more() -> None:
    repository = FakeRepository({"main": by_time()})
    asked = FakeRegistries({"main-1": "c"}, is_known=False)
    looked_before(repository, 10, "main-1", digest=digest("a"))
    passed(repository, told("main-1", "b"), asked)
    assert (digest("a") in standing(repository), asked.asked) == (True, [{"main-1"}])


def test_of_images_that_are_not_signed_the_best_alone_is_kept() -> None:
    text = files()
    text["environments/test.yaml"] += "  signed-by: {key: cosign.pub}\n"
    repository = FakeRepository({"main": {**text, "cosign.pub": KEY}})
    tags = {f"1.{number}.0": letter for number, letter in enumerate("abcdef")}
    asked = FakeRegistries(tags, unsigned=set("bcdef"))
    seen = replace(parts(repository, asked), decoders={"generic": generic.decode})
    for tag, letter in list(tags.items())[1:]:
        pipeline.handle(seen, [delivery(tag, letter)])
    kept, _ = waiting.read(repository.on_remote("refs/updater/waiting/test", waiting.FILE).encode(), at(120))
    assert [event.version.tag for event in kept] == ["1.5.0"]
    asked.asked.clear()
    passed(repository, {}, asked)
    assert asked.asked == [{"1.5.0"}]


def test_pushes_that_one_look_after_the_other_finds_land_though_every_disk_is_empty() -> None:
    repository = FakeRepository({"main": by_time()})
    tags = {"main-1": "a"}
    for minutes, tag, letter in ((70, "main-1", "a"), (80, "zz", "b"), (90, "aa", "c"), (100, "main-2", "b")):
        tags[tag] = letter
        listing = Listing({each: Tagged() for each in tags}, at(minutes))
        seen = parts(repository.elsewhere(), FakeRegistries(tags), minutes + 1)
        pipeline.reconcile(seen, {IMAGE: listing})
        assert f'"{tag}"' in standing(repository)


def test_what_was_missed_in_the_hour_of_another_push_lands_where_it_was_looked_at_since_that_one() -> None:
    repository = FakeRepository({"main": by_time()})
    tags = {"main-1": "a", "zz": "b", "aa": "c"}
    asked = FakeRegistries(tags)
    pipeline.reconcile(parts(repository, asked), {IMAGE: Listing({"main-1": Tagged()}, at(0))})
    seen = replace(parts(repository, asked), decoders={"generic": generic.decode})
    pipeline.handle(seen, [delivery("zz", "b", 10)])
    pipeline.reconcile(seen, {IMAGE: Listing({"main-1": Tagged(), "zz": Tagged()}, at(15))})
    pipeline.reconcile(seen, {IMAGE: Listing({tag: Tagged() for tag in tags}, at(60))})
    assert '"aa"' in standing(repository)


def test_what_a_look_found_is_kept_only_after_it_has_landed_and_not_by_a_dry_run() -> None:
    repository = FakeRepository({"main": files()})
    pipeline.rehearse(parts(repository, FakeRegistries(NEWER)), listed(*NEWER))
    assert repository.pushes == []
    passed(repository, listed(*NEWER), FakeRegistries(NEWER))
    assert repository.pushes == [("main",), (looks.REF,)]
    kept = polling.known(parts(repository).sight, IMAGE)
    assert kept is not None
    assert {version.tag for version in kept.standing} == {"1.0.0"}, "so that what has landed is news to the next look"


def test_what_could_not_land_is_found_again_by_the_next_look_on_another_disk() -> None:
    repository = FakeRepository({"main": by_time()})
    tags = {"main-1": "a", "zz": "b"}
    repository.refuses["main"] = "protected branch"
    looked_before(repository, 10, "main-1")
    passed(repository, listed(*tags), FakeRegistries(tags))
    assert repository.pushes == [("main",), (looks.REF,)]
    repository.refuses.clear()
    passed(repository.elsewhere(), listed(*tags), FakeRegistries(tags))
    assert '"zz"' in standing(repository)


def test_a_remote_that_is_down_is_not_asked_to_keep_anything() -> None:
    class Down(FakeRepository):
        def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
            self.pushes.append(tuple(update.branch for update in updates))
            raise RemoteUnavailable("it broke off")

    repository = Down({"main": files()})
    report = passed(repository, listed(*NEWER), FakeRegistries(NEWER))
    assert [str(problem) for problem in report.problems] == ["it broke off"]
    assert repository.pushes == [("main",)]


def test_a_remote_that_does_not_take_what_a_look_found_is_a_problem_of_the_pass_and_the_rest_lands() -> None:
    repository = FakeRepository({"main": files()})
    repository.refuses[looks.REF] = "hidden ref"
    report = passed(repository, listed(*NEWER), FakeRegistries(NEWER))
    assert [str(problem) for problem in report.problems] == ["hidden ref"]
    assert "1.2.0" in standing(repository)


def test_of_images_whose_lists_have_something_new_so_many_are_asked_about_together() -> None:
    services = ("model-a", "model-b", "model-c", "model-d")
    files = {path: text for service in services for path, text in overlay("1.0.0", service=service).items()}
    there = FakeRepository({"main": {**environment_file(order="semver"), **files}})
    images = [IMAGE.replace("model-a", service) for service in services]
    new, old = (Listing({tag: Tagged()}, at(30)) for tag in ("1.1.0", "1.0.0"))
    listings = {images[3]: new, images[1]: old, images[0]: new, images[2]: DOWN, "reg.example/other": new}
    now, later = polling.apart(parts(there).sight, listings, 1)
    assert (set(now), set(later)) == ({images[0], images[1], images[2], "reg.example/other"}, {images[3]})
    assert polling.apart(parts(there).sight, listings, 2) == (listings, {})


def test_a_registry_that_does_not_answer_is_told_once_and_keeps_nothing_else_back() -> None:
    repository = FakeRepository({"main": {**files(), **overlay("1", service="model-b")}})
    again: RegistryError = RegistryUnavailable(str(DOWN))
    listings = {**listed(*NEWER), OTHER: DOWN, "reg.example/models/model-c": again}
    report = passed(repository, listings, FakeRegistries(NEWER))
    assert [str(problem) for problem in report.problems] == [str(DOWN)]
    assert "1.2.0" in standing(repository)


def test_pushes_are_noted_before_they_are_decided_on() -> None:
    repository, asked = FakeRepository({"main": files()}), FakeRegistries(NEWER)
    seen = replace(parts(repository, asked), decoders={"generic": generic.decode})
    pipeline.handle(seen, [delivery("0.9.0", "d")])
    assert [event.version.tag for event in asked.seen] == ["0.9.0"]
