"""A forge in memory, over a `FakeRepository`: a `forge.Forge` that people and faults can meddle with."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from tests.helpers.fake_repository import FakeCommit, FakeRepository, StoppedClock
from updater.errors import ForgeRefused
from updater.forge import (
    PER_HEAD,
    PREFIX,
    Approval,
    Credentials,
    Draft,
    Edit,
    Method,
    PullRequest,
    Readiness,
    Status,
    StatusState,
)

_Call = TypeVar("_Call", bound=Callable[..., Any])


@dataclass(frozen=True)
class Comment:
    by: str
    text: str


def _called(method: _Call) -> _Call:
    """Counts a call, lets rivals act before it, and makes it fail where a test wants that."""

    @functools.wraps(method)
    def call(self: FakeForge, *arguments: Any) -> Any:
        self.calls.append((method.__name__, *arguments))
        if self.rivals:
            self.rivals.pop(0)()
        if self.fails.get(method.__name__):
            raise self.fails[method.__name__].pop(0)
        answer = method(self, *arguments)
        if self.breaks.get(method.__name__):
            raise self.breaks[method.__name__].pop(0)
        return answer

    return call  # type: ignore[return-value]


class FakeForge:
    """The pull requests of a repository, as one person sees and changes them; `acting` gives another one's sight.

    Attributes may be set at any time.
    """

    def __init__(
        self, repository: FakeRepository, now: Callable[[], datetime] | None = None, person: str = "updater"
    ) -> None:
        self.repository = repository
        self.now = now or StoppedClock().now
        self.person = person
        self.all: dict[int, PullRequest] = {}
        """Every pull request there ever was, by its number."""
        self.comments: dict[int, list[Comment]] = {}
        self.drafts: dict[int, Draft] = {}
        """What each was opened with (its reviewers, for one)."""
        self.reports: dict[str, dict[str, Status]] = {}
        """The newest status of each context, by commit."""
        self.settings: dict[str, Any] = {"max_body": 65_536, "methods": ["merge", "squash", "rebase"], "queue": False}
        """What holds for everybody: the room for a text, the methods that are allowed, whether there is a queue."""
        self.says: dict[int, Readiness] = {}
        """What is told in the place of what would be found out."""
        self.calls: list[tuple[Any, ...]] = []
        """Name and arguments of each call so far."""
        self.rivals: list[Callable[[], object]] = []
        """What somebody else does just before each of the next calls."""
        self.fails: dict[str, list[Exception]] = {}
        """What the next calls of a method raise, without doing anything."""
        self.breaks: dict[str, list[Exception]] = {}
        """What the next calls of a method raise once they have done their work, as when the answer is lost."""

    def acting(self, by: str) -> FakeForge:
        """The same forge as somebody else uses it, who is neither counted nor disturbed."""
        other = copy.copy(self)
        other.person, other.calls, other.rivals, other.fails, other.breaks = by, [], [], {}, {}
        return other

    def counted(self, name: str) -> int:
        """How often a method was called."""
        return sum(call[0] == name for call in self.calls)

    # What people do.

    def approved(self, number: int, by: str = "alice") -> None:
        """Somebody approves what stands there now."""
        self.acting(by).approve(number, self.told(number).commit)

    def merged(self, number: int, by: str = "alice", method: Method | None = None) -> str:
        """Somebody merges it as it stands now; gives the commit on the base."""
        self.acting(by).merge(number, self.told(number).commit, method)
        return self.all[number].merged_as or ""

    def edited(self, number: int, by: str = "alice", **changes: Any) -> None:
        """Somebody changes `title`, `body`, `base` or `state`, adds `labels` or a `comment`."""
        self.acting(by).edit(number, Edit(**changes))

    def closed(self, number: int, by: str = "alice") -> None:
        """Somebody closes it."""
        self.edited(number, by, state="closed")

    def reopened(self, number: int, by: str = "alice") -> None:
        """Somebody opens it again."""
        self.edited(number, by, state="open")

    def unlabelled(self, number: int, label: str) -> None:
        """Somebody takes a label away."""
        self.all[number] = replace(self.all[number], labels=self.all[number].labels - {label})

    def reported(self, commit: str, context: str, state: StatusState = "success") -> None:
        """A gate reports on a commit."""
        self.acting("robot").report(commit, Status(context, state, self.now()))

    def told(self, number: int) -> PullRequest:
        """A pull request as it stands now."""
        each = self.all[number]
        if each.state != "open":
            return replace(each, statuses=tuple(self.reports.get(each.commit, {}).values()))
        commit = self.repository.remote.get(each.head, each.commit)
        each = self.all[number] = replace(each, commit=commit)
        statuses = tuple(self.reports.get(commit, {}).values())
        base = self.repository.remote.get(each.base)
        is_clean = base is not None and self._merged_files(base, commit) is not None
        readiness: Readiness = "ready" if is_clean and not each.draft else "blocked" if is_clean else "conflicting"
        return replace(each, statuses=statuses, readiness=self.says.get(number, readiness))

    # forge.Forge

    def credentials(self) -> Credentials | None:
        return None

    def close(self) -> None:
        pass

    @property
    def max_body(self) -> int:
        return int(self.settings["max_body"])

    @_called
    def opened(self) -> Sequence[PullRequest]:
        self._notice()
        return [self.told(number) for number in sorted(self.all) if self.all[number].state == "open"]

    @_called
    def settled(self, heads: Collection[str]) -> Sequence[PullRequest]:
        self._notice()
        newest = [self.told(number) for number in sorted(self.all, reverse=True)]
        done = [each for each in newest if each.state != "open" and each.head in heads]
        return [
            each
            for each in done
            if [more.head for more in done if more.number > each.number].count(each.head) < PER_HEAD
        ]

    @_called
    def open(self, draft: Draft) -> PullRequest:
        self._notice()
        for each in self.all.values():
            if each.state == "open" and each.head == draft.head:
                if each.base != draft.base:
                    raise ForgeRefused(f"#{each.number} is open for {draft.head} already")
                self.acting(self.person).edit(each.number, Edit(labels=draft.labels))
                return self.told(each.number)
        if not draft.head.startswith(PREFIX):
            raise ForgeRefused(f"{draft.head} is no branch of ours")
        commit = self._something_new(draft.head, draft.base)
        if len(draft.body) > self.max_body:
            raise ForgeRefused("the text is too long")
        number = 1 + max(self.all, default=0)
        self.drafts[number], self.comments[number] = draft, []
        self.all[number] = PullRequest(
            number=number, state="open", title=draft.title, body=draft.body, head=draft.head, base=draft.base,
            commit=commit, ref=f"refs/pull/{number}/head", author=self.person, opened_at=self.now(),
            url=f"https://forge.example/pull/{number}", labels=frozenset(draft.labels), draft=draft.draft,
        )  # fmt: skip
        return self.told(number)

    @_called
    def edit(self, number: int, edit: Edit) -> None:
        self._notice()
        each = self._there(number)
        if each.state == "merged" and edit.state is not None:
            raise ForgeRefused(f"#{number} is merged already")
        if edit.body is not None and len(edit.body) > self.max_body:
            raise ForgeRefused("the text is too long")
        if edit.base is not None and edit.base != each.base:
            self._something_new(each.head, edit.base)
        labels = (each.labels | set(edit.labels)) - set(edit.without)
        changed = replace(each, labels=labels, base=edit.base or each.base)
        changed = replace(
            changed,
            title=each.title if edit.title is None else edit.title,
            body=each.body if edit.body is None else edit.body,
        )
        if edit.state == "closed" and each.state == "open":
            changed = replace(changed, state="closed", closed_at=self.now(), closed_by=self.person, queued=False)
        if edit.state == "open" and each.state == "closed":
            changed = self._reopened(changed)
        self.all[number] = changed
        if edit.comment is not None:
            self.comments[number].append(Comment(self.person, edit.comment))

    @_called
    def approve(self, number: int, commit: str) -> None:
        each = self._with_head(number, commit)
        others = tuple(approval for approval in each.approvals if approval.by != self.person)
        self.all[number] = replace(each, approvals=(*others, Approval(self.person, commit)))

    @_called
    def merge(self, number: int, commit: str, method: Method | None) -> Literal["merged", "queued"]:
        each = self._with_head(number, commit)
        chosen = method or self.settings["methods"][0]
        if chosen not in self.settings["methods"]:
            raise ForgeRefused(f"{chosen} is not allowed here")
        if self.settings["queue"]:
            self.all[number] = replace(each, queued=True)
            return "queued"
        made = self._land(each, chosen)
        self.all[number] = replace(
            each, state="merged", closed_at=self.now(), closed_by=self.person, merged_as=made, queued=False
        )
        return "merged"

    @_called
    def statuses(self, commits: Collection[str]) -> Mapping[str, Sequence[Status]]:
        return {commit: tuple(self.reports[commit].values()) for commit in commits if commit in self.reports}

    @_called
    def report(self, commit: str, status: Status) -> None:
        if commit not in self.repository.commits:
            raise ForgeRefused(f"there is no commit {commit}")
        self.reports.setdefault(commit, {})[status.context] = replace(status, at=self.now())

    def _there(self, number: int) -> PullRequest:
        if number not in self.all:
            raise ForgeRefused(f"there is no pull request #{number}")
        each = self.told(number)
        return replace(each, statuses=(), readiness="unknown")

    def _with_head(self, number: int, commit: str) -> PullRequest:
        self._notice()
        each = self._there(number)
        if each.state != "open" or each.commit != commit:
            raise ForgeRefused(f"#{number} is {each.state}, its head is {each.commit}")
        return each

    def _something_new(self, head: str, base: str) -> str:
        """The tip of a head that has something its base has not."""
        for branch in (head, base):
            if branch not in self.repository.remote:
                raise ForgeRefused(f"there is no branch {branch}")
        commit = self.repository.remote[head]
        if commit in dict(self._line(self.repository.remote[base])):
            raise ForgeRefused(f"there is nothing in {head} that is not in {base}")
        return commit

    def _reopened(self, each: PullRequest) -> PullRequest:
        rivals = [other.number for other in self.all.values() if (other.state, other.head) == ("open", each.head)]
        if rivals:
            raise ForgeRefused(f"#{rivals[0]} is open for {each.head}")
        if each.head not in self.repository.remote:
            self.repository.remote[each.head] = each.commit
        commit = self._something_new(each.head, each.base)
        return replace(each, state="open", commit=commit, closed_at=None, closed_by=None)

    def _notice(self) -> None:
        """What somebody merged by git, with the head itself on the base, is merged here as well."""
        for number in [number for number, each in self.all.items() if each.state == "open"]:
            each = self.told(number)
            line = dict(self._line(self.repository.remote.get(each.base)))
            if each.commit in line:
                made = self.repository.commits[each.commit]
                self.all[number] = replace(
                    each, state="merged", closed_at=made.time, closed_by=made.author, merged_as=each.commit
                )

    def _land(self, each: PullRequest, method: Method) -> str:
        tip = self.repository.remote[each.base]
        files = self._merged_files(tip, each.commit)
        if files is None:
            raise ForgeRefused(f"#{each.number} conflicts with {each.base}")
        if method == "rebase":
            base = dict(self._line(tip))
            for sha, commit in reversed([own for own in self._line(each.commit) if own[0] not in base]):
                tip = self._build(tip, self._merged_files(tip, sha) or {}, commit.message, commit.author)
        elif method == "squash":
            tip = self._build(tip, files, f"{each.title} (#{each.number})\n", self.person)
        else:
            subject = f"Merge pull request #{each.number} from {each.head}"
            tip = self._build(tip, files, f"{subject}\n\n{each.title}\n", self.person)
        self.repository.remote[each.base] = tip
        return tip

    def _build(self, parent: str, files: Mapping[str, bytes], message: str, author: str) -> str:
        made = self.repository.build(parent, files, message, self.now())
        self.repository.commits[made] = replace(self.repository.commits[made], author=author)
        return made

    def _merged_files(self, base: str, head: str) -> dict[str, bytes] | None:
        """The files that a head changed since it forked, as they go into the base; None where both changed one."""
        on_base = dict(self._line(base))
        fork = next((commit.files for sha, commit in self._line(head) if sha in on_base), {})
        there = self.repository.commits[base].files
        wanted = self.repository.commits[head].files
        changed = {path: content for path, content in wanted.items() if fork.get(path) != content}
        if any(there.get(path) not in (fork.get(path), content) for path, content in changed.items()):
            return None
        return changed

    def _line(self, tip: str | None) -> list[tuple[str, FakeCommit]]:
        """A commit and all before it, newest first."""
        line = []
        while tip is not None:
            line.append((tip, self.repository.commits[tip]))
            tip = self.repository.commits[tip].parent
        return line
