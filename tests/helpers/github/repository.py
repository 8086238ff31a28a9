"""The repository that the stand-in serves: its pull requests and statuses, brought up to date with git."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from tests.helpers.github.git import Bare
from tests.helpers.github.model import Account, CheckRun, Label, Protection, Pull, Settings, Status
from tests.helpers.github.refusals import not_found

HEADS = "refs/heads/"
Event = tuple[str, dict[str, Any]]
"""The name of a webhook event, and what it is about."""


class Repository:
    """Accounts, pull requests, statuses and settings of one repository.

    `teams` are names with the logins of their members. `events` are what webhooks are told, oldest first.
    """

    def __init__(self, name: str, bare: Bare, now: Callable[[], datetime]) -> None:
        self.name = name
        self.bare = bare
        self.now = now
        self.settings = Settings()
        self.accounts: dict[str, Account] = {}
        self.teams: dict[str, list[str]] = {}
        self.pulls: dict[int, Pull] = {}
        self.labels: dict[str, Label] = {}
        self.statuses: dict[str, list[Status]] = {}
        self.check_runs: list[CheckRun] = []
        self.events: list[Event] = []
        self.reads: Counter[tuple[str, str]] = Counter()
        self._ids = count(1001)
        self.owner = self.account(name.partition("/")[0], type="Organization")
        self.default_branch = bare.head()
        self.created_at = now()
        self.tips = bare.tips()

    def next_id(self) -> int:
        return next(self._ids)

    def account(self, login: str, **kind: Any) -> Account:
        """Somebody by the login; made where there is nobody."""
        if login not in self.accounts:
            self.accounts[login] = Account(login, self.next_id(), **kind)
        return self.accounts[login]

    def pull(self, number: int) -> Pull:
        """A pull request; raises a 404."""
        if number not in self.pulls:
            raise not_found()
        return self.pulls[number]

    def commit(self, name: str) -> str:
        """The commit that a branch, tag or id names; raises a 404."""
        found = self.bare.resolve(name)
        if found is None:
            raise not_found()
        return found

    def tip(self, branch: str) -> str | None:
        """The newest commit of a branch, as of the last look at the repository."""
        return self.tips.get(HEADS + branch)

    def protection(self, branch: str) -> Protection:
        """What is demanded of a branch; of one that is not protected, nothing."""
        return self.settings.protection.get(branch, Protection())

    def label(self, name: str) -> Label:
        """A label by its name, in whatever case; made where there is none."""
        return self.labels.setdefault(name.lower(), Label(self.next_id(), name))

    def latest(self, sha: str) -> list[Status]:
        """The newest status of each context of a commit, newest first."""
        newest: dict[str, Status] = {}
        for status in reversed(self.statuses.get(sha, [])):
            newest.setdefault(status.context, status)
        return list(newest.values())

    def checks(self, sha: str) -> list[CheckRun]:
        """The newest check run of each name on a commit."""
        return list({run.name: run for run in self.check_runs if run.sha == sha}.values())

    def tell(self, event: str, **about: Any) -> None:
        self.events.append((event, about))

    def write(self, changes: dict[str, str | None], actor: Account) -> None:
        """Moves refs as somebody, and what hangs on them."""
        self.bare.move(changes)
        self.refresh(actor)

    def refresh(self, actor: Account | None = None) -> None:
        """Looks what has become of the branches, and does to pull requests what GitHub does; `actor` is who pushed."""
        actor = actor or self.owner
        before, self.tips = self.tips, self.bare.tips()
        if before == self.tips:
            return
        for name in sorted(before.keys() | self.tips.keys()):
            if before.get(name) != self.tips.get(name):
                self.tell("push", ref=name, before=before.get(name), after=self.tips.get(name), sender=actor)
        for pull in self.open_pulls():
            self._follow(pull, actor)

    def open_pulls(self) -> Sequence[Pull]:
        return [pull for pull in self.pulls.values() if pull.is_open]

    def note_head(self, pull: Pull) -> None:
        """Keeps the commit of a pull request under the name that everybody can fetch, even after the branch is gone."""
        self.bare.move({f"refs/pull/{pull.number}/head": pull.sha})

    def settle(self, pull: Pull, actor: Account, merge_sha: str | None = None) -> None:
        """Closes a pull request, or notes that it was merged as `merge_sha`."""
        pull.is_open, pull.enqueued_at, pull.auto_merge = False, None, None
        pull.closed_at = pull.updated_at = self.now()
        pull.closings.append((actor, pull.closed_at))
        if merge_sha is not None:
            pull.merged_at, pull.merged_by, pull.merge_sha = pull.closed_at, actor, merge_sha
        self.tell("pull_request", action="closed", pull=pull, sender=actor)

    def _follow(self, pull: Pull, actor: Account) -> None:
        base, head = self.tip(pull.base), self.tip(pull.head)
        if base is None:
            self.settle(pull, actor)
        elif self.bare.contains(base, pull.sha):
            self.settle(pull, actor, self.bare.landing(base, pull.sha))
        elif head is None:
            self.settle(pull, actor)
        elif head != pull.sha:
            self._move_head(pull, head, base, actor)
        if pull.is_open and base is not None:
            pull.base_sha = base

    def _move_head(self, pull: Pull, head: str, base: str, actor: Account) -> None:
        is_same = self.bare.diff(base, head) == self.bare.diff(base, pull.sha)
        pull.sha, pull.updated_at, pull.enqueued_at = head, self.now(), None
        self.note_head(pull)
        if self.bare.contains(base, head):
            self.settle(pull, actor)
            return
        if self.protection(pull.base).dismiss_stale and not is_same:
            for review in pull.opinions:
                review.state = "DISMISSED" if review.state == "APPROVED" else review.state
        self.tell("pull_request", action="synchronize", pull=pull, sender=actor)
