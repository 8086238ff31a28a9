"""The laws of promotion in whatever order things happen: pushes, people on the forge and in git, crashes, time.

After each thing that a replica did, what it changed is held against `tests.helpers.promotion_story`, which shares no
code with what decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.helpers import promotion_story as story
from tests.helpers.events import at, delivery, digest
from tests.helpers.promotion_story import LASTING, OURS, WITHDRAWN, Pull, View
from tests.helpers.promotion_world import (
    BRANCHES,
    CONTEXT,
    MODELS,
    NEXT_DAY,
    PATHS,
    STOPS,
    TAGS,
    Layout,
    World,
    handle,
    kustomization,
    reconcile,
    strangers,
    view,
)
from tests.helpers.story import Pair, Place, images
from tests.helpers.story import service as service_of
from updater.errors import ForgeRefused, ForgeUnavailable
from updater.forge import Edit, PullRequest, Status, StatusState
from updater.model import Delivery
from updater.pipeline import Report

REPLICAS = 2
Push = tuple[str, int, str, int]
"""Image, number of the tag, letter of the digest, minutes ago."""

layouts = st.builds(
    Layout,
    order=st.sampled_from(["semver", "semver", "pushed"]),
    per=st.sampled_from(["service", "service", "environment"]),
    move=st.sampled_from(["until-approved", "until-approved", "always", "never"]),
    soak=st.sampled_from([30, 30, 0]),
    gated=st.booleans(),
)
replicas = st.integers(0, REPLICAS - 1)
numbers = st.integers(0, 4)
letters = st.sampled_from(["a", "a", "a", "b"])
pushes = st.lists(st.tuples(st.sampled_from(MODELS), numbers, letters, st.integers(0, 12)), min_size=1, max_size=2)
overlays = st.sampled_from([path for paths in PATHS.values() for path in paths])
environments = st.sampled_from(["test", "staging", "staging", "pilot", "edge"])


class Killed(BaseException):
    """The process ended."""


def kill() -> None:
    raise Killed


def _unavailable() -> None:
    raise ForgeUnavailable("the forge is away")


def _refused() -> None:
    raise ForgeRefused("the forge does not want to")


TROUBLE: dict[str, Callable[[], None]] = {"killed": kill, "unavailable": _unavailable, "refused": _refused}


class Promotions(RuleBasedStateMachine):
    """Four environments, two services, two replicas, and people."""

    def made(self, layout: Layout) -> World:
        """The world that the story happens in."""
        raise NotImplementedError

    @initialize(layout=layouts, stop=st.sampled_from(["", "", *STOPS]))
    def begin(self, layout: Layout, stop: str) -> None:
        self.world = self.made(layout)
        self.layout = layout
        self.is_broken = False  # then what comes later says nothing
        self.states: set[str] = set()
        self.has_crashed = False  # what we withdrew just then may have left its branch
        self.heard: dict[tuple[str, str, str], Delivery] = {}
        if stop:
            self.begin_or_end_a_stop("staging", stop)

    # What replicas do

    @rule(pushed=pushes, replica=replicas)
    def events(self, pushed: list[Push], replica: int) -> None:
        self.tick()
        self.does(replica, lambda: handle(self.world, self.deliveries(pushed), replica))

    @rule(pushed=pushes, replica=replicas, minutes=st.sampled_from([0, 40]))
    def a_version_proves_itself(self, pushed: list[Push], replica: int, minutes: int) -> None:
        """It is pushed, and tested, and stands long enough."""
        self.events(pushed, replica)
        self.all_tests_are_green()
        self.tick(minutes)
        self.passes(replica)

    @precondition(lambda self: self.heard)
    @rule(data=st.data(), replica=replicas)
    def old_events_come_again(self, data: st.DataObject, replica: int) -> None:
        again = data.draw(st.lists(st.sampled_from(list(self.heard.values())), min_size=1, max_size=2))
        self.tick()
        self.does(replica, lambda: handle(self.world, again, replica))

    @rule(replica=replicas, other=replicas)
    def law_2_a_second_pass_changes_nothing(self, replica: int, other: int) -> None:
        self.tick()
        for _ in range(3):
            if _is_settled(self.passes(replica)):
                break
        before, marks = self.world.refs(), self.marks()
        self.passes(other)
        assert (self.world.refs(), self.marks()) == (before, marks), "law 2"

    @rule(replica=replicas, kind=st.sampled_from(list(TROUBLE)), late=st.booleans(), number=st.integers(0, 3))
    def law_6_the_forge_or_the_process_breaks_off(self, replica: int, kind: str, late: bool, number: int) -> None:
        self.tick()
        _, forge = self.world.watched(replica)
        (forge.after if late else forge.before).extend([*[_nothing] * number, TROUBLE[kind]])
        with suppress(Killed):
            self.does(replica, lambda: reconcile(self.world, replica))
        forge.calm()
        if kind == "killed":
            self.world.restart(replica, is_empty=late)

    @rule(replica=replicas)
    def law_6_killed_before_or_after_a_push(self, replica: int) -> None:
        self.tick()
        repository, _ = self.world.watched(replica)
        repository.after.append(kill)
        with suppress(Killed):
            self.does(replica, lambda: reconcile(self.world, replica))
        repository.calm()
        self.world.restart(replica, is_empty=False)

    @rule(replica=replicas)
    def restart_on_an_empty_disk(self, replica: int) -> None:
        self.world.restart(replica, is_empty=True)

    @rule(data=st.data(), replica=replicas, on_forge=st.booleans())
    def others_are_faster(self, data: st.DataObject, replica: int, on_forge: bool) -> None:
        """A person, or the other replica, does something just before we push or ask the forge to change anything."""
        self.tick()
        repository, forge = self.world.watched(replica)
        number = data.draw(st.integers(0, 3))
        act = data.draw(
            st.sampled_from(
                [
                    lambda: self.hand_edit_now("overlays/staging/east/model-a/kustomization.yaml", number, "a"),
                    lambda: self.on_a_pull(number, lambda pull: self.merge_now(pull, "merge")),
                    lambda: self.on_a_pull(number, self.close_now),
                    lambda: self.on_a_pull(number, self.approve_now),
                    lambda: self.on_a_pull(number, self.commit_now),
                    lambda: reconcile(self.world, 1 - replica),
                ]
            )
        )
        (forge if on_forge else repository).before.append(act)
        reconcile(self.world, replica)
        repository.calm()
        forge.calm()

    # People on the forge

    @precondition(lambda self: "open" in self.states)
    @rule(number=numbers, method=st.sampled_from(["merge", "squash", "rebase"]))
    def merge(self, number: int, method: str) -> None:
        self.on_a_pull(number, lambda pull: self.merge_now(pull, method))

    @precondition(lambda self: "open" in self.states)
    @rule(number=numbers)
    def close(self, number: int) -> None:
        self.on_a_pull(number, self.close_now)

    @precondition(lambda self: "open" in self.states)
    @rule(number=numbers)
    def approve(self, number: int) -> None:
        self.on_a_pull(number, self.approve_now)

    @precondition(lambda self: "open" in self.states)
    @rule(number=numbers)
    def commit_to_our_branch(self, number: int) -> None:
        self.on_a_pull(number, self.commit_now)

    @precondition(lambda self: "open" in self.states)
    @rule(number=numbers)
    def edit_the_text(self, number: int) -> None:
        self.on_a_pull(number, lambda pull: self.edit(pull, Edit(title="mine", body="")))

    @precondition(lambda self: "open" in self.states)
    @rule(number=numbers)
    def delete_our_branch(self, number: int) -> None:
        """Forges close a pull request whose branch somebody deletes."""
        self.on_a_pull(number, self.delete_now)

    @precondition(lambda self: "closed" in self.states)
    @rule(number=numbers)
    def reopen(self, number: int) -> None:
        self.on_a_pull(number, lambda pull: self.edit(pull, Edit(state="open")), state="closed")

    @rule(age=st.integers(0, 6), state=st.sampled_from(["success", "success", "failure", "pending"]))
    def report_a_status(self, age: int, state: StatusState) -> None:
        self.tick()
        line = view(self.world).lines["main"]
        self.world.alice().report(line[-1 - age % len(line)][0], Status(CONTEXT, state, self.world.clock.time))

    @rule()
    def all_tests_are_green(self) -> None:
        self.tick()
        self.report_on_tested(view(self.world), 3)

    # People in git

    @rule(path=overlays, number=numbers, letter=letters)
    def hand_edit(self, path: str, number: int, letter: str) -> None:
        self.tick()
        self.hand_edit_now(path, number, letter)

    @rule(name=environments, service=st.sampled_from(["model-a", "model-b"]), number=numbers)
    def edit_all_clusters(self, name: str, service: str, number: int) -> None:
        self.tick()
        files = {
            path: kustomization(path, self.tag(number), "a") for path in PATHS[name] if path.split("/")[-2] == service
        }
        self.world.write(BRANCHES[name], files, "By hand\n")

    @rule(branch=st.sampled_from(["main", "main", "main", "edge"]), number=st.integers(0, 5))
    def git_revert(self, branch: str, number: int) -> None:
        line = view(self.world).lines[branch]
        at_ = max(1, len(line) - 1 - number)
        if len(line) > 1:
            before, made, now = line[at_ - 1][1].files, line[at_][1].files, line[-1][1].files
            touched = [path for path in made if made[path] != before.get(path)]
            if touched and all(now[path] == made[path] and path in before for path in touched):
                self.tick()
                files = {path: before[path].decode() for path in touched}
                self.world.write(branch, files, f'Revert "{line[at_][1].message.splitlines()[0]}"\n')

    @precondition(lambda self: "open" in self.states)
    @rule(name=st.sampled_from(["test", "pilot"]), service=st.sampled_from(["model-a", "model-b"]), back=st.booleans())
    def go_back_or_beyond(self, name: str, service: str, back: bool) -> None:
        """Somebody takes a service back to what stood there first, or brings the newest by hand."""
        self.edit_all_clusters(name, service, 0 if back else len(TAGS[self.layout.order]) - 1)

    @rule(name=environments, text=st.sampled_from(STOPS))
    def begin_or_end_a_stop(self, name: str, text: str) -> None:
        self.tick()
        path = f"environments/{name}.yaml"
        now = view(self.world).lines["main"][-1][1].files[path].decode()
        self.world.write("main", {path: now.replace(text, "") if text in now else text + now}, "Stop\n")

    @rule(name=environments, service=st.integers(0, 1), number=numbers)
    def release(self, name: str, service: int, number: int) -> None:
        self.tick()
        path, image = f"environments/{name}.yaml", MODELS[service]
        now = view(self.world).lines["main"][-1][1].files[path].decode()
        about = f"service: model-{'ab'[service]}, image: {image}, version: '{self.tag(number)}'"
        item = f"- {{{about}, reason: at {self.now}}}\n"
        new = now.replace("release:\n", f"release:\n{item}") if "release:\n" in now else f"{now}release:\n{item}"
        self.world.write("main", {path: new}, "Release\n")

    # Time

    @rule(minutes=st.sampled_from([10, 40, 40, NEXT_DAY]))
    def time_passes(self, minutes: int) -> None:
        self.tick(minutes)

    def teardown(self) -> None:
        """Law 6: with all stops lifted, the forge healthy and every test green, nothing is lost."""
        if not hasattr(self, "world") or self.is_broken:
            return
        self.tick(2 * NEXT_DAY)
        files = view(self.world).lines["main"][-1][1].files
        ended = {name: _without_stops(files[name].decode()) for name in files if name.startswith("environments/")}
        self.world.write("main", ended, "All stops end\n")
        self.report_on_tested(view(self.world), 99)
        for replica in (0, 1, 0):
            self.passes(replica)
        self.follows_are_complete(view(self.world))

    # The laws

    def passes(self, replica: int) -> Report:
        """A pass of a replica with nothing in its way: all laws, and what is to be promoted is."""
        report = self.does(replica, lambda: reconcile(self.world, replica))
        self.is_broken = True
        assert [problem for problem in report.problems if problem.exit_code] == []
        seen = view(self.world)
        if _is_settled(report):
            self.promotions_are_complete(seen)
        for pull in self.open_ones(seen):
            self.is_in_order(seen, pull)
        self.is_broken = False
        return report

    def does(self, replica: int, act: Callable[[], Report]) -> Report:
        """What a replica does keeps the laws, whatever comes of it."""
        before = view(self.world)
        self.is_broken = True
        try:
            report = act()
        except Killed:
            self.has_crashed = True
            self.is_lawful(before)
            self.is_broken = False
            raise
        self.is_lawful(before)
        assert all(decision.reason for decision in report.decisions), "law 10"
        self.is_broken = False
        return report

    def is_lawful(self, before: View) -> None:
        """Whether what happened since keeps the laws, when nobody but a replica did anything."""
        after = view(self.world)
        self.states = {pull.told.state for pull in after.pulls}
        self.nothing_is_overwritten(before, after, strangers(self.world, before))
        self.commits_keep_the_laws(before, after)
        self.pulls_keep_the_laws(before, after)

    def nothing_is_overwritten(self, before: View, after: View, theirs: dict[str, str]) -> None:
        for branch, line in before.lines.items():
            assert list(after.lines[branch][: len(line)]) == list(line), "law 7: the branch has lost commits"
        merged = {pull.told.commit for pull in before.pulls if pull.told.state == "merged"}
        for name, tip in theirs.items():
            assert after.refs.get(name) == tip or tip in merged, f"law 7: {name} carried commits of others"
        heads = [pull.told.head for pull in after.pulls if pull.told.state == "open"]
        assert len(heads) == len(set(heads)), "law 7: two pull requests of one branch"

    def commits_keep_the_laws(self, before: View, after: View) -> None:
        """Laws 3, 4, 8 for what was committed; each commit is judged by what stood before it."""
        for branch, line in after.lines.items():
            known = len(before.lines[branch])
            for number in range(known, len(line)):
                assert line[number][1].author == OURS
                seen = replace(before, lines={**before.lines, branch: line[:number]})
                old, new = line[number - 1][1].files, line[number][1].files
                for path in (path for path in new if new[path] != old.get(path)):
                    for name, version in images(path, new[path]):
                        self.is_called_for(seen, (path, name), version, f"commit to {path}")

    def pulls_keep_the_laws(self, before: View, after: View) -> None:
        """Laws 3, 4, 5, 8 for what was proposed: every head that is new."""
        old = {pull.told.number: pull for pull in before.pulls if pull.told.state == "open"}
        for pull in self.open_ones(after):
            known = old.get(pull.told.number)
            if known is not None and known.told.commit == pull.told.commit:
                continue
            for place, version in pull.versions.items():
                is_new = known is None or known.versions.get(place) != version
                what = f"#{pull.told.number} for {place[0]}"
                if is_new:
                    self.is_called_for(replace(before, lines=after.lines), place, version, what)
                if is_new and known is not None and place in known.versions:
                    assert self.may_move(before, known), f"law 8: {what} was moved"

    def is_called_for(self, seen: View, place: Place, version: Pair, what: str) -> None:
        """Whether nothing speaks against writing or proposing a version now."""
        against = set(seen.objections(place, version))
        assert not against, f"{what}: {version} is {against}"

    def may_move(self, seen: View, pull: Pull) -> bool:
        return self.layout.move == "always" or (self.layout.move == "until-approved" and not pull.is_approved)

    def is_in_order(self, seen: View, pull: Pull) -> None:
        """An open pull request after a pass: worth it, and telling what it holds."""
        if pull.has_strangers:
            return
        number, told = pull.told.number, pull.told
        soft: set[str] = set()
        for place, version in pull.versions.items():
            against = set(seen.objections(place, version))
            assert not against & LASTING or "disagreement" in against, f"#{number}: {version} is {against}"
            soft |= against - LASTING
            assert f"Updater-Image: {_reference(place, version)}\n" in f"{told.body}\n", "the text names what it holds"
            assert str(version[0]) in told.title or self.layout.per == "environment"
        assert pull.versions, f"#{number} proposes nothing"
        assert told.labels >= {"promotion"}
        gates = [each for each in told.statuses if each.context == "updater/gates"]
        assert [each.state == "success" for each in gates] == [not soft - {"refused"}], (soft, gates)

    def promotions_are_complete(self, seen: View) -> None:
        """Level-triggered: what nothing speaks against stands, or is proposed, or what is proposed may not move."""
        for name in ("staging", "edge"):
            for place in seen.places(name):
                free = [version for version, against in seen.offered(place).items() if not against]
                if not free:
                    continue
                best = max(free, key=lambda version: seen.rank(place, version))
                assert name == "staging", f"{best} should stand in {place[0]}"
                self.is_proposed(seen, place, best)
        for pull in [] if self.has_crashed else seen.pulls:
            mine = [each for each in seen.pulls if each.told.head == pull.told.head]
            if pull is max(mine, key=lambda each: each.told.number) and pull.told.state == "closed":
                is_ours = pull.told.closed_by == OURS
                assert not is_ours or pull.told.head not in seen.refs, f"the branch of #{pull.told.number} is left"
                assert not is_ours or WITHDRAWN in pull.told.labels

    def follows_are_complete(self, seen: View) -> None:
        """What was pushed stands in test and is proposed to pilot, but for what people keep out."""
        for name in ("test", "pilot"):
            for place in seen.places(name):
                told = [version for image, version in seen.pushed if image == place[1]]
                free = [version for version in told if not set(seen.objections(place, version))]
                best = max(free, key=lambda version: seen.rank(place, version), default=None)
                if best is None or any(seen.rank(place, best) < seen.rank(place, no) for no in seen.refusals(place)):
                    continue  # what is older than a refused version comes only if nobody tells of that one again
                assert name == "pilot", f"{best} should stand in {place[0]}"
                self.is_proposed(seen, place, best)

    def is_proposed(self, seen: View, place: Place, best: Pair) -> None:
        pull = seen.pull(story.environment(place), place)
        if pull is None:
            head = story.environment(place), service_of(place)
            left = strangers(self.world, seen)
            assert any(name in left for name in (f"updater/{head[0]}/{head[1]}", f"updater/{head[0]}/@all")), (
                f"{best} should be proposed for {place[0]}"
            )
            return
        if pull.has_strangers or not self.may_move(seen, pull):
            return
        version = pull.versions.get(place)
        assert version is not None, f"#{pull.told.number} should propose {best} for {place[0]}"
        if version == best or None in (version[1], best[1]):
            return
        assert seen.rank(place, version) > seen.rank(place, best), (
            f"#{pull.told.number} should move from {version} to {best}"
        )

    # How

    @property
    def now(self) -> int:
        return int((self.world.clock.time - at(0)).total_seconds() // 60)

    def tick(self, minutes: int = 1) -> None:
        self.world.clock.time = at(self.now + minutes)

    def tag(self, number: int) -> str:
        return TAGS[self.layout.order][number % len(TAGS[self.layout.order])]

    def marks(self) -> list[tuple[object, ...]]:
        """How many writes each replica has asked of its forge, and every pull request as it is."""
        writes = [tuple(self.world.watched(replica)[1].writes) for replica in range(REPLICAS)]
        return [
            *writes,
            tuple(sorted((each.number, each.state, each.title, each.commit) for each in self.world.pulls())),
        ]

    def open_ones(self, seen: View) -> list[Pull]:
        return [pull for pull in seen.pulls if pull.told.state == "open"]

    def on_a_pull(self, number: int, act: Callable[[PullRequest], object], state: str = "open") -> None:
        """Does something on one of the pull requests, if there is any."""
        there = sorted((each for each in self.world.pulls() if each.state == state), key=lambda each: each.number)
        if there:
            self.tick()
            with suppress(ForgeRefused):
                act(there[number % len(there)])
            self.states = {each.state for each in self.world.pulls()}

    def merge_now(self, pull: PullRequest, method: str) -> None:
        self.world.alice().merge(pull.number, pull.commit, method)  # type: ignore[arg-type]

    def close_now(self, pull: PullRequest) -> None:
        if WITHDRAWN not in pull.labels:  # after a reopening the label would say that it was us again
            self.edit(pull, Edit(state="closed"))

    def delete_now(self, pull: PullRequest) -> None:
        self.close_now(pull)
        if WITHDRAWN not in pull.labels and pull.head in self.world.refs():
            self.world.delete(pull.head)

    def approve_now(self, pull: PullRequest) -> None:
        self.world.alice().approve(pull.number, pull.commit)

    def commit_now(self, pull: PullRequest) -> None:
        if pull.head in self.world.refs():
            self.world.write(pull.head, {"notes.txt": f"at {self.now}\n"}, "My notes\n")

    def report_on_tested(self, seen: View, number: int) -> None:
        """Every test is green on the newest commits that brought something to test."""
        landed = {each.sha for place in seen.places("test") for each in seen.landed[place]}
        for sha in [sha for sha, _ in seen.lines["main"] if sha in landed][-number:]:
            self.world.alice().report(sha, Status(CONTEXT, "success", self.world.clock.time))

    def edit(self, pull: PullRequest, edit: Edit) -> None:
        self.world.alice().edit(pull.number, edit)

    def hand_edit_now(self, path: str, number: int, letter: str) -> None:
        text = kustomization(path, self.tag(number), letter)
        self.world.write(BRANCHES[path.split("/")[1]], {path: text}, f"By hand at {self.now}\n")

    def deliveries(self, pushed: Sequence[Push]) -> list[Delivery]:
        """Each version is pushed once: told of again, it is the same delivery."""
        found = []
        for image, number, letter, age in pushed:
            tag = self.tag(number)
            new = delivery(tag, letter, self.now - age, image=image, id=f"{tag}-{letter}")
            made = replace(new, received_at=self.world.clock.time)
            self.world.pushed.setdefault((image, (tag, digest(letter))), at(self.now - age))
            found.append(self.heard.setdefault((image, tag, letter), made))
        return found


def _is_settled(report: Report) -> bool:
    """Whether nothing was done that another pass builds on: a commit to promote from, a branch that is free again."""
    return not report.commits and all(kept.pull.state == "open" for kept in report.pulls)


def _nothing() -> None:
    """Nothing happens."""


def _without_stops(text: str) -> str:
    for stop in STOPS:
        text = text.replace(stop, "")
    return text


def _reference(place: Place, version: Pair) -> str:
    return f"{place[1]}:{version[0]}" + (f"@{version[1]}" if version[1] else "")
