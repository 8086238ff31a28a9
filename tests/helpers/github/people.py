"""What people do on GitHub's pages and with git, for tests: each is done when its method returns."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tests.helpers import gitops
from tests.helpers.github import merging, pulls
from tests.helpers.github.model import Account, Method, Status
from tests.helpers.github.repository import HEADS, Repository


class Person:
    """Somebody who works on a repository. What GitHub refuses raises `Refusal`."""

    def __init__(self, repository: Repository, account: Account, folder: Path) -> None:
        self.account = account
        self._repository = repository
        self._folder = folder
        self._clone: gitops.Person | None = None
        repository.refresh()

    @property
    def clone(self) -> gitops.Person:
        """Her clone, to do with git whatever is not here; the stand-in sees it with the next request."""
        if self._clone is None:
            self._clone = gitops.Person(self._repository.bare.path, self._folder)
        return self._clone

    def push(self, branch: str, files: gitops.Files, message: str = "Change") -> str:
        """Commits on a branch, past its protection, and gives the commit."""
        sha = self.clone.commit(files, message, branch)
        self._repository.refresh(self.account)
        return sha

    def open(self, head: str, base: str = "main", title: str = "By hand", body: str = "") -> int:
        """Opens a pull request, and gives its number."""
        return pulls.open_pull(self._repository, self.account, head, base, title, body).number

    def approve(self, number: int, body: str = "") -> int:
        """Approves a pull request as it is now, and gives the id of the review."""
        return self._review(number, "APPROVE", body)

    def request_changes(self, number: int, body: str = "Not like that") -> int:
        """Objects to a pull request as it is now, and gives the id of the review."""
        return self._review(number, "REQUEST_CHANGES", body)

    def dismiss(self, number: int, review: int) -> None:
        """Takes a review back, hers or another's."""
        pulls.dismiss(self._repository, self._repository.pull(number), review, self.account)

    def comment(self, number: int, body: str) -> None:
        pulls.comment(self._repository, self._repository.pull(number), self.account, body)

    def label(self, number: int, *names: str) -> None:
        pulls.label(self._repository, self._repository.pull(number), names)

    def edit(self, number: int, title: str | None = None, body: str | None = None) -> None:
        pulls.edit(self._repository, self._repository.pull(number), self.account, title, body)

    def close(self, number: int) -> None:
        pulls.close(self._repository, self._repository.pull(number), self.account)

    def reopen(self, number: int) -> None:
        pulls.reopen(self._repository, self._repository.pull(number), self.account)

    def merge(self, number: int, method: Method = "merge") -> str:
        """Presses the button, and gives the commit."""
        self._repository.refresh()
        return merging.merge(self._repository, self._repository.pull(number), self.account, method, None, "")

    def merge_queue(self) -> None:
        """Lets the merge queues do their work."""
        self._repository.refresh()
        merging.merge_queue(self._repository, self.account)

    def delete_branch(self, branch: str) -> None:
        self._repository.write({HEADS + branch: None}, self.account)

    def restore_branch(self, branch: str, sha: str) -> None:
        self._repository.write({HEADS + branch: sha}, self.account)

    def report(self, sha: str, context: str, state: Literal["success", "pending", "failure", "error"]) -> Status:
        """Puts a status on a commit."""
        return pulls.report(self._repository, sha, self.account, context, state, None, None)

    def _review(self, number: int, event: str, body: str) -> int:
        self._repository.refresh()
        return pulls.review(self._repository, self._repository.pull(number), self.account, event, body, None).id
