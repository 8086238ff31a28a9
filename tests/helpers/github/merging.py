"""When a pull request may be merged, and what merging does: rules of the branch, methods, the merge queue."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Literal

from tests.helpers.github.git import MergeConflict
from tests.helpers.github.model import Account, Method, Pull
from tests.helpers.github.refusals import Refusal
from tests.helpers.github.repository import HEADS, Repository

GREEN = ("success", "neutral", "skipped")
OWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
WORDS = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}
NOT_MERGEABLE = "Pull Request is not mergeable"
State = Literal["clean", "dirty", "blocked", "behind", "unstable", "draft", "unknown"]
Decision = Literal["APPROVED", "CHANGES_REQUESTED", "REVIEW_REQUIRED"]


def mergeable(repository: Repository, pull: Pull) -> bool | None:
    """Whether git can merge it; None while that is not known yet, and of settled ones."""
    base = repository.tip(pull.base)
    if not pull.is_open or base is None:
        return None
    if repository.reads[pull.sha, base] < repository.settings.late:
        repository.reads[pull.sha, base] += 1
        return None
    return repository.bare.merges(base, pull.sha)


def state(repository: Repository, pull: Pull, can: bool | None) -> State:
    """GitHub's one word for whether it could be merged now, given whether git can."""
    if not can:
        return "unknown" if can is None else "dirty"
    if pull.draft:
        return "draft"
    if any(_missing(repository, pull)):
        return "blocked"
    if is_behind(repository, pull):
        return "behind"
    return "clean" if all(result in GREEN for result in results(repository, pull.sha).values()) else "unstable"


def is_behind(repository: Repository, pull: Pull) -> bool:
    """Whether the branch demands heads that have all its commits, and this one has not."""
    return repository.protection(pull.base).strict and not repository.bare.contains(pull.sha, pull.base_sha)


def results(repository: Repository, sha: str) -> dict[str, str]:
    """What each status context and check run of a commit says."""
    statuses = {status.context: status.state for status in repository.latest(sha)}
    return {**statuses, **{run.name: run.conclusion or "pending" for run in repository.checks(sha)}}


def decision(repository: Repository, pull: Pull) -> Decision | None:
    """What reviews say, where the branch demands any."""
    rules = repository.protection(pull.base)
    if not (rules.approvals or rules.code_owners):
        return None
    weighty = [review.state for review in pull.opinions if review.author.writes]
    if "CHANGES_REQUESTED" in weighty:
        return "CHANGES_REQUESTED"
    is_enough = weighty.count("APPROVED") >= rules.approvals and not _owners_asked(repository, pull)
    return "APPROVED" if is_enough else "REVIEW_REQUIRED"


def merge(repository: Repository, pull: Pull, actor: Account, method: Method, title: str | None, text: str) -> str:
    """Merges now, and gives the commit; raises a 405 with the reason."""
    if repository.protection(pull.base).queue:
        raise Refusal(405, "Changes must be made through the merge queue")
    check_method(repository, method)
    check(repository, pull)
    return land(repository, pull, actor, method, title, text)


def check_method(repository: Repository, method: Method) -> None:
    if method not in repository.settings.methods:
        raise Refusal(405, f"{WORDS[method]} are not allowed on this repository.")


def check(repository: Repository, pull: Pull) -> None:
    """Raises a 405 if rules or conflicts stand against merging."""
    if not pull.is_open or not mergeable(repository, pull):
        raise Refusal(405, NOT_MERGEABLE)
    if pull.draft:
        raise Refusal(405, "Pull Request is still a draft")
    for reason in _missing(repository, pull):
        raise Refusal(405, reason)
    if is_behind(repository, pull):
        raise Refusal(405, "Head branch is out of date. Update it with the base branch and try the merge again.")


