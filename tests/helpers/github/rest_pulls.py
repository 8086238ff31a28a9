"""The REST calls about pull requests."""

from __future__ import annotations

from collections.abc import Sequence

from tests.helpers.github import merging, pulls
from tests.helpers.github.calls import PLAIN, Answer, Call, route
from tests.helpers.github.model import Pull
from tests.helpers.github.refusals import Refusal, not_found

PULLS = f"{PLAIN}/pulls"
PULL = f"{PULLS}/{{pull_number}}"
ISSUE = f"{PLAIN}/issues/{{issue_number}}"
READ, WRITE = "pull_requests:read", "pull_requests:write"
READ_ISSUE, WRITE_ISSUE = f"issues:read|{READ}", f"issues:write|{WRITE}"


@route("GET", PULLS, READ)
def list_pulls(call: Call) -> Answer:
    shown, links = call.page(_sorted(call, [pull for pull in call.repository.pulls.values() if _is_asked(call, pull)]))
    return Answer(200, [call.shapes.pull(pull) for pull in shown], links)


@route("POST", PULLS, WRITE, content=True)
def open_pull(call: Call) -> Answer:
    head = call.given("head").removeprefix(f"{call.repository.owner.login}:")
    made = pulls.open_pull(
        call.repository,
        call.actor,
        head,
        call.given("base"),
        call.given("title", ""),
        call.given("body"),
        draft=call.given("draft", False),
    )
    unknown = {"mergeable": None, "rebaseable": None, "mergeable_state": "unknown"}  # that is found out afterwards
    return Answer(201, {**call.shapes.full_pull(made), **unknown})


@route("GET", PULL, READ)
def get_pull(call: Call) -> Answer:
    return Answer(200, call.shapes.full_pull(_pull(call)))


@route("PATCH", PULL, WRITE)
def edit_pull(call: Call) -> Answer:
    pull = _pull(call)
    if call.given("base") not in (None, pull.base):
        pulls.rebase_onto(call.repository, pull, call.given("base"))
    if call.given("title") is not None or call.given("body") is not None:
        pulls.edit(call.repository, pull, call.actor, call.given("title"), call.given("body"))
    if call.given("state") == "closed":
        pulls.close(call.repository, pull, call.actor)
    elif call.given("state") == "open":
        pulls.reopen(call.repository, pull, call.actor)
    return Answer(200, call.shapes.full_pull(pull))


@route("GET", f"{PULL}/merge", READ)
def is_merged(call: Call) -> Answer:
    if _pull(call).merged_at is None:
        raise not_found()
    return Answer(204)


