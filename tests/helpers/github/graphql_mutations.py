"""The GraphQL mutations that the stand-in knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.helpers.github import merging, pulls
from tests.helpers.github.graphql_pulls import entry
from tests.helpers.github.graphql_types import Context, Unavailable, by_id, define, member, unprocessable
from tests.helpers.github.model import Pull
from tests.helpers.github.refusals import Refusal

Arguments = Mapping[str, Any]


def _for_head(context: Context, given: Arguments) -> Pull:
    """The pull request that is meant, if its head is what the caller thinks."""
    pull = by_id(context.repository, given["pullRequestId"])
    if given.get("expectedHeadOid") not in (None, pull.sha):
        raise Unavailable("UNPROCESSABLE", "Head sha didn't match the expected head sha")
    return pull


def _enqueue(context: Context, _: Any, given: Arguments) -> dict[str, Any]:
    demand(context, "pull_requests:write")
    pull = _for_head(context, given["input"])
    if not context.repository.protection(pull.base).queue:
        raise Unavailable("UNPROCESSABLE", "The merge queue is not enabled for this branch")
    try:
        merging.enqueue(context.repository, pull)
    except Refusal as refusal:
        raise unprocessable(refusal) from None
    return {"clientMutationId": given["input"].get("clientMutationId"), "mergeQueueEntry": entry(context, pull)}


def _auto_merge(context: Context, _: Any, given: Arguments) -> dict[str, Any]:
    demand(context, "pull_requests:write")
    demand(context, "contents:write")
    pull = _for_head(context, given["input"])
    if not context.repository.settings.auto_merge:
        raise Unavailable("UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository")
    if merging.state(context.repository, pull, context.mergeable(pull)) == "clean":
        raise Unavailable("UNPROCESSABLE", "Pull request Pull request is in clean status")
    method: Any = (given["input"].get("mergeMethod") or "MERGE").lower()
    try:
        merging.check_method(context.repository, method)
    except Refusal as refusal:
        raise unprocessable(refusal) from None
    pull.auto_merge = (context.token.account, method)
    return {"clientMutationId": given["input"].get("clientMutationId"), "pullRequest": pull}


def _add_labels(context: Context, _: Any, given: Arguments) -> dict[str, Any]:
    demand(context, "pull_requests:write|issues:write")
    known = {f"LA_{label.id}": label.name for label in context.repository.labels.values()}
    if missing := [node for node in given["input"]["labelIds"] if node not in known]:
        raise Unavailable("NOT_FOUND", f"Could not resolve to a node with the global id of '{missing[0]}'")
    pull = by_id(context.repository, given["input"]["labelableId"])
    pulls.label(context.repository, pull, [known[node] for node in given["input"]["labelIds"]])
    return {"clientMutationId": given["input"].get("clientMutationId"), "labelable": pull}


def demand(context: Context, right: str) -> None:
    """Gives an error in the answer where the token lacks a right."""
    try:
        context.token.demand(right)
    except Refusal as refusal:
        raise Unavailable("FORBIDDEN", refusal.message) from None


for _name, _resolve, _result, _type in (
    ("enqueuePullRequest", _enqueue, "mergeQueueEntry", "MergeQueueEntry"),
    ("enablePullRequestAutoMerge", _auto_merge, "pullRequest", "PullRequest"),
    ("addLabelsToLabelable", _add_labels, "labelable", "Labelable"),
):
    _kind = _name[0].upper() + _name[1:]
    define("Mutation", _name, f"{_kind}Payload", _resolve, input=f"{_kind}Input!")
    define(f"{_kind}Payload", "clientMutationId", "String", member("clientMutationId"))
    define(f"{_kind}Payload", _result, _type, member(_result))
