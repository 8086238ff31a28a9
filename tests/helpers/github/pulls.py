"""What may be done to a pull request, and what GitHub says when it may not."""

from __future__ import annotations

from collections.abc import Sequence

from tests.helpers.github.model import Account, Comment, Pull, Review, Status
from tests.helpers.github.refusals import Refusal, invalid
from tests.helpers.github.repository import Repository

VERDICTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
MAX_BODY = 65_536
"""How many characters GitHub takes in the text of a pull request or comment."""


def open_pull(
    repository: Repository, author: Account, head: str, base: str, title: str, body: str | None, *, draft: bool = False
) -> Pull:
    """Opens a pull request."""
    sha, base_sha = repository.tip(head), repository.tip(base)
    if sha is None or base_sha is None:
        raise invalid("PullRequest", field="head" if sha is None else "base")
    _check_text(title, body)
    _check_unique(repository, head, base)
    _check_difference(repository, head, base)
    now = repository.now()
    pull = Pull(
        len(repository.pulls) + 1, repository.next_id(), title, body, head, base, sha, base_sha, author, now, now, draft
    )
    repository.pulls[pull.number] = pull
    repository.note_head(pull)
    repository.tell("pull_request", action="opened", pull=pull, sender=author)
    return pull


def edit(repository: Repository, pull: Pull, actor: Account, title: str | None, body: str | None) -> None:
    """Gives a pull request another title or text; None leaves it."""
    _check_text(pull.title if title is None else title, body)
    pull.title = pull.title if title is None else title
    pull.body = pull.body if body is None else body
    pull.updated_at = repository.now()
    repository.tell("pull_request", action="edited", pull=pull, sender=actor)


def rebase_onto(repository: Repository, pull: Pull, base: str) -> None:
    """Gives a pull request another base."""
    sha = repository.tip(base)
    if sha is None:
        raise invalid("PullRequest", field="base", message=f"Proposed base branch '{base}' was not found")
    if not pull.is_open:
        raise invalid("PullRequest", field="base", message="Cannot change the base branch of a closed pull request.")
    _check_unique(repository, pull.head, base)
    _check_difference(repository, pull.head, base)
    pull.base, pull.base_sha, pull.updated_at = base, sha, repository.now()


def close(repository: Repository, pull: Pull, actor: Account) -> None:
    """Closes an open pull request; of any other it changes nothing."""
    if pull.is_open:
        repository.settle(pull, actor)


def reopen(repository: Repository, pull: Pull, actor: Account) -> None:
    """Opens a closed pull request again."""
    if pull.is_open:
        return
    head, base = repository.tip(pull.head), repository.tip(pull.base)
    if pull.merged_at is not None:
        raise _unchangeable("The pull request cannot be reopened.")
    if head is None or base is None:
        raise _unchangeable(f"The {pull.base if head else pull.head} branch has been deleted.")
    if not repository.bare.contains(head, pull.sha):
        raise _unchangeable(f"The {pull.head} branch was force-pushed or recreated.")
    if any((other.head, other.base) == (pull.head, pull.base) for other in repository.open_pulls()):
        raise _unchangeable(f"There is already an open pull request from {pull.head} to {pull.base}.")
    pull.is_open, pull.closed_at, pull.sha, pull.base_sha = True, None, head, base
    pull.updated_at = repository.now()
    repository.note_head(pull)
    repository.tell("pull_request", action="reopened", pull=pull, sender=actor)


def request_reviews(repository: Repository, pull: Pull, logins: Sequence[str], teams: Sequence[str]) -> None:
    """Asks people and teams for a review."""
    people = [repository.accounts.get(login) for login in logins]
    if any(login == pull.author.login for login in logins):
        raise Refusal(422, "Review cannot be requested from pull request author.")
    if any(who is None or who.type != "User" for who in people) or set(teams) - repository.teams.keys():
        raise Refusal(
            422,
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not "
            f"a collaborator of the {repository.name} repository.",
        )
    pull.reviewers += [who for who in people if who is not None and who not in pull.reviewers]
    pull.teams += [team for team in teams if team not in pull.teams]
    pull.updated_at = repository.now()