@route("PUT", f"{PULL}/merge", "contents:write", content=True)
def merge(call: Call) -> Answer:
    pull = _pull(call)
    if call.given("sha") not in (None, pull.sha):
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    method, title, text = (
        call.given("merge_method", "merge"),
        call.given("commit_title"),
        call.given("commit_message", ""),
    )
    sha = merging.merge(call.repository, pull, call.actor, method, title, text)
    return Answer(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


@route("GET", f"{PULL}/commits", READ)
def list_commits(call: Call) -> Answer:
    pull = _pull(call)
    shown, links = call.page(call.repository.bare.between(pull.base_sha, pull.sha))
    return Answer(200, [call.shapes.commit(commit) for commit in shown], links)


@route("GET", f"{PULL}/files", READ)
def list_files(call: Call) -> Answer:
    pull = _pull(call)
    shown, links = call.page(call.repository.bare.changes(pull.base_sha, pull.sha))
    return Answer(200, [call.shapes.change(pull.sha, change) for change in shown], links)


@route("GET", f"{PULL}/requested_reviewers", READ)
def list_reviewers(call: Call) -> Answer:
    pull = _pull(call)
    users = [call.shapes.user(who) for who in pull.reviewers]
    return Answer(200, {"users": users, "teams": [call.shapes.team(name) for name in pull.teams]})


@route("POST", f"{PULL}/requested_reviewers", WRITE, content=True)
def request_reviewers(call: Call) -> Answer:
    pull = _pull(call)
    pulls.request_reviews(call.repository, pull, call.given("reviewers", []), call.given("team_reviewers", []))
    return Answer(201, call.shapes.pull(pull))


@route("DELETE", f"{PULL}/requested_reviewers", WRITE)
def remove_reviewers(call: Call) -> Answer:
    pull = _pull(call)
    pull.reviewers = [who for who in pull.reviewers if who.login not in call.given("reviewers", [])]
    pull.teams = [team for team in pull.teams if team not in call.given("team_reviewers", [])]
    return Answer(200, call.shapes.pull(pull))


@route("GET", f"{PULL}/reviews", READ)
def list_reviews(call: Call) -> Answer:
    pull = _pull(call)
    shown, links = call.page(pull.reviews)
    return Answer(200, [call.shapes.review(pull, review) for review in shown], links)


@route("POST", f"{PULL}/reviews", WRITE, content=True)
def review(call: Call) -> Answer:
    pull, event = _pull(call), call.given("event")
    if event is None:
        raise Refusal(422, "Unprocessable Entity", ["Reviews that are not submitted at once are not served here"])
    made = pulls.review(call.repository, pull, call.actor, event, call.given("body", ""), call.given("commit_id"))
    return Answer(200, call.shapes.review(pull, made))


@route("PUT", f"{PULL}/reviews/{{review_id}}/dismissals", WRITE)
def dismiss(call: Call) -> Answer:
    pull = _pull(call)
    return Answer(
        200,
        call.shapes.review(pull, pulls.dismiss(call.repository, pull, int(call.parts["review_id"]), call.actor)),
    )


@route("GET", f"{ISSUE}/labels", READ_ISSUE)
def list_labels(call: Call) -> Answer:
    shown, links = call.page(_pull(call).labels)
    return Answer(200, [call.shapes.label(label) for label in shown], links)


@route("POST", f"{ISSUE}/labels", WRITE_ISSUE)
def add_labels(call: Call) -> Answer:
    pull, body = _pull(call), call.request.body
    names = body.get("labels", []) if isinstance(body, dict) else [body] if isinstance(body, str) else body or []
    pulls.label(call.repository, pull, [name if isinstance(name, str) else name["name"] for name in names])
    return Answer(200, [call.shapes.label(label) for label in pull.labels])


@route("DELETE", f"{ISSUE}/labels/{{name}}", WRITE_ISSUE)
def remove_label(call: Call) -> Answer:
    pull, name = _pull(call), call.parts["name"].lower()
    if all(label.name.lower() != name for label in pull.labels):
        raise Refusal(404, "Label does not exist")
    pull.labels = [label for label in pull.labels if label.name.lower() != name]
    return Answer(200, [call.shapes.label(label) for label in pull.labels])


@route("GET", f"{ISSUE}/comments", READ_ISSUE)
def list_comments(call: Call) -> Answer:
    pull = _pull(call)
    shown, links = call.page(pull.comments)
    return Answer(200, [call.shapes.comment(pull, comment) for comment in shown], links)


@route("POST", f"{ISSUE}/comments", WRITE_ISSUE, content=True)
def comment(call: Call) -> Answer:
    pull = _pull(call)
    return Answer(201, call.shapes.comment(pull, pulls.comment(call.repository, pull, call.actor, call.given("body"))))


def _pull(call: Call) -> Pull:
    return call.repository.pull(call.number)


def _is_asked(call: Call, pull: Pull) -> bool:
    """Whether a list is to have a pull request in it. A `head` without an owner is no filter at all."""
    query, owner = call.request.query, call.repository.owner.login
    state, head, base = query.get("state", "open"), query.get("head", ""), query.get("base", pull.base)
    return (
        (state == "all" or pull.is_open == (state == "open"))
        and (":" not in head or head == f"{owner}:{pull.head}")
        and base == pull.base
    )


def _sorted(call: Call, found: Sequence[Pull]) -> Sequence[Pull]:
    key, query = call.request.query.get("sort", "created"), call.request.query
    direction = query.get("direction", "desc" if key == "created" else "asc")
    newest = sorted(found, key=lambda pull: (pull.updated_at, pull.number) if key == "updated" else (pull.number,))
    return newest[::-1] if direction == "desc" else newest
