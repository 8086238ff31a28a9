"""What GitHub tells of pull requests and reports, as values of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from updater.errors import ForgeError
from updater.forge import PREFIX, Approval, PullRequest, Readiness, State, Status, StatusState

Node: TypeAlias = Mapping[str, Any]

_STATES: Mapping[str, State] = {"OPEN": "open", "CLOSED": "closed", "MERGED": "merged"}
_READINESS: Mapping[str, Readiness] = {
    "CLEAN": "ready",
    "HAS_HOOKS": "ready",
    "UNSTABLE": "ready",
    "BLOCKED": "blocked",
    "DRAFT": "blocked",
    "BEHIND": "behind",
    "DIRTY": "conflicting",
}
_REPORTED: Mapping[str, StatusState] = {
    "SUCCESS": "success",
    "FAILURE": "failure",
    "ERROR": "error",
    "PENDING": "pending",
    "EXPECTED": "pending",
}
_GOOD = ("SUCCESS", "NEUTRAL", "SKIPPED")
_NOBODY = "ghost"
"""As GitHub calls those who are gone."""


@contextmanager
def expected() -> Iterator[None]:
    """Turns answers of another shape than documented into `ForgeError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        hint = "is UPDATER_GITHUB_API the address of GitHub's API, in a version that is still supported?"
        raise ForgeError(f"GitHub answers in a form that we do not know: {what}", hint=hint) from error


def is_ours(node: Node) -> bool:
    """Whether a pull request comes from a branch of ours: anybody can name a branch of a fork so."""
    return not node["isCrossRepository"] and str(node["headRefName"]).startswith(PREFIX)


def pull_request(node: Node, now: datetime) -> PullRequest:
    """A pull request from the fields of `queries`."""
    state = _STATES[node["state"]]
    return PullRequest(
        number=int(node["number"]),
        state=state,
        title=node["title"],
        body=node["body"] or "",
        head=node["headRefName"],
        base=node["baseRefName"],
        commit=node["headRefOid"],
        ref=_ref(node["number"]),
        author=_login(node["author"]),
        opened_at=_time(node["createdAt"]),
        url=node["url"],
        labels=frozenset(label["name"] for label in _nodes(node["labels"])),
        draft=node["isDraft"],
        approvals=tuple(_approvals(_nodes(node["latestOpinionatedReviews"]))),
        statuses=newest(statuses(_contexts(node), now)),
        readiness=_readiness(node) if state == "open" else "unknown",
        queued=node["isInMergeQueue"],
        closed_at=_time(node["closedAt"]) if node["closedAt"] else None,
        closed_by=_closed_by(node) if state != "open" else None,
        merged_as=(node["mergeCommit"] or {}).get("oid") if state == "merged" else None,
    )


def just_opened(answer: Node) -> PullRequest:
    """A pull request from the answer of the REST API to its opening."""
    return PullRequest(
        number=int(answer["number"]),
        state="open",
        title=answer["title"],
        body=answer["body"] or "",
        head=answer["head"]["ref"],
        base=answer["base"]["ref"],
        commit=answer["head"]["sha"],
        ref=_ref(answer["number"]),
        author=_login(answer["user"]),
        opened_at=_time(answer["created_at"]),
        url=answer["html_url"],
        draft=bool(answer["draft"]),
    )


def has_more_statuses(node: Node) -> bool:
    """Whether a pull request did not bring all reports on its head."""
    contexts = _contexts(node)
    return contexts is not None and next_page(contexts) is not None


def statuses(contexts: Node | None, now: datetime) -> list[Status]:
    """Reports on a commit. One without a time is waiting to begin, and counts as of now."""
    return [_status(node, now) for node in _nodes(contexts)]


def newest(reports: Iterable[Status]) -> tuple[Status, ...]:
    """The newest report of each context, by name."""
    by_context = {report.context: report for report in sorted(reports, key=lambda report: report.at)}
    return tuple(by_context[context] for context in sorted(by_context))


def next_page(connection: Node) -> str | None:
    """Where the next page of a list begins; None after the last."""
    page = connection["pageInfo"]
    return str(page["endCursor"]) if page["hasNextPage"] else None


def _ref(number: int) -> str:
    return f"refs/pull/{number}/head"


def _nodes(connection: Node | None) -> list[Node]:
    """The items of a list; those that we may not see are left out."""
    return [node for node in (connection or {}).get("nodes") or () if node is not None]


def _login(account: Node | None) -> str:
    """Who somebody is; bots as the REST API has them, which tells them from people of the same name."""
    if not account:
        return _NOBODY
    return f"{account['login']}[bot]" if account.get("__typename") == "Bot" else str(account["login"])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _approvals(reviews: Iterable[Node]) -> Iterator[Approval]:
    for review in reviews:
        if review["state"] == "APPROVED" and review["commit"]:
            yield Approval(_login(review["author"]), review["commit"]["oid"])


def _readiness(node: Node) -> Readiness:
    """A reviewer who objects is heard, too, where no rule of the branch demands reviews."""
    found = "blocked" if node["isDraft"] else _READINESS.get(node["mergeStateStatus"], "unknown")
    objects = any(review["state"] == "CHANGES_REQUESTED" for review in _nodes(node["latestOpinionatedReviews"]))
    return "blocked" if objects and found != "conflicting" else found


def _closed_by(node: Node) -> str:
    closings = _nodes(node["timelineItems"])
    return _login(node["mergedBy"] or (closings[-1]["actor"] if closings else None))


def _contexts(node: Node) -> Node | None:
    """The reports on the head of a pull request; while GitHub still catches up with a push there are none."""
    for item in _nodes(node["commits"]):
        rollup = item["commit"]["statusCheckRollup"]
        if rollup and item["commit"]["oid"] == node["headRefOid"]:
            contexts: Node = rollup["contexts"]
            return contexts
    return None


def _status(node: Node, now: datetime) -> Status:
    if node["__typename"] == "StatusContext":
        state = _REPORTED[node["state"]]
        return Status(
            node["context"], state, _time(node["createdAt"]), node["description"] or "", node["targetUrl"] or None
        )
    at = node["completedAt"] or node["startedAt"]
    return Status(
        node["name"], _of_run(node), _time(at) if at else now, node["title"] or "", node["detailsUrl"] or None
    )


def _of_run(node: Node) -> StatusState:
    if node["status"] != "COMPLETED":
        return "pending"
    return "success" if node["conclusion"] in _GOOD else "failure"