def review(repository: Repository, pull: Pull, author: Account, event: str, body: str, commit: str | None) -> Review:
    """Approves, objects or comments."""
    if event != "COMMENT" and author == pull.author:
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise Refusal(422, "Unprocessable Entity", [f"Can not {verb} your own pull request"])
    if event != "APPROVE" and not body:
        raise Refusal(422, "Unprocessable Entity", ["Body can not be blank"])
    known = [step.sha for step in repository.bare.between(pull.base_sha, pull.sha)]
    if commit is not None and commit not in known:
        raise Refusal(422, "Unprocessable Entity", ["The commit is not part of the pull request"])
    made = Review(repository.next_id(), author, VERDICTS[event], commit or pull.sha, repository.now(), body)  # type: ignore[arg-type]
    pull.reviews.append(made)
    pull.reviewers = [who for who in pull.reviewers if who != author]
    repository.tell("pull_request_review", action="submitted", pull=pull, review=made, sender=author)
    return made


def dismiss(repository: Repository, pull: Pull, review_id: int, actor: Account) -> Review:
    """Takes back what a review says."""
    found = next((review for review in pull.reviews if review.id == review_id), None)
    if found is None or found.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise Refusal(422, "Unprocessable Entity", ["Can not dismiss a commented pull request review"])
    found.state = "DISMISSED"
    repository.tell("pull_request_review", action="dismissed", pull=pull, review=found, sender=actor)
    return found


def comment(repository: Repository, pull: Pull, author: Account, body: str) -> Comment:
    """Comments on a pull request."""
    _check_text("comment", body)
    made = Comment(repository.next_id(), author, body, repository.now())
    pull.comments.append(made)
    pull.updated_at = repository.now()
    return made


def label(repository: Repository, pull: Pull, names: Sequence[str]) -> None:
    """Adds labels; those that the repository does not have are made."""
    if any(not name.strip() or len(name) > 50 for name in names):
        raise invalid("Label", field="name")
    pull.labels += [made for made in map(repository.label, dict.fromkeys(names)) if made not in pull.labels]
    pull.updated_at = repository.now()


def report(
    repository: Repository, sha: str, creator: Account, context: str, state: str, text: str | None, url: str | None
) -> Status:
    """Puts a status on a commit."""
    if text is not None and len(text) > 140:
        raise invalid("Status", field="description", message="description is too long (maximum is 140 characters)")
    if len(repository.statuses.get(sha, [])) >= 1000:
        raise invalid("Status", message="This SHA and context has reached the maximum number of statuses.")
    made = Status(repository.next_id(), context, state, text, url, repository.now(), creator)  # type: ignore[arg-type]
    repository.statuses.setdefault(sha, []).append(made)
    repository.tell("status", sha=sha, status=made, sender=creator)
    return made


def _check_text(title: str, body: str | None) -> None:
    if not title.strip():
        raise invalid("PullRequest", message="title can't be blank")
    if len(title) > 256:
        raise invalid("PullRequest", message="title is too long (maximum is 256 characters)")
    if body is not None and len(body) > MAX_BODY:
        raise invalid("PullRequest", message=f"body is too long (maximum is {MAX_BODY} characters)")


def _check_unique(repository: Repository, head: str, base: str) -> None:
    if any((pull.head, pull.base) == (head, base) for pull in repository.open_pulls()):
        owner = repository.owner.login
        raise invalid("PullRequest", message=f"A pull request already exists for {owner}:{head}.")


def _check_difference(repository: Repository, head: str, base: str) -> None:
    if not repository.bare.between(repository.tips[f"refs/heads/{base}"], repository.tips[f"refs/heads/{head}"]):
        raise invalid("PullRequest", message=f"No commits between {base} and {head}")


def _unchangeable(why: str) -> Refusal:
    return invalid("PullRequest", field="state", message=f"state cannot be changed. {why}")
