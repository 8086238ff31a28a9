"""What a remote and its forge say of the laws of promotion, in the plainest way: all of it is read, every time.

Nothing here is asked of `updater.core` or of what decides: versions, orders and what moves back keep out are read as in
`tests.helpers.story`, pull requests from their heads' commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from tests.helpers import story
from tests.helpers.fake_repository import FakeCommit
from tests.helpers.story import Landed, Pair, Place, Story
from updater.forge import PullRequest

Line = Sequence[tuple[str, FakeCommit]]
"""Commits with their ids, each the first parent of the next."""

OURS = "updater"
"""Who our commits and pull requests are by."""
WITHDRAWN = "updater:withdrawn"
LASTING = frozenset({"older", "held", "held there"})
"""What is said against a version that no open pull request of ours may propose any longer."""


@dataclass(frozen=True)
class Pull:
    """A pull request with what its head proposes: versions by place, and whether somebody else committed there."""

    told: PullRequest
    versions: Mapping[Place, Pair]
    has_strangers: bool

    @property
    def environment(self) -> str:
        return self.told.head.split("/")[1]

    @property
    def is_approved(self) -> bool:
        return bool(self.told.approvals)

    @property
    def is_refusal(self) -> bool:
        """Whether a person closed it; who did is what the forge says, whatever the labels are."""
        return self.told.state == "closed" and self.told.closed_by != OURS


@dataclass(frozen=True)
class View:
    """Everything that can be seen at a moment: mainlines by branch (oldest first), pull requests, statuses.

    `statuses` gives state and time of each context of a commit; `branches` gives the branch of each environment, and
    `pushed` when a version of an image was pushed, as events have told.
    """

    now: datetime
    order: str
    lines: Mapping[str, Line]
    pulls: Sequence[Pull]
    statuses: Callable[[str], Mapping[str, tuple[str, datetime]]]
    branches: Mapping[str, str]
    refs: Mapping[str, str]
    pushed: Mapping[tuple[str, Pair], datetime]

    @cached_property
    def landed(self) -> dict[Place, list[Landed]]:
        """What landed in each entry, oldest first."""
        found: dict[Place, list[Landed]] = {}
        for branch, line in self.lines.items():
            told = Story()
            for sha, commit in line:
                told.tell(sha, commit)
            here = [name for name, mine in self.branches.items() if mine == branch]
            found |= {place: past for place, past in told.landed.items() if environment(place) in here}
        return found

    def settings(self, name: str, at: datetime | None = None) -> dict[str, Any]:
        """The file of an environment, now or as it was at a moment."""
        line = self.lines["main"]
        then = [commit for _, commit in line if at is None or commit.time <= at] or [line[0][1]]
        return dict(story.loaded(then[-1].files[f"environments/{name}.yaml"]))

    # What is there

    def places(self, name: str) -> list[Place]:
        """The entries of an environment."""
        return [place for place in self.landed if environment(place) == name]

    def there(self, place: Place) -> list[Place]:
        """The entries that one of a promoting environment gets its versions from."""
        source = self.settings(environment(place))["promote"]["from"]
        return [each for each in self.places(source) if is_beside(each, place)]

    def standing(self, place: Place) -> Landed:
        return self.landed[place][-1]

    def pull(self, name: str, place: Place) -> Pull | None:
        """The open pull request for an entry."""
        heads = (f"updater/{name}/{story.service(place)}", f"updater/{name}/@all")
        return next((each for each in self.pulls if each.told.state == "open" and each.told.head in heads), None)

    # Times and ranks

    def pushed_at(self, place: Place, version: Pair) -> datetime:
        """The earliest push of a version that the histories of an entry and its sources tell, or else an event.

        What people bring by hand is as new as they make it, whenever it was pushed.
        """
        known = [place, *(self.there(place) if self.promotes(place) else ())]
        times = [each.pushed_at for past in known for each in self.landed[past] if each.version == version]
        is_known = self.promotes(place) or version == self.standing(place).version
        if not is_known and (place[1], version) in self.pushed:
            times.append(self.pushed[place[1], version])
        return min(times, default=self.now)

    def rank(self, place: Place, version: Pair) -> tuple[Any, ...]:
        return story.rank(self.order, version, self.pushed_at(place, version))

    def promotes(self, place: Place) -> bool:
        """Whether its versions come from another environment."""
        return "promote" in self.settings(environment(place))

    # What speaks against a version

    def offered(self, place: Place) -> dict[Pair, set[str]]:
        """Each version that ever stood in the sources of an entry, with all that speaks against it now."""
        there = self.there(place)
        versions = dict.fromkeys(each.version for mine in there for each in self.landed[mine])
        return {version: set(self.objections(place, version)) for version in versions if version != (None, None)}

    def objections(self, place: Place, version: Pair) -> Iterator[str]:
        """What speaks against a version for an entry."""
        yield from self._against(place, version)
        if self.promotes(place):
            yield from self._unproved(place, version)

    def _unproved(self, place: Place, version: Pair) -> Iterator[str]:
        """What is wanting where a version comes from."""
        name = environment(place)
        there = self.there(place)
        if self._is_level(place) and self.pull(name, place) is None:
            yield "level"
        counted = [each for each in there if not self.is_moved_back(each)] or there
        if len({self.standing(each).version for each in counted}) > 1:
            yield "disagreement"
        promote = self.settings(name)["promote"]
        kept = {each: list(self.stays(each, version, there)) for each in counted}
        if any(not kept[each] and any(past.version == version for past in self.landed[each]) for each in counted):
            yield "held there"
        soak = minutes(promote.get("soak", "0m"))
        enough = [[landed for landed, end in kept[each] if end - landed.at >= soak] for each in counted]
        if not all(enough):
            yield "soak"
        stays = [mine[-1] for mine in enough if mine]
        commits = {each.sha for each in stays}
        for context in promote.get("statuses", ()):
            if not self.is_green(commits, context):
                yield "status"

    def _is_level(self, place: Place) -> bool:
        """Whether one version stands everywhere, so that nothing moves: what was taken back where it comes from, and
        released there since, has to land there again first."""
        beside = [each for each in self.places(environment(place)) if is_beside(each, place)]
        return len({self.standing(each).version for each in (*self.there(place), *beside)}) == 1

    def _against(self, place: Place, version: Pair) -> Iterator[str]:
        """What speaks against a version in the environment itself, wherever it comes from."""
        here, name = self.standing(place).version, environment(place)
        learns = here == (version[0], None) and version[1] is not None
        if not learns and (story.is_same(here, version) or self.rank(place, version) <= self.rank(place, here)):
            yield "older"
        mine = [each for each in self.places(name) if is_beside(each, place)]
        stood = any(each.version == version for each in self.landed[place])
        if self.is_held(mine, version, self.pushed_at(place, version), stood=stood):
            yield "held"
        if self.is_refused(place, version):
            yield "refused"
        settings = self.settings(name)
        today = f"{self.now:%Y-%m-%d}"
        if any(today < each["until"] for each in settings.get("hold", ())) and not self._releases(place, version):
            yield "hold"
        if settings.get("paused") or self.is_frozen(settings):
            yield "stopped"

    def is_frozen(self, settings: Mapping[str, Any]) -> bool:
        return any(
            str(each["from"]) <= f"{self.now:%Y-%m-%d}" <= str(each["to"]) for each in settings.get("freeze", ())
        )

    def is_moved_back(self, place: Place) -> bool:
        """Whether a move back in this very entry keeps anything out."""
        past = self.landed[place]
        return any(
            held.version == each.version and not self._is_released(place, held.version, back)
            for each in past
            for held, back in story.keeps_out(past, self.order, each.version, each.pushed_at, stood=True)
        )

    def is_held(self, places: Sequence[Place], version: Pair, pushed_at: datetime, *, stood: bool) -> bool:
        """Whether a move back in one of the entries keeps a version out of all of them."""
        return any(
            not any(self._is_released(place, each, back) for each in (held.version, version))
            for place in places
            for held, back in story.keeps_out(self.landed[place], self.order, version, pushed_at, stood=stood)
        )

    def is_refused(self, place: Place, version: Pair) -> bool:
        """Whether a person closed a pull request for this version, or before it for a newer one that was refused."""
        for refused, closed_at in self.refusals(place).items():
            then = self._releases(place, refused, closed_at) | self._releases(place, version, closed_at)
            if (self._releases(place, refused) | self._releases(place, version)) - then:
                continue
            is_before = self.pushed_at(place, version) <= closed_at and self.rank(place, version) < self.rank(
                place, refused
            )
            if story.is_same(refused, version) or is_before:
                return True
        return False

    def refusals(self, place: Place) -> dict[Pair, datetime]:
        """The versions of which a person closed the newest pull request for an entry, and when."""
        said: dict[Pair, Pull] = {}
        for pull in sorted(self.pulls, key=lambda each: -each.told.number):
            counts = pull.told.state == "merged" or pull.is_refusal
            if counts and pull.environment == environment(place) and place in pull.versions:
                said.setdefault(pull.versions[place], pull)
        found = {version: pull.told.closed_at for version, pull in said.items() if pull.is_refusal}
        return {version: at for version, at in found.items() if at is not None}

    def stays(self, place: Place, version: Pair, there: Sequence[Place]) -> Iterator[tuple[Landed, datetime]]:
        """Each time that a version stood in an entry, and until when, if nobody has moved back from it since."""
        past = self.landed[place]
        ends = [*(each.at for each in past[1:]), self.now]
        for number, (each, end) in enumerate(zip(past, ends, strict=True)):
            if each.version == version and not (
                self._is_taken_back(place, number)
                or any(self._is_back_beside(each, one) for one in there if one != place)
            ):
                yield each, end

    def _is_taken_back(self, place: Place, number: int) -> bool:
        """Whether somebody moved the entry later from this version, or a newer one, to an older one."""
        past = self.landed[place]
        ranks = [self.rank(place, each.version) for each in past]
        return any(
            ranks[at] < ranks[number] <= ranks[at - 1]
            and not any(self._is_released(place, each.version, past[at]) for each in (past[number], past[at - 1]))
            for at in range(number + 1, len(past))
        )

    def _is_back_beside(self, stay: Landed, beside: Place) -> bool:
        """Whether a move back in another entry of the service still keeps out what stood here then."""
        found = story.keeps_out(self.landed[beside], self.order, stay.version, stay.pushed_at, stood=True)
        return self.rank(beside, self.standing(beside).version) < self.rank(beside, stay.version) and any(
            back.at >= stay.at
            and not any(self._is_released(beside, each, back) for each in (held.version, stay.version))
            for held, back in found
        )

    def is_green(self, commits: set[str], context: str) -> bool:
        """Whether the newest report of a context on any of these commits is a good one."""
        told = [self.statuses(sha)[context] for sha in commits if context in self.statuses(sha)]
        return bool(told) and max(told, key=lambda each: each[1])[0] == "success"

    def _is_released(self, place: Place, version: Pair, back: Landed) -> bool:
        """Whether somebody has released a version since a commit."""
        return bool(self._releases(place, version) - self._releases(place, version, back.at))

    def _releases(self, place: Place, version: Pair, at: datetime | None = None) -> frozenset[tuple[str, ...]]:
        items = self.settings(environment(place), at).get("release") or ()
        found = {(each["service"], str(each["version"]), each.get("reason", "")) for each in items}
        return frozenset(each for each in found if each[:2] == (story.service(place), version[0]))


def environment(place: Place) -> str:
    """The environment of an overlay."""
    return place[0].split("/")[1]


def is_beside(one: Place, other: Place) -> bool:
    """Whether two entries are of one service and image."""
    return (story.service(one), one[1]) == (story.service(other), other[1])


def minutes(text: str) -> timedelta:
    return timedelta(minutes=int(text.removesuffix("m")))


def proposed(line: Line, mainline: set[str]) -> tuple[dict[Place, Pair], bool]:
    """What a head proposes beyond the commits of its base, and whether anybody else committed there.

    `line` is the head and what is before it, newest first.
    """
    mine = []
    for sha, commit in line:
        if sha in mainline:
            break
        mine.append(commit)
    else:
        return {}, True
    if not mine:
        return {}, False
    before = dict(_versions(commit.files))
    return (
        {place: version for place, version in _versions(mine[0].files) if before.get(place) != version},
        any(each.author != OURS for each in mine),
    )


def _versions(files: Mapping[str, bytes]) -> Iterator[tuple[Place, Pair]]:
    for path, content in files.items():
        for name, version in story.images(path, content):
            yield (path, name), version
