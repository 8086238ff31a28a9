"""Which files mention an image, and what history says of an entry: answers that cost what changed, not the repository.

A branch is scanned once (bytes, not YAML); after that only the files that differ between the known tip and the
wanted one are looked at again. The history of a file is read once, when it is first asked for; after that one pass
over the new commits carries on what is known, and our own commits need none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from updater.adapters import filters, log, mainline, reading
from updater.adapters.cache import Cache
from updater.adapters.facts import Facts
from updater.adapters.log import LoggedCommit
from updater.adapters.mainline import Turn
from updater.adapters.mirror import Mirror
from updater.adapters.pushing import ref
from updater.adapters.scan import scan
from updater.core import history
from updater.core.history import Step
from updater.core.kustomization import FILE_NAMES, mentioned_images
from updater.core.messages import short
from updater.errors import UpdaterError
from updater.model import Entry, Landing, Past
from updater.protocols import Question, Update

_NAMES = frozenset(FILE_NAMES)
_MANY = 24
"""More files than this are read in one pass over the whole branch; git looks for each of fewer ones by itself."""
_logger = logging.getLogger(__name__)


class Catalog:
    """Questions about the overlays of one repository."""

    def __init__(self, mirror: Mirror, cache: Cache) -> None:
        self._mirror = mirror
        self._git = mirror.git
        self._cache = cache
        self._facts = Facts(cache)

    def paths(self, branch: str, tip: str, image: str) -> tuple[str, ...]:
        """The kustomization files that mention an image at `tip`, the wanted commit of `branch`; sorted."""
        while (found := self._cache.paths(branch, tip, image)) is None:
            self._bring_to(branch, tip)
        return found

    def all_paths(self, branch: str, tip: str) -> tuple[str, ...]:
        """The kustomization files that mention any image at `tip`; sorted."""
        while (found := self._cache.all_paths(branch, tip)) is None:
            self._bring_to(branch, tip)
        return found

    def pasts(self, branch: str, tip: str, questions: Sequence[Question]) -> list[Past]:
        """What history says of entries that stand at `tip`; see `core.holds`."""
        with self._learned(branch, tip, {question.entry.path for question in questions}):
            return [self._facts.past(branch, question) for question in questions]

    def recent(self, tip: str, count: int, is_wanted: Callable[[str], bool]) -> list[str]:
        """The files that are wanted among those that the newest commits changed; see `protocols.Catalog`."""
        found: list[tuple[str, ...]] = []
        for commit in log.pages(self._git, tip):
            if wanted := tuple(path for path, _ in commit.changes if is_wanted(path)):
                found.append(wanted)
            if len(found) == count:
                break
        return list(dict.fromkeys(path for paths in found for path in paths))

    def landings(self, branch: str, tip: str, entries: Sequence[Entry]) -> list[list[Landing]]:
        """What landed in each of these entries, oldest first."""
        with self._learned(branch, tip, {entry.path for entry in entries}):
            found = [self._facts.landings(branch, entry.path, history.key(entry)) for entry in entries]
        return [[landing for _, landing in numbered] for numbered in found]

    def landed(self, update: Update, commits: Sequence[tuple[str, Mapping[str, bytes]]]) -> None:
        """Notes what our own push changed, so that nobody has to be asked; see `protocols.Catalog`."""
        assert update.old is not None
        assert update.new is not None
        contents = {path: content for _, files in commits for path, content in files.items()}
        mentions = {path: mentioned_images(content) for path, content in contents.items() if _is_kustomization(path)}
        try:
            with self._cache.advancing(update.branch, update.old, update.new, mentions) as mine:
                for path in self._facts.seen(update.branch, contents) if mine else ():
                    steps = [self._own_step(sha, files[path]) for sha, files in commits if path in files]
                    self._carry(update.branch, path, steps)
        except UpdaterError as error:  # what has landed has landed; this is found out again when it is asked for
            _logger.warning("%s", error)

    @contextmanager
    def _learned(self, branch: str, tip: str, paths: Collection[str]) -> Iterator[None]:
        """One transaction in which all landings of these files are known, up to `tip` and no further."""
        while True:
            self._learn(branch, tip, paths)
            with self._cache.writing():  # another process may have moved on or back in between
                if self._cache.tip(branch) == tip and len(self._facts.seen(branch, paths)) == len(paths):
                    yield
                    return

    def _learn(self, branch: str, tip: str, paths: Collection[str]) -> None:
        """Sees to it that all landings of these files are known."""
        while new := self._unseen(branch, tip, paths):
            turns = self._facts.turns(branch)
            if turns is None:
                self._tell_what_cannot_be_known(branch)
                turns = mainline.turns(self._git, branch, tip)
            if len(new) > _MANY:
                files = self._steps(mainline.steps(self._git, tip, turns), new)
            else:
                each = {path: mainline.steps(self._git, tip, turns, path) for path in new}
                files = {path: self._steps(commits, {path})[path] for path, commits in each.items()}
            landings = {path: list(history.landings(path, files[path], {})) for path in new}
            self._facts.learn(branch, tip, turns, landings)
            filters.write_where_missing(self._git)

    def _tell_what_cannot_be_known(self, branch: str) -> None:
        if (self._git.folder / "shallow").exists():
            _logger.warning(
                "the remote's history is cut short (a shallow repository): what was reverted on %s before the cut"
                " is not known, and may land again",
                branch,
            )

    def _unseen(self, branch: str, tip: str, paths: Collection[str]) -> frozenset[str]:
        while self._cache.tip(branch) != tip:
            self._bring_to(branch, tip)
        return frozenset(paths) - self._facts.seen(branch, paths)

    def _bring_to(self, branch: str, tip: str) -> None:
        """One try to make `tip` the known one; another process may want another and be faster."""
        known = self._cache.tip(branch)
        if known is None or known not in self._mirror.objects:
            self._cache.replace(branch, tip, scan(self._git, tip, _NAMES))
            filters.write_where_missing(self._git)  # not before: the scan needs all processors
        elif known != tip:
            mentions = self._mentions(reading.changes(self._git, known, tip))
            carry = self._way(branch, known, tip)
            with self._cache.advancing(branch, known, tip, mentions) as mine:
                if mine:
                    carry()

    def _way(self, branch: str, known: str, tip: str) -> Callable[[], None]:
        """How to carry on what is known of the branch's history from one tip to another."""
        if not self._facts.is_any_seen(branch):
            return lambda: self._facts.forget(branch)
        walked = mainline.since(self._git, branch, known, tip)
        if walked is not None:
            commits, turns = walked
            if len(commits) > filters.MANY_COMMITS:
                filters.write(self._git)
            touched = {path for commit in commits for path, _ in commit.changes}
            files = self._steps(commits, self._facts.seen(branch, touched))
            return lambda: self._go_on(branch, files, touched, turns)
        back = mainline.since(self._git, branch, tip, known)
        if back is not None:  # another process is ahead of us, or somebody has put the branch back
            if self._mirror.tip(branch) == self._git.check("rev-parse", ref(branch)).decode().strip():
                self._tell_what_vanishes(branch, tip)
            return lambda: self._facts.take_back(branch, [commit.sha for commit in back[0]])
        self._tell_what_vanishes(branch, tip)
        return lambda: self._facts.forget(branch)

    def _go_on(
        self, branch: str, files: Mapping[str, Sequence[Step]], touched: Collection[str], turns: Sequence[Turn]
    ) -> None:
        for path, steps in files.items():
            self._carry(branch, path, steps)
        for path in self._facts.seen(branch, touched) - files.keys():  # by another process, in the meantime
            self._facts.unsee(branch, path)
        if turns:
            self._facts.set_turns(branch, [*turns, *(self._facts.turns(branch) or ())])

    def _tell_what_vanishes(self, branch: str, tip: str) -> None:
        """The history was rewritten, and what is held is read anew: names what can be held no longer."""
        for path, hold in self._facts.held(branch):
            if self._git.run("merge-base", "--is-ancestor", hold.commit, tip).code != 0:
                _logger.warning(
                    "the history of %s was rewritten: %s, in which %s took back %s in %s, is gone, and so is that hold",
                    *(branch, hold.commit[:7], hold.author, short(hold.version), path),
                )

    def _carry(self, branch: str, path: str, steps: Iterable[Step]) -> None:
        self._facts.add(branch, path, history.landings(path, steps, self._facts.standing(branch, path)))

    def _steps(self, commits: Iterable[LoggedCommit], paths: Collection[str]) -> dict[str, list[Step]]:
        """The steps of each file among commits (newest first), oldest first, with the contents read all at once."""
        touching = [(commit, path, blob) for commit in commits for path, blob in commit.changes if path in paths][::-1]
        blobs = list(dict.fromkeys(blob for *_, blob in touching if blob is not None))
        contents = dict(zip(blobs, reading.contents(self._git, blobs), strict=True))
        merged = list(dict.fromkeys(commit.parents[1] for commit, *_ in touching if len(commit.parents) == 2))
        brought = dict(zip(merged, reading.messages(self._git, merged), strict=True))
        found: dict[str, list[Step]] = {path: [] for path in paths}
        for commit, path, blob in touching:
            times = (commit.authored_at, commit.landed_at)
            content = None if blob is None else contents[blob]
            said = brought.get(commit.parents[-1], "") if len(commit.parents) == 2 else ""
            found[path].append(Step(commit.sha, commit.author, *times, commit.message, content, said))
        return found

    def _own_step(self, sha: str, content: bytes) -> Step:
        commit = self._mirror.objects.described(sha)
        return Step(sha, commit.author, commit.authored_at, commit.landed_at, commit.message, content)

    def _mentions(self, changes: Sequence[reading.Change]) -> dict[str, frozenset[str]]:
        hits = [(path, blob) for path, blob in changes if _is_kustomization(path)]
        contents = reading.contents(self._git, [blob for _, blob in hits if blob is not None])
        return {path: frozenset() if blob is None else mentioned_images(next(contents)) for path, blob in hits}


def _is_kustomization(path: str) -> bool:
    return path.rpartition("/")[2] in _NAMES
