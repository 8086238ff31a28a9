"""The laws, in whatever order things happen: events, people, other replicas, crashes, time.

After each step, every commit is held against its parent by `tests.helpers.story`, which shares no code with what it
checks. The same few stories are told every time; `UPDATER_LONG_TESTS=N` tells N others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.helpers import story
from tests.helpers.events import at, delivery
from tests.helpers.fake_repository import FakeCommit
from tests.helpers.story import Landed, Pair, Place, Story
from tests.helpers.world import (
    BRANCHES,
    FREEZE,
    MODELS,
    NEXT_DAY,
    OVERLAYS,
    PAUSED,
    TAGS,
    begun,
    kustomization,
    nothing,
)
from updater import pipeline
from updater.by_hand.overruling import Holding, Releasing, make_hold, make_release
from updater.by_hand.rollback import Wish, make_rollback
from updater.decoders import generic
from updater.decoding import decode
from updater.errors import ConfigurationError, UsageError
from updater.model import Decision, Delivery, Outcome
from updater.pipeline import Report
from updater.planning import Plan, Sight

FEW = 60
STORIES = int(os.environ.get("UPDATER_LONG_TESTS", FEW))
Push = tuple[str, int, str | None, int | None]
"""Image, number of the tag, letter of the digest, minutes ago."""
Where = tuple[str, str]
"""Branch and path."""

services = st.sampled_from(["model-a", "model-b"])
overlays = st.sampled_from([(branch, path) for branch, paths in OVERLAYS.items() for path in paths])
environments = st.sampled_from(list(BRANCHES))
numbers = st.integers(0, 9)
letters = st.sampled_from([None, "a", "b"])
ages = st.one_of(st.none(), st.integers(0, 12))
pushes = st.lists(st.tuples(st.sampled_from(MODELS), numbers, letters, ages), min_size=1, max_size=3)


class Killed(Exception):
    """The process ended."""


def kill() -> None:
    raise Killed


class Laws(RuleBasedStateMachine):
    """Two environments on a branch each, two services in four overlays, two replicas, and people."""

    @initialize(order=st.sampled_from(list(TAGS)), letter=letters)
    def begin(self, order: str, letter: str | None) -> None:
        self.order, self.world = order, begun(order, letter)
        self.heard: dict[tuple[str, str, str | None], Delivery] = {}
        self.quiet: list[Delivery] = []  # those heard since anything else happened
        self.settings_at: dict[str, dict[str, bytes]] = {}  # the environments' files when a commit was first seen
        self.erased: set[str] = set()

    # Events

    @rule(pushed=pushes, replica=st.integers(0, 1))
    def events(self, pushed: list[Push], replica: int) -> None:
        self.handle(replica, self.deliveries(pushed))

    @precondition(lambda self: self.heard)
    @rule(data=st.data(), replica=st.integers(0, 1))
    def old_events_come_again_later(self, data: st.DataObject, replica: int) -> None:
        """Pushes without a time count as new then, but where they stood; the rest is as old as it was."""
        self.world.tick()
        old = data.draw(st.lists(st.sampled_from(list(self.heard.values())), min_size=1, max_size=3))
        again = [replace(each, received_at=self.world.clock.time) for each in old]
        self.is_told(self.world.handle(again, replica), again)
        self.quiet.clear()

    @precondition(lambda self: self.quiet)
    @rule(data=st.data(), replica=st.integers(0, 1))
    def law_2_the_same_again_changes_nothing(self, data: st.DataObject, replica: int) -> None:
        self.world.reconcile(replica)
        refs = dict(self.world.remote.remote)
        self.handle(replica, data.draw(st.lists(st.sampled_from(self.quiet), min_size=1, max_size=3)))
        assert self.world.remote.remote == refs

    @rule(pushed=pushes, survived=st.integers(0, 2))
    def law_6_a_crash_between_two_pushes_ends_like_none(self, pushed: list[Push], survived: int) -> None:
        batch = self.deliveries(pushed)
        spared = self.world.forked()
        self.world.remote.rivals = [nothing] * survived + [kill]
        with suppress(Killed):
            self.world.handle(batch)
        self.world.restart()
        spared.handle(batch)
        for world in (self.world, spared):
            world.handle(batch)
            world.reconcile()
        assert self.world.trees() == spared.trees()
        self.quiet.clear()

    @rule(replica=st.integers(0, 1))
    def law_6_what_waited_is_decided_when_nothing_stops_it(self, replica: int) -> None:
        kept = self.world.waiting()
        report = self.world.reconcile(replica)
        self.is_told(report)
        told = {(each.image, each.to.tag, each.to.digest) for each in report.decisions}
        for name, versions in kept.items():
            assert versions <= told
            assert self.world.is_stopped(name) or not self.world.waiting()[name]
        self.quiet.clear()

    @rule(replica=st.integers(0, 1))
    def restart_on_an_empty_disk(self, replica: int) -> None:
        self.world.restart(replica)

    # People

    @rule(where=overlays, number=numbers, letter=letters)
    def write_a_version(self, where: Where, number: int, letter: str | None) -> None:
        self.write(where[0], {where[1]: kustomization(where[1], self.tag(number), letter, str(self.world.now))})

    @rule(branch=st.sampled_from(list(OVERLAYS)), number=numbers, minutes=st.integers(-9, 30))
    def squash(self, branch: str, number: int, minutes: int) -> None:
        """Several changes as one commit, with trailers of one of them, right or wrong."""
        tag, time = self.tag(number), at(self.world.now + minutes).isoformat()
        text = f"Squash\n\nUpdater-Image: {MODELS[0]}:{tag}\nUpdater-Previous: x\nUpdater-Event: y/z {time}\n"
        self.write(branch, {path: kustomization(path, tag, None) for path in OVERLAYS[branch]}, text)

    @rule(where=overlays, readable=st.booleans())
    def write_no_version(self, where: Where, readable: bool) -> None:
        text = f"# {self.world.now}\n{self.world.remote.on_remote(*where)}"
        self.write(where[0], {where[1]: text if readable else "images: ["})

    @rule(where=overlays, number=numbers)
    def write_what_stood_before(self, where: Where, number: int) -> None:
        contents = [commit.files[where[1]] for _, commit in self.world.history(where[0])]
        self.write(where[0], {where[1]: contents[-1 - number % len(contents)].decode()})

    @rule(branch=st.sampled_from(list(OVERLAYS)), number=st.integers(0, 5))
    def git_revert(self, branch: str, number: int) -> None:
        history = self.world.history(branch)
        sha, commit = history[-1 - number % len(history)]
        files, touched = history[-1][1].files, self.world.remote.changed(sha)
        if commit.parent and all(files[path] == commit.files[path] for path in touched):
            self.world.tick()
            self.world.remote.revert(branch, sha, self.world.now)
            self.quiet.clear()

    @rule(branch=st.sampled_from(list(OVERLAYS)), number=st.integers(1, 3))
    def force_push(self, branch: str, number: int) -> None:
        history = self.world.history(branch)
        left = history[:-number] or history
        self.erased |= {sha for sha, _ in history[len(left) :]}
        self.world.remote.remote[branch] = left[-1][0]
        self.quiet.clear()

    @rule(pushed=pushes, where=overlays, number=numbers, by_a_person=st.booleans())
    def others_are_faster(self, pushed: list[Push], where: Where, number: int, by_a_person: bool) -> None:
        """A person or another replica writes just before the next push."""
        mine, theirs = self.deliveries(pushed), self.deliveries(pushed[::-1])
        self.world.remote.rivals = [
            (lambda: self.write_a_version(where, number, None))
            if by_a_person
            else (lambda: self.world.handle(theirs, 1))
        ]
        self.world.handle(mine, 0)
        self.world.remote.rivals = []
        self.handle(0, mine)

    # Orders by hand, and the environments' files

    @rule(name=environments, service=services, number=st.none() | numbers)
    def roll_back(self, name: str, service: str, number: int | None) -> None:
        wish = Wish(name, [service], None if number is None else self.tag(number))
        self.order_by_hand(lambda sight: make_rollback(sight, wish))

    @rule(name=environments, service=services, day=st.sampled_from([None, "2026-11-21"]))
    def hold(self, name: str, service: str, day: str | None) -> None:
        self.order_by_hand(lambda sight: make_hold(sight, Holding(name, [service], "an incident", until=day)))

    @rule(name=environments, service=services, number=st.none() | numbers)
    def release(self, name: str, service: str, number: int | None) -> None:
        version = None if number is None else self.tag(number)
        wish = Releasing(name, [service], f"at {self.world.now}", version=version)
        self.order_by_hand(lambda sight: make_release(sight, wish))

    @rule(name=environments, line=st.sampled_from([FREEZE, PAUSED]))
    def freeze_or_pause_or_end_it(self, name: str, line: str) -> None:
        path = f"environments/{name}.yaml"
        text = self.world.remote.on_remote("main", path)
        self.write("main", {path: text.replace(line, "") if line in text else line + text})

    @rule()
    def another_day_begins(self) -> None:
        self.world.tick(NEXT_DAY)
        self.quiet.clear()

    # The laws

    @invariant()
    def every_commit_keeps_the_laws(self) -> None:
        for branch in OVERLAYS:
            told = Story()
            for sha, commit in self.world.history(branch):
                before = {place: list(past) for place, past in told.landed.items()}
                changed = told.tell(sha, commit)
                if sha not in self.settings_at:
                    self.settings_at[sha] = self.world.settings()
                    if story.is_ours(commit):
                        self.ours_keeps_the_laws(before, told, commit, changed)

    def ours_keeps_the_laws(
        self, before: dict[Place, list[Landed]], told: Story, commit: FakeCommit, changed: dict[Place, Landed]
    ) -> None:
        old = self.world.remote.commits[commit.parent or ""].files
        assert {path for path, content in commit.files.items() if old[path] != content} == {path for path, _ in changed}
        for place, new in changed.items():
            assert not self.world.is_frozen(place[0].split("/")[1])
            story.minimal_diff(old[place[0]], commit.files[place[0]], new.version)
            story.never_backwards(self.order, told.landed[place], new)
            self.is_not_written_again(before[place], place, new.version)
            readable = {each: past for each, past in before.items() if story.images(each[0], old[each[0]])}
            assert not self.is_held(readable, place, new.version, new.pushed_at), f"{new.version} is held"

    def is_not_written_again(self, past: list[Landed], place: Place, version: Pair) -> None:
        """What has stood needs a release; but where its tag stands alone, that learns its digest."""
        stood = [at for at, each in enumerate(past) if each.version == version]
        if stood and past[-1].version != (version[0], None):
            left = past[stood[-1] + 1]
            assert self.is_released(place, version, left.sha), f"{version} stood there before"

    @invariant()
    def law_7_nobody_s_work_is_overwritten(self) -> None:
        there = {sha for branch in OVERLAYS for sha, _ in self.world.history(branch)}
        assert self.settings_at.keys() <= there | self.erased

    # How

    def handle(self, replica: int, batch: Sequence[Delivery]) -> None:
        """Law 6: each pushed version comes to an end with a reason, or waits. Law 2: the same again changes nothing."""
        knows_what_waits = self.world.knows_what_waits(replica)
        self.is_told(self.world.handle(batch, replica), batch)
        if not knows_what_waits:  # what others kept may have its turn with the next event only
            self.world.handle(batch, replica)
        refs = dict(self.world.remote.remote)
        self.is_told(self.world.handle(batch, replica), batch)
        assert self.world.remote.remote == refs
        self.quiet += batch

    def is_told(self, report: Report, batch: Sequence[Delivery] = ()) -> None:
        assert [problem for problem in report.problems if problem.exit_code != ConfigurationError.exit_code] == []
        waiting = self.world.waiting()
        for decision in report.decisions:
            assert decision.reason
            assert decision.outcome is not Outcome.WAITING or decision.keeps
            if decision.keeps and decision.target is not None:
                assert (decision.image, decision.to.tag, decision.to.digest) in waiting[decision.target.environment]
            if " reverted in " in decision.reason:
                self.is_held_with_reason(decision, {commit.sha for commit in report.commits})
        told = {(decision.image, decision.to) for decision in report.decisions}
        decoded = decode({"generic": generic.decode}, batch)
        assert {(event.image, event.version) for event in decoded.events} <= told

    def is_held_with_reason(self, decision: Decision, written: set[str]) -> None:
        assert decision.target is not None
        assert decision.event is not None
        told = Story()
        for sha, commit in self.world.history(decision.target.branch):
            self.settings_at.setdefault(sha, self.world.settings())
            if sha not in written:
                told.tell(sha, commit)
        place = (decision.target.entry.path, decision.image)
        assert self.is_held(told.landed, place, (decision.to.tag, decision.to.digest), decision.event.time)

    def is_held(self, landed: dict[Place, list[Landed]], place: Place, version: Pair, pushed_at: datetime) -> bool:
        """Whether a move back in an overlay of the same service keeps a version out that is pushed then."""
        mine = [past for other, past in landed.items() if story.service(other) == story.service(place)]
        known = [each.pushed_at for past in mine for each in past if each.version == version]
        stood = any(each.version == version for each in landed[place])
        return any(
            not any(self.is_released(place, each, back.sha) for each in (held.version, version))
            for past in mine
            for held, back in story.keeps_out(past, self.order, version, min([pushed_at, *known]), stood=stood)
        )

    def is_released(self, place: Place, version: Pair, since: str) -> bool:
        """Whether somebody has released a tag of a service since a commit."""
        name = place[0].split("/")[1]
        then, now = (_releases(texts[name]) for texts in (self.settings_at[since], self.world.settings()))
        return any(each[:2] == (story.service(place), version[0]) for each in now - then)

    def tag(self, number: int) -> str:
        return TAGS[self.order][number % len(TAGS[self.order])]

    def deliveries(self, pushed: Sequence[Push]) -> list[Delivery]:
        """Each version is pushed once: told of again, it is the same delivery."""
        self.world.tick()
        new = [
            delivery(self.tag(number), letter, None if age is None else self.world.now - age, image=image)
            for image, number, letter, age in pushed
        ]
        keys = [(image, self.tag(number), letter) for image, number, letter, _ in pushed]
        return [
            self.heard.setdefault(key, replace(each, received_at=self.world.clock.time))
            for key, each in zip(keys, new, strict=True)
        ]

    def write(self, branch: str, files: Mapping[str, str], message: str = "by hand\n") -> None:
        self.world.tick()
        self.world.remote.commit(branch, files, message, self.world.now)
        self.quiet.clear()

    def order_by_hand(self, make: Callable[[Sight], Plan]) -> None:
        self.world.tick()
        parts = self.world.parts(0)
        parts.sight.repository.refresh(frozenset(OVERLAYS))
        try:
            pipeline.perform(parts, lambda: make(parts.sight))
        except (UsageError, ConfigurationError):
            return
        self.quiet.clear()


def _releases(text: bytes) -> set[tuple[str, str, str | None]]:
    items = story.loaded(text).get("release") or ()
    return {(each["service"], each["version"], each.get("reason")) for each in items}


@pytest.mark.slow
@pytest.mark.no_cover
def test_the_laws_hold_whatever_happens() -> None:
    size = settings(max_examples=STORIES, stateful_step_count=30, deadline=None, derandomize=STORIES == FEW)
    run_state_machine_as_test(Laws, settings=size)