def land(
    repository: Repository, pull: Pull, actor: Account, method: Method, title: str | None = None, text: str = ""
) -> str:
    """Merges whatever the rules say, and gives the commit; raises a 405 on conflicts."""
    subject = title or _subject(repository, pull, method)
    message = f"{subject}\n\n{text or (pull.title if method == 'merge' else pull.body or '')}".rstrip() + "\n"
    bare, base = repository.bare, repository.tips[HEADS + pull.base]
    try:
        if method == "rebase":
            sha = bare.rebased(base, pull.sha, actor.signature)
        else:
            author = actor if method == "merge" else pull.author
            sha = bare.merged(base, pull.sha, message, author.signature, squash=method == "squash")
    except MergeConflict:
        raise Refusal(405, NOT_MERGEABLE) from None
    repository.settle(pull, actor, sha)
    gone = {HEADS + pull.head: None} if repository.settings.delete_head else {}
    repository.write({HEADS + pull.base: sha, **gone}, actor)
    return sha


def enqueue(repository: Repository, pull: Pull) -> None:
    """Puts a pull request into the queue of its base branch."""
    check(repository, pull)
    pull.enqueued_at = pull.enqueued_at or repository.now()


def queue(repository: Repository, branch: str) -> list[Pull]:
    """Who waits in the queue of a branch, first in first."""
    waiting = [pull for pull in repository.open_pulls() if pull.base == branch and pull.enqueued_at is not None]
    return sorted(waiting, key=lambda pull: (pull.enqueued_at, pull.number))


def merge_queue(repository: Repository, actor: Account) -> None:
    """Merges what waits in queues; what conflicts by now leaves the queue and stays open."""
    for pull in [pull for branch in repository.settings.protection for pull in queue(repository, branch)]:
        try:
            land(repository, pull, actor, "merge")
        except Refusal:
            pull.enqueued_at = None


def merge_waiting(repository: Repository) -> None:
    """Merges those for which somebody has asked that it be done as soon as the rules allow."""
    for pull in repository.open_pulls():
        if pull.auto_merge and state(repository, pull, mergeable(repository, pull)) in ("clean", "unstable"):
            actor, method = pull.auto_merge
            land(repository, pull, actor, method)


def _missing(repository: Repository, pull: Pull) -> Iterator[str]:
    rules = repository.protection(pull.base)
    verdict = decision(repository, pull)
    if verdict == "CHANGES_REQUESTED":
        yield "Changes have been requested by reviewers with write access."
    elif verdict == "REVIEW_REQUIRED" and (owners := _owners_asked(repository, pull)):
        yield f"Waiting on code owner review from {', '.join(owners)}."
    elif verdict == "REVIEW_REQUIRED":
        yield f"At least {rules.approvals} approving review is required by reviewers with write access."
    told = results(repository, pull.sha)
    for context in rules.contexts:
        if told.get(context) not in GREEN:
            yield f'Required status check "{context}" is {told.get(context, "expected")}.'


def _owners_asked(repository: Repository, pull: Pull) -> list[str]:
    """The code owners of changed files of whom none has approved."""
    if not repository.protection(pull.base).code_owners:
        return []
    base = repository.tips[HEADS + pull.base]
    lines = next(filter(None, (repository.bare.content(base, path) for path in OWNERS)), "").splitlines()
    entries = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    approved = {review.author.login for review in pull.opinions if review.state == "APPROVED"}
    asked: dict[str, None] = {}
    for change in repository.bare.changes(base, pull.sha):
        owners = next((owners for pattern, *owners in reversed(entries) if _owns(pattern, change.path)), [])
        if not any(_members(repository, owner) & approved for owner in owners):
            asked.update(dict.fromkeys(owner.removeprefix("@") for owner in owners))
    return list(asked)


def _owns(pattern: str, path: str) -> bool:
    """Whether a line of CODEOWNERS is about a file: `*`, globs, and folders with all that is below them."""
    anchored = pattern.lstrip("/") if "/" in pattern.rstrip("/") else f"*{pattern}"
    return fnmatchcase(path, anchored.rstrip("/")) or fnmatchcase(path, f"{anchored.rstrip('/')}/*")


def _members(repository: Repository, owner: str) -> set[str]:
    organisation, slash, team = owner.removeprefix("@").partition("/")
    return set(repository.teams.get(team, [])) if slash else {organisation}


def _subject(repository: Repository, pull: Pull, method: Method) -> str:
    if method == "squash":
        return f"{pull.title} (#{pull.number})"
    return f"Merge pull request #{pull.number} from {repository.owner.login}/{pull.head}"
